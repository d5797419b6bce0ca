/**
 * SentencePiece's precompiled normalization rules: a Darts double array over UTF-8 from source strings to replacements.
 * google/sentencepiece normalizer.cc, builder.cc; layout of the units: s-yata/darts-clone. The walk goes over a text in
 * UTF-16 and makes the bytes of one character at a time.
 */
import { FormatError } from '../errors.ts';

const hasLeaf = (unit: number) => (unit >>> 8) & 1;
const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0;

/** More bytes than a source string or a replacement has; the longest in Unicode's own tables are 33. */
const MAX_RULE_BYTES = 256;
const NO_RULE = -1;

const damaged = (what: string, seen: string) => new FormatError(what, { seen, where: 'precompiled_charsmap' });

/** A rule that fits a text. */
export interface CharsmapMatch {
  readonly replacement: string;
  /** Where the source string ends in the text. */
  readonly end: number;
}

/** Look-up of source strings in a text. */
export class Charsmap {
  readonly #units: Uint32Array;
  readonly #table: Uint8Array;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Replacements by their place in the table. */
  readonly #replacements = new Map<number, string>();
  /** 1 for a code unit that no rule begins with, 2 for one that a rule may begin with, 0 where not known yet. */
  readonly #begins = new Uint8Array(0x10000);

  /** `blob`: uint32 size of the trie in bytes, the trie, NUL-terminated replacements. Throws FormatError. */
  constructor(blob: Uint8Array) {
    const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
    const size = blob.length >= 4 ? view.getUint32(0, true) : -1;
    if (size <= 0 || size % 4 !== 0 || size > blob.length - 4)
      throw damaged('the precompiled normalization rules are damaged', `a trie of ${size} bytes in ${blob.length}`);
    this.#units = new Uint32Array(size / 4);
    for (let i = 0; i < this.#units.length; i++) this.#units[i] = view.getUint32(4 + 4 * i, true);
    this.#table = blob.subarray(4 + size);
  }

  /** The same for two ASCII characters, the first a possible beginning. */
  readonly #beginsPair = new Uint8Array(128 * 128);

  /** Whether it is plain at a glance that no rule fits at `at`. */
  skips(text: string, at: number): boolean {
    const unit = text.charCodeAt(at);
    if (!this.canBegin(unit)) return true;
    const next = at + 1 < text.length ? text.charCodeAt(at + 1) : 0;
    if (unit > 127 || next > 127) return false;
    const pair = 128 * unit + next;
    if (this.#beginsPair[pair] === 0) {
      const inner = this.#step(offsetOf(this.#units[0]!), unit);
      this.#beginsPair[pair] = this.#leaf === NO_RULE && this.#step(inner, next) < 0 ? 1 : 2;
    }
    return this.#beginsPair[pair] === 1;
  }

  /** Whether a rule may begin with a code unit. */
  canBegin(unit: number): boolean {
    const known = this.#begins[unit]!;
    if (known !== 0) return known === 2;
    // The first half of a pair says too little.
    const begins = (unit >= 0xd800 && unit <= 0xdfff) || this.#step(offsetOf(this.#units[0]!), unit) >= 0;
    this.#begins[unit] = begins ? 2 : 1;
    return begins;
  }

  /**
   * The longest rule that fits at `at` within `text[0, end)`, or with `shortest` the shortest one. Throws FormatError if the
   * rules point outside their table or are longer than any can be.
   */
  match(text: string, at: number, end: number, shortest: boolean): CharsmapMatch | undefined {
    if (!this.canBegin(text.charCodeAt(at))) return undefined;
    let position = offsetOf(this.#units[0]!);
    let found = NO_RULE;
    let foundEnd = at;
    for (let i = at; i < end; ) {
      if (i - at > MAX_RULE_BYTES)
        throw damaged('a normalization rule is too long', `more than ${MAX_RULE_BYTES} characters`);
      const codePoint = text.codePointAt(i)!;
      position = this.#step(position, codePoint);
      if (position < 0) break;
      i += codePoint > 0xffff ? 2 : 1;
      if (this.#leaf === NO_RULE) continue;
      found = this.#leaf;
      foundEnd = i;
      if (shortest) break;
    }
    return found === NO_RULE ? undefined : { replacement: this.#replacement(found), end: foundEnd };
  }

  /** The value at the node that the last step led to, or -1. */
  #leaf = NO_RULE;

  /** The place behind the bytes of one more character, or -1 if no rule goes on like that; sets `#leaf`. */
  #step(position: number, codePoint: number): number {
    const units = this.#units;
    let unit = 0;
    // Source strings are NUL-terminated too.
    if (codePoint === 0) return NO_RULE;
    // Of a character only its last byte can end a source string.
    for (let shift = codePoint < 0x80 ? 0 : codePoint < 0x800 ? 6 : codePoint < 0x10000 ? 12 : 18, first = true; ; ) {
      const byte = first ? leadByte(codePoint, shift) : 0x80 | ((codePoint >> shift) & 63);
      first = false;
      const next = position ^ byte;
      // Outside the table the unit is no number, and its label no byte.
      unit = units[next] ?? 0xffffffff;
      if (labelOf(unit) !== byte) return NO_RULE;
      position = next ^ offsetOf(unit);
      if (shift === 0) break;
      shift -= 6;
    }
    this.#leaf = hasLeaf(unit) ? (units[position] ?? 0x7fffffff) & 0x7fffffff : NO_RULE;
    return position;
  }

  #replacement(at: number): string {
    const known = this.#replacements.get(at);
    if (known !== undefined) return known;
    const stop = at < this.#table.length ? this.#table.subarray(at, at + MAX_RULE_BYTES + 1).indexOf(0) : -1;
    if (stop < 0) throw damaged('a normalization rule has no end in its table', `position ${at}`);
    const replacement = this.#decoder.decode(this.#table.subarray(at, at + stop));
    this.#replacements.set(at, replacement);
    return replacement;
  }
}

function leadByte(codePoint: number, shift: number): number {
  if (shift === 0) return codePoint;
  return (shift === 6 ? 0xc0 : shift === 12 ? 0xe0 : 0xf0) | (codePoint >> shift);
}
