/**
 * Merging a long piece from its beginning to its end. What byte-pair encoding makes of a piece is the one sequence of tokens in
 * which every token, and every pair of neighbours, comes out of its own text again: as long as no join reaches across a border,
 * what lies on its two sides goes its own way. So tokens are tried at each place, the longest first, against the one before; where
 * none fits, the one before is taken back. A place that was left like this is never come to again, so the time is linear.
 * The idea is that of github/rust-gems crates/bpe (2024).
 */
import { mergeShortOf, type Symbols } from './bpe-merge.ts';
import type { Merges } from './merge-table.ts';
import { widthAt } from './offsets.ts';
import { Trie } from './trie.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Ranks of tokens: not asked for yet; no joins make it; it is a single symbol. */
const UNSEEN = -3;
const UNREACHABLE = -2;
const SINGLE = -1;
/** A power of two. */
const KEPT_PAIRS = 1 << 16;
/**
 * Steps of looking at neighbours that are allowed to a piece, and to each of its symbols on top; texts take two to nine. A vocabulary
 * of a thousand entries each of which begins the next one would take thousands.
 */
const FREE_STEPS = 1 << 20;
const STEPS_PER_SYMBOL = 64;
/** Merges without a list read as many units of both texts in the time of one step. */
const UNITS_PER_STEP = 64;

/** Tokens go by their places in the vocabulary. */
export class BpeSteps {
  readonly #vocab: Vocabulary;
  readonly #merges: Merges;
  readonly #trie: Trie;
  // By place: the character that a token is, -1 for more than one; the rank of the join that completes it, and the two sides of that.
  readonly #characters: Int32Array;
  readonly #ranks: Int32Array;
  readonly #lefts: Int32Array;
  readonly #rights: Int32Array;
  /** Symbols of several characters, such as `<0x41>`. */
  readonly #alone: ReadonlySet<number>;
  /**
   * Whether every token that was met has a higher rank than its parts, as training makes them, so that ranks tell the order of
   * joins; and symbols of several characters join nothing.
   */
  #usual = true;
  /** The latest pairs that were looked at: `[left, 2 * right + (1 = right fits behind left)]` where a pair hashes to. */
  readonly #pairs = new Int32Array(2 * KEPT_PAIRS).fill(-1);
  readonly #stepsPerLook: number;
  #stepsLeft = 0;
  /** How many symbols were looked at to find the tokens of a place; without a bound where the last ones of the piece were. */
  #reach = 0;
  /** Tokens that could stand at a place, and where they end. */
  readonly #found: Int32Array;
  readonly #foundEnds: Int32Array;

