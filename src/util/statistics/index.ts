/** Intervals and comparisons for any figure over items. */

export {
  type BootstrapInterval,
  type BootstrapOptions,
  bootstrap,
} from './bootstrap.ts';
export {
  type Comparison,
  type ComparisonOptions,
  type ComparisonTest,
  compareSystems,
  mcnemar,
} from './compare-systems.ts';
export type { Interval } from './interval.ts';
export { clopperPearson, wilson } from './proportions.ts';
export { type Cluster, clusterMean, meanStatistic, type Statistic, type SumStatistic } from './statistic.ts';
