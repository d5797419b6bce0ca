/**
 * The tokenizer: added tokens -> normalizer -> pre-tokenizer -> model -> post-processor, and decoding back. The order of
 * the stages and the results are those of huggingface/tokenizers; offsets count UTF-16 code units.
 */
import { TokenizerError } from '../errors.ts';
import { type AddedToken, AddedTokenSplitter } from './added-tokens.ts';
import { cleaningStage, cleanUpSpaces } from './clean-up.ts';
import type { Decoder } from './decoders.ts';
import {
  type Encoding,
  emptyEncoding,
  keptLengths,
  type PaddingOptions,
  padEncodings,
  type Side,
  sliceEncoding,
  type TruncationStrategy,
  windows,
} from './encoding.ts';
import type { Model } from './model.ts';
import type { Normalizer } from './normalizers.ts';
import { type AlignedText, codePointIndex, originalRange, sliceAligned, unchangedText, wellFormed } from './offsets.ts';
import { addedCount, fillTemplate, fillTemplateIds, type PostProcessor, trimOffsets } from './post-processors.ts';
import { type PreTokenizerStep, preTokenizeAligned, preTokenizeText } from './pre-tokenizers.ts';
import { StreamDecoder, TextSink } from './stream-decoder.ts';
import { type TokenizationTrace, type TraceOptions, traceText } from './trace.ts';

export interface EncodeOptions {
  /** Whether the model's own tokens are put around the text; default true. */
  addSpecialTokens?: boolean;
  /** A second text. */
  pair?: string;
  /** Most tokens of a result, added ones included. */
  maxLength?: number;
  /** Which text loses tokens above `maxLength`; default `longest_first`. `false`: none, `maxLength` is not applied. */
  truncation?: TruncationStrategy | false;
  /** The side that loses tokens; default right. */
  truncationSide?: Side;
  /** Tokens that neighbouring windows in `overflowing` share; default 0. */
  stride?: number;
  /** Whether special tokens that stand in the text are recognised; default true. */
  parseSpecialTokens?: boolean;
  /** What offsets count: UTF-16 code units of the text (the default) or its code points. */
  offsets?: 'utf16' | 'codePoints';
}

export interface DecodeOptions {
  /** Leaves special tokens out; default false. */
  skipSpecialTokens?: boolean;
  /** Takes out spaces before English punctuation; default: as the tokenizer's configuration says. */
  cleanUpSpaces?: boolean;
}

/** Ids of the tokens with a known role. */
export interface SpecialTokens {
  readonly bos?: number;
  readonly eos?: number;
  readonly pad?: number;
  readonly unk?: number;
  readonly cls?: number;
  readonly sep?: number;
  readonly mask?: number;
}

/** Everything a tokenizer is made of. */
export interface TokenizerParts {
  readonly model: Model;
  readonly normalizer: Normalizer | undefined;
  readonly preTokenizer: readonly PreTokenizerStep[];
  readonly addedTokens: readonly AddedToken[];
  readonly postProcessor: PostProcessor;
  readonly decoder: Decoder;
  readonly specialTokens: SpecialTokens;
  readonly cleanUpSpaces: boolean;
  /** The truncation and padding that the file itself asks for. */
  readonly savedOptions: EncodeOptions & PaddingOptions;
}

/** Turns texts into token ids and back. Immutable; keeps a bounded cache of words. */
export class Tokenizer {
  readonly specialTokens: SpecialTokens;
  readonly allSpecialIds: ReadonlySet<number>;
  /** Number of different tokens, added ones included. */
  readonly vocabSize: number;
  /**
   * The truncation and padding that the file asks for. They are not applied by themselves:
   * `tokenizer.encodeBatch(texts, tokenizer.savedOptions)`.
   */
  readonly savedOptions: EncodeOptions & PaddingOptions;
  readonly model: Model;
  readonly #parts: TokenizerParts;
  readonly #addedByContent: ReadonlyMap<string, AddedToken>;
  /** Texts of the added tokens; of those that are searched in the normalized text the normalized one, as in the reference. */
  readonly #addedTexts: ReadonlyMap<number, string>;
  /** For added tokens searched in the text as given. */
  readonly #rawSplitter: AddedTokenSplitter;
  /** For those searched in the normalized text, by their own normalized form. */
  readonly #normalizedSplitter: AddedTokenSplitter;

  constructor(parts: TokenizerParts) {
    const { model, normalizer, addedTokens } = parts;
    this.#parts = parts;
    this.model = model;
    this.specialTokens = parts.specialTokens;
    this.savedOptions = parts.savedOptions;
    this.#addedByContent = new Map(addedTokens.map(token => [token.content, token]));
    const textOf = ({ content, normalized }: AddedToken) =>
      normalized && normalizer ? normalizer.text(content) : content;
    this.#addedTexts = new Map(addedTokens.map(token => [token.id, textOf(token)]));
    this.allSpecialIds = new Set(addedTokens.filter(token => token.special).map(token => token.id));
    this.vocabSize = model.size + [...this.#addedTexts.keys()].filter(id => model.idToToken(id) === undefined).length;
    this.#rawSplitter = new AddedTokenSplitter(addedTokens.filter(token => !token.normalized));
    this.#normalizedSplitter = new AddedTokenSplitter(
      addedTokens.filter(token => token.normalized),
      textOf,
    );
  }

