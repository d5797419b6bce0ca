/**
 * Pseudo-log-likelihoods of masked language models: each token is hidden in turn and foretold from all others. Salazar et al.
 * 2020, "Masked Language Model Scoring"; Kauf & Ivanova 2023, "A Better Way to Do Masked Language Model Scoring": where a word
 * is several tokens, those to the right of the hidden one are hidden too, so that a rare word's pieces do not give each other
 * away.
 */
import { ConfigError } from '../../errors.ts';
import type { Encoding } from '../../tokenizers/index.ts';
import { kindOf, maskIdOf, type ScoredModel } from '../scored-model.ts';
import { type RowScores, type ScoreOptions, type ScoreRow, scoreRows } from './score-rows.ts';

/** `token`: one token is hidden at a time. `word-l2r`: and the rest of its word to the right. */
export const PSEUDO_VARIANTS = ['token', 'word-l2r'] as const;
export type PseudoVariant = (typeof PSEUDO_VARIANTS)[number];

export interface PseudoOptions extends ScoreOptions {
  /** Default `token`, the original. */
  readonly variant?: PseudoVariant | undefined;
}
export interface PseudoScore {
  /** Sum over the tokens, in nats. */
  readonly logLikelihood: number;
  /** Of each token that was hidden. */
  readonly logProbs: readonly number[];
  readonly tokens: readonly string[];
}

/** A text's ids, and which of them are scored. */
export interface TextTokens {
  readonly ids: readonly number[];
  readonly at: readonly number[];
  /** The word of each scored token. */
  readonly words: readonly (number | null)[];
}
export interface PseudoRow {
  readonly text: number;
  readonly row: ScoreRow;
}

/**
 * The pseudo-log-likelihood of each text, the tokenizer's special tokens in sight but not scored. Progress counts passes, one
 * for each token.
 * @throws ConfigError for a model that is no masked language model, and for a text longer than its window
 */
export async function pseudoLogLikelihoods(
  model: ScoredModel,
  texts: readonly string[],
  { variant = 'token', ...options }: PseudoOptions = {},
): Promise<PseudoScore[]> {
  const encodings = texts.map(text => model.tokenizer.encode(text));
  const tokens = encodings.map(ownTokens);
  const scores = await pseudoScores(model, tokens, { variant, ...options });
  return scores.map(({ logProbs }, i) => ({
    logLikelihood: logProbs.reduce((sum, x) => sum + x, 0),
    logProbs,
    tokens: tokens[i]!.at.map(t => encodings[i]!.tokens[t]!),
  }));
}

/** The same for chosen tokens of texts of ids. @throws as `pseudoLogLikelihoods` does */
export async function pseudoScores(
  model: ScoredModel,
  texts: readonly TextTokens[],
  { variant = 'token', ...options }: PseudoOptions = {},
): Promise<{ readonly logProbs: readonly number[] }[]> {
  if (kindOf(model) !== 'masked')
    throw new ConfigError('only a masked language model has pseudo-log-likelihoods', {
      seen: model.parts.head,
      fix: 'continuationLogLikelihoods gives those of models of the next token',
    });
  const rows = pseudoRows(texts, maskIdOf(model), variant);
  const scores = await scoreRows(
    model,
    rows.map(({ row }) => row),
    options,
  );
  const logProbs: number[][] = texts.map(() => []);
  rows.forEach(({ text }, i) => {
    logProbs[text]!.push(scores[i]!.logProbs[0]!);
  });
  return logProbs.map(each => ({ logProbs: each }));
}

/**
 * Salazar et al.'s pseudo-perplexity of a corpus: e to the mean negative log-probability of its tokens, each foretold from
 * both sides. It is no perplexity, and is compared with its own kind only.
 * @throws ConfigError where no token was scored
 */
export function pseudoPerplexity(scores: readonly PseudoScore[]): number {
  const tokens = scores.reduce((sum, { logProbs }) => sum + logProbs.length, 0);
  if (tokens === 0)
    throw new ConfigError('no pseudo-perplexity without a token', {
      seen: `${scores.length} texts`,
      expected: 'one with a token',
    });
  return Math.exp(-scores.reduce((sum, { logLikelihood }) => sum + logLikelihood, 0) / tokens);
}

/** The tokens of an encoding that are not the tokenizer's own. */
export function ownTokens({ ids, specialTokensMask, wordIds }: Encoding): TextTokens {
  const at = [...ids.keys()].filter(t => specialTokensMask[t] === 0);
  return { ids, at, words: at.map(t => wordIds[t]!) };
}

/** A row for each scored token, in order. @throws ConfigError for another variant */
export function pseudoRows(texts: readonly TextTokens[], maskId: number, variant: PseudoVariant): PseudoRow[] {
  if (!PSEUDO_VARIANTS.includes(variant))
    throw new ConfigError('no such pseudo-log-likelihood', {
      seen: String(variant),
      expected: PSEUDO_VARIANTS.join(', '),
    });
  return texts.flatMap(({ ids, at, words }, text) =>
    at.map((t, i) => {
      const rest =
        variant === 'word-l2r' && words[i] !== null ? at.filter((_, j) => j > i && words[j] === words[i]) : [];
      return { text, row: { ids, hidden: { at: [t, ...rest], id: maskId }, at: [t], targets: [ids[t]!] } };
    }),
  );
}

/** What the rows of each text come to. */
export function sumsByText(
  texts: readonly TextTokens[],
  rows: readonly PseudoRow[],
  scores: readonly RowScores[],
): { logLikelihood: number; greedy: boolean }[] {
  const sums = texts.map(() => ({ logLikelihood: 0, greedy: true }));
  rows.forEach(({ text }, i) => {
    const { logProbs, greedy } = scores[i]!;
    sums[text]!.logLikelihood += logProbs[0]!;
    sums[text]!.greedy &&= greedy[0] === 1;
  });
  return sums;
}
