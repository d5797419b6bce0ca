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
 * Steps of looking at neighbours that are allowed to a piece, and to each of its symbols on top; texts take about three. A vocabulary
 * of a thousand entries each of which begins the next one would take thousands.
 */
const FREE_STEPS = 1 << 20;
const STEPS_PER_SYMBOL = 64;

export class BpeSteps {
  readonly #vocab: Vocabulary;
  readonly #merges: Merges;
  readonly #trie: Trie;
  // By place in the vocabulary: the character that a token is, -1 for more than one; the rank of the join that completes it, and
  // the ids of the two sides of that.
  readonly #characters: Int32Array;
  readonly #ranks: Int32Array;
  readonly #lefts: Int32Array;
  readonly #rights: Int32Array;
  /**
   * Whether every token that was met has a higher rank than its parts, as training makes them, so that ranks tell the order of
   * joins; and symbols of several characters join nothing.
   */
  #usual = true;
  /** The latest pairs that were looked at: `[left, right, 1 = they stay apart]` where a pair hashes to. */
  readonly #pairs = new Int32Array(3 * KEPT_PAIRS).fill(-1);
  #stepsLeft = 0;
  /** Tokens that could stand at a place, and where they end. */
  readonly #found: number[] = [];
  readonly #foundEnds: number[] = [];

  /** Symbols of several characters, such as `<0x41>`. */
  readonly #alone: ReadonlySet<number>;

