/**
 * Added tokens: texts that are found in the input before anything else and become one token each. Leftmost-longest
 * matching and the meaning of the flags as in huggingface/tokenizers added_vocabulary.rs.
 */
import { TokenizerError } from '../errors.ts';
import { asCount, asList, asObject, asString, flag } from './json-fields.ts';
import { translateRegex } from './regex-translate.ts';
import { Trie } from './trie.ts';

/** One added token. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Only where no word character stands next to it. */
  readonly singleWord: boolean;
  /** Also takes the white space before it. */
  readonly lstrip: boolean;
  /** Also takes the white space behind it. */
  readonly rstrip: boolean;
  /** Searched in the normalized text instead of the text as given. */
  readonly normalized: boolean;
  /** Control token: left out by `skipSpecialTokens`, and found in a text only if `parseSpecialTokens` allows. */
  readonly special: boolean;
}

/** An added token with the flags that control tokens usually have. */
export function specialToken(content: string, id: number): AddedToken {
  return { id, content, singleWord: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/**
 * The `added_tokens` of a tokenizer.json. Of two with one text the first counts, as in the reference; that one gives two with one id
 * other ids than the file does. Throws TokenizerError, also for these.
 */
export function parseAddedTokens(value: unknown, where = 'added_tokens'): AddedToken[] {
  if (value === undefined || value === null) return [];
  const byContent = new Map<string, AddedToken>();
  const byId = new Map<number, string>();
  for (const [i, entry] of asList(value, where).entries()) {
    const at = `${where}[${i}]`;
    const token = parseAddedToken(entry, at);
    const { id, content } = token;
    if (byContent.has(content)) continue;
    const other = byId.get(id);
    if (other !== undefined)
      throw new TokenizerError('two added tokens have the same id', {
        seen: `${JSON.stringify([other, content])} with id ${id}`,
        where: at,
      });
    byContent.set(content, token);
    byId.set(id, content);
  }
  return [...byContent.values()];
}

function parseAddedToken(entry: unknown, at: string): AddedToken {
  const config = asObject(entry, at);
  const special = flag(config, 'special', false, at);
  const content = asString(config.content, `${at}.content`);
  if (content === '') throw new TokenizerError('an added token is empty', { where: at });
  return {
    id: asCount(config.id, `${at}.id`),
    content,
    singleWord: flag(config, 'single_word', false, at),
    lstrip: flag(config, 'lstrip', false, at),
    rstrip: flag(config, 'rstrip', false, at),
    normalized: flag(config, 'normalized', !special, at),
    special,
  };
}

const WORD_CHAR = translateRegex('\\w').regex.source;
const ENDS_WITH_WORD = new RegExp(`${WORD_CHAR}$`, 'v');
const STARTS_WITH_WORD = new RegExp(`^${WORD_CHAR}`, 'v');
const WHITE_SPACE = /\p{White_Space}/u;

/** Finds the longest of a set of strings that begins at a place. */
export class LongestMatch<T> {
  readonly #trie: Trie;
  readonly #values: readonly T[];
  /** 1 for each code unit that some string begins with. */
  readonly #first = new Uint8Array(0x10000);

  /** Later entries replace earlier ones of the same text. Throws UnsupportedError for a text above 1024 code units. */
  constructor(entries: readonly (readonly [text: string, value: T])[]) {
    this.#trie = new Trie(entries.map(([text]) => text));
    this.#values = entries.map(([, value]) => value);
    for (const [text] of entries) if (text !== '') this.#first[text.charCodeAt(0)] = 1;
  }

  /** The first place at or after `at` where a string may begin, or `text.length`. */
  nextCandidate(text: string, at: number): number {
    while (at < text.length && this.#first[text.charCodeAt(at)] === 0) at++;
    return at;
  }

  /** The longest string at `at` with its end, or undefined. */
  at(text: string, at: number): { readonly value: T; readonly end: number } | undefined {
    if (this.#first[text.charCodeAt(at)] !== 1) return undefined;
    let found = -1;
    let end = at;
    let node = Trie.ROOT;
    for (let i = at; i < text.length; ) {
      node = this.#trie.child(node, text.charCodeAt(i++));
      if (node === 0) break;
      const value = this.#trie.value(node);
      if (value < 0) continue;
      found = value;
      end = i;
    }
    return found < 0 ? undefined : { value: this.#values[found]!, end };
  }
}

/** Receives the parts of a text in order; `token` is undefined for the text between added tokens. */
export type PartSink = (start: number, end: number, token: AddedToken | undefined) => void;

/** Cuts texts at a set of added tokens. */
export class AddedTokenSplitter {
  readonly #matcher: LongestMatch<AddedToken>;
  readonly #empty: boolean;

  /** `textOf`: the text to look for, where it is not the content itself. */
  constructor(tokens: readonly AddedToken[], textOf: (token: AddedToken) => string = token => token.content) {
    const entries = tokens.map(token => [textOf(token), token] as const).filter(([text]) => text !== '');
    this.#matcher = new LongestMatch(entries);
    this.#empty = entries.length === 0;
  }

  /** Gives all parts of `text` that are not empty. Without `special` control tokens count as text. */
  split(text: string, special: boolean, sink: PartSink): void {
    let done = 0;
    for (let at = this.#empty ? text.length : this.#matcher.nextCandidate(text, 0); at < text.length; ) {
      const match = this.#matcher.at(text, at);
      const found = match && this.#extent(text, at, match.end, match.value, special, done);
      if (found) {
        if (found.start > done) sink(done, found.start, undefined);
        sink(found.start, found.end, match.value);
        done = found.end;
      }
      at = this.#matcher.nextCandidate(text, Math.max(found?.end ?? 0, match?.end ?? at + 1));
    }
    if (done < text.length) sink(done, text.length, undefined);
  }

  /** What a match takes of the text, or undefined if its flags forbid it. */
  #extent(
    text: string,
    start: number,
    end: number,
    token: AddedToken,
    special: boolean,
    done: number,
  ): { start: number; end: number } | undefined {
    if (token.special && !special) return undefined;
    if (token.singleWord) {
      const before = ENDS_WITH_WORD.test(text.slice(Math.max(0, start - 2), start));
      if (before || STARTS_WITH_WORD.test(text.slice(end, end + 2))) return undefined;
    }
    while (token.lstrip && start > done && WHITE_SPACE.test(text[start - 1]!)) start--;
    while (token.rstrip && end < text.length && WHITE_SPACE.test(text[end]!)) end++;
    return { start, end };
  }
}