  tokenToId(token: string): number | undefined {
    return this.#addedByContent.get(token)?.id ?? this.model.tokenToId(token);
  }

  idToToken(id: number): string | undefined {
    return this.#addedTexts.get(id) ?? this.model.idToToken(id);
  }

  /** Tokens of a text, or of a text and `options.pair`. Lone surrogates count as U+FFFD. Throws TokenizerError. */
  encode(text: string, options: EncodeOptions = {}): Encoding {
    const { postProcessor } = this.#parts;
    const special = options.addSpecialTokens ?? true;
    const texts = options.pair === undefined ? [text] : [text, options.pair];
    const encodings = texts.map(part => this.#encodeText(part, options.parseSpecialTokens ?? true));
    const template = texts.length === 1 ? postProcessor.single : postProcessor.pair;
    const cuts = this.#cuts(
      encodings.map(encoding => encoding.ids.length),
      options,
    );
    const parts = encodings.map((encoding, i) =>
      cuts[i]!.map(([from, to]) => {
        const window = cuts[i]!.length === 1 ? encoding : sliceEncoding(encoding, from, to);
        if (postProcessor.trim) trimOffsets(window, texts[i]!, postProcessor.trim.addPrefixSpace);
        return window;
      }),
    );
    const first = parts.map(list => list[0]!);
    const result = fillTemplate(template, first, special);
    const typed = postProcessor.typesFirstWindow || !special ? first : undefined;
    result.overflowing = overflowPairs(parts).map(chosen => fillTemplate(template, chosen, special, typed));
    return inUnits(result, texts, options.offsets ?? 'utf16');
  }

  /** The ids of `encode`, much faster. */
  encodeIds(text: string, options: EncodeOptions = {}): number[] {
    const { single, pair } = this.#parts.postProcessor;
    const special = options.addSpecialTokens ?? true;
    const texts = options.pair === undefined ? [text] : [text, options.pair];
    const ids = texts.map(part => this.#idsOf(part, options.parseSpecialTokens ?? true));
    const template = texts.length === 1 ? single : pair;
    if (options.maxLength === undefined) return fillTemplateIds(template, ids, special);
    const cuts = this.#cuts(
      ids.map(list => list.length),
      options,
    );
    return fillTemplateIds(
      template,
      ids.map((list, i) => list.slice(...cuts[i]![0]!)),
      special,
    );
  }

  /**
   * How the tokens of a text come about, stage by stage, as data. For reading: takes much longer than `encode`, which ends in
   * the same tokens. Throws TokenizerError.
   */
  trace(text: string, options: TraceOptions = {}): TokenizationTrace {
    const stages = {
      parts: this.#parts,
      rawSplitter: this.#rawSplitter,
      normalizedSplitter: this.#normalizedSplitter,
      idToToken: (id: number) => this.idToToken(id),
    };
    return traceText(stages, text, options);
  }

  /** Each text, or pair of texts, of a batch, at one length if `options.padding` asks for it. Throws TokenizerError. */
  encodeBatch(
    texts: readonly (string | readonly [string, string])[],
    options: EncodeOptions & PaddingOptions = {},
  ): Encoding[] {
    const encodings = texts.map(entry =>
      typeof entry === 'string' ? this.encode(entry, options) : this.encode(entry[0], { ...options, pair: entry[1] }),
    );
    if (options.padding === undefined || options.padding === false) return encodings;
    const id = options.padId ?? this.specialTokens.pad;
    if (id === undefined) throw new TokenizerError('the tokenizer has no padding token', { fix: 'pass padId' });
    const token = options.padToken ?? this.idToToken(id) ?? '';
    return padEncodings(encodings, options, {
      id,
      token,
      typeId: options.padTypeId ?? 0,
      side: options.paddingSide ?? 'right',
    });
  }

  /** Number of tokens of a text, without added ones unless the options say otherwise. */
  count(text: string, options: EncodeOptions = {}): number {
    return this.encodeIds(text, { addSpecialTokens: false, ...options }).length;
  }

