/**
 * How far back a model remembers: agreement with a word, or recall of a fact, that stands some distance before the place where
 * it matters. Items are questions with one right answer and wrong ones of the same kind; what is reported is how often the right
 * one is the most probable, by distance. Linzen, Dupoux & Goldberg 2016, "Assessing the Ability of LSTMs to Learn
 * Syntax-Sensitive Dependencies" (agreement by the number of attractors between).
 */
import { ConfigError, FormatError } from '../errors.ts';
import { type Interval, wilson } from '../util/statistics/index.ts';
import { type DataRows, neededText } from './data-row.ts';
import { type ContinuationItem, type ContinuationOptions, continuationLogLikelihoods } from './likelihood/index.ts';
import { pseudoScores, type TextTokens } from './likelihood/pseudo.ts';
import { kindOf, type ScoredModel } from './scored-model.ts';

/** The place of the answer in a context. */
const SLOT = '{}';

export interface LongRangeItem {
  /** The text before the answer, or all of it with `{}` in the answer's place. */
  readonly context: string;
  readonly answer: string;
  readonly distractors: readonly string[];
  /** In words, sentences, attractors: whatever the reader of the figures is told. */
  readonly distance: number;
}
export interface LongRangeOptions extends ContinuationOptions {
  /** Where the bins of distance begin, rising; the last one is open. Default: every distance is a bin. */
  readonly bins?: readonly number[] | undefined;
}
export interface LongRangeScore {
  readonly item: LongRangeItem;
  /** Natural logarithm of the answer's probability (and of the text behind it, where a decoder has to read on). */
  readonly logProbability: number;
  /** The best distractor's. */
  readonly rival: number;
  readonly correct: boolean;
}
export interface DistanceBin {
  /** Smallest distance, and the largest, of the bin; of bins that were asked for the end may be infinite. */
  readonly from: number;
  readonly to: number;
  readonly items: number;
  /** Share of right answers with a 95 % interval (Wilson). */
  readonly accuracy: Interval;
  /** What guessing gives. */
  readonly chance: number;
  readonly meanLogProbability: number;
}
export interface LongRangeReport {
  readonly overall: DistanceBin;
  /** By rising distance; bins without items are left out. */
  readonly bins: readonly DistanceBin[];
  readonly items: readonly LongRangeScore[];
}

/**
 * Items from rows with `context`, `answer`, `distractors` (a list of texts) and `distance`.
 * @throws FormatError, naming the row
 */
export async function readLongRange(rows: DataRows): Promise<LongRangeItem[]> {
  const items: LongRangeItem[] = [];
  for await (const row of rows) {
    const { distractors, distance } = row.fields;
    const texts = Array.isArray(distractors) && distractors.length > 0 && distractors.every(d => typeof d === 'string');
    if (!texts || typeof distance !== 'number' || !Number.isFinite(distance))
      throw new FormatError('a row has no distractors or no distance', {
        expected: '"distractors": ["..."], "distance": 12',
        where: row.where,
      });
    items.push({ context: neededText(row, 'context'), answer: neededText(row, 'answer'), distractors, distance });
  }
  return items;
}

/**
 * Accuracy by distance. Decoders and recurrent networks read what is before the answer, and score it with the text behind it;
 * encoder-decoders read the context as their source; masked language models fill the place from both sides, the tokens of the
 * answer from left to right.
 * @throws ConfigError for items without answers to tell apart, bins that do not rise, and as the likelihoods do
 */
