/**
 * A vocabulary in both directions, in flat tables: the texts of all tokens as one string, and their ids found by open
 * addressing over it. Strings are made only where they are asked for.
 */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { PackedTexts } from './packed-texts.ts';
import { Trie } from './trie.ts';

/** More than any vocabulary has. */
const MAX_TOKENS = 1 << 20;

/** What two tokens share, and the place of the later one in the list that the vocabulary was made from. */
export type RefuseRepeat = (shared: 'text' | 'id', place: number) => Error;

export class Vocabulary {
  readonly size: number;
  /** Code units of the longest token. */
  readonly longest: number;
  /** By place: in the order of ids. */
  readonly #texts: PackedTexts;
  /** The id at each place; undefined = the place itself. */
  readonly #ids: Int32Array | undefined;
  /**
   * 1 + the place of a token in the low bits, and in those that places do not need the same bits of its hash, so that other
   * texts are told apart without being looked at. 0 = free.
   */
  readonly #slots: Int32Array;
  readonly #mask: number;

  /**
   * `ids`: of each text, 0 to 2^31 - 1.
   * @throws what `refuse` makes of two tokens that have one text or one id, TokenizerError by default; UnsupportedError above
   * a million tokens
   */
  constructor(texts: PackedTexts | readonly string[], ids: ArrayLike<number>, refuse?: RefuseRepeat) {
    this.size = texts.length;
    if (this.size > MAX_TOKENS)
      throw new UnsupportedError('a vocabulary has too many tokens', {
        seen: `${this.size}`,
        expected: `at most ${MAX_TOKENS}`,
      });
    const order = ascending(ids);
    const placed = new Int32Array(order ?? ids);
    if (order) for (let i = 0; i < placed.length; i++) placed[i] = ids[order[i]!]!;
    const list = order ? inOrder(texts, order) : texts;
    this.#texts = list instanceof PackedTexts ? list : PackedTexts.of(list);
    this.#ids = this.size === 0 || placed[this.size - 1] === this.size - 1 ? undefined : placed;
    const refused = (shared: 'text' | 'id', place: number, before: number): Error =>
      refuse?.(shared, order?.[place] ?? place) ??
      new TokenizerError(shared === 'id' ? 'two tokens have the same id' : 'a token stands twice in the vocabulary', {
        seen: `${JSON.stringify([this.#texts.at(before), this.#texts.at(place)])} with id ${placed[place]}`,
      });
    for (let i = 1; i < placed.length; i++) if (placed[i] === placed[i - 1]) throw refused('id', i, i - 1);
    let slots = 16;
    while (slots < 1.5 * this.size) slots *= 2;
    this.#slots = new Int32Array(slots);
    this.#mask = slots - 1;
    this.longest = this.#fill((place, before) => refused('text', place, before));
  }

  /** Throws TokenizerError when two tokens have one text or one id. */
  static of(entries: Iterable<readonly [token: string, id: number]>): Vocabulary {
    const texts: string[] = [];
    const ids: number[] = [];
    for (const [token, id] of entries) {
      texts.push(token);
      ids.push(id);
    }
    return new Vocabulary(texts, ids);
  }