  /** The text of a sequence of ids. Ids without a token, as in a padded output layer, give no text. Throws TokenizerError for what is no id. */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const sink = new TextSink();
    const stage = this.#parts.decoder(sink, false);
    const tokenOf = this.#decodable(options);
    for (const id of ids) {
      const token = tokenOf(id);
      if (token !== undefined) stage.push(token);
    }
    stage.finish();
    const text = sink.take();
    return this.#cleansUp(options) ? cleanUpSpaces(text) : text;
  }

  /** Decoding while ids are still being made. */
  stream(options: DecodeOptions = {}): StreamDecoder {
    const { decoder } = this.#parts;
    const clean: Decoder = (next, fused) => decoder(cleaningStage(next), fused);
    return new StreamDecoder(this.#cleansUp(options) ? clean : decoder, this.#decodable(options));
  }

  #cleansUp(options: DecodeOptions): boolean {
    return options.cleanUpSpaces ?? this.#parts.cleanUpSpaces;
  }

  /** The token of each id, or undefined for one that gives no text. */
  #decodable({ skipSpecialTokens = false }: DecodeOptions): (id: number) => string | undefined {
    return id => {
      if (!Number.isInteger(id) || id < 0)
        throw new TokenizerError('not a token id', { seen: String(id), expected: 'a whole number from 0' });
      return skipSpecialTokens && this.allSpecialIds.has(id) ? undefined : this.idToToken(id);
    };
  }

  /** The windows of each text as ranges of its tokens; the first one is the result, the others its overflow. */
  #cuts(lengths: readonly number[], options: EncodeOptions): [number, number][][] {
    const { maxLength, truncation = 'longest_first', truncationSide = 'right', stride = 0 } = options;
    if (maxLength === undefined || truncation === false) return lengths.map(length => [[0, length]]);
    const { single, pair } = this.#parts.postProcessor;
    const added = (options.addSpecialTokens ?? true) ? addedCount(lengths.length === 1 ? single : pair) : 0;
    if (!(maxLength >= added)) {
      throw new TokenizerError('maxLength leaves no room for the added tokens', {
        seen: `${maxLength}`,
        expected: `at least ${added}`,
      });
    }
    const kept = keptLengths(lengths[0]!, lengths[1], maxLength - added, truncation);
    return lengths.map((length, i) => windows(length, kept[i]!, stride, truncationSide));
  }

  #encodeText(input: string, special: boolean): Encoding {
    const { normalizer, preTokenizer, model } = this.#parts;
    const encoding = emptyEncoding();
    let word = 0;
    const add = (id: number, token: string, offsets: [number, number]) => {
      encoding.ids.push(id);
      encoding.tokens.push(token);
      encoding.typeIds.push(0);
      encoding.attentionMask.push(1);
      encoding.specialTokensMask.push(0);
      encoding.offsets.push(offsets);
      encoding.wordIds.push(word);
      encoding.sequenceIds.push(0);
    };
    const addPiece = (text: AlignedText, start: number, end: number) => {
      for (const token of model.tokenize(text.text.slice(start, end))) {
        const offsets = originalRange(text, start + token.start, start + token.end);
        add(token.id, token.text ?? this.idToToken(token.id) ?? '', offsets);
      }
      word++;
    };
    const text = wellFormed(input);
    this.#rawSplitter.split(text, special, (start, end, token) => {
      const part = text.slice(start, end);
      if (token) {
        add(token.id, part, [start, end]);
        word++;
        return;
      }
      const raw = unchangedText(part, start);
      const normal = normalizer ? normalizer.aligned(raw) : raw;
      this.#normalizedSplitter.split(normal.text, special, (from, to, found) => {
        if (found) {
          add(found.id, normal.text.slice(from, to), originalRange(normal, from, to));
          word++;
        } else
          preTokenizeAligned(
            preTokenizer,
            sliceAligned(normal, from, to),
            0,
            to - from,
            start === 0 && from === 0,
            addPiece,
          );
      });
    });
    return encoding;
  }

  #idsOf(input: string, special: boolean): number[] {
    const { normalizer, preTokenizer, model } = this.#parts;
    const ids: number[] = [];
    const text = wellFormed(input);
    const addPiece = (piece: string, start: number, end: number) => model.appendIds(piece, start, end, ids);
    this.#rawSplitter.split(text, special, (start, end, token) => {
      if (token) {
        ids.push(token.id);
        return;
      }
      const raw = text.slice(start, end);
      const normal = normalizer ? normalizer.text(raw) : raw;
      this.#normalizedSplitter.split(normal, special, (from, to, found) => {
        if (found) ids.push(found.id);
        else preTokenizeText(preTokenizer, normal, from, to, start === 0 && from === 0, addPiece);
      });
    });
    return ids;
  }
}

/** `encoding` with its offsets, and those of its further windows, counted in `unit`. */
function inUnits(encoding: Encoding, texts: readonly string[], unit: 'utf16' | 'codePoints'): Encoding {
  if (unit === 'utf16') return encoding;
  const indexes = texts.map(codePointIndex);
  const counted = (window: Encoding): Encoding => ({
    ...window,
    offsets: window.offsets.map(([start, end], i) => {
      const index = indexes[window.sequenceIds[i] ?? 0]!;
      return [index[start]!, index[end]!];
    }),
    overflowing: window.overflowing.map(counted),
  });
  return counted(encoding);
}

/** Which windows are joined to the further results: all but the first of each text with each other, in the reference's order. */
function overflowPairs(parts: readonly (readonly Encoding[])[]): Encoding[][] {
  const [first, second] = parts;
  if (!second) return first!.slice(1).map(window => [window]);
  const rest = first!.slice(1).flatMap(window => second.map(other => [window, other]));
  return [...rest, ...second.slice(1).map(other => [first![0]!, other])];
}
