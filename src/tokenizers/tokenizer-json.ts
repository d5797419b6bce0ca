/**
 * Reading tokenizer.json: the vocabulary and the merges, nearly all of the file, go straight into flat tables, without a value
 * for each of their entries. What is not written in the usual way is left to the engine's JSON reader, which knows the rest of
 * the language and says what is wrong.
 */
import { PackedTexts } from './packed-texts.ts';

/** The `vocab` of a model, in the order of the file: tokens with their ids, or pieces with their scores. */
export class FlatVocab {
  readonly numbers: 'ids' | 'scores';
  readonly texts: PackedTexts;
  readonly values: Float64Array;

  constructor(numbers: 'ids' | 'scores', texts: PackedTexts, values: Float64Array) {
    this.numbers = numbers;
    this.texts = texts;
    this.values = values;
  }
}

/** The `merges` of a model: the left and the right token of each, one behind the other. */
export class FlatMerges {
  readonly pairs: PackedTexts;

  constructor(pairs: PackedTexts) {
    this.pairs = pairs;
  }
}

/** A tokenizer.json as JSON.parse gives it, but for `vocab` and `merges` of its model, which are flat. Throws SyntaxError. */
export function parseTokenizerJson(text: string): unknown {
  const lists = new Scanner(text).longLists();
  if (!lists) return JSON.parse(text);
  let rest = '';
  let from = 0;
  for (const { start, end } of lists) {
    rest += `${text.slice(from, start)}null`;
    from = end;
  }
  const file = JSON.parse(rest + text.slice(from));
  return { ...file, model: { ...file.model, ...Object.fromEntries(lists.map(({ key, value }) => [key, value])) } };
}

/** A part of the text and what it says. */
interface LongList {
  readonly key: 'vocab' | 'merges';
  readonly start: number;
  readonly end: number;
  readonly value: FlatVocab | FlatMerges;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;

/** What the letters of short escapes stand for. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(
    ([letter, char]) => [letter.charCodeAt(0), char.charCodeAt(0)],
  ),
);

/** Goes through a JSON text. Its methods give false, or undefined, for what they do not know. */
class Scanner {
  readonly #text: string;
  #at = 0;
  /** The texts of the list that is being read, and where each ends. */
  readonly #units: Uint16Array;
  #length = 0;
  #ends: Int32Array = new Int32Array(1 << 12);
  #values = new Float64Array(1 << 12);
  #count = 0;

  constructor(text: string) {
    this.#text = text;
    this.#units = new Uint16Array(text.length);
  }

  /** The lists of the model in their order, or undefined if the file is of another form. */
  longLists(): LongList[] | undefined {
    const lists: LongList[] = [];
    let models = 0;
    const readModel = () =>
      ++models === 1 &&
      this.#members(key => {
        if (key !== 'vocab' && key !== 'merges') return this.#skipValue();
        const start = this.#at;
        const value = key === 'vocab' ? this.#vocab() : this.#merges();
        if (!value || lists.some(list => list.key === key)) return false;
        lists.push({ key, start, end: this.#at, value });
        return true;
      });
    return this.#members(key => (key === 'model' ? readModel() : this.#skipValue())) && lists.length > 0
      ? lists
      : undefined;
  }

