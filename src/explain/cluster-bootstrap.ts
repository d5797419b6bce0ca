/**
 * The interval of a mean whose items come in clusters, such as the words of a sentence: whole clusters are drawn with
 * replacement, so that items which are alike do not count as independent. Efron 1979; Davison & Hinkley 1997, section 3.8.
 */
import { createRng } from '../util/rng.ts';
import type { Interval } from '../util/wilson.ts';

/** The sum and the number of a cluster's items. */
export interface Cluster {
  readonly sum: number;
  readonly count: number;
}
export interface BootstrapOptions {
  /** Default 1000. */
  readonly resamples?: number | undefined;
  /** Default 0.95. */
  readonly level?: number | undefined;
  readonly seed?: number | undefined;
}

/** The mean of all items with its percentile interval; NaN without items. */
export function clusterBootstrap(
  clusters: readonly Cluster[],
  { resamples = 1000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval {
  const meanOf = (pick: (i: number) => Cluster) => {
    let [sum, count] = [0, 0];
    for (let i = 0; i < clusters.length; i++) {
      const cluster = pick(i);
      sum += cluster.sum;
      count += cluster.count;
    }
    return sum / count;
  };
  const value = meanOf(i => clusters[i]!);
  if (Number.isNaN(value)) return { value, low: value, high: value, level };
  const rng = createRng(seed);
  const drawn = Array.from({ length: resamples }, () => meanOf(() => clusters[rng.below(clusters.length)]!));
  drawn.sort((a, b) => a - b);
  const at = (share: number) => drawn[Math.round(share * (resamples - 1))]!;
  return { value, low: at((1 - level) / 2), high: at((1 + level) / 2), level };
}
