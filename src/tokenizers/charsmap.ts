/**
 * SentencePiece's precompiled normalization rules: a Darts double array over UTF-8 from source strings to replacements.
 * google/sentencepiece normalizer.cc, builder.cc; layout of the units: s-yata/darts-clone.
 */
import { FormatError } from '../errors.ts';

const hasLeaf = (unit: number) => (unit >>> 8) & 1;
const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0;

/** Longest-match lookup of source strings in a text. */
export class Charsmap {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Length in bytes of the last match. */
  #matched = 0;

  /** `blob`: uint32 size of the trie in bytes, the trie, NUL-terminated replacements. Throws FormatError. */
  constructor(blob: Uint8Array) {
    const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
    const size = blob.length >= 4 ? view.getUint32(0, true) : -1;
    if (size <= 0 || size % 4 !== 0 || size > blob.length - 4) {
      throw new FormatError('the precompiled normalization rules are damaged', {
        seen: `a trie of ${size} bytes in ${blob.length}`,
        where: 'precompiled_charsmap',
      });
    }
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.#replacements = blob.subarray(4 + size);
  }

  /** Where the replacement of the longest source string at `bytes[at]` begins, or -1; sets `#matched`. */
  #longest(bytes: Uint8Array, at: number, end: number): number {
    const units = this.#units;
    let position = offsetOf(units[0]!);
    let found = -1;
    for (let i = at; i < end; i++) {
      position ^= bytes[i]!;
      const unit = units[position];
      if (unit === undefined || labelOf(unit) !== bytes[i]) break;
      position ^= offsetOf(unit);
      if (!hasLeaf(unit)) continue;
      const leaf = units[position];
      if (leaf === undefined) break;
      found = leaf & 0x7fffffff;
      this.#matched = i + 1 - at;
    }
    return found;
  }

  /**
   * The replacement of the longest source string at `bytes[at, end)` and the length in bytes of that string, or undefined.
   * Throws FormatError if the rules point outside their own table.
   */
  match(bytes: Uint8Array, at: number, end: number): { replacement: string; length: number } | undefined {
    const start = this.#longest(bytes, at, end);
    if (start < 0) return undefined;
    const stop = this.#replacements.indexOf(0, start);
    if (stop < 0) {
      throw new FormatError('a normalization rule points outside its table', {
        seen: `position ${start}`,
        where: 'precompiled_charsmap',
      });
    }
    return { replacement: this.#decoder.decode(this.#replacements.subarray(start, stop)), length: this.#matched };
  }
}