export async function longRange(
  model: ScoredModel,
  items: readonly LongRangeItem[],
  { bins, ...options }: LongRangeOptions = {},
): Promise<LongRangeReport> {
  if (items.length === 0) throw new ConfigError('there are no items to ask', { expected: 'at least one' });
  if (bins?.some((edge, i) => !Number.isFinite(edge) || (i > 0 && edge <= bins[i - 1]!)))
    throw new ConfigError('the bins do not rise', { seen: bins.join(', ') });
  items.forEach(({ answer, distractors }, i) => {
    if (distractors.length === 0 || distractors.includes(answer))
      throw new ConfigError('an answer needs others to be told from', { seen: answer, where: `item ${i}` });
  });
  const asked = items.flatMap(item => [item.answer, ...item.distractors].map(answer => ({ item, answer })));
  const scores =
    kindOf(model) === 'masked' ? await filled(model, asked, options) : await continued(model, asked, options);
  let next = 0;
  const scored = items.map((item): LongRangeScore => {
    const own = scores.slice(next, (next += 1 + item.distractors.length));
    const rival = Math.max(...own.slice(1));
    return { item, logProbability: own[0]!, rival, correct: own[0]! > rival };
  });
  const distances = [...new Set(items.map(({ distance }) => distance))].sort((a, b) => a - b);
  const edges = bins ?? distances;
  const within = edges.map((from, i) => {
    const end = edges[i + 1] ?? Number.POSITIVE_INFINITY;
    const own = scored.filter(({ item: { distance } }) => distance >= from && distance < end);
    return bin(own, from, bins ? end : from);
  });
  return {
    overall: bin(scored, distances[0]!, distances.at(-1)!)!,
    bins: within.filter(found => found !== undefined),
    items: scored,
  };
}

function bin(scores: readonly LongRangeScore[], from: number, to: number): DistanceBin | undefined {
  const n = scores.length;
  if (n === 0) return undefined;
  const mean = (of: (score: LongRangeScore) => number) => scores.reduce((sum, score) => sum + of(score), 0) / n;
  return {
    ...{ from, to, items: n },
    accuracy: wilson(scores.filter(({ correct }) => correct).length, n),
    chance: mean(({ item }) => 1 / (1 + item.distractors.length)),
    meanLogProbability: mean(({ logProbability }) => logProbability),
  };
}

interface Asked {
  readonly item: LongRangeItem;
  readonly answer: string;
}
/** What stands before and behind the answer. */
function aroundAnswer({ context }: LongRangeItem): [string, string] {
  const at = context.indexOf(SLOT);
  return at < 0 ? [context, ''] : [context.slice(0, at), context.slice(at + SLOT.length)];
}
/** An answer behind a word or a mark is a word of its own, whether or not the item says so. */
const spaced = (before: string, answer: string): string =>
  /[\p{L}\p{N}.,;:!?]$/u.test(before) && !/^\s/.test(answer) ? ` ${answer}` : answer;

async function continued(model: ScoredModel, asked: readonly Asked[], options: ContinuationOptions): Promise<number[]> {
  const items = asked.map(({ item, answer }): ContinuationItem => {
    const [before, behind] = aroundAnswer(item);
    return { context: before, continuation: `${spaced(before, answer)}${behind}` };
  });
  const scores = await continuationLogLikelihoods(model, items, options);
  return scores.map(({ logLikelihood }) => logLikelihood);
}

/** The tokens of each answer, hidden together from the first that is asked for on. */
async function filled(model: ScoredModel, asked: readonly Asked[], options: ContinuationOptions): Promise<number[]> {
  const texts = asked.map(({ item, answer }, i): TextTokens => {
    const [before, behind] = aroundAnswer(item);
    const own = spaced(before, answer);
    const { ids, offsets, specialTokensMask } = model.tokenizer.encode(before + own + behind);
    const [from, to] = [before.length, before.length + own.length];
    const at = [...ids.keys()].filter(t => {
      const [start, end] = offsets[t]!;
      return specialTokensMask[t] === 0 && start < to && end > from;
    });
    if (at.length === 0) throw new ConfigError('an answer has no token', { seen: answer, where: `answer ${i}` });
    return { ids, at, words: at.map(() => 0) };
  });
  const scores = await pseudoScores(model, texts, { ...options, variant: 'word-l2r' });
  return scores.map(({ logProbs }) => logProbs.reduce((sum, x) => sum + x, 0));
}
