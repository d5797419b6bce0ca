/** Compares pairs of texts, truncation and padding with the `pairs.json` of a folder. */
import { HeedError } from '../../src/errors.ts';
import {
  codePointIndex,
  type EncodeOptions,
  type Encoding,
  type PaddingOptions,
  type Tokenizer,
  type TruncationStrategy,
} from '../../src/tokenizers/index.ts';
import { type Report, readJson } from './report.ts';

interface Window {
  readonly ids: number[];
  readonly type_ids: number[];
  readonly offsets?: [number, number][];
}

interface PairCase extends Window {
  readonly id: string;
  readonly text: string;
  readonly text_pair: string;
  readonly tokens: string[];
  readonly special_tokens_mask: number[];
  readonly attention_mask: number[];
  readonly offsets: [number, number][];
  readonly sequence_ids: (number | null)[];
  readonly word_ids: (number | null)[];
}

interface TruncationCase extends Window {
  readonly id: string;
  readonly pair?: string;
  readonly text?: string;
  readonly strategy: TruncationStrategy;
  readonly max_length: number;
  readonly stride: number;
  readonly direction: 'left' | 'right';
  readonly error?: string;
  readonly overflow: Window[];
  readonly overflow_count?: number;
}

interface BatchCase {
  readonly id: string;
  readonly texts: (string | [string, string])[];
  readonly padding: {
    direction: 'left' | 'right';
    pad_id: number;
    pad_token: string;
    pad_type_id?: number;
    length: number | null;
    pad_to_multiple_of: number | null;
  };
  readonly truncation: number | null;
  readonly ids: number[][];
  readonly attention_mask: number[][];
  readonly type_ids: number[][];
}

/** Only the text's own tokens. */
export const PLAIN: EncodeOptions = { addSpecialTokens: false };

/** A part of a text, from `start` on. */
interface SeenPart {
  readonly text: string;
  readonly start: number;
  /** The place of its first token: a normalizer may strip the space that the part begins with, but not within the text. */
  readonly first?: { readonly alone: readonly [number, number]; readonly within: readonly [number, number] };
}

/**
 * The part of a text whose tokens the reference has when it makes windows. Since 0.23.1 huggingface/tokenizers stops at the
 * piece that reaches `maxLength` tokens (pull request 1990), so that its further windows do not cover the rest of the text
 * (pull request 2098 is about putting that right). Ours do; their form is compared on the part that the reference has seen.
 */
export function seenByReference(tokenizer: Tokenizer, text: string, options: EncodeOptions): SeenPart {
  const { maxLength = Number.POSITIVE_INFINITY, truncationSide } = options;
  const { wordIds, offsets } = tokenizer.encode(text, PLAIN);
  const count = wordIds.length;
  if (count <= maxLength) return { text, start: 0 };
  if (truncationSide === 'left') {
    let first = count - maxLength;
    while (first > 0 && wordIds[first - 1] === wordIds[first]) first--;
    // Trimmed offsets leave out a space that belongs to the piece.
    const start = first > 0 ? offsets[first - 1]![1] : 0;
    const part = text.slice(start);
    const [from, to] = tokenizer.encode(part, PLAIN).offsets[0]!;
    return { text: part, start, first: { alone: [from + start, to + start], within: offsets[first]! } };
  }
  let last = maxLength - 1;
  while (last + 1 < count && wordIds[last + 1] === wordIds[last]) last++;
  return { text: text.slice(0, offsets[last]![1]), start: 0 };
}

/** Checks a tokenizer against the `pairs.json` of a folder, if it has one. */
export function checkPairs(report: Report, tokenizer: Tokenizer, folder: string): void {
  const file = readJson<{ pairs: PairCase[]; truncation: TruncationCase[]; batches: BatchCase[] }>(
    folder,
    'pairs.json',
  );
  if (!file) return;
  for (const pair of file.pairs) {
    const seen = () => {
      const encoding = tokenizer.encode(pair.text, { pair: pair.text_pair });
      return [
        encoding.ids,
        encoding.typeIds,
        encoding.tokens,
        encoding.specialTokensMask,
        encoding.attentionMask,
        pairOffsets(encoding, pair.text, pair.text_pair),
        encoding.sequenceIds,
        encoding.wordIds,
      ];
    };
    const { ids, type_ids, tokens, special_tokens_mask, attention_mask, offsets, sequence_ids, word_ids } = pair;
    report.same('pairs', pair.id, seen, [
      ids,
      type_ids,
      tokens,
      special_tokens_mask,
      attention_mask,
      offsets,
      sequence_ids,
      word_ids,
    ]);
    report.same('pairs (ids only)', pair.id, () => tokenizer.encodeIds(pair.text, { pair: pair.text_pair }), ids);
  }
  for (const test of file.truncation) checkTruncation(report, tokenizer, test, file.pairs);
  for (const batch of file.batches) checkBatch(report, tokenizer, batch);
}

