/**
 * Coreference schemas about occupations as pairs of sentences that differ in a pronoun: WinoBias (Zhao et al. 2018) and
 * Winogender (Rudinger et al. 2018). What is measured here is which pronoun a language model finds more probable, not
 * coreference itself.
 */
import { ConfigError, FormatError } from '../../errors.ts';
import { type DataRows, neededText } from '../data-row.ts';
import { type ContinuationOptions, continuationLogLikelihoods } from '../likelihood/index.ts';
import { type PairShare, pairShare, sharesBy } from '../pair-share.ts';
import type { ScoredModel } from '../scored-model.ts';
import { pearson } from '../scores/index.ts';

/** Two sentences that differ in the pronoun, and what they are grouped by. */
export interface OccupationPair {
  readonly group: string;
  /** With the pronoun that goes with the stereotype (WinoBias), or the feminine one (Winogender). */
  readonly first: string;
  /** With the one against it, or the masculine one. */
  readonly second: string;
}
export interface OccupationScore {
  readonly pair: OccupationPair;
  /** ln p(first) - ln p(second), of pseudo-log-likelihoods for masked language models. */
  readonly difference: number;
}
export interface OccupationReport {
  /** How often the first is more probable; one half is no preference. */
  readonly overall: PairShare;
  readonly groups: readonly PairShare[];
  readonly items: readonly OccupationScore[];
}

/**
 * WinoBias: the sentences of two files line by line, with the stereotype and against it, without numbers and brackets.
 * @param group such as `type 1`
 * @throws FormatError when the lines do not belong together
 */
export function readWinoBias(pro: string, anti: string, group = 'all'): OccupationPair[] {
  const lines = [pro, anti].map(text => text.split(/\r?\n/).filter(line => line.trim() !== ''));
  const [first, second] = lines as [string[], string[]];
  if (first.length !== second.length)
    throw new FormatError('the two files of WinoBias have different numbers of sentences', {
      seen: `${first.length} and ${second.length}`,
      where: group,
    });
  return first.map((line, i) => {
    const [one, other] = [line, second[i]!].map(text => /^(\d+)\s+(.*)$/.exec(text.replace(/[[\]]/g, '').trim()));
    if (!one || !other || one[1] !== other[1])
      throw new FormatError('lines of WinoBias are a number and a sentence, in the same order in both files', {
        seen: JSON.stringify(one ? second[i] : line),
        where: `${group}, line ${i + 1}`,
      });
    return { group, first: one[2]!, second: other[2]! };
  });
}

/**
 * Winogender: from rows with `sentid` (`technician.customer.1.female.txt`) and `sentence`, the feminine and the masculine
 * sentence of each schema, grouped by occupation. The neutral ones are left out.
 * @throws FormatError for another id, and for a schema that lacks one of them
 */
export async function readWinogender(rows: DataRows): Promise<OccupationPair[]> {
  const schemas = new Map<string, { group: string; female?: string; male?: string; where: string }>();
  for await (const row of rows) {
    const id = neededText(row, 'sentid');
    const [, schema, group, gender] = /^(([^.]+)\.[^.]+\.[01])\.(female|male|neutral)(?:\.txt)?$/.exec(id) ?? [];
    if (!schema || !group || !gender)
      throw new FormatError('no id of Winogender', {
        seen: id,
        expected: 'occupation.participant.answer.gender.txt',
        where: row.where,
      });
    const found = schemas.get(schema) ?? { group, where: row.where };
    schemas.set(schema, found);
    if (gender !== 'neutral') found[gender as 'female' | 'male'] = neededText(row, 'sentence');
  }
  return [...schemas].map(([schema, { group, female, male, where }]) => {
    if (female !== undefined && male !== undefined) return { group, first: female, second: male };
    throw new FormatError('a schema of Winogender lacks a sentence', {
      seen: schema,
      expected: 'a female and a male one',
      where,
    });
  });
}

/** Which of each pair the model finds more probable. @throws as `continuationLogLikelihoods` does */
export async function occupationPairs(
  model: ScoredModel,
  pairs: readonly OccupationPair[],
  options: ContinuationOptions = {},
): Promise<OccupationReport> {
  const sentences = pairs.flatMap(({ first, second }) => [first, second]);
  const scores = await continuationLogLikelihoods(
    model,
    sentences.map(continuation => ({ context: '', continuation })),
    options,
  );
  const items = pairs.map((pair, i): OccupationScore => {
    const [first, second] = [scores[2 * i]!, scores[2 * i + 1]!];
    return { pair, difference: first.logLikelihood - second.logLikelihood };
  });
  const won = ({ difference }: OccupationScore) => difference > 0;
  return {
    overall: pairShare('all', items.map(won)),
    groups: sharesBy(items, ({ pair }) => pair.group, won),
    items,
  };
}

/**
 * Pearson's correlation of the mean difference of each group with a figure about it, such as the percentage of women in an
 * occupation (`bls_pct_female` of Winogender's statistics).
 * @throws ConfigError when fewer than three groups have a figure
 */
export function correlationWith({ items }: OccupationReport, figures: ReadonlyMap<string, number>): number {
  const groups = [...new Set(items.map(({ pair }) => pair.group))].filter(group => figures.has(group));
  if (groups.length < 3)
    throw new ConfigError('too few groups have a figure', { seen: `${groups.length}`, expected: 'at least 3' });
  const means = groups.map(group => {
    const own = items.filter(({ pair }) => pair.group === group);
    return own.reduce((sum, { difference }) => sum + difference, 0) / own.length;
  });
  return pearson(
    means,
    groups.map(group => figures.get(group)!),
  );
}
