/**
 * Counted words in flat tables: the code units of all words in one array, found by open addressing. A word costs its units
 * and about 24 bytes, and no text that it was read from is kept alive.
 */
import { TokenizerError } from '../../errors.ts';

/** More units than an array of the engine may have. */
const MOST_UNITS = 0x7fffffff;

export class WordTable {
  #size = 0;
  /** The units of word i are `[#starts[i], #starts[i + 1])`. */
  #units = new Uint16Array(1 << 16);
  #starts = new Int32Array(1 << 12);
  #counts = new Float64Array(1 << 12);
  #hashes = new Int32Array(1 << 12);
  /** Index of a word + 1; 0 = free. */
  #slots = new Int32Array(1 << 13);

  /** Number of different words. */
  get size(): number {
    return this.#size;
  }

  /** Adds `times` to the count of `text[start, end)`, which must not be empty. Throws TokenizerError when the table is full. */
  add(text: string, start: number, end: number, times = 1): void {
    let hash = 0;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) + 0x9e3779b9;
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]! - 1;
      if (this.#hashes[index] === hash && this.#equals(index, text, start, end)) {
        this.#counts[index]! += times;
        return;
      }
    }
    this.#slots[slot] = this.#append(text, start, end, hash, times) + 1;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
  }

  /** The count of word `index`. */
  count(index: number): number {
    return this.#counts[index]!;
  }

  /** Word `index` as a text. */
  word(index: number): string {
    const start = this.#starts[index]!;
    const end = this.#starts[index + 1]!;
    // A call takes only so many arguments.
    let word = '';
    for (let at = start; at < end; at += 4096)
      word += String.fromCharCode(...this.#units.subarray(at, Math.min(at + 4096, end)));
    return word;
  }

  /**
   * Drops the rarest words so that at most `most` are left: all whose count is at most k, with the smallest k that does it.
   * So words with equal counts are kept or dropped together.
   */
  dropRarest(most: number): void {
    const counts = this.#counts.slice(0, this.#size).sort();
    const threshold = this.#size > most ? counts[this.#size - most - 1]! : 0;
    const kept = new WordTable();
    for (let index = 0; index < this.#size; index++) {
      if (this.#counts[index]! <= threshold) continue;
      const word = this.word(index);
      kept.add(word, 0, word.length, this.#counts[index]!);
    }
    this.#size = kept.#size;
    this.#units = kept.#units;
    this.#starts = kept.#starts;
    this.#counts = kept.#counts;
    this.#hashes = kept.#hashes;
    this.#slots = kept.#slots;
  }

  #equals(index: number, text: string, start: number, end: number): boolean {
    const from = this.#starts[index]!;
    if (this.#starts[index + 1]! - from !== end - start) return false;
    for (let i = start; i < end; i++) if (this.#units[from + i - start] !== text.charCodeAt(i)) return false;
    return true;
  }

  #append(text: string, start: number, end: number, hash: number, times: number): number {
    const index = this.#size++;
    if (index + 2 > this.#starts.length) {
      this.#starts = enlarged(this.#starts, new Int32Array(2 * this.#starts.length));
      this.#hashes = enlarged(this.#hashes, new Int32Array(2 * this.#hashes.length));
      this.#counts = enlarged(this.#counts, new Float64Array(2 * this.#counts.length));
    }
    const from = this.#starts[index]!;
    const to = from + end - start;
    if (to > MOST_UNITS)
      throw new TokenizerError('the different words of the texts are too many to count', {
        seen: `${index} words of ${from} characters`,
        fix: 'set maxWords, or a pre-tokenizer that cuts the texts into shorter pieces',
      });
    if (to > this.#units.length)
      this.#units = enlarged(this.#units, new Uint16Array(Math.min(MOST_UNITS, Math.max(to, 2 * this.#units.length))));
    for (let i = start; i < end; i++) this.#units[from + i - start] = text.charCodeAt(i);
    this.#starts[index + 1] = to;
    this.#hashes[index] = hash;
    this.#counts[index] = times;
    return index;
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let index = 0; index < this.#size; index++) {
      let slot = this.#hashes[index]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

/** `more`, which is longer, with the values of `values` in front. */
function enlarged<T extends { set(values: T): void }>(values: T, more: T): T {
  more.set(values);
  return more;
}