  id(token: string): number | undefined {
    const id = this.find(token, 0, token.length);
    return id < 0 ? undefined : id;
  }
  /** The id of the token that is `text[start, end)`, or -1. */
  find(text: string, start: number, end: number): number {
    return this.findJoined(text, start, end, '', 0, 0);
  }
  /** The id of the token that is `a[aStart, aEnd)` and then `b[bStart, bEnd)`, or -1. */
  findJoined(a: string, aStart: number, aEnd: number, b: string, bStart: number, bEnd: number): number {
    const hash = hashOf(hashOf(0, a, aStart, aEnd), b, bStart, bEnd);
    const place = (this.#slots[this.#locate(hash, a, aStart, aEnd, b, bStart, bEnd)]! & this.#mask) - 1;
    return this.#ids && place >= 0 ? this.#ids[place]! : place;
  }
  /** The id of the token that two others make together, or -1. */
  findPair(left: number, right: number): number {
    const [first, second] = [this.place(left), this.place(right)];
    if (first < 0 || second < 0) return -1;
    const { units, ends } = this.#texts;
    return this.findJoined(
      units,
      this.#texts.start(first),
      ends[first]!,
      units,
      this.#texts.start(second),
      ends[second]!,
    );
  }
  token(id: number): string | undefined {
    return this.#texts.at(this.place(id));
  }
  /** The place of a token in the order of ids, or -1. */
  place(id: number): number {
    const ids = this.#ids;
    if (!ids) return id < this.size ? id : -1;
    let [low, high] = [0, ids.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return ids[low] === id ? low : -1;
  }
  /** The texts by place. */
  get texts(): PackedTexts {
    return this.#texts;
  }
  /** The id of the token at a place. */
  idAt(place: number): number {
    return this.#ids?.[place] ?? place;
  }
  /** The texts of all tokens as a tree; its values are their places. Throws UnsupportedError for one above 1024 code units. */
  trie(): Trie {
    return new Trie(this.#texts);
  }
  /** The id of a token that has to be there. Throws TokenizerError. */
  required(token: string, what: string): number {
    const id = this.id(token);
    if (id !== undefined) return id;
    throw new TokenizerError(`${what} is not in the vocabulary`, { seen: JSON.stringify(token), where: 'model' });
  }
  /** Code units of a token; 0 where there is none. */
  lengthOf(id: number): number {
    const place = this.place(id);
    return place < 0 ? 0 : this.#texts.ends[place]! - this.#texts.start(place);
  }
  /** From the lowest to the highest. */
  ids(): Int32Array {
    const ids = this.#ids ?? new Int32Array(this.size);
    if (!this.#ids) for (let place = 0; place < ids.length; place++) ids[place] = place;
    return ids;
  }
  /** All tokens with their ids, in the order of ids. */
  *[Symbol.iterator](): Generator<readonly [token: string, id: number]> {
    for (let place = 0; place < this.size; place++) yield [this.#texts.at(place)!, this.#ids?.[place] ?? place];
  }

  /** Gives every token its slot, and the length of the longest one. */
  #fill(refused: (place: number, before: number) => Error): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const { units, ends } = this.#texts;
    let longest = 0;
    for (let place = 0, start = 0; place < ends.length; place++) {
      const end = ends[place]!;
      const hash = hashOf(0, units, start, end);
      const slot = this.#locate(hash, units, start, end, '', 0, 0);
      if (slots[slot] !== 0) throw refused(place, (slots[slot]! & mask) - 1);
      slots[slot] = (mixed(hash) & ~mask) | (place + 1);
      if (end - start > longest) longest = end - start;
      start = end;
    }
    return longest;
  }
  /** The slot of the token that is `a[aStart, aEnd)` and then `b[bStart, bEnd)`, or a free one. */
  #locate(hash: number, a: string, aStart: number, aEnd: number, b: string, bStart: number, bEnd: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const { units, ends } = this.#texts;
    const length = aEnd - aStart + bEnd - bStart;
    const full = mixed(hash);
    for (let slot = full & mask; ; slot = (slot + 1) & mask) {
      const found = slots[slot]!;
      if (found === 0) return slot;
      if (((found ^ full) & ~mask) !== 0) continue;
      const place = (found & mask) - 1;
      const start = place > 0 ? ends[place - 1]! : 0;
      if (ends[place]! - start !== length) continue;
      if (equal(units, start, a, aStart, aEnd) && equal(units, start + aEnd - aStart, b, bStart, bEnd)) return slot;
    }
  }
}

function hashOf(hash: number, text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) hash = (Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1) + 0x7f4a7c15) | 0;
  return hash;
}
function mixed(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

function equal(units: string, at: number, text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (units.charCodeAt(at++) !== text.charCodeAt(i)) return false;
  return true;
}

function inOrder(texts: PackedTexts | readonly string[], order: Float64Array): string[] {
  const list = new Array<string>(order.length);
  for (let i = 0; i < order.length; i++) list[i] = texts.at(order[i]!)!;
  return list;
}

/** The places of the numbers from the lowest to the highest, equal ones in their order; undefined when they stand so. */
function ascending(ids: ArrayLike<number>): Float64Array | undefined {
  const count = ids.length;
  let sorted = true;
  for (let i = 1; i < count && sorted; i++) sorted = ids[i - 1]! <= ids[i]!;
  if (sorted) return undefined;
  // Number and place as one number, exact below 2^31 * 2^22.
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = ids[i]! * count + i;
  keys.sort();
  for (let i = 0; i < count; i++) keys[i] = keys[i]! % count;
  return keys;
}