  /** `symbols`: ids that a piece may have before merging besides those of its characters. */
  constructor(vocab: Vocabulary, merges: Merges, symbols: Iterable<number>) {
    this.#vocab = vocab;
    this.#merges = merges;
    const { units, ends } = vocab.texts;
    this.#characters = new Int32Array(vocab.size).fill(-1);
    for (let place = 0, start = 0; place < vocab.size; place++) {
      const end = ends[place]!;
      const character = end > start ? units.codePointAt(start)! : 0;
      if (end - start === (character > 0xffff ? 2 : 1)) this.#characters[place] = character;
      start = end;
    }
    this.#ranks = new Int32Array(vocab.size).fill(UNSEEN);
    this.#lefts = new Int32Array(vocab.size);
    this.#rights = new Int32Array(vocab.size);
    this.#stepsPerLook = 1 + Math.floor(vocab.longest / UNITS_PER_STEP);
    this.#found = new Int32Array(vocab.longest + 1);
    this.#foundEnds = new Int32Array(vocab.longest + 1);
    this.#alone = new Set(Array.from(symbols, id => vocab.place(id)).filter(place => this.#characters[place]! < 0));
    const joined = Int32Array.from({ length: vocab.size }, (_, place) => place);
    this.#trie = new Trie(vocab.texts, this.#alone.size > 0 ? joined.filter(place => !this.#alone.has(place)) : joined);
    for (const place of this.#alone) {
      if (this.#rankOf(place) !== UNREACHABLE) this.#usual = false;
      this.#ranks[place] = SINGLE;
    }
  }

  /**
   * Joins symbols in place until no merge applies; false, with nothing changed, for merges that are not of the usual kind, and where
   * that takes too long.
   */
  merge(symbols: Symbols): boolean {
    const { ids, starts, ends, count } = symbols;
    const tokens = new Int32Array(count);
    const begins = new Int32Array(count);
    /** Symbols behind which nothing fits. */
    const dead = new Uint8Array(count + 1);
    let furthestDead = -1;
    let kept = 0;
    this.#stepsLeft = FREE_STEPS + STEPS_PER_SYMBOL * count;
    for (let at = 0, last = count; at < count; ) {
      const before = kept > 0 ? tokens[kept - 1]! : -1;
      let chosen = this.#candidates(ids, at, last, dead) - 1;
      if (before >= 0) while (chosen >= 0 && !this.#fits(before, this.#found[chosen]!)) chosen--;
      else while (chosen >= 0 && this.#rankOf(this.#found[chosen]!) === UNREACHABLE) chosen--;
      if (!this.#usual || this.#stepsLeft < 0) return false;
      if (chosen < 0) {
        if (kept === 0) return false;
        dead[at] = 1;
        if (at > furthestDead) furthestDead = at;
        last = at - 1;
        at = begins[--kept]!;
        continue;
      }
      const token = this.#found[chosen]!;
      const width = this.#foundEnds[chosen]! - at;
      // In a run of one symbol what was chosen twice is chosen again, as long as nothing else would be looked at.
      let until = at;
      if (token === before && at > furthestDead) until = runEnd(ids, at, count) - this.#reach;
      do {
        tokens[kept] = token;
        begins[kept++] = at;
        at += width;
      } while (at <= until);
      last = count;
    }
    for (let i = 0; i < kept; i++) {
      ids[i] = this.#vocab.idAt(tokens[i]!);
      starts[i] = starts[begins[i]!]!;
      ends[i] = ends[(i + 1 < kept ? begins[i + 1]! : count) - 1]!;
    }
    symbols.count = kept;
    return true;
  }

  /** Finds the tokens from a symbol on that end at or before `last`, the shortest first; gives their number. */
  #candidates(ids: Int32Array, at: number, last: number, dead: Uint8Array): number {
    if (last <= at) return 0;
    const found = this.#found;
    const foundEnds = this.#foundEnds;
    const vocab = this.#vocab;
    const trie = this.#trie;
    const characters = this.#characters;
    let place = vocab.place(ids[at]!);
    // A symbol is a token; one that is no character, such as a byte of one, begins no other.
    found[0] = place;
    foundEnds[0] = at + 1;
    let count = dead[at + 1] === 1 ? 0 : 1;
    let node = Trie.ROOT;
    this.#reach = Number.POSITIVE_INFINITY;
    for (let end = at; ; ) {
      const character = characters[place]!;
      if (character >= 0) node = childOf(trie, node, character);
      if (character < 0 || node === 0) {
        this.#reach = end + 1 - at;
        break;
      }
      end++;
      const value = trie.value(node);
      if (value >= 0 && end > at + 1 && dead[end] === 0) {
        found[count] = value;
        foundEnds[count++] = end;
      }
      if (end === last) break;
      place = vocab.place(ids[end]!);
    }
    return count;
  }

  /** Whether merging makes a token, and leaves it as it is behind another one. */
  #fits(left: number, right: number): boolean {
    const pairs = this.#pairs;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    const at = 2 * (hash & (KEPT_PAIRS - 1));
    this.#stepsLeft--;
    const kept = pairs[at + 1]!;
    if (pairs[at] === left && kept >> 1 === right) return (kept & 1) === 1;
    const fits =
      this.#rankOf(right) !== UNREACHABLE &&
      this.#merges.find(this.#vocab.idAt(left), this.#vocab.idAt(right)) < 0 &&
      this.#meet(left, right);
    pairs[at] = left;
    pairs[at + 1] = 2 * right + (fits ? 1 : 0);
    return fits;
  }

  /**
   * Whether two tokens, encoded next to each other, are both completed before a join reaches from one into the other. Goes back
   * over what stood at their border, the latest join first: of equal ranks the left one was first, and so is a join at the border
   * before one to its right.
   */
  #meet(left: number, right: number): boolean {
    const vocab = this.#vocab;
    for (let [x, y] = [left, right]; ; ) {
      const rankX = this.#rankOf(x);
      const rankY = this.#rankOf(y);
      if (rankX < 0 && rankY < 0) return true;
      this.#stepsLeft -= this.#stepsPerLook;
      if (rankX > rankY) x = this.#rights[x]!;
      else y = this.#lefts[y]!;
      const found = this.#merges.find(vocab.idAt(x), vocab.idAt(y));
      if (found < 0) continue;
      const rank = this.#merges.rankAt(found);
      if (rankX > rankY ? rank < rankX : rank <= rankY) return false;
    }
  }

  /** The rank of the join that completes a token, or one of the constants above. */
  #rankOf(place: number): number {
    const rank = this.#ranks[place]!;
    return rank === UNSEEN ? (this.#ranks[place] = this.#findRank(place)) : rank;
  }

  #findRank(place: number): number {
    if (this.#characters[place]! >= 0) return SINGLE;
    const vocab = this.#vocab;
    const merges = this.#merges;
    const id = vocab.idAt(place);
    const sides = mergeShortOf(id, this.#charactersOf(place), merges);
    const found = sides.length === 2 ? merges.find(sides[0]!, sides[1]!) : -1;
    if (found < 0 || merges.resultAt(found) !== id) return UNREACHABLE;
    const rank = merges.rankAt(found);
    const left = vocab.place(sides[0]!);
    const right = vocab.place(sides[1]!);
    if (rank < this.#rankOf(left) || rank < this.#rankOf(right) || this.#alone.has(left) || this.#alone.has(right))
      this.#usual = false;
    this.#lefts[place] = left;
    this.#rights[place] = right;
    return rank;
  }

  /** The ids of the characters of a token, -1 for one that is no entry. */
  #charactersOf(place: number): number[] {
    const { units, ends } = this.#vocab.texts;
    const ids: number[] = [];
    for (let at = this.#vocab.texts.start(place); at < ends[place]!; ) {
      const end = at + widthAt(units, at);
      ids.push(this.#vocab.find(units, at, end));
      at = end;
    }
    return ids;
  }
}

/** The node behind one more character, or 0. */
function childOf(trie: Trie, node: number, character: number): number {
  if (character <= 0xffff) return trie.child(node, character);
  const high = trie.child(node, 0xd800 + ((character - 0x10000) >> 10));
  return high === 0 ? 0 : trie.child(high, 0xdc00 + (character & 0x3ff));
}

/** Where the symbol at a place is followed by another one, or `count`. */
function runEnd(ids: Int32Array, at: number, count: number): number {
  let end = at + 1;
  while (end < count && ids[end] === ids[at]) end++;
  return end;
}