function pairOffsets(encoding: Encoding, first: string, second: string): [number, number][] {
  const indexes = [codePointIndex(first), codePointIndex(second)];
  return encoding.offsets.map(([start, end], i) => {
    const index = indexes[encoding.sequenceIds[i] ?? 0]!;
    return [index[start]!, index[end]!];
  });
}

const ERRORS: Readonly<Record<string, RegExp>> = {
  sequence_too_short: /no token left/,
  stride_not_below_window: /stride must be smaller/,
};

function checkTruncation(report: Report, tokenizer: Tokenizer, test: TruncationCase, pairs: readonly PairCase[]): void {
  const pair = pairs.find(({ id }) => id === test.pair);
  const text = pair?.text ?? test.text!;
  const options: EncodeOptions = {
    ...(pair && { pair: pair.text_pair }),
    maxLength: test.max_length,
    truncation: test.strategy,
    truncationSide: test.direction,
    stride: test.stride,
  };
  if (test.error) {
    const message = () => {
      try {
        tokenizer.encode(text, options);
        return 'no error';
      } catch (error) {
        return error instanceof HeedError && ERRORS[test.error!]!.test(error.message) ? test.error : String(error);
      }
    };
    report.same('truncation', test.id, message, test.error);
    return;
  }
  const wanted = (window: Window) => [window.ids, window.type_ids, window.offsets];
  const view = (encoding: Encoding, expected: Window | undefined, parts: readonly (SeenPart | undefined)[]) => {
    const begun = new Set<number>();
    const shifted = encoding.offsets.map(([start, end], i): [number, number] => {
      const sequence = encoding.sequenceIds[i] ?? null;
      const part = sequence === null ? undefined : parts[sequence];
      const [from, to] = [start + (part?.start ?? 0), end + (part?.start ?? 0)];
      const known = sequence === null || begun.has(sequence) ? undefined : part?.first;
      if (sequence !== null) begun.add(sequence);
      return known && known.alone[0] === from && known.alone[1] === to ? [...known.within] : [from, to];
    });
    const offsets = expected?.offsets && pairOffsets({ ...encoding, offsets: shifted }, text, pair?.text_pair ?? '');
    return [encoding.ids, encoding.typeIds, offsets];
  };
  const first = seenByReference(tokenizer, text, options);
  const second = pair && seenByReference(tokenizer, pair.text_pair, options);
  const limitedOptions = { ...options, ...(second && { pair: second.text }) };
  const parts = [first, second];
  // An odd token goes to the longer text, and the reference compares what it has seen of them.
  const longerFirst = (one: string, two: string) => tokenizer.count(one) > tokenizer.count(two);
  const limits = pair && longerFirst(text, pair.text_pair) !== longerFirst(first.text, second!.text);
  const seen = () => {
    const { overflowing } = tokenizer.encode(first.text, limitedOptions);
    const overflow = overflowing.slice(0, test.overflow.length).map((w, i) => view(w, test.overflow[i], parts));
    const result = limits
      ? view(tokenizer.encode(first.text, limitedOptions), test, parts)
      : view(tokenizer.encode(text, options), test, []);
    return [result, overflowing.length, overflow];
  };
  report.same('truncation', test.id, seen, [
    wanted(test),
    test.overflow_count ?? test.overflow.length,
    test.overflow.map(wanted),
  ]);
  const ids = () => (limits ? tokenizer.encodeIds(first.text, limitedOptions) : tokenizer.encodeIds(text, options));
  report.same('truncation (ids only)', test.id, ids, test.ids);
}

function checkBatch(report: Report, tokenizer: Tokenizer, batch: BatchCase): void {
  const { direction, pad_id, pad_token, pad_type_id, length, pad_to_multiple_of } = batch.padding;
  const options: EncodeOptions & PaddingOptions = {
    padding: length ?? 'longest',
    paddingSide: direction,
    padId: pad_id,
    padToken: pad_token,
    ...(pad_type_id !== undefined && { padTypeId: pad_type_id }),
    ...(pad_to_multiple_of !== null && { padToMultipleOf: pad_to_multiple_of }),
    ...(batch.truncation !== null && { maxLength: batch.truncation }),
  };
  const seen = () => {
    const encodings = tokenizer.encodeBatch(batch.texts, options);
    return [encodings.map(e => e.ids), encodings.map(e => e.attentionMask), encodings.map(e => e.typeIds)];
  };
  report.same('batches', batch.id, seen, [batch.ids, batch.attention_mask, batch.type_ids]);
}
