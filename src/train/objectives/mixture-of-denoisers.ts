/**
 * A mixture of denoisers. Tay et al. 2022, "UL2: Unifying Language Learning Paradigms": each example is damaged in one of seven
 * ways, and the text of a mode tells which kind: regular spans, the rest of the text, or much and long. All seven are equally
 * likely, as in the paper's mixture. Sources are cut for the mode and the end token to fit; targets are as long as they are.
 */
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { Rng } from '../../util/rng.ts';
import { textField } from '../data/row.ts';
import { type PaddingOptions, padIdOf, sourceTargetBatch } from './collate.ts';
import { checkLength, tokenColumn } from './frame.ts';
import { drawSpans, noiseCounts, type Spans, sentinelsOf, takeSpans } from './noise-spans.ts';
import type { Objective } from './objective.ts';
import { endOf } from './span-corruption.ts';

/** One way to damage a text: spans of mean length `mean` that are a share of `density`; without a mean the rest of the text. */
export interface Denoiser {
  /** The text of its mode, which the tokenizer cuts like any other. */
  readonly mode: string;
  readonly density: number;
  readonly mean?: number | undefined;
}
/** The paper's seven. */
export const DENOISERS: readonly Denoiser[] = [
  { mode: '[NLU]', mean: 3, density: 0.15 },
  { mode: '[NLU]', mean: 8, density: 0.15 },
  { mode: '[S2S]', density: 0.25 },
  { mode: '[NLG]', mean: 3, density: 0.5 },
  { mode: '[NLG]', mean: 8, density: 0.5 },
  { mode: '[NLG]', mean: 64, density: 0.15 },
  { mode: '[NLG]', mean: 64, density: 0.5 },
];

export interface MixtureOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Most tokens that the encoder reads. */
  readonly length: number;
  /** Default: the paper's seven. */
  readonly denoisers?: readonly Denoiser[] | undefined;
  /** Default `text`. */
  readonly column?: string | undefined;
}

/** @throws ConfigError for a length without room, and a tokenizer without an end token or enough sentinels */
export function mixtureOfDenoisers(options: MixtureOptions): Objective<'ids'> {
  const { tokenizer, length, denoisers = DENOISERS, column = 'text' } = options;
  const end = endOf(tokenizer, 'mixture-of-denoisers');
  const modes = denoisers.map(({ mode }) => tokenizer.encodeIds(mode, { addSpecialTokens: false }));
  const around = end.length + Math.max(...modes.map(mode => mode.length));
  checkLength(length, around, 'mixture-of-denoisers', 2);
  // No way to damage a text makes it longer: a span of one token is a sentinel then.
  const raw = length - around;
  const most = Math.max(...denoisers.map(({ density, mean }) => (mean ? noiseCounts(raw, density, mean).spans : 1)));
  const sentinels = sentinelsOf(tokenizer, most, 'mixture-of-denoisers');
  return {
    name: 'mixture-of-denoisers',
    columns: { ids: tokenColumn(tokenizer) },
    settings: { column },
    encode(row) {
      const ids = tokenizer.encodeIds(textField(row, [column]), { addSpecialTokens: false });
      return ids.length > 0 ? [{ ids }] : [];
    },
    blockLength: raw,
    batch(examples, rngs) {
      const pairs = examples.map(({ ids }, i) => {
        const which = rngs[i]!.below(denoisers.length);
        const { source, target } = takeSpans(ids, damage(ids.length, denoisers[which]!, rngs[i]!), sentinels);
        return { source: [...modes[which]!, ...source, ...end], target: [...target, ...end] };
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

/** What a denoiser takes out of n tokens. The rest of a text begins at any place that makes it `density` of the text on average. */
export function damage(n: number, { density, mean }: Denoiser, rng: Rng): Spans {
  if (n < 2) return [];
  if (mean !== undefined) return drawSpans(n, density, mean, rng);
  const most = Math.min(n - 1, Math.max(1, Math.round(2 * density * n) - 1));
  const rest = 1 + rng.below(most);
  return [[n - rest, rest]];
}
