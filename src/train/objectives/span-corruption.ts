/**
 * Spans to be written again. Raffel et al. 2019 (T5): 15 % of the tokens in spans of mean length 3; the encoder reads the text with
 * a sentinel for each span, the decoder writes the spans, each behind its sentinel, and the end token. As in the released code the
 * text is long enough for the source to have just the length asked for, and no further sentinel ends the target.
 */
import { ConfigError } from '../../errors.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import { textField } from '../data/row.ts';
import { type PaddingOptions, padIdOf, sourceTargetBatch } from './collate.ts';
import { checkLength, frameOf, tokenColumn } from './frame.ts';
import { drawSpans, noiseCounts, sentinelsOf, takeSpans } from './noise-spans.ts';
import type { Objective } from './objective.ts';

/** Names: the reference's span corruption. */
export interface SpanCorruptionOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Tokens that the encoder reads, the end token included. */
  readonly length: number;
  /** Default 0.15. */
  readonly noiseDensity?: number | undefined;
  /** Default 3. */
  readonly meanNoiseSpanLength?: number | undefined;
  /** A sentinel that stands for no span ends the target, as in the paper's figure. Default false. */
  readonly finalSentinel?: boolean | undefined;
  /** Default `text`. */
  readonly column?: string | undefined;
}

/** @throws ConfigError for shares and lengths that cannot be, and a tokenizer without an end token or enough sentinels */
export function spanCorruption(options: SpanCorruptionOptions): Objective<'ids'> {
  const { tokenizer, length, noiseDensity = 0.15, meanNoiseSpanLength = 3, column = 'text' } = options;
  const extra = Number(options.finalSentinel ?? false);
  const end = endOf(tokenizer, 'span-corruption');
  const raw = corruptedLengths(length, noiseDensity, meanNoiseSpanLength).raw;
  const { spans } = noiseCounts(raw, noiseDensity, meanNoiseSpanLength);
  const sentinels = sentinelsOf(tokenizer, spans + extra, 'span-corruption');
  return {
    name: 'span-corruption',
    columns: { ids: tokenColumn(tokenizer) },
    settings: { column },
    encode(row) {
      const ids = tokenizer.encodeIds(textField(row, [column]), { addSpecialTokens: false });
      return ids.length > 0 ? [{ ids }] : [];
    },
    blockLength: raw,
    batch(examples, rngs) {
      const pairs = examples.map(({ ids }, i) => {
        const drawn = drawSpans(ids.length, noiseDensity, meanNoiseSpanLength, rngs[i]!);
        const { source, target } = takeSpans(ids, drawn, sentinels);
        const last = sentinels.slice(drawn.length, drawn.length + extra);
        return { source: [...source, ...end], target: [...target, ...last, ...end] };
      });
      return sourceTargetBatch(
        pairs.map(({ source }) => source),
        pairs.map(({ target }) => target),
        padIdOf(tokenizer),
        { maxLength: length, ...options },
      );
    },
    texts: row => [textField(row, [column])],
  };
}

/** What ends a text of this tokenizer. @throws ConfigError for one that has no end token */
export function endOf(tokenizer: Tokenizer, objective: string): readonly number[] {
  const { ids } = frameOf(tokenizer, 1).added[1]!;
  const { eos } = tokenizer.specialTokens;
  if (ids.length > 0) return ids;
  if (eos !== undefined) return [eos];
  throw new ConfigError('the tokenizer has no end token', { where: objective });
}

/**
 * The longest text that leaves at most `length` tokens with its sentinels and an end token, and the length of its target: 568 and
 * 114 for the published 512.
 * @throws ConfigError for a density outside of 0 to 1, a mean below 1, and a length without room
 */
export function corruptedLengths(
  length: number,
  density: number,
  mean: number,
): { readonly raw: number; readonly target: number } {
  if (!(density > 0 && density < 1 && mean >= 1))
    throw new ConfigError('no such noise', {
      seen: `${density} in spans of ${mean}`,
      expected: 'a share, and 1 or more',
    });
  checkLength(length, 1, 'span-corruption', 2);
  const sizes = (n: number) => {
    const { noise, spans } = noiseCounts(n, density, mean);
    return { source: n - noise + spans + 1, target: noise + spans + 1 };
  };
  let raw = 2;
  while (sizes(raw + 1).source <= length) raw++;
  // As in the released code: with half of a text taken out, the target is to be no longer than the source.
  if (density === 0.5 && sizes(raw).target > length) raw--;
  return { raw, target: sizes(raw).target };
}
