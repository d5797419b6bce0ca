/**
 * Log-likelihoods of continuations after contexts: what multiple choice, minimal pairs and most tasks are decided by. The
 * conventions are those of lm-evaluation-harness 0.4: spaces at the end of the context belong to the continuation; a decoder's
 * text is tokenized whole and cut where the context's tokens end; an empty context is the start token (or the end token); what
 * is too long loses its beginning. An encoder-decoder reads the context as its source. A masked language model, which the
 * harness does not know, gets the pseudo-log-likelihood of the continuation's tokens with the context in sight.
 */
import { ConfigError } from '../../errors.ts';
import { headOf } from '../../models/forward.ts';
import { kindOf, maskIdOf, type ScoredKind, type ScoredModel, startIdOf } from '../scored-model.ts';
import { trimEnd } from '../scores/whitespace.ts';
import { type PseudoVariant, pseudoRows, sumsByText, type TextTokens } from './pseudo.ts';
import { type RowScores, type ScoreOptions, type ScoreProgress, type ScoreRow, scoreRows } from './score-rows.ts';
import { leadingIds, trailingIds } from './special-ids.ts';
import { utf8Length } from './text-size.ts';

export interface ContinuationItem {
  readonly context: string;
  readonly continuation: string;
}
export interface ContinuationOptions extends ScoreOptions {
  /** What an empty context is. Default: the tokenizer's start token, else its end token. */
  readonly startId?: number | undefined;
  /** The end token behind the continuation is scored too: how probable it is as a whole answer. Default false. */
  readonly scoreEnd?: boolean | undefined;
  /** Masked language models: see `pseudoLogLikelihoods`. Default `word-l2r`. */
  readonly variant?: PseudoVariant | undefined;
  /** Scores in another way than token by token, such as by the bound of a masked diffusion model. */
  readonly estimate?: LikelihoodEstimator | undefined;
}
/**
 * ln p(answer | prompt) of lists of ids, or a bound of it: `(prompt, answer, options) => countedLikelihood(model.denoiser(),
 * prompt, answer, options)`.
 */
export type LikelihoodEstimator = (
  prompt: readonly number[],
  answer: readonly number[],
  options: { readonly signal?: AbortSignal | undefined },
) => Promise<{ readonly logLikelihood: number }>;

export interface ContinuationScore {
  /** Of all tokens of the continuation together, in nats. */
  readonly logLikelihood: number;
  /** Tokens of the continuation that were scored. */
  readonly tokens: number;
  /** Of the continuation as given, in UTF-8. */
  readonly bytes: number;
  /** Characters of the continuation as given: code points, as Python counts. */
  readonly characters: number;
  /** Every token was the most probable one; false where an estimator does not say. */
  readonly greedy: boolean;
}

/**
 * The score of each item, in their order. Progress counts passes through the network: rows that are alike are scored once.
 * @throws ConfigError for a model without probabilities, a continuation without a token, an empty context without a start token
 */
export async function continuationLogLikelihoods(
  model: ScoredModel,
  items: readonly ContinuationItem[],
  options: ContinuationOptions = {},
): Promise<ContinuationScore[]> {
  const kind = kindOf(model);
  if (options.estimate) return estimated(model, items, options.estimate, options);
  const parts = items.map((item, i) => splitItem(model, kind, item, i, options));
  const sized = (i: number, logLikelihood: number, tokens: number, greedy: boolean): ContinuationScore => {
    const { continuation } = items[i]!;
    const [bytes, characters] = [utf8Length(continuation), [...continuation].length];
    return { logLikelihood, tokens, bytes, characters, greedy };
  };
  if (kind === 'masked') {
    const texts = parts.map((part, i): TextTokens => maskedText(model, part, i));
    const rows = pseudoRows(texts, maskIdOf(model), options.variant ?? 'word-l2r');
    const sums = sumsByText(
      texts,
      rows,
      await scoreRows(
        model,
        rows.map(r => r.row),
        options,
      ),
    );
    return sums.map(({ logLikelihood, greedy }, i) => sized(i, logLikelihood, texts[i]!.at.length, greedy));
  }
  const rows = parts.map(part => (kind === 'causal' ? causalRow(part, model.contextLength) : sourceRow(model, part)));
  const scores = await scoreMerged(model, rows, options);
  return scores.map(({ logProbs, greedy }, i) =>
    sized(
      i,
      logProbs.reduce((sum, x) => sum + x, 0),
      logProbs.length,
      greedy.every(best => best === 1),
    ),
  );
}