  /** `symbols`: ids that a piece may have before merging besides those of its characters. */
  constructor(vocab: Vocabulary, merges: Merges, symbols: Iterable<number>) {
    this.#vocab = vocab;
    this.#merges = merges;
    this.#trie = vocab.trie();
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
    this.#alone = new Set([...symbols].filter(id => this.#characters[vocab.place(id)]! < 0));
    for (const id of this.#alone) {
      if (this.#rankOf(id) !== UNREACHABLE) this.#usual = false;
      this.#ranks[vocab.place(id)] = SINGLE;
    }
  }

  /**
   * Joins symbols in place until no merge applies; false, with nothing changed, for merges that are not of the usual kind, and where
   * that takes too long.
   */
  merge(symbols: Symbols): boolean {
    const { ids, starts, ends, count } = symbols;
    let tokens = new Int32Array(1024);
    let begins = new Int32Array(1024);
    /** Symbols behind which nothing fits. */
    const dead = new Uint8Array(count + 1);
    let kept = 0;
    this.#stepsLeft = FREE_STEPS + STEPS_PER_SYMBOL * count;
    for (let at = 0, last = count; at < count; ) {
      const found = this.#candidates(ids, at, last, dead);
      const before = kept > 0 ? tokens[kept - 1]! : -1;
      let chosen = found - 1;
      while (chosen >= 0 && !this.#fits(before, this.#found[chosen]!)) chosen--;
      if (!this.#usual || this.#stepsLeft < 0) return false;
      if (chosen >= 0) {
        if (kept === tokens.length) {
          tokens = doubled(tokens);
          begins = doubled(begins);
        }
        tokens[kept] = this.#found[chosen]!;
        begins[kept++] = at;
        at = this.#foundEnds[chosen]!;
        last = count;
      } else {
        if (kept === 0) return false;
        dead[at] = 1;
        last = at - 1;
        at = begins[--kept]!;
      }
    }
    for (let i = 0; i < kept; i++) {
      ids[i] = tokens[i]!;
      starts[i] = starts[begins[i]!]!;
      ends[i] = ends[(i + 1 < kept ? begins[i + 1]! : count) - 1]!;
    }
    symbols.count = kept;
    return true;
  }

  /** Finds the tokens from a symbol on that end at or before `last`, the shortest first; gives their number. */
  #candidates(ids: Int32Array, at: number, last: number, dead: Uint8Array): number {
    const found = this.#found;
    const foundEnds = this.#foundEnds;
    if (last <= at) return 0;
    // A symbol is a token; one that is no character, such as a byte of one, begins no other.
    found[0] = ids[at]!;
    foundEnds[0] = at + 1;
    let count = dead[at + 1] === 1 ? 0 : 1;
    let node = Trie.ROOT;
    for (let end = at; end < last; ) {
      const character = this.#characters[this.#vocab.place(ids[end]!)] ?? -1;
      if (character < 0) break;
      if (character > 0xffff) node = this.#trie.child(node, 0xd800 + ((character - 0x10000) >> 10));
      if (character <= 0xffff || node !== 0)
        node = this.#trie.child(node, character > 0xffff ? 0xdc00 + (character & 0x3ff) : character);
      if (node === 0) break;
      end++;
      const place = this.#trie.value(node);
      if (place < 0 || end === at + 1 || dead[end] === 1 || this.#alone.has(this.#vocab.idAt(place))) continue;
      found[count] = this.#vocab.idAt(place);
      foundEnds[count++] = end;
    }
    return count;
  }

  /** Whether merging makes a token, and leaves it as it is behind another one (-1 = there is none). */
  #fits(before: number, id: number): boolean {
    return this.#rankOf(id) !== UNREACHABLE && (before < 0 || this.#stayApart(before, id));
  }

  #stayApart(left: number, right: number): boolean {
    const pairs = this.#pairs;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    const at = 3 * (hash & (KEPT_PAIRS - 1));
    this.#stepsLeft--;
    if (pairs[at] !== left || pairs[at + 1] !== right) {
      pairs[at] = left;
      pairs[at + 1] = right;
      pairs[at + 2] = this.#merges.find(left, right) < 0 && this.#meet(left, right) ? 1 : 0;
    }
    return pairs[at + 2] === 1;
  }

  /**
   * Whether two tokens, encoded next to each other, are both completed before a join reaches from one into the other. Goes back
   * over what stood at their border, the latest join first: of equal ranks the left one was first, and so is a join at the border
   * before one to its right.
   */
  #meet(left: number, right: number): boolean {
    for (let [x, y] = [left, right]; ; ) {
      const [rankX, rankY] = [this.#rankOf(x), this.#rankOf(y)];
      if (rankX < 0 && rankY < 0) return true;
      // Merges without a list read both.
      this.#stepsLeft -= this.#vocab.lengthOf(x) + this.#vocab.lengthOf(y);
      if (rankX > rankY) x = this.#rights[this.#vocab.place(x)]!;
      else y = this.#lefts[this.#vocab.place(y)]!;
      const found = this.#merges.find(x, y);
      if (found < 0) continue;
      const rank = this.#merges.rankAt(found);
      if (rankX > rankY ? rank < rankX : rank <= rankY) return false;
    }
  }

  /** The rank of the join that completes a token, or one of the constants above. */
  #rankOf(id: number): number {
    const place = this.#vocab.place(id);
    // Symbols without an entry never join.
    if (place < 0) return SINGLE;
    if (this.#ranks[place] === UNSEEN) this.#ranks[place] = this.#findRank(id, place);
    return this.#ranks[place]!;
  }

  #findRank(id: number, place: number): number {
    if (this.#characters[place]! >= 0) return SINGLE;
    const sides = mergeShortOf(id, this.#charactersOf(place), this.#merges);
    const [left, right] = sides;
    const found = sides.length === 2 ? this.#merges.find(left!, right!) : -1;
    if (found < 0 || this.#merges.resultAt(found) !== id) return UNREACHABLE;
    const rank = this.#merges.rankAt(found);
    const [rankLeft, rankRight] = [this.#rankOf(left!), this.#rankOf(right!)];
    if (rank < rankLeft || rank < rankRight || this.#alone.has(left!) || this.#alone.has(right!)) this.#usual = false;
    this.#lefts[place] = left!;
    this.#rights[place] = right!;
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

function doubled(table: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * table.length);
  larger.set(table);
  return larger;
}
