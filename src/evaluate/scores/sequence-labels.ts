/**
 * Scores of tagged sequences over whole entities, with the numbers of seqeval 1.2.2: an entity is right if its type, start
 * and end are.
 */

import { ConfigError } from '../../errors.ts';
import type { SumStatistic } from '../../util/statistics/statistic.ts';
import { byCodePoints, type PrecisionRecall } from './classification.ts';
import {
  detectScheme,
  type EntitySpan,
  lenientEntities,
  strictEntities,
  TAG_SCHEMES,
  type TagScheme,
} from './entity-spans.ts';
import { checkPaired } from './paired-lists.ts';

export interface SequenceOptions {
  /** `default`: the lenient reading of tags. `strict`: that of a scheme. */
  readonly mode?: 'default' | 'strict' | undefined;
  /** The scheme of `strict`. Default: what the letters of the true tags tell. */
  readonly scheme?: TagScheme | undefined;
  /** Tags are like `PER-B`. Default false. */
  readonly suffix?: boolean | undefined;
  /** What a share of nothing is. Default 0. */
  readonly zeroDivision?: 0 | 1 | undefined;
}

export interface SequenceReport {
  /** The share of right tags. */
  readonly accuracy: number;
  readonly types: readonly ({ readonly type: string } & PrecisionRecall)[];
  readonly micro: PrecisionRecall;
  readonly macro: PrecisionRecall;
  readonly weighted: PrecisionRecall;
}

/** Entities of one type: right, predicted and true ones. */
interface EntityCounts {
  readonly hits: number;
  readonly predicted: number;
  readonly true: number;
}

/**
 * Precision, recall and F1 of the entities, for each type and on average. Where there are no entities at all, the averages
 * are `zeroDivision`. Throws `ConfigError` for no sequences, sequences of different lengths, and unknown tags or schemes.
 */
export function sequenceReport(
  predictions: readonly (readonly string[])[],
  truth: readonly (readonly string[])[],
  options: SequenceOptions = {},
): SequenceReport {
  const { zeroDivision = 0 } = options;
  const pairs = entityPairs(predictions, truth, options);
  const types = typesOf(pairs);
  const byType = new Map(types.map(type => [type, { hits: 0, predicted: 0, true: 0 }]));
  for (const { predicted, true: real } of pairs) {
    const known = new Set(real.map(spanKey));
    for (const span of real) byType.get(span.type)!.true++;
    for (const span of predicted) {
      const counts = byType.get(span.type)!;
      counts.predicted++;
      if (known.has(spanKey(span))) counts.hits++;
    }
  }
  const counts = [...byType.values()];
  const scores = counts.map(count => entityScore(count, zeroDivision));
  return {
    accuracy: tagAccuracy(predictions, truth),
    types: types.map((type, i) => ({ type, ...scores[i]! })),
    ...averages(counts, scores, zeroDivision),
  };
}

/**
 * The entities of each sequence as counts for `bootstrap` and `compareSystems`: rows `[hits, predicted, true]`, and the
 * micro F1 of their sums. Throws as `sequenceReport` does.
 */
export function sequenceCounts(
  predictions: readonly (readonly string[])[],
  truth: readonly (readonly string[])[],
  options: SequenceOptions = {},
): { readonly rows: readonly (readonly number[])[]; readonly statistic: SumStatistic<readonly number[]> } {
  const rows = entityPairs(predictions, truth, options).map(({ predicted, true: real }) => {
    const known = new Set(real.map(spanKey));
    return [predicted.filter(span => known.has(spanKey(span))).length, predicted.length, real.length];
  });
  const score = (sums: Float64Array) =>
    entityScore({ hits: sums[0]!, predicted: sums[1]!, true: sums[2]! }, options.zeroDivision ?? 0).f1;
  return { rows, statistic: { row: row => row, score } };
}

interface EntityPair {
  readonly predicted: readonly EntitySpan[];
  readonly true: readonly EntitySpan[];
}

function entityPairs(
  predictions: readonly (readonly string[])[],
  truth: readonly (readonly string[])[],
  { mode = 'default', scheme, suffix = false }: SequenceOptions,
): EntityPair[] {
  checkPaired(predictions, truth, 'sequenceReport');
  for (const [i, tags] of truth.entries()) {
    if (tags.length === predictions[i]!.length) continue;
    throw new ConfigError('a sequence and its prediction are of different lengths', {
      seen: `${predictions[i]!.length} predicted tags for ${tags.length} tokens`,
      expected: 'a tag for each token',
      where: `sequence ${i}`,
    });
  }
  if (mode !== 'default' && mode !== 'strict') {
    throw new ConfigError('unknown mode of sequence scores', { seen: String(mode), expected: 'default or strict' });
  }
  if (scheme !== undefined && !TAG_SCHEMES.includes(scheme)) {
    throw new ConfigError('unknown tag scheme', { seen: String(scheme), expected: TAG_SCHEMES.join(', ') });
  }
  const strict = mode === 'strict' ? (scheme ?? detectScheme(truth, suffix)) : undefined;
  const entities = (tags: readonly string[], sequence: number) =>
    strict ? strictEntities(tags, strict, { suffix, sequence }) : lenientEntities(tags, { suffix, sequence });
  return truth.map((tags, i) => ({ predicted: entities(predictions[i]!, i), true: entities(tags, i) }));
}

const spanKey = ({ type, start, end }: EntitySpan) => `${start} ${end} ${type}`;

function typesOf(pairs: readonly EntityPair[]): string[] {
  const types = pairs.flatMap(({ predicted, true: real }) => [...predicted, ...real].map(span => span.type));
  return [...new Set(types)].sort(byCodePoints);
}

function entityScore({ hits, predicted, true: support }: EntityCounts, zeroDivision: number): PrecisionRecall {
  const precision = predicted === 0 ? zeroDivision : hits / predicted;
  const recall = support === 0 ? zeroDivision : hits / support;
  const sum = precision + recall;
  return { precision, recall, f1: sum === 0 ? 0 : (2 * precision * recall) / sum, support };
}

function averages(counts: readonly EntityCounts[], scores: readonly PrecisionRecall[], zeroDivision: number) {
  const sum = (key: keyof EntityCounts) => counts.reduce((total, count) => total + count[key], 0);
  const [predicted, support] = [sum('predicted'), sum('true')];
  const micro = entityScore({ hits: sum('hits'), predicted, true: support }, zeroDivision);
  const mean = (weights: readonly number[]): PrecisionRecall => {
    const total = weights.reduce((all, weight) => all + weight, 0);
    const of = (key: 'precision' | 'recall' | 'f1') =>
      scores.reduce((all, score, i) => all + weights[i]! * score[key], 0) / total;
    return { precision: of('precision'), recall: of('recall'), f1: of('f1'), support };
  };
  const nothing = { precision: zeroDivision, recall: zeroDivision, f1: zeroDivision, support };
  const spurious = { precision: 0, recall: zeroDivision, f1: 0, support };
  return {
    micro,
    macro: scores.length === 0 ? nothing : mean(scores.map(() => 1)),
    weighted: support > 0 ? mean(counts.map(count => count.true)) : predicted > 0 ? spurious : nothing,
  };
}

function tagAccuracy(predictions: readonly (readonly string[])[], truth: readonly (readonly string[])[]): number {
  let [right, all] = [0, 0];
  for (const [i, tags] of truth.entries()) {
    all += tags.length;
    right += tags.filter((tag, at) => tag === predictions[i]![at]).length;
  }
  return all === 0 ? 0 : right / all;
}