/** How log-likelihoods of answers of different lengths are made comparable. */
export const NORMALIZATIONS = ['sum', 'token', 'byte', 'character', 'pmi'] as const;
export type Normalization = (typeof NORMALIZATIONS)[number];

/**
 * A score by which answers are ranked: the sum as it is, per token, byte or character (the harness' `acc_norm`), or less the
 * log-likelihood of the same continuation after a neutral context (pointwise mutual information: Brown et al. 2020; Holtzman et
 * al. 2021, "Surface Form Competition").
 * @param unconditional for `pmi`: the score after the neutral context
 * @throws ConfigError when it is missing
 */
export function normalizedScore(
  score: ContinuationScore,
  by: Normalization,
  unconditional?: ContinuationScore,
): number {
  const { logLikelihood, tokens, bytes, characters } = score;
  switch (by) {
    case 'sum':
      return logLikelihood;
    case 'token':
      return logLikelihood / tokens;
    case 'byte':
      return logLikelihood / bytes;
    case 'character':
      return logLikelihood / characters;
    case 'pmi':
      if (unconditional) return logLikelihood - unconditional.logLikelihood;
      throw new ConfigError('pmi compares with the continuation after a neutral context', {
        expected: 'its score as the third argument',
      });
    default:
      throw new ConfigError('no such normalization', { seen: String(by), expected: NORMALIZATIONS.join(', ') });
  }
}

// ---- items as ids
interface SplitItem {
  readonly context: readonly number[];
  readonly continuation: readonly number[];
  /** Which word each token of the continuation is in, for masked models. */
  readonly words: readonly (number | null)[];
}
/** An item as ids. @throws ConfigError, naming it, when it has none to score or none to read */
function splitItem(
  model: ScoredModel,
  kind: ScoredKind,
  item: ContinuationItem,
  index: number,
  options: ContinuationOptions,
): SplitItem {
  const split = tokensOf(model, kind, item, options);
  // A masked model foretells a token that stands alone, the others need something to read.
  const reads = split.context.length > 0 || kind === 'masked';
  if (reads && split.continuation.length > 0) return split;
  throw new ConfigError(reads ? 'a continuation has no token' : 'a context has no token', {
    seen: JSON.stringify((reads ? item.continuation : item.context).slice(0, 40)),
    where: `item ${index}`,
  });
}
function tokensOf(
  model: ScoredModel,
  kind: ScoredKind,
  item: ContinuationItem,
  { startId, scoreEnd = false }: ContinuationOptions,
): SplitItem {
  const { tokenizer } = model;
  const [before, after] = atLastWord(item);
  const plain = { addSpecialTokens: false };
  const ids = (text: string) => tokenizer.encodeIds(text, plain);
  const end = scoreEnd ? [endIdOf(model, kind)] : [];
  if (kind === 'masked') {
    const whole = tokenizer.encode(before + after, plain);
    const length = ids(before).length;
    return {
      context: [...leadingIds(tokenizer), ...whole.ids.slice(0, length)],
      continuation: whole.ids.slice(length),
      words: whole.wordIds.slice(length),
    };
  }
  if (before === '') {
    const own = ids(after);
    const start = startIdOf(model, startId);
    // A text that brings the start token along does not get a second one.
    return { context: [start], continuation: [...own.slice(own[0] === start ? 1 : 0), ...end], words: [] };
  }
  if (kind === 'encoderDecoder')
    return { context: tokenizer.encodeIds(before), continuation: [...ids(after), ...end], words: [] };
  const { context, continuation } = plainIds(model, item);
  return { context: [...leadingIds(tokenizer), ...context], continuation: [...continuation, ...end], words: [] };
}
/** The ids of both together, cut where those of the context end, without special tokens. */
function plainIds({ tokenizer }: ScoredModel, item: ContinuationItem): Omit<SplitItem, 'words'> {
  const [before, after] = atLastWord(item);
  const plain = { addSpecialTokens: false };
  const whole = tokenizer.encodeIds(before + after, plain);
  const length = tokenizer.encodeIds(before, plain).length;
  return { context: whole.slice(0, length), continuation: whole.slice(length) };
}
/** The two texts, with the spaces between them on the side of the second. */
function atLastWord({ context, continuation }: ContinuationItem): [string, string] {
  const cut = trimEnd(context).length;
  return [context.slice(0, cut), context.slice(cut) + continuation];
}
function endIdOf({ tokenizer }: ScoredModel, kind: ScoredKind): number {
  const { eos } = tokenizer.specialTokens;
  if (eos !== undefined && kind !== 'masked') return eos;
  throw new ConfigError('no end token to score', {
    seen: kind === 'masked' ? 'a masked language model' : 'a tokenizer without an end token',
    fix: 'leave scoreEnd out',
  });
}