  /** Reads an object; `read` is called in front of each value and goes behind it. */
  #members(read: (key: string) => boolean): boolean {
    if (!this.#take(OPEN_OBJECT)) return false;
    if (this.#take(CLOSE_OBJECT)) return true;
    do {
      this.#skipSpace();
      const start = this.#at;
      if (!this.#skipString()) return false;
      const key = this.#text.slice(start + 1, this.#at - 1);
      if (key.includes('\\') || !this.#take(COLON)) return false;
      this.#skipSpace();
      if (!read(key)) return false;
    } while (this.#take(COMMA));
    return this.#take(CLOSE_OBJECT);
  }

  #vocab(): FlatVocab | undefined {
    this.#clear();
    const scores = this.#text.charCodeAt(this.#at) === OPEN_LIST;
    if (!this.#take(scores ? OPEN_LIST : OPEN_OBJECT)) return undefined;
    do {
      if (scores && !this.#take(OPEN_LIST)) return undefined;
      if (!this.#string() || !this.#take(scores ? COMMA : COLON)) return undefined;
      const value = scores ? this.#score() : this.#id();
      if (value === undefined || (scores && !this.#take(CLOSE_LIST))) return undefined;
      if (this.#count > this.#values.length) this.#values = enlarged(this.#values, new Float64Array(2 * this.#count));
      this.#values[this.#count - 1] = value;
    } while (this.#take(COMMA));
    const texts = this.#take(scores ? CLOSE_LIST : CLOSE_OBJECT) ? this.#packed() : undefined;
    return texts && new FlatVocab(scores ? 'scores' : 'ids', texts, this.#values.slice(0, this.#count));
  }

  #merges(): FlatMerges | undefined {
    this.#clear();
    if (!this.#take(OPEN_LIST)) return undefined;
    do {
      if (this.#take(OPEN_LIST)) {
        if (!this.#string() || !this.#take(COMMA) || !this.#string() || !this.#take(CLOSE_LIST)) return undefined;
      } else if (!this.#string() || !this.#cutAtSpace()) return undefined;
    } while (this.#take(COMMA));
    const pairs = this.#take(CLOSE_LIST) ? this.#packed() : undefined;
    return pairs && new FlatMerges(pairs);
  }

  #clear(): void {
    this.#length = 0;
    this.#count = 0;
  }

  /** The texts that have been read; undefined where a character is only half there. */
  #packed(): PackedTexts | undefined {
    try {
      const units = new TextDecoder('utf-16le', { ignoreBOM: true, fatal: true });
      return new PackedTexts(units.decode(this.#units.subarray(0, this.#length)), this.#ends.slice(0, this.#count));
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }

  #end(): void {
    if (this.#count === this.#ends.length) this.#ends = enlarged(this.#ends, new Int32Array(2 * this.#count));
    this.#ends[this.#count++] = this.#length;
  }

  #skipSpace(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== SPACE && unit !== 10 && unit !== 13 && unit !== 9) return;
      this.#at++;
    }
  }

  /** Goes behind a sign, and white space before it, if it comes next. */
  #take(unit: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== unit) this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== unit) return false;
    this.#at++;
    return true;
  }

  /** Reads a string into the texts. */
  #string(): boolean {
    if (!this.#take(QUOTE)) return false;
    const text = this.#text;
    const units = this.#units;
    let at = this.#at;
    let length = this.#length;
    for (;;) {
      let unit = text.charCodeAt(at++);
      if (unit === QUOTE) break;
      if (unit === BACKSLASH) {
        const letter = text.charCodeAt(at++);
        const short = ESCAPES.get(letter);
        if (short !== undefined) unit = short;
        else {
          const code = text.slice(at, at + 4);
          if (letter !== 0x75 || !/^[0-9a-fA-F]{4}$/.test(code)) return false;
          unit = Number.parseInt(code, 16);
          at += 4;
        }
      } else if (!(unit >= SPACE)) return false;
      units[length++] = unit;
    }
    this.#at = at;
    this.#length = length;
    this.#end();
    return true;
  }

  /** Makes two texts of the last one, which has one space inside. */
  #cutAtSpace(): boolean {
    const units = this.#units;
    const start = this.#count > 1 ? this.#ends[this.#count - 2]! : 0;
    const end = this.#length;
    const space = units.subarray(start, end).indexOf(SPACE) + start;
    if (space <= start || space === end - 1) return false;
    for (let at = space + 1; at < end; at++) {
      if (units[at] === SPACE) return false;
      units[at - 1] = units[at]!;
    }
    this.#ends[this.#count - 1] = space;
    this.#length--;
    this.#end();
    return true;
  }

  /** A whole number from 0 to 2^31 - 1. */
  #id(): number | undefined {
    this.#skipSpace();
    const start = this.#at;
    let value = 0;
    for (;;) {
      const digit = this.#text.charCodeAt(this.#at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = 10 * value + digit;
      this.#at++;
    }
    const digits = this.#at - start;
    const written = digits === 1 || (digits > 1 && digits <= 10 && this.#text.charCodeAt(start) !== ZERO);
    return written && value <= 0x7fffffff ? value : undefined;
  }

  #score(): number | undefined {
    this.#skipSpace();
    const start = this.#at;
    this.#skipScalar();
    return scoreOf(this.#text, start, this.#at);
  }

  #skipScalar(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === COMMA || unit === CLOSE_LIST || unit === CLOSE_OBJECT || unit <= SPACE) return;
    }
  }

  #skipString(): boolean {
    if (!this.#take(QUOTE)) return false;
    for (;;) {
      const quote = this.#text.indexOf('"', this.#at);
      if (quote < 0) return false;
      let back = quote;
      while (back > this.#at && this.#text.charCodeAt(back - 1) === BACKSLASH) back--;
      this.#at = quote + 1;
      if ((quote - back) % 2 === 0) return true;
    }
  }

  /** Goes behind a value. It is read once more with the rest, so that nothing is checked but where it ends. */
  #skipValue(): boolean {
    this.#skipSpace();
    let depth = 0;
    do {
      const unit = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(unit)) return false;
      if (unit === QUOTE) {
        if (!this.#skipString()) return false;
      } else if (depth === 0 && unit !== OPEN_LIST && unit !== OPEN_OBJECT) this.#skipScalar();
      else {
        if (unit === OPEN_LIST || unit === OPEN_OBJECT) depth++;
        else if (unit === CLOSE_LIST || unit === CLOSE_OBJECT) depth--;
        this.#at++;
      }
    } while (depth > 0);
    return true;
  }
}

function enlarged<T extends Int32Array | Float64Array>(table: T, larger: T): T {
  larger.set(table);
  return larger;
}

/** Powers of ten as their decimal texts are read. */
const TENS = Array.from({ length: 309 }, (_, exponent) => Number(`1e${exponent}`));
/** Digits of which the sum below is exact. */
const MOST_DIGITS = 17;
/** With zeros in front. */
const LONGEST_NUMBER = 40;

/**
 * The decimal number `text[start, end)` as serde_json reads it, the JSON reader of the reference: its digits as a whole number,
 * then divided by a power of ten, with a rounding at each step. That moves one score in four by a last bit, which decides between
 * paths of the same sum. Undefined for what is no number of JSON.
 */
export function scoreOf(text: string, start: number, end: number): number | undefined {
  const from = text.charCodeAt(start) === MINUS ? start + 1 : start;
  // The last five digits apart: what stands before them, times 10^5, is exact, so that the sum is rounded once.
  let front = 0;
  let back = 0;
  let digits = 0;
  let point = -1;
  let plain = end > from && end - from <= LONGEST_NUMBER;
  for (let at = from; at < end && plain; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit === POINT - ZERO && point < 0 && at > from && at < end - 1) point = at;
    else if (digit < 0 || digit > 9) plain = false;
    else {
      if (at < end - 5) front = front * 10 + digit;
      else back = back * 10 + digit;
      if (digits > 0 || digit > 0) digits++;
    }
  }
  plain &&= text.charCodeAt(from) !== ZERO || end === from + 1 || point === from + 1;
  if (!plain || digits > MOST_DIGITS) return otherNumber(text.slice(start, end));
  // Of five units behind the front one may be the point.
  const read = (front * (point < end - 5 ? 1e5 : 1e4) + back) / TENS[point < 0 ? 0 : end - 1 - point]!;
  return from > start ? -read : read;
}

/** A number with an exponent, or with more digits than it needs. */
function otherNumber(text: string): number | undefined {
  if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  const shortest = String(value);
  return shortest === text || /[eI]/.test(shortest) ? value : scoreOf(shortest, 0, shortest.length);
}
