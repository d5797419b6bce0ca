/**
 * A set of texts as a tree over their code units, in flat tables of ten bytes a node. Nodes stand in the order of their depth, so
 * that the children of one follow each other, sorted by their units. Walking the tree allocates nothing.
 */
import { UnsupportedError } from '../errors.ts';
import { PackedTexts } from './packed-texts.ts';

/** A longer entry, which only a hostile file has, could make each place of a text cost as much as a text. */
export const LONGEST_TEXT = 1024;
/** Up to this many texts are sorted by insertion. */
const FEW_TEXTS = 24;
/** Up to this many children are searched one by one. */
const FEW_CHILDREN = 8;
/** First units of many texts have a table for what follows them, if that is no more than so many units apart. */
const NEAR_UNITS = 512;

/** Is told of a text that stands twice, by both places. */
export type OnRepeat = (before: number, place: number) => void;

export class Trie {
  /** Of each node the unit that leads to it. */
  readonly #units: Uint16Array;
  /** Its first child; behind the last node the number of nodes. */
  readonly #first: Int32Array;
  /** The place of the text that ends there, -1 = none does. */
  readonly #values: Int32Array;
  /** The child of the root for each unit, 0 = none; only where it has many. */
  readonly #begins: Int32Array | undefined;
  /** For each child of the root its lowest unit, the number of units from there on, and where `#seconds` has the child for each. */
  readonly #ranges: Int32Array;
  readonly #seconds: Int32Array;

