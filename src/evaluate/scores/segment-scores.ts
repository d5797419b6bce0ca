/**
 * Corpus scores that are functions of sums over segments. Each segment has a row of counts; the corpus score, the score
 * of a segment and every resampled score come from summed rows, so texts are looked at once.
 */

import type { SumStatistic } from '../../util/statistics/statistic.ts';

/** The rows of a corpus, and what makes a score of their sums. */
export interface SegmentCounts {
  readonly rows: readonly Float64Array[];
  /** For `bootstrap(counts.rows, counts.statistic)` and `compareSystems`. */
  readonly statistic: SumStatistic<Float64Array>;
  /** What was computed and how, in sacreBLEU's form. */
  readonly signature: string;
}

/** The sums of the rows. */
export function sumRows(rows: readonly Float64Array[]): Float64Array {
  const sums = new Float64Array(rows[0]!.length);
  for (const row of rows) for (let k = 0; k < sums.length; k++) sums[k] = sums[k]! + row[k]!;
  return sums;
}

/**
 * A signature as sacreBLEU writes it: `nrefs:1|case:mixed|...|version:heed-2.6.0`. The version says that heed computed the
 * score and which release of sacreBLEU it equals; everything before it is what sacreBLEU prints. `nrefs` is `var` where
 * segments have different numbers of references.
 */
export function signatureText(
  references: readonly (readonly string[])[],
  facts: Readonly<Record<string, string | number | boolean>>,
): string {
  const counts = new Set(references.map(list => list.length));
  const pairs: Record<string, string | number | boolean> = {
    nrefs: counts.size === 1 ? [...counts][0]! : 'var',
    ...facts,
    version: 'heed-2.6.0',
  };
  return Object.entries(pairs)
    .map(([key, value]) => `${key}:${value === true ? 'yes' : value === false ? 'no' : value}`)
    .join('|');
}
