/**
 * Reads JSON (RFC 8259) of a known form from front to back: strict about what JSON.parse hides (keys given twice, 1.0 for 1,
 * integers beyond 2^53, halves of surrogate pairs), with bounded nesting, and with the place of a fault in its message.
 */
import { type ErrorFacts, FormatError } from '../errors.ts';
import { quoted } from './quoted.ts';

/** The text, as far as a reader needs it; a string is one. */
export type JsonText = Pick<string, 'length' | 'charCodeAt' | 'slice'>;

const MAX_DEPTH = 64;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

const isSpace = (code: number) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
/** Characters of numbers and of the words true, false, null. */
const isWordPart = (code: number) =>
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x61 && code <= 0x7a) ||
  code === 0x45 ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x2e;

const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

/** A cursor over JSON text. Every method reads one value, or throws FormatError and says what it found instead. */
export class JsonReader {
  readonly #text: JsonText;
  readonly #where: string;
  readonly #path: string[] = [];
  #at = 0;

  constructor(text: JsonText, where: string) {
    this.#text = text;
    this.#where = where;
  }

  /**
   * An object: `visit` is called with each key and must read its value. Keys given twice are refused.
   * @param isKnown whether a key was given before, where the caller keeps them all anyway; else they are kept here
   */
  object(visit: (key: string) => void, isKnown?: (key: string) => boolean): void {
    const seen = isKnown ? undefined : new Set<string>();
    this.#sequence('{', '}', 'an object', () => {
      const key = this.string();
      if (seen?.has(key) || isKnown?.(key)) this.fail('a key is given twice in the same object', { seen: quoted(key) });
      seen?.add(key);
      this.#path[this.#path.length - 1] = key;
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) !== COLON) this.#unexpected("':'");
      this.#at++;
      visit(key);
    });
  }

  /** An array: `visit` is called for each element and must read it. */
  array(visit: () => void): void {
    this.#sequence('[', ']', 'an array', visit);
  }

  string(): string {
    const text = this.#text;
    this.#skipSpace();
    if (text.charCodeAt(this.#at) !== QUOTE) this.#unexpected('a string');
    const start = ++this.#at;
    let escaped = false;
    for (let code = text.charCodeAt(this.#at); code !== QUOTE; code = text.charCodeAt(++this.#at)) {
      if (!(code >= 0x20)) this.#unexpected('the end of the string');
      if (code === BACKSLASH) {
        escaped = true;
        this.#at++;
      }
    }
    const raw = text.slice(start, this.#at++);
    return escaped ? this.#unescape(raw) : raw;
  }

  /** An integer from 0 to 2^53 - 1, written without fraction or exponent. */
  unsigned(): number {
    const word = this.#word('a whole number');
    const value = Number(word);
    if (!/^(0|[1-9][0-9]*)$/.test(word)) this.fail('not a whole number of 0 or more', { seen: quoted(word) });
    if (!Number.isSafeInteger(value)) this.fail('number is too large', { seen: quoted(word), expected: 'below 2^53' });
    return value;
  }

  /** Any number. */
  number(): number {
    const word = this.#word('a number');
    if (!NUMBER.test(word)) this.fail('not a number', { seen: quoted(word) });
    return Number(word);
  }

  /** The character that the next value begins with; none at the end. */
  peek(): string {
    this.#skipSpace();
    return this.#text.slice(this.#at, this.#at + 1);
  }

  /** Any value. */
  skip(): void {
    this.#skipSpace();
    const first = this.#text.charCodeAt(this.#at);
    if (first === QUOTE) this.string();
    else if (first === 0x7b) this.object(() => this.skip());
    else if (first === 0x5b) this.array(() => this.skip());
    else {
      const word = this.#word('a value');
      if (!NUMBER.test(word) && !/^(true|false|null)$/.test(word))
        this.fail('not a JSON value', { seen: quoted(word) });
    }
  }

  /** The end of the text: nothing but white space may be left. */
  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#unexpected('nothing but spaces after the end of the JSON');
  }

  fail(what: string, facts: ErrorFacts = {}): never {
    const path = this.#path.map(quoted).join(' > ');
    throw new FormatError(what, { where: `${this.#where}, character ${this.#at}${path && `, at ${path}`}`, ...facts });
  }

  #sequence(open: string, close: string, expected: string, visit: () => void): void {
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== open.charCodeAt(0)) this.#unexpected(expected);
    if (this.#path.length === MAX_DEPTH) this.fail(`JSON is nested deeper than ${MAX_DEPTH} levels`);
    this.#at++;
    this.#path.push(open + close);
    const end = close.charCodeAt(0);
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== end) {
      for (;;) {
        visit();
        this.#skipSpace();
        const code = this.#text.charCodeAt(this.#at);
        if (code === end) break;
        if (code !== COMMA) this.#unexpected(`',' or '${close}'`);
        this.#at++;
      }
    }
    this.#at++;
    this.#path.pop();
  }

  #word(expected: string): string {
    this.#skipSpace();
    const start = this.#at;
    while (isWordPart(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === start) this.#unexpected(expected);
    return this.#text.slice(start, this.#at);
  }

  #unescape(raw: string): string {
    let value = '';
    try {
      value = JSON.parse(`"${raw}"`) as string;
    } catch (cause) {
      this.fail('bad escape in a string', { seen: quoted(raw), cause });
    }
    if (/\p{Surrogate}/u.test(value)) this.fail('a string holds half a surrogate pair', { seen: quoted(raw) });
    return value;
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #unexpected(expected: string): never {
    const code = this.#text.charCodeAt(this.#at);
    const seen = Number.isNaN(code)
      ? 'the end of the text'
      : code > 0x20 && code !== 0x7f
        ? this.#text.slice(this.#at, this.#at + 1)
        : `the byte 0x${code.toString(16).padStart(2, '0')}`;
    this.fail('not the expected JSON', { seen, expected });
  }
}
