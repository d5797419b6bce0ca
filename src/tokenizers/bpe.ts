/**
 * Byte-pair encoding (Sennrich et al. 2016): over bytes as in GPT-2 (Radford et al. 2019), or over characters with byte
 * fallback as in SentencePiece (Kudo and Richardson 2018). Details as in huggingface/tokenizers models/bpe and
 * sentencepiece bpe_model.cc. The dropout of a file is a training setting and is not applied.
 */
import { LongestMatch } from './added-tokens.ts';
import { enlarge, mergeShortOf, mergeSymbols, newSymbols, SCAN_LIMIT, type Symbols } from './bpe-merge.ts';
import { BpeSteps } from './bpe-steps.ts';
import { BYTE_CHARS, byteCharsOf, byteOfChar, toByteChars } from './byte-alphabet.ts';
import type { Merges } from './merge-table.ts';
import type { Model, ModelToken } from './model.ts';
import { widthAt } from './offsets.ts';
import { LONGEST_TEXT } from './trie.ts';
import type { Vocabulary } from './vocabulary.ts';
import { WordCache } from './word-cache.ts';

/** A BPE model as data. */
export interface BpeOptions {
  readonly vocab: Vocabulary;
  readonly merges: Merges;
  /** Pieces are raw text and the vocabulary is written in the byte alphabet. */
  readonly bytes: boolean;
  /** The token for characters that are not in the vocabulary; without one they are dropped. */
  readonly unknown?: string | undefined;
  /** A run of unknown characters is one token. */
  readonly fuseUnknown?: boolean;
  /** Unknown characters become their UTF-8 bytes, `<0xHH>`. */
  readonly byteFallback?: boolean;
  /** A piece that is an entry of the vocabulary is that token, whatever the merges say. */
  readonly ignoreMerges?: boolean;
  /** In front of every symbol but the first. */
  readonly continuingPrefix?: string;
  /** Behind the last symbol. */
  readonly endSuffix?: string;
  /** Entries that stand for themselves and never merge: SentencePiece's user-defined symbols. */
  readonly frozen?: readonly string[];
  /** Entries that are only steps of merging: where one is left, it is cut again. SentencePiece's type UNUSED. */
  readonly unused?: readonly string[];
}

/**
 * The tokens of a piece, `[id, start, end]` after each other: the code units they cover, on character boundaries. A plain
 * array, since small typed arrays take long to make. A piece that is one token is its id.
 */
type Word = number | readonly number[];

const MAX_CACHED_WORDS = 50_000;
const MAX_CACHED_LENGTH = 64;
/** Scratch space up to this size is kept for the next piece, however short that is. */
const KEPT_SYMBOLS = 1 << 16;
const MARK = '▁';
const MARK_UNIT = 0x2581;

/** A BPE model. Keeps the tokens of up to 50,000 short pieces. */
export class Bpe implements Model {
  readonly type = 'BPE';
  readonly size: number;
  readonly unknownId: number | undefined;
  readonly #options: BpeOptions;
  /** Id of each byte, -1 if it has none: of the bytes themselves, or of `<0xHH>`. */
  readonly #byteIds: Int32Array;
  /** Id of each character of the basic plane, -1 if it has none. */
  readonly #charIds: Int32Array;
  readonly #byteFallback: boolean;
  /** Whether `▁` after another character always begins a new token, so that the text before it can be worked on alone. */
  readonly #cutsAtMark: boolean;
  readonly #frozen: LongestMatch<number> | undefined;
  readonly #unusedParts: ReadonlyMap<number, Int32Array>;
  readonly #cache = new Map<string, Word>();
  /** The ids of words, for `appendIds`. */
  readonly #idCache = new WordCache();
  #scratch: Symbols = newSymbols(256);
  /** Made when the first long piece comes. */
  #steps: BpeSteps | undefined;

  constructor(options: BpeOptions) {
    const { vocab, bytes } = options;
    this.#options = options;
    this.size = vocab.size;
    this.unknownId = options.unknown === undefined ? undefined : vocab.id(options.unknown);
    this.#charIds = new Int32Array(bytes ? 0 : 0x10000).fill(-1);
    let markInside = false;
    for (const [token, id] of bytes ? [] : vocab) {
      if (token.length === 1) this.#charIds[token.charCodeAt(0)] = id;
      else markInside ||= hasMarkInside(token);
    }
    this.#byteIds = Int32Array.from(BYTE_CHARS, (char, byte) => vocab.id(bytes ? char : byteToken(byte)) ?? -1);
    this.#byteFallback = !!options.byteFallback;
    this.#cutsAtMark =
      !bytes &&
      !markInside &&
      vocab.id(MARK) !== undefined &&
      !options.continuingPrefix &&
      !options.endSuffix &&
      !options.ignoreMerges;
    const frozen = (options.frozen ?? []).flatMap(token => {
      const id = vocab.id(token);
      return id === undefined ? [] : [[token, id] as const];
    });
    this.#frozen = frozen.length > 0 ? new LongestMatch(frozen) : undefined;
    this.#unusedParts = new Map((options.unused ?? []).flatMap(token => this.#cutOfUnused(token)));
  }