  /**
   * A tree of the texts at `places`, by default all of them. Of equal texts the last one of `places` counts; empty ones are left
   * out. Throws UnsupportedError for a text of more than 1024 code units.
   */
  constructor(texts: PackedTexts | readonly string[], places?: Int32Array, onRepeat?: OnRepeat) {
    const packed = texts instanceof PackedTexts ? texts : PackedTexts.of(texts);
    const chosen = places ?? Int32Array.from({ length: packed.length }, (_, place) => place);
    const { units, first, values } = tablesOf(packed, chosen, onRepeat);
    this.#units = units;
    this.#first = first;
    this.#values = values;
    const children = first[1]! - 1;
    if (children > FEW_CHILDREN) {
      this.#begins = new Int32Array(0x10000);
      for (let child = 1; child <= children; child++) this.#begins[units[child]!] = child;
    }
    this.#ranges = new Int32Array(3 * (children + 1));
    let size = 0;
    for (let node = 1; node <= children; node++) {
      const [low, high] = [first[node]!, first[node + 1]!];
      const range = high > low ? units[high - 1]! + 1 - units[low]! : 0;
      if (high - low <= FEW_CHILDREN || range > NEAR_UNITS) continue;
      this.#ranges.set([units[low]!, range, size], 3 * node);
      size += range;
    }
    this.#seconds = new Int32Array(size);
    for (let node = 1; node <= children; node++) {
      if (this.#ranges[3 * node + 1] === 0) continue;
      const start = this.#ranges[3 * node + 2]! - this.#ranges[3 * node]!;
      for (let child = first[node]!; child < first[node + 1]!; child++) this.#seconds[start + units[child]!] = child;
    }
  }

  /** The root. Its children are the first units of all texts. */
  static readonly ROOT = 0;

  /** The node behind one more unit; 0 = no text goes on like that. */
  child(node: number, unit: number): number {
    if (node === 0 && this.#begins) return this.#begins[unit]!;
    const units = this.#units;
    let low = this.#first[node]!;
    let high = this.#first[node + 1]!;
    const ranges = this.#ranges;
    if (high - low > FEW_CHILDREN && 3 * node < ranges.length) {
      const range = ranges[3 * node + 1]!;
      const at = unit - ranges[3 * node]!;
      if (range > 0) return at >= 0 && at < range ? this.#seconds[ranges[3 * node + 2]! + at]! : 0;
    }
    while (high - low > FEW_CHILDREN) {
      const middle = (low + high) >>> 1;
      if (units[middle]! <= unit) low = middle;
      else high = middle;
    }
    for (; low < high; low++) if (units[low] === unit) return low;
    return 0;
  }
  /** The node at the end of a text; -1 = no text begins like that. */
  walk(text: string): number {
    let node = Trie.ROOT;
    for (let i = 0; i < text.length; i++) {
      node = this.child(node, text.charCodeAt(i));
      if (node === 0) return -1;
    }
    return node;
  }
  /** Place of the text that ends at a node, -1 = none does. */
  value(node: number): number {
    return this.#values[node]!;
  }
}

/** The tables of a tree. */
function tablesOf(texts: PackedTexts, places: Int32Array, onRepeat: OnRepeat | undefined) {
  const { units: text, ends } = texts;
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    const length = ends[place]! - texts.start(place);
    if (length > LONGEST_TEXT)
      throw new UnsupportedError('an entry of the vocabulary is too long', {
        seen: `${length} code units`,
        expected: `at most ${LONGEST_TEXT}`,
        where: `entry ${place}`,
      });
  }
  const sorted = places.slice();
  sortTexts(texts, sorted, 0, sorted.length, 0);
  // Each text adds the nodes in which it differs from the one before.
  const shared = new Uint16Array(sorted.length);
  /** Where the next node of each depth goes: at first, how many there are. */
  const next = new Int32Array(LONGEST_TEXT + 2);
  next[0] = 1;
  for (let i = 0, before = 0, length = 0; i < sorted.length; i++) {
    const start = texts.start(sorted[i]!);
    const most = ends[sorted[i]!]! - start;
    let depth = 0;
    while (depth < length && depth < most && text.charCodeAt(before + depth) === text.charCodeAt(start + depth))
      depth++;
    shared[i] = depth;
    for (; depth < most; depth++) next[depth + 1]!++;
    [before, length] = [start, most];
  }
  let count = 0;
  for (let depth = 0; depth < next.length; depth++) {
    const nodes = next[depth]!;
    next[depth] = count;
    count += nodes;
  }
  const units = new Uint16Array(count);
  const first = new Int32Array(count + 1);
  const values = new Int32Array(count).fill(-1);
  next[0] = first[0] = 1;
  first[count] = count;
  for (let i = 0; i < sorted.length; i++) {
    const place = sorted[i]!;
    const start = texts.start(place);
    const length = ends[place]! - start;
    for (let depth = shared[i]! + 1; depth <= length; depth++) {
      const node = next[depth]!++;
      units[node] = text.charCodeAt(start + depth - 1);
      first[node] = next[depth + 1]!;
    }
    if (length === 0) continue;
    const node = next[length]! - 1;
    if (values[node]! >= 0) onRepeat?.(values[node]!, place);
    values[node] = place;
  }
  return { units, first, values };
}

/** Sorts the texts at `places[from, to)`, which begin with the same `depth` units; equal ones keep their order. */
function sortTexts(texts: PackedTexts, places: Int32Array, from: number, to: number, depth: number): void {
  if (to - from <= FEW_TEXTS) {
    for (let i = from + 1; i < to; i++) {
      const place = places[i]!;
      let at = i;
      for (; at > from && isBefore(texts, place, places[at - 1]!, depth); at--) places[at] = places[at - 1]!;
      places[at] = place;
    }
    return;
  }
  const { units, ends } = texts;
  // Two units and the place in the list as one number, exact below 2^53.
  const count = to - from;
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const place = places[from + i]!;
    const at = texts.start(place) + depth;
    const left = ends[place]! - at;
    const pair = (left > 0 ? units.charCodeAt(at) + 1 : 0) * 0x10001 + (left > 1 ? units.charCodeAt(at + 1) + 1 : 0);
    keys[i] = pair * count + i;
  }
  keys.sort();
  const before = places.slice(from, to);
  for (let i = 0, start = from, last = -1; i <= count; i++) {
    const pair = i < count ? Math.floor(keys[i]! / count) : Number.POSITIVE_INFINITY;
    if (pair !== last) {
      // Texts that have ended are equal.
      const alike = from + i - start;
      if (alike > 1 && last % 0x10001 !== 0) sortTexts(texts, places, start, from + i, depth + 2);
      start = from + i;
      last = pair;
    }
    if (i < count) places[from + i] = before[keys[i]! - pair * count]!;
  }
}

/** Whether one text comes before another, both of which begin with the same `depth` units. */
function isBefore({ units, ends }: PackedTexts, a: number, b: number, depth: number): boolean {
  const end = ends[a]!;
  const otherEnd = ends[b]!;
  let at = (a > 0 ? ends[a - 1]! : 0) + depth;
  let other = (b > 0 ? ends[b - 1]! : 0) + depth;
  while (at < end && other < otherEnd && units.charCodeAt(at) === units.charCodeAt(other)) {
    at++;
    other++;
  }
  if (other >= otherEnd) return false;
  return at >= end || units.charCodeAt(at) < units.charCodeAt(other);
}
