/** Brier's score of one item: the squared differences to what is right, over all classes. */
export const squaredError = (shares: readonly number[], truth: number): number =>
  shares.reduce((sum, p, i) => sum + (p - (i === truth ? 1 : 0)) ** 2, 0);
