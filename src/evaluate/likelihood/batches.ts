/** Which rows go through the network together: neighbours in length, so that little of a batch is padding. */
import { ConfigError } from '../../errors.ts';

/** Rows in one pass where nobody says. */
const ROWS = 32;
/** Tokens in one pass, padding included; a single row may be longer. More would fill no processor better, only its caches. */
const MOST_TOKENS = 2048;
/** Tokens of a batch for each one that is no padding. */
const MOST_WASTE = 1.25;

/**
 * Indices of rows, longest first, in batches of at most `batchSize` rows. Rows have one length for each sequence they are made
 * of (an encoder-decoder's have two), and each is padded by itself.
 * @throws ConfigError unless `batchSize` is a whole number of at least 1
 */
export function batchesByLength(lengths: readonly (readonly number[])[], batchSize = ROWS): number[][] {
  if (!(Number.isSafeInteger(batchSize) && batchSize >= 1))
    throw new ConfigError('batchSize is no number of rows', {
      seen: `${batchSize}`,
      expected: 'a whole number from 1',
    });
  const total = (i: number) => lengths[i]!.reduce((sum, n) => sum + n, 0);
  const order = [...lengths.keys()].sort((a, b) => total(b) - total(a) || a - b);
  const batches: number[][] = [];
  let [real, widths]: [number, readonly number[]] = [0, []];
  for (const i of order) {
    const batch = batches.at(-1);
    const wider = lengths[i]!.map((n, k) => Math.max(n, widths[k] ?? 0));
    const padded = ((batch?.length ?? 0) + 1) * wider.reduce((sum, n) => sum + n, 0);
    const fits = padded <= MOST_TOKENS && padded <= MOST_WASTE * (real + total(i));
    if (batch && batch.length < batchSize && fits) {
      batch.push(i);
      [real, widths] = [real + total(i), wider];
    } else {
      batches.push([i]);
      [real, widths] = [total(i), lengths[i]!];
    }
  }
  return batches;
}

/** Rows of so many tokens that go into one pass. */
export const rowsOfLength = (tokens: number): number => Math.max(1, Math.min(ROWS, Math.floor(MOST_TOKENS / tokens)));

/**
 * A little more than `n`, so that batches of about equal size share their plans: at most three bits of it are not zero, which
 * adds up to a quarter.
 */
export function roundedUp(n: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(n)) - 2);
  return Math.ceil(n / step) * step;
}
