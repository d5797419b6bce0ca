/**
 * How long a backtracking engine may try on a regular expression, from its form alone: what cannot fail any more is not tried
 * again; everything before something that can fail may be tried in all the ways in which it matches.
 */

/** In how many ways a part may match one text: about 2^bits times the length of the text to the power of `degree`. */
interface Ways {
  readonly bits: number;
  readonly degree: number;
}

/** A part of a regular expression. */
export interface Cost {
  /** If something behind it fails. */
  readonly retried: Ways;
  /** If nothing behind it can fail. */
  readonly alone: Ways;
  /** It matches everywhere, if only nothing. */
  readonly sure: boolean;
}

const ONE_WAY: Ways = { bits: 0, degree: 0 };
const both = (ways: Ways, sure: boolean): Cost => ({ retried: ways, alone: ways, sure });
const sum = (a: Ways, b: Ways): Ways => ({ bits: a.bits + b.bits, degree: a.degree + b.degree });
const larger = (a: Ways, b: Ways): Ways => ({
  bits: Math.log2(2 ** Math.min(a.bits, MOST_BITS) + 2 ** Math.min(b.bits, MOST_BITS)),
  degree: Math.max(a.degree, b.degree),
});
/** Far more than any bound below. */
const MOST_BITS = 100;

/** One character of a class. */
export const CHARACTER: Cost = both(ONE_WAY, false);
/** Nothing at all. */
export const NOTHING: Cost = both(ONE_WAY, true);

/** One part behind the other. */
export function inSequence(first: Cost, second: Cost): Cost {
  return {
    retried: sum(first.retried, second.retried),
    alone: sum(second.sure ? first.alone : first.retried, second.alone),
    sure: first.sure && second.sure,
  };
}

/** One part or the other. */
export function either(first: Cost, second: Cost): Cost {
  return {
    retried: larger(first.retried, second.retried),
    alone: larger(first.alone, second.alone),
    sure: first.sure || second.sure,
  };
}

/** A part `least` to `most` times. */
export function repeated(part: Cost, least: number, most: number): Cost {
  const sure = part.sure || least === 0;
  if (most === 1) return { retried: larger(part.retried, ONE_WAY), alone: part.alone, sure };
  const { bits, degree } = part.retried;
  const retried =
    most === Number.POSITIVE_INFINITY
      ? { bits, degree: degree + 1 }
      : { bits: bits + Math.log2(most - least + 1), degree };
  return { retried, alone: part.alone, sure };
}

/** A part that keeps what it has matched. */
export const atomic = (part: Cost): Cost => ({ retried: part.alone, alone: part.alone, sure: part.sure });

/** A look around: read at each place, and in either direction. */
export const lookAround = (part: Cost): Cost => both(part.retried, false);

/** Longest text for a pattern with no more than one repeat that is tried again: its time may be quadratic. */
export const MAX_REGEX_INPUT = 1 << 20;
/** Bits of choice that are no more than a factor. */
const FEW_BITS = 8;
/** Steps that the other patterns may take, as bits. */
const STEP_BITS = 24;

/** The longest text, in code units, on which a pattern ends in bounded time. */
export function longestInput({ alone: { bits, degree } }: Cost): number {
  if (degree <= 1 && bits <= FEW_BITS) return MAX_REGEX_INPUT;
  // The places where `degree` repeats end stand in order.
  let orders = 1;
  for (let i = 2; i <= Math.min(degree + 1, MOST_BITS); i++) orders *= i;
  return Math.floor(2 ** ((STEP_BITS + Math.log2(orders) - bits) / (degree + 1)));
}
