/**
 * Decoders: from tokens back to text. Each is a stage that takes token texts in order and gives texts on, so that one
 * definition serves whole sequences and streams. Behaviour of the originals: huggingface/tokenizers src/decoders.
 */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { byteOfChar } from './byte-alphabet.ts';
import { cleanUpSpaces } from './clean-up.ts';
import { asCount, asList, asObject, asString, flag, type JsonObject, optionalString, typeOf } from './json-fields.ts';
import { type Normalizer, parsePattern, replace } from './normalizers.ts';
import { metaspaceMark, prependScheme } from './pre-tokenizers.ts';
import { translateRegex } from './regex-translate.ts';

/** A stage of decoding. */
export interface DecodeStage {
  push(token: string): void;
  /** Gives on everything that later tokens cannot change. */
  drain(): void;
  /** The end of the sequence: gives on the rest. */
  finish(): void;
}

/** Makes a stage in front of `next`. After `Fuse` a stage receives parts of one long token (`fused`). */
export type Decoder = (next: DecodeStage, fused: boolean) => DecodeStage;

/** A stage that turns each token into a text by itself and its place in the sequence. */
const mapping =
  (map: (token: string, index: number) => string): Decoder =>
  next => {
    let index = 0;
    return { push: token => next.push(map(token, index++)), drain: () => next.drain(), finish: () => next.finish() };
  };

/** Where parts of one token arrive, waits for all of them. */
const perToken =
  (decoder: Decoder): Decoder =>
  (next, fused) => {
    const inner = decoder(next, false);
    if (!fused) return inner;
    let whole = '';
    return {
      push(part) {
        whole += part;
      },
      drain() {},
      finish() {
        inner.push(whole);
        inner.finish();
      },
    };
  };

/** Collects bytes and gives on text: complete characters, and U+FFFD for each invalid sequence. */
class ByteText {
  #bytes = new Uint8Array(256);
  #count = 0;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  push(byte: number): void {
    if (this.#count === this.#bytes.length) {
      const larger = new Uint8Array(this.#count * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#count++] = byte;
  }

  /** The text so far; an incomplete character at the end stays behind unless this is the `last` call. */
  take(last: boolean): string {
    const text = this.#decoder.decode(this.#bytes.subarray(0, this.#count), { stream: !last });
    this.#count = 0;
    return text;
  }
}

/** Tokens in the byte alphabet; a token with any other character stands for its own UTF-8 bytes. */
const byteLevel: Decoder = next => {
  const bytes = new ByteText();
  const encoder = new TextEncoder();
  const give = (last: boolean) => {
    const text = bytes.take(last);
    if (text) next.push(text);
  };
  return {
    push(token) {
      let mapped = true;
      for (let i = 0; i < token.length && mapped; i++) mapped = byteOfChar(token.charCodeAt(i)) >= 0;
      if (mapped) for (let i = 0; i < token.length; i++) bytes.push(byteOfChar(token.charCodeAt(i)));
      else for (const byte of encoder.encode(token)) bytes.push(byte);
    },
    drain() {
      give(false);
      next.drain();
    },
    finish() {
      give(true);
      next.finish();
    },
  };
};

/** The byte that `<0xHH>` stands for, or -1. */
function byteOfToken(token: string): number {
  return token.length === 6 && /^<0x[0-9a-fA-F]{2}>$/.test(token) ? Number.parseInt(token.slice(3, 5), 16) : -1;
}

/** Length that the first byte of a UTF-8 sequence announces, or 0 if it cannot be one. */
function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc2 || byte > 0xf4) return 0;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/** How the bytes of a run of byte tokens become text if they are not UTF-8 as a whole. */
type Repair = 'whole' | 'each';

/**
 * Text of a run of byte tokens. Invalid bytes become one U+FFFD each: every byte of a run that is not UTF-8 as a `whole`, or
 * only `each` byte that is not part of a character.
 */
