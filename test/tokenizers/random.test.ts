/** Components and encodings on random texts and options, as huggingface/tokenizers has them (see data/README.md). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  type EncodeOptions,
  type Encoding,
  type PaddingOptions,
  type Side,
  type TruncationStrategy,
  tokenizerFromFiles,
} from '../../src/tokenizers/index.ts';
import { parseNormalizer } from '../../src/tokenizers/normalizers.ts';
import { codePointIndex, originalRange, unchangedText } from '../../src/tokenizers/offsets.ts';
import { parsePreTokenizer, preTokenizeAligned, preTokenizeText } from '../../src/tokenizers/pre-tokenizers.ts';

type Ranges = [number, number][];
interface NormalizerCases {
  readonly normalizer: { type: string };
  readonly cases: [text: string, normalized: string, offsetsOfCharacters: Ranges][];
}
interface PreTokenizerCases {
  readonly pre_tokenizer: { type: string };
  readonly cases: [text: string, pieces: [string, [number, number]][]][];
}
interface EncodingCase {
  readonly tokenizer: string;
  readonly text: string;
  readonly pair: string | null;
  readonly special: boolean;
  readonly truncation: { max_length: number; stride: number; strategy: TruncationStrategy; direction: Side } | null;
  readonly padding: { length: number | null; direction: Side; pad_to_multiple_of: number | null } | null;
  readonly ids: number[];
  readonly type_ids: number[];
  readonly attention_mask: number[];
  readonly special_tokens_mask: number[];
  readonly offsets: Ranges;
  readonly word_ids: (number | null)[];
  readonly overflow: [ids: number[], typeIds: number[], offsets: Ranges][];
}

const data = (path: string) => readFileSync(fileURLToPath(new URL(`data/${path}`, import.meta.url)), 'utf8');
const { components, encodings } = JSON.parse(data('random/cases.json')) as {
  components: (NormalizerCases | PreTokenizerCases)[];
  encodings: EncodingCase[];
};

describe('components on random texts', () => {
  for (const entry of components) {
    if ('normalizer' in entry)
      it(JSON.stringify(entry.normalizer), () => {
        const normalizer = parseNormalizer(entry.normalizer);
        for (const [text, normalized, offsets] of entry.cases) {
          expect(normalizer.text(text)).toBe(normalized);
          const aligned = normalizer.aligned(unchangedText(text, 0));
          expect(aligned.text).toBe(normalized);
          const index = codePointIndex(text);
          let at = 0;
          const ranges = Array.from(normalized, char => {
            const [start, end] = originalRange(aligned, at, at + char.length);
            at += char.length;
            return [index[start], index[end]];
          });
          expect(ranges).toEqual(offsets);
        }
      });
    else
      it(JSON.stringify(entry.pre_tokenizer), () => {
        const steps = parsePreTokenizer(entry.pre_tokenizer);
        for (const [text, pieces] of entry.cases) {
          const index = codePointIndex(text);
          const seen: [string, [number, number]][] = [];
          preTokenizeAligned(steps, unchangedText(text, 0), 0, text.length, true, (piece, start, end) => {
            seen.push([piece.text.slice(start, end), [index[start]!, index[end]!]]);
          });
          expect(seen).toEqual(pieces);
          const bare: string[] = [];
          preTokenizeText(steps, text, 0, text.length, true, (piece, start, end) => bare.push(piece.slice(start, end)));
          expect(bare).toEqual(pieces.map(([piece]) => piece));
        }
      });
  }
});

function optionsOf({ pair, special, truncation, padding }: EncodingCase): EncodeOptions & PaddingOptions {
  return {
    offsets: 'codePoints',
    addSpecialTokens: special,
    ...(pair !== null && { pair }),
    ...(truncation && {
      maxLength: truncation.max_length,
      stride: truncation.stride,
      truncation: truncation.strategy,
      truncationSide: truncation.direction,
    }),
    ...(padding && {
      padding: padding.length ?? 'longest',
      paddingSide: padding.direction,
      padId: 0,
      padToken: 'P',
      padTypeId: 3,
      ...(padding.pad_to_multiple_of !== null && { padToMultipleOf: padding.pad_to_multiple_of }),
    }),
  };
}

describe('encodings of random texts with random options', () => {
  const names = new Set(encodings.map(({ tokenizer }) => tokenizer));
  it.each([...names])('%s', name => {
    const tokenizer = tokenizerFromFiles({ 'tokenizer.json': data(`${name}/tokenizer.json`) });
    for (const test of encodings.filter(entry => entry.tokenizer === name)) {
      const input = test.pair === null ? test.text : ([test.text, test.pair] as const);
      const [encoding] = tokenizer.encodeBatch([input], optionsOf(test));
      const window = ({ ids, typeIds, offsets }: Encoding) => [ids, typeIds, offsets];
      expect({
        ...test,
        ids: encoding!.ids,
        type_ids: encoding!.typeIds,
        attention_mask: encoding!.attentionMask,
        special_tokens_mask: encoding!.specialTokensMask,
        offsets: encoding!.offsets,
        word_ids: encoding!.wordIds,
        overflow: encoding!.overflowing.map(window),
      }).toEqual(test);
    }
  });
});
