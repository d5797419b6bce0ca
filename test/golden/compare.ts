/**
 * What a check is, and how numbers are compared with the reference's: the error of a tensor is max |a - b| over the
 * entries of real tokens, divided by the largest magnitude in the reference.
 */

/** One comparison. It passes when `error <= bound`; NaN does not. */
export interface Check {
  /** What is compared, `single/attentions`. */
  readonly name: string;
  /** Which of several of that name: a layer, a parameter, a row. */
  readonly part?: string | undefined;
  readonly error: number;
  readonly bound: number;
  /** What is wrong, in words. */
  readonly note?: string | undefined;
}
export const passes = ({ error, bound }: Check): boolean => error <= bound;

/** A tensor of the reference. */
export interface Expected {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /** What errors are divided by, when that is not the largest magnitude in `data`. */
  readonly scale?: number;
}

/** Relative bound of everything that a forward pass gives. */
export const FLOAT_BOUND = 2e-5;
/** Bound of gradients relative to their largest entry, and the absolute one below which that is rounding noise. */
const GRADIENT_BOUND = 1e-4;
const GRADIENT_FLOOR = 1e-6;
/** The most that a real token may look at padding. */
export const PADDING_BOUND = 1e-30;

type Outcome = Pick<Check, 'error' | 'bound' | 'note'>;

/** Compares entries that `counts` accepts (all by default) relative to the reference's largest. */
export function compareFloats(actual: ArrayLike<number>, expected: Expected, counts?: (i: number) => boolean): Outcome {
  const bound = FLOAT_BOUND;
  if (actual.length !== expected.data.length) return { ...lengthsDiffer(actual, expected), bound };
  return { error: largestDifference(actual, expected.data, counts) / (maxAbs(expected) || 1), bound };
}
/** Gradients: absolute error, the bound in proportion to the reference's largest entry. */
export function compareGradient(actual: ArrayLike<number>, expected: Expected): Outcome {
  const bound = Math.max(GRADIENT_FLOOR, GRADIENT_BOUND * maxAbs(expected));
  if (actual.length !== expected.data.length) return { ...lengthsDiffer(actual, expected), bound };
  return { error: largestDifference(actual, expected.data), bound };
}
/** One number, relative to the reference's. */
export const compareNumber = (actual: number, expected: number): Outcome =>
  compareFloats([actual], { shape: [], data: [expected] });

/** Lists that have to be equal: the error is the number of rows that differ. */
export function compareIds(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]): Outcome {
  const wrong: number[] = [];
  for (let r = 0; r < Math.max(actual.length, expected.length); r++)
    if (`${actual[r]}` !== `${expected[r]}`) wrong.push(r);
  const [first] = wrong;
  return {
    error: wrong.length,
    bound: 0,
    note: first === undefined ? undefined : `row ${first} is [${actual[first]}], not [${expected[first]}]`,
  };
}
/** Something that did not come to a comparison. */
export const broken = (name: string, note: string): Check => ({
  name,
  error: Number.POSITIVE_INFINITY,
  bound: 0,
  note,
});

const lengthsDiffer = (actual: ArrayLike<number>, { shape }: Expected) => ({
  error: Number.POSITIVE_INFINITY,
  note: `${actual.length} elements, the reference has [${shape}]`,
});
function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>, counts?: (i: number) => boolean): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    if (counts && !counts(i)) continue;
    const difference = a[i] === b[i] ? 0 : Math.abs(a[i]! - b[i]!); // also of infinities
    if (!(difference <= most)) most = difference; // NaN stays
    if (Number.isNaN(most)) return most;
  }
  return most;
}
/** The scale of a tensor's errors. */
export function maxAbs({ data, scale }: Expected): number {
  let most = scale ?? 0;
  if (scale !== undefined) return most;
  for (let i = 0; i < data.length; i++)
    if (Math.abs(data[i]!) !== Number.POSITIVE_INFINITY) most = Math.max(most, Math.abs(data[i]!));
  return most;
}