function textOfBytes(bytes: readonly number[], repair: Repair): string {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (part: readonly number[]): string | undefined => {
    try {
      return strict.decode(Uint8Array.from(part));
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  };
  const whole = decode(bytes);
  if (whole !== undefined) return whole;
  if (repair === 'whole') return '\ufffd'.repeat(bytes.length);
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]!);
    const char = length > 0 && at + length <= bytes.length ? decode(bytes.slice(at, at + length)) : undefined;
    text += char ?? '\ufffd';
    at += char === undefined ? 1 : length;
  }
  return text;
}

/** Collects runs of byte tokens. `drain` gives complete characters on, although a later byte could make the run invalid. */
export function byteRuns(
  next: DecodeStage,
  repair: Repair,
): { readonly take: (token: string) => boolean; readonly drain: () => void; readonly end: () => void } {
  let run: number[] = [];
  const end = () => {
    if (run.length > 0) next.push(textOfBytes(run, repair));
    run = [];
  };
  return {
    take(token) {
      const byte = byteOfToken(token);
      if (byte < 0) return false;
      run.push(byte);
      return true;
    },
    drain() {
      let complete = 0;
      while (complete < run.length) {
        // A byte that begins no character is as complete as it can get.
        const length = sequenceLength(run[complete]!) || 1;
        if (complete + length > run.length) break;
        complete += length;
      }
      const rest = run.splice(complete);
      end();
      run = rest;
    },
    end,
  };
}

const byteFallback: Decoder = next => {
  const runs = byteRuns(next, 'whole');
  return {
    push(token) {
      if (runs.take(token)) return;
      runs.end();
      next.push(token);
    },
    drain() {
      runs.drain();
      next.drain();
    },
    finish() {
      runs.end();
      next.finish();
    },
  };
};

/** Cuts up to `start` and `stop` times the character `content` off the ends of each token, or of the one fused token. */
function strip(content: string, start: number, stop: number): Decoder {
  const cut = (token: string) => {
    let from = 0;
    while (from < start && token[from] === content) from++;
    let to = token.length;
    while (token.length - to < stop && to > from && token[to - 1] === content) to--;
    return token.slice(from, to);
  };
  return (next, fused) => {
    if (!fused || stop > 0) return perToken(mapping(cut))(next, fused);
    let left = start;
    return {
      push(part) {
        let from = 0;
        while (left > 0 && part[from] === content) {
          from++;
          left--;
        }
        if (part.length > from) left = 0;
        next.push(part.slice(from));
      },
      drain: () => next.drain(),
      finish: () => next.finish(),
    };
  };
}

/** Turns `suffix` into a space, but in the last token into nothing. */
const suffixToSpace =
  (suffix: string): Decoder =>
  next => {
    let held: string | undefined;
    return {
      push(token) {
        if (held !== undefined) next.push(held.replaceAll(suffix, ' '));
        held = token;
      },
      drain() {
        // Only what begins with a suffix depends on whether another token follows.
        const at = held?.indexOf(suffix) ?? 0;
        if (held !== undefined && at !== 0) {
          next.push(at < 0 ? held : held.slice(0, at));
          held = at < 0 ? undefined : held.slice(at);
        }
        next.drain();
      },
      finish() {
        if (held !== undefined) next.push(held.replaceAll(suffix, ''));
        next.finish();
      },
    };
  };