/** Reads all but the last token; the beginning of what does not fit is left out. */
function causalRow({ context, continuation }: SplitItem, most = Number.POSITIVE_INFINITY): ScoreRow {
  const all = [...context, ...continuation];
  const ids = all.slice(Math.max(0, all.length - 1 - most), -1);
  const count = Math.min(continuation.length, ids.length);
  return {
    ids,
    at: Array.from({ length: count }, (_, i) => ids.length - count + i),
    targets: continuation.slice(continuation.length - count),
  };
}

/** The decoder reads the continuation, shifted right behind its start token. */
function sourceRow(model: ScoredModel, { context, continuation }: SplitItem): ScoreRow {
  const { architecture, config } = model.parts;
  const longest = (limit: number | undefined, ids: readonly number[]) => (limit ? ids.slice(-limit) : ids);
  const targets = longest(model.contextLength, continuation);
  const ids = headOf(model.parts).decoderIds?.(config, { input_ids: undefined, labels: [targets] })?.[0];
  if (!ids) throw new ConfigError('the model does not say what its decoder begins with', { seen: architecture.name });
  return { ids, source: longest(architecture.sourceLength?.(config), context), at: [...ids.keys()], targets };
}

function maskedText(model: ScoredModel, { context, continuation, words }: SplitItem, index: number): TextTokens {
  const end = trailingIds(model.tokenizer);
  const most = (model.contextLength ?? Number.POSITIVE_INFINITY) - end.length;
  const lead = leadingIds(model.tokenizer).length;
  const excess = Math.max(0, context.length + continuation.length - most);
  if (excess > context.length - lead)
    throw new ConfigError('a continuation is longer than the context window', {
      seen: `${continuation.length} tokens`,
      expected: `at most ${most - lead}`,
      where: `item ${index}`,
    });
  const before = [...context.slice(0, lead), ...context.slice(lead + excess)];
  return {
    ids: [...before, ...continuation, ...end],
    at: continuation.map((_, i) => before.length + i),
    words,
  };
}
// ---- rows as scores
/** Rows that read the same are one row: answers of one token to one question cost one pass. */
async function scoreMerged(model: ScoredModel, rows: readonly ScoreRow[], options: ScoreOptions): Promise<RowScores[]> {
  const merged: { ids: readonly number[]; source: readonly number[] | undefined; at: number[]; targets: number[] }[] =
    [];
  const known = new Map<string, number>();
  const slices = rows.map(({ ids, source, at, targets }) => {
    const key = `${ids}|${source ?? ''}`;
    let number = known.get(key);
    if (number === undefined) {
      number = merged.push({ ids, source, at: [], targets: [] }) - 1;
      known.set(key, number);
    }
    const row = merged[number]!;
    const from = row.at.length;
    row.at.push(...at);
    row.targets.push(...targets);
    return { number, from, to: row.at.length };
  });
  const scores = await scoreRows(model, merged, options);
  return slices.map(({ number, from, to }) => ({
    logProbs: scores[number]!.logProbs.slice(from, to),
    greedy: scores[number]!.greedy.slice(from, to),
  }));
}

async function estimated(
  model: ScoredModel,
  items: readonly ContinuationItem[],
  estimate: LikelihoodEstimator,
  { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: ((p: ScoreProgress) => void) | undefined },
): Promise<ContinuationScore[]> {
  const scores: ContinuationScore[] = [];
  for (const { context, continuation } of items) {
    signal?.throwIfAborted();
    const { context: prompt, continuation: answer } = plainIds(model, { context, continuation });
    const { logLikelihood } = await estimate(prompt, answer, { signal });
    scores.push({
      ...{ logLikelihood, tokens: answer.length, greedy: false },
      ...{ bytes: utf8Length(continuation), characters: [...continuation].length },
    });
    onProgress?.({ done: scores.length, total: items.length });
  }
  return scores;
}