  tokenToId(token: string): number | undefined {
    return this.#options.vocab.id(token);
  }

  idToToken(id: number): string | undefined {
    return this.#options.vocab.token(id);
  }

  tokenize(piece: string): ModelToken[] {
    const tokens: ModelToken[] = [];
    this.#parts(piece, 0, piece.length, (start, end, frozen) => {
      const word = frozen ?? this.#word(piece, start, end);
      if (typeof word === 'number') {
        tokens.push({ id: word, start, end });
        return;
      }
      for (let i = 0; i < word.length; i += 3)
        tokens.push({ id: word[i]!, start: start + word[i + 1]!, end: start + word[i + 2]! });
    });
    return tokens;
  }

  /** What the model was made from. */
  get options(): BpeOptions {
    return this.#options;
  }

  /** The parts of a piece that merges do not leave; `frozen`: the id of one that stands for itself. */
  stretches(piece: string): { readonly start: number; readonly end: number; readonly frozen: number | undefined }[] {
    const found: { start: number; end: number; frozen: number | undefined }[] = [];
    this.#parts(piece, 0, piece.length, (start, end, frozen) => found.push({ start, end, frozen }));
    return found;
  }

  /** The ids that stand in place of an entry which is only a step of merging; undefined for other entries. */
  partsOfUnused(id: number): Int32Array | undefined {
    return this.#unusedParts.get(id);
  }

  appendIds(text: string, start: number, end: number, ids: number[]): void {
    if (!this.#cutsAtMark && !this.#frozen) this.#appendWord(text, start, end, ids);
    else {
      this.#parts(text, start, end, (from, to, frozen) => {
        if (frozen === undefined) this.#appendWord(text, from, to, ids);
        else ids.push(frozen);
      });
    }
  }

  #appendWord(text: string, start: number, end: number, ids: number[]): void {
    if (this.#idCache.append(text, start, end, ids)) return;
    const from = ids.length;
    const { ids: found, count } = this.#merged(text.slice(start, end));
    for (let i = 0; i < count; i++) ids.push(found[i]!);
    this.#idCache.add(text, start, end, ids, from);
  }

  /** Cuts a piece where no merge can reach across: at frozen entries and, if that is safe, in front of `▁`. */
  #parts(
    text: string,
    start: number,
    end: number,
    sink: (from: number, to: number, frozen: number | undefined) => void,
  ): void {
    let from = start;
    for (let at = start; at < end; ) {
      const match = this.#frozen?.at(text, at);
      if (match && match.end <= end) {
        if (at > from) sink(from, at, undefined);
        sink(at, match.end, match.value);
        from = at = match.end;
        continue;
      }
      at++;
      if (this.#cutsAtMark && at < end && text.charCodeAt(at) === MARK_UNIT && text.charCodeAt(at - 1) !== MARK_UNIT) {
        sink(from, at, undefined);
        from = at;
      }
    }
    if (from < end) sink(from, end, undefined);
  }

  #word(text: string, start: number, end: number): Word {
    const piece = text.slice(start, end);
    if (piece.length > MAX_CACHED_LENGTH) return this.#computeWord(piece);
    const known = this.#cache.get(piece);
    if (known !== undefined) return known;
    const word = this.#computeWord(piece);
    if (this.#cache.size >= MAX_CACHED_WORDS) this.#cache.clear();
    this.#cache.set(piece, word);
    return word;
  }

  #computeWord(piece: string): Word {
    const { count, ids, starts, ends } = this.#merged(piece);
    if (count === 1 && starts[0] === 0 && ends[0] === piece.length) return ids[0]!;
    const word: number[] = [];
    for (let i = 0; i < count; i++) word.push(ids[i]!, starts[i]!, ends[i]!);
    return word;
  }

  /** The tokens of a piece, in the scratch space. */
  #merged(piece: string): Symbols {
    const { bytes, ignoreMerges, vocab, merges } = this.#options;
    if (ignoreMerges && piece.length <= vocab.longest) {
      const id = vocab.id(bytes ? toByteChars(piece) : piece);
      if (id !== undefined) {
        pushSymbol(this.#clear(1), id, 0, piece.length);
        return this.#scratch;
      }
    }
    if (bytes) this.#readBytes(piece);
    else this.#readCharacters(piece);
    if (!this.#mergeLong(this.#scratch)) mergeSymbols(this.#scratch, merges);
    if (this.#unusedParts.size > 0) this.#cutUnused(this.#scratch);
    return this.#scratch;
  }

  /** Merges many symbols in one pass, where that is possible. */
  #mergeLong(symbols: Symbols): boolean {
    const { vocab, merges, continuingPrefix, endSuffix } = this.#options;
    if (symbols.count <= SCAN_LIMIT || vocab.longest > LONGEST_TEXT || continuingPrefix || endSuffix) return false;
    this.#steps ??= new BpeSteps(
      vocab,
      merges,
      [...this.#byteIds, this.unknownId ?? -1].filter(id => id >= 0),
    );
    return this.#steps.merge(symbols);
  }

  /** Empties the scratch space and makes room for `capacity` symbols. */
  #clear(capacity: number): Symbols {
    const { length } = this.#scratch.ids;
    if (length < capacity || length > Math.max(KEPT_SYMBOLS, 4 * capacity)) this.#scratch = newSymbols(capacity + 256);
    this.#scratch.count = 0;
    return this.#scratch;
  }

  #readBytes(piece: string): void {
    const symbols = this.#clear(piece.length);
    for (let at = 0; at < piece.length; ) {
      const codePoint = piece.codePointAt(at)!;
      const end = at + (codePoint > 0xffff ? 2 : 1);
      if (codePoint < 0x80) this.#pushKnown(symbols, this.#byteIds[codePoint]!, at, end);
      else {
        const chars = byteCharsOf(codePoint);
        for (let i = 0; i < chars.length; i++)
          this.#pushKnown(symbols, this.#byteIds[byteOfChar(chars.charCodeAt(i))]!, at, end);
      }
      at = end;
    }
  }

  #readCharacters(piece: string): void {
    const symbols = this.#clear(piece.length);
    for (let at = 0; at < piece.length; ) {
      const end = at + widthAt(piece, at);
      const id = this.#characterId(piece, at, end);
      if (id >= 0) pushSymbol(symbols, id, at, end);
      else if (!this.#byteFallback || !this.#pushBytes(symbols, piece.codePointAt(at)!, at, end))
        this.#pushUnknown(symbols, at, end);
      at = end;
    }
  }

  #characterId(piece: string, at: number, end: number): number {
    const { vocab, continuingPrefix, endSuffix } = this.#options;
    const prefix = at > 0 && continuingPrefix ? continuingPrefix : '';
    const suffix = end === piece.length && endSuffix ? endSuffix : '';
    if (end - at === 1 && !prefix && !suffix) return this.#charIds[piece.charCodeAt(at)]!;
    return vocab.id(prefix + piece.slice(at, end) + suffix) ?? -1;
  }

  /** Pushes the `<0xHH>` tokens of a character, if the vocabulary has all of them. */
  #pushBytes(symbols: Symbols, codePoint: number, start: number, end: number): boolean {
    const chars = byteCharsOf(codePoint);
    const ids = Array.from(chars, char => this.#byteIds[byteOfChar(char.charCodeAt(0))]!);
    if (ids.includes(-1)) return false;
    for (const id of ids) pushSymbol(symbols, id, start, end);
    return true;
  }

  #pushKnown(symbols: Symbols, id: number, start: number, end: number): void {
    if (id >= 0) pushSymbol(symbols, id, start, end);
    else this.#pushUnknown(symbols, start, end);
  }

  #pushUnknown(symbols: Symbols, start: number, end: number): void {
    const { unknownId } = this;
    if (unknownId === undefined) return;
    const last = symbols.count - 1;
    if (this.#options.fuseUnknown && last >= 0 && symbols.ids[last] === unknownId) symbols.ends[last] = end;
    else pushSymbol(symbols, unknownId, start, end);
  }

  /** What stands in place of an entry that is only a step of merging. */
  #cutOfUnused(token: string): [id: number, parts: Int32Array][] {
    const { vocab, merges } = this.#options;
    const own = vocab.id(token);
    const ids = Array.from(token, char => vocab.id(char) ?? -1);
    if (own === undefined || ids.includes(-1)) return [];
    const parts = mergeShortOf(own, ids, merges);
    return parts.length > 1 ? [[own, parts]] : [];
  }

  /** Puts the parts of unused entries in their places, also those of parts that are unused themselves. */
  #cutUnused(symbols: Symbols): void {
    const { ids, starts, ends, count } = symbols;
    const { vocab } = this.#options;
    const cut: Symbols = newSymbols(count);
    for (let i = 0; i < count; i++) {
      const open = [ids[i]!];
      for (let id = open.pop(), at = starts[i]!; id !== undefined; id = open.pop()) {
        const parts = this.#unusedParts.get(id);
        if (parts) for (const part of parts.toReversed()) open.push(part);
        else {
          // The places of an entry that was not cut are no others than those of its symbols.
          const end = open.length === 0 ? ends[i]! : at + vocab.lengthOf(id);
          pushSymbol(cut, id, at, end);
          at = end;
        }
      }
    }
    this.#scratch = cut;
  }
}

function pushSymbol(symbols: Symbols, id: number, start: number, end: number): void {
  const at = symbols.count++;
  if (at === symbols.ids.length) enlarge(symbols);
  symbols.ids[at] = id;
  symbols.starts[at] = start;
  symbols.ends[at] = end;
}

/** The entry for a byte in vocabularies with byte fallback, `<0x00>` to `<0xFF>`. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** Whether `▁` stands somewhere behind another character. */
function hasMarkInside(token: string): boolean {
  const at = token.lastIndexOf(MARK);
  return at > 0 && token.slice(0, at).replaceAll(MARK, '') !== '';
}