function parseWordPiece(config: JsonObject, where: string): Decoder {
  const prefix = optionalString(config, 'prefix', where) ?? '##';
  const clean = flag(config, 'cleanup', true, where) ? cleanUpSpaces : (text: string) => text;
  return perToken(
    mapping((token, i) => clean(i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`)),
  );
}

function parseMetaspace(config: JsonObject, where: string): Decoder {
  const mark = metaspaceMark(config, where);
  const drop = prependScheme(config, where) !== 'never';
  return perToken(mapping((token, i) => token.replaceAll(mark, i === 0 && drop ? '' : ' ')));
}

function parseBpe(config: JsonObject, where: string): Decoder {
  return perToken(suffixToSpace(optionalString(config, 'suffix', where) ?? '</w>'));
}

function parseReplace(config: JsonObject, where: string): Decoder {
  const pattern = parsePattern(config.pattern, `${where}.pattern`);
  const content = asString(config.content, `${where}.content`);
  const normalizer: Normalizer = replace(
    'literal' in pattern ? pattern.literal : translateRegex(pattern.regex),
    content,
  );
  return perToken(mapping(token => normalizer.text(token)));
}

function parseStrip(config: JsonObject, where: string): Decoder {
  const content = optionalString(config, 'content', where) ?? ' ';
  if (content.length !== 1)
    throw new TokenizerError('a Strip decoder needs one character', { seen: JSON.stringify(content), where });
  return strip(content, asCount(config.start ?? 0, `${where}.start`), asCount(config.stop ?? 0, `${where}.stop`));
}

/** Connectionist temporal classification: repeated tokens once, without the blank; Graves et al. 2006. */
function parseCtc(config: JsonObject, where: string): Decoder {
  const blank = optionalString(config, 'pad_token', where) ?? '<pad>';
  const space = optionalString(config, 'word_delimiter_token', where) ?? '|';
  const cleanup = flag(config, 'cleanup', true, where);
  return perToken(next => {
    let previous: string | undefined;
    return {
      push(token) {
        const repeated = token === previous;
        previous = token;
        if (repeated) return;
        const text = token.replaceAll(blank, '');
        const clean = cleanup ? cleanUpSpaces(text).replaceAll(space, ' ') : text;
        if (clean) next.push(clean);
      },
      drain: () => next.drain(),
      finish: () => next.finish(),
    };
  });
}

interface ParsedDecoder {
  readonly decoder: Decoder;
  readonly fuses?: boolean;
}

/** The stages one behind the other; those behind a `Fuse` see one long token. */
function chain(parts: readonly ParsedDecoder[]): ParsedDecoder {
  return {
    fuses: parts.some(part => part.fuses),
    decoder: (next, fused) => {
      const before = parts.map((_, i) => fused || parts.slice(0, i).some(part => part.fuses));
      return parts.reduceRight((stage, part, i) => part.decoder(stage, before[i]!), next);
    },
  };
}

const pass: Decoder = next => next;

const parsers: ReadonlyMap<string, (config: JsonObject, where: string) => ParsedDecoder> = new Map<
  string,
  (config: JsonObject, where: string) => ParsedDecoder
>([
  ['ByteLevel', () => ({ decoder: perToken(byteLevel), fuses: true })],
  ['ByteFallback', () => ({ decoder: perToken(byteFallback) })],
  ['Fuse', () => ({ decoder: pass, fuses: true })],
  ['WordPiece', (c, where) => ({ decoder: parseWordPiece(c, where) })],
  ['Metaspace', (c, where) => ({ decoder: parseMetaspace(c, where) })],
  ['BPEDecoder', (c, where) => ({ decoder: parseBpe(c, where) })],
  ['Replace', (c, where) => ({ decoder: parseReplace(c, where) })],
  ['Strip', (c, where) => ({ decoder: parseStrip(c, where) })],
  ['CTC', (c, where) => ({ decoder: parseCtc(c, where) })],
  [
    'Sequence',
    (c, where) => {
      const list = `${where}.decoders`;
      return chain(asList(c.decoders, list).map((part, i) => parsePart(part, `${list}[${i}]`)));
    },
  ],
]);

function parsePart(value: unknown, where: string): ParsedDecoder {
  const config = asObject(value, where);
  const type = typeOf(config, where);
  const parse = parsers.get(type);
  if (parse) return parse(config, where);
  throw new UnsupportedError(`decoder ${type} is not supported`, { expected: [...parsers.keys()].join(', '), where });
}

/** A decoder from its JSON form. Throws TokenizerError, and UnsupportedError for an unknown type. */
export function parseDecoder(value: unknown, where = 'decoder'): Decoder {
  return parsePart(value, where).decoder;
}

/** Tokens with spaces between them: what files without a decoder mean. */
export const joinWithSpaces: Decoder = mapping((token, i) => (i === 0 ? token : ` ${token}`));
