/** Scores with the interval that fits them: counted shares, means and corpus figures. */
import { bootstrap, type Interval, type Statistic, wilson } from '../../src/util/statistics/index.ts';
import type { Score } from './score.ts';

type About = Pick<Score, 'name' | 'what'> & { readonly goal?: number | undefined };

/** A share of right items. */
export const share = (about: About, right: readonly boolean[]): Score =>
  scored(about, 'share', right.length, wilson(right.filter(Boolean).length, right.length));

/** A figure of all items together. */
export const figure = <T>(about: About, unit: Score['unit'], items: readonly T[], statistic: Statistic<T>): Score =>
  scored(about, unit, items.length, bootstrap(items, statistic));

const scored = (about: About, unit: Score['unit'], items: number, { value, low, high }: Interval): Score => ({
  ...about,
  ...{ value, low, high, items, unit },
});
