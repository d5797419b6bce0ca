/** Scores as probabilities, and the largest of them, in double precision. */

/** exp(x) over the sum of all. */
export function softmax(scores: ArrayLike<number>): number[] {
  const values = Array.from(scores);
  const most = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = values.map(value => Math.exp(value - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map(power => power / sum);
}

/** The place of the largest number; of equal ones the first. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
