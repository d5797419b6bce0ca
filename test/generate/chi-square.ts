/** Pearson's chi-square test of drawn counts against a distribution. */

/** How many standard deviations the statistic lies above its mean (degrees of freedom), by the Wilson-Hilferty cube root. */
export function chiSquareSigma(counts: readonly number[], probabilities: readonly number[]): number {
  const n = counts.reduce((a, b) => a + b, 0);
  let statistic = 0;
  let cells = 0;
  counts.forEach((count, i) => {
    const expected = n * probabilities[i]!;
    if (expected === 0) {
      if (count > 0) throw new Error(`cell ${i} has probability 0 and was drawn ${count} times`);
      return;
    }
    statistic += (count - expected) ** 2 / expected;
    cells++;
  });
  const freedom = cells - 1;
  const variance = 2 / (9 * freedom);
  return (Math.cbrt(statistic / freedom) - (1 - variance)) / Math.sqrt(variance);
}

export function softmax(scores: ArrayLike<number>): number[] {
  const list = Array.from(scores);
  const max = Math.max(...list);
  const weights = list.map(score => Math.exp(score - max));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => weight / sum);
}
