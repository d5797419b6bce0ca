/** Decimal numerals between two bounds, exactly: digit by digit, as long as a numeral agrees with a bound it is held to it. */
import {
  character,
  choice,
  type Expression,
  exactly,
  IMPOSSIBLE,
  NOTHING,
  optional,
  repeat,
  sequence,
} from './language.ts';

/** Both inclusive; undefined = none. In units of `10^-decimals`. */
interface Bounds {
  readonly low: bigint | undefined;
  readonly high: bigint | undefined;
}

export interface NumberBounds {
  readonly minimum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMaximum?: number | undefined;
}

/** Digits of the numerals, so that different ones are different doubles. */
const DIGITS = 15;
const LIMIT = 10n ** BigInt(DIGITS) - 1n;
/** Digits behind the point, where the bounds leave room for so many. */
const DECIMALS = 6;

/** Integers within bounds, at most 15 digits. */
export function integerBetween(bounds: NumberBounds): Expression {
  return signed(scaled(bounds, 0), (low, high) => whole(low, high));
}

/** Numbers within bounds, without exponent, at most 15 digits and 6 of them behind the point. */
export function numberBetween(bounds: NumberBounds): Expression {
  const largest = Math.max(...Object.values(bounds).map(bound => Math.abs(bound ?? 0)));
  const decimals = Math.max(0, Math.min(DECIMALS, DIGITS - String(Math.trunc(Math.min(largest, 1e15))).length));
  const unit = 10n ** BigInt(decimals);
  const digitsOf = (part: bigint) => (decimals === 0 ? '' : String(part).padStart(decimals, '0'));
  return signed(scaled(bounds, decimals), (low, high) => {
    const [first, last] = [low / unit, high / unit];
    const [from, to] = [digitsOf(low % unit), digitsOf(high % unit)];
    if (first === last) return sequence(exactly(String(first)), fractionBetween(from, to));
    return choice(
      sequence(exactly(String(first)), fractionFrom(from)),
      sequence(whole(first + 1n, last - 1n), fractionFrom('0'.repeat(decimals))),
      sequence(exactly(String(last)), fractionTo(to)),
    );
  });
}

/** The bounds in units of `10^-decimals`, rounded inwards. */
function scaled(bounds: NumberBounds, decimals: number): Bounds {
  const lows = [inUnits(bounds.minimum, decimals, 1, false), inUnits(bounds.exclusiveMinimum, decimals, 1, true)];
  const highs = [inUnits(bounds.maximum, decimals, -1, false), inUnits(bounds.exclusiveMaximum, decimals, -1, true)];
  const given = (list: readonly (bigint | undefined)[]) => list.filter(bound => bound !== undefined);
  return {
    low: given(lows).reduce<bigint | undefined>((max, low) => (max === undefined || low > max ? low : max), undefined),
    high: given(highs).reduce<bigint | undefined>(
      (min, high) => (min === undefined || high < min ? high : min),
      undefined,
    ),
  };
}

/** A bound in units, to the nearest one inside: above (1) or below (-1). */
function inUnits(bound: number | undefined, decimals: number, inwards: 1 | -1, exclusive: boolean): bigint | undefined {
  if (bound === undefined) return undefined;
  const [mantissa, exponent] = bound.toExponential().split('e') as [string, string];
  const [head, tail = ''] = mantissa.split('.') as [string, string?];
  const digits = BigInt(head + tail);
  const shift = Number(exponent) - tail.length + decimals;
  if (shift >= 0) return digits * 10n ** BigInt(shift) + (exclusive ? BigInt(inwards) : 0n);
  const divisor = 10n ** BigInt(-shift);
  const quotient = digits / divisor;
  const rest = digits % divisor;
  if (rest === 0n) return quotient + (exclusive ? BigInt(inwards) : 0n);
  // Division cuts towards zero.
  if (inwards === 1) return rest > 0n ? quotient + 1n : quotient;
  return rest < 0n ? quotient - 1n : quotient;
}

/** Numerals of both signs from those of numbers from 0 on; minus zero is left out. */
function signed(
  { low = -LIMIT, high = LIMIT }: Bounds,
  numerals: (low: bigint, high: bigint) => Expression,
): Expression {
  const min = low < -LIMIT ? -LIMIT : low;
  const max = high > LIMIT ? LIMIT : high;
  const ways: Expression[] = [];
  if (min < 0n && min <= max) ways.push(sequence(exactly('-'), numerals(max < 0n ? -max : 1n, -min)));
  if (max >= 0n && min <= max) ways.push(numerals(min > 0n ? min : 0n, max));
  return choice(...ways);
}

/** Integers from 0 on, without leading zeros. */
function whole(low: bigint, high: bigint): Expression {
  if (low > high) return IMPOSSIBLE;
  const ways: Expression[] = [];
  for (let length = String(low).length; length <= String(high).length; length++) {
    const smallest = length === 1 ? 0n : 10n ** BigInt(length - 1);
    const largest = 10n ** BigInt(length) - 1n;
    ways.push(digitsBetween(String(low > smallest ? low : smallest), String(high < largest ? high : largest)));
  }
  return choice(...ways);
}

const digits = (from: number, to: number): Expression =>
  character(Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => String(from + i)).join(''));
const anyDigits = (least: number, most: number): Expression => repeat(digits(0, 9), least, most);
const isZero = (text: string) => /^0*$/.test(text);

/** Digits of the length of both. */
function digitsBetween(low: string, high: string): Expression {
  if (low === '') return NOTHING;
  // Without this each digit would be asked twice for the digits behind it.
  if (isZero(low) && /^9*$/.test(high)) return anyDigits(low.length, low.length);
  const [first, last] = [Number(low[0]), Number(high[0])];
  const rest = low.length - 1;
  if (first === last) return sequence(digits(first, first), digitsBetween(low.slice(1), high.slice(1)));
  return choice(
    sequence(digits(first, first), digitsBetween(low.slice(1), '9'.repeat(rest))),
    ...(last - first > 1 ? [sequence(digits(first + 1, last - 1), anyDigits(rest, rest))] : []),
    sequence(digits(last, last), digitsBetween('0'.repeat(rest), high.slice(1))),
  );
}

// Fractions: what stands behind the whole part, point included. Digits left out are zeros.

function fractionFrom(low: string): Expression {
  if (isZero(low)) return low === '' ? NOTHING : optional(sequence(exactly('.'), anyDigits(1, low.length)));
  return sequence(exactly('.'), placesFrom(low));
}
function fractionTo(high: string): Expression {
  return high === '' ? NOTHING : optional(sequence(exactly('.'), placesTo(high)));
}
function fractionBetween(low: string, high: string): Expression {
  if (isZero(low)) return fractionTo(high);
  return sequence(exactly('.'), placesBetween(low, high));
}

function placesFrom(low: string): Expression {
  const first = Number(low[0]);
  const rest = low.slice(1);
  return choice(
    ...(first < 9 ? [sequence(digits(first + 1, 9), anyDigits(0, rest.length))] : []),
    sequence(digits(first, first), isZero(rest) ? anyDigits(0, rest.length) : placesFrom(rest)),
  );
}
function placesTo(high: string): Expression {
  const first = Number(high[0]);
  const rest = high.slice(1);
  return choice(
    ...(first > 0 ? [sequence(digits(0, first - 1), anyDigits(0, rest.length))] : []),
    sequence(digits(first, first), rest === '' ? NOTHING : optional(placesTo(rest))),
  );
}
function placesBetween(low: string, high: string): Expression {
  const [first, last] = [Number(low[0]), Number(high[0])];
  const [lower, upper] = [low.slice(1), high.slice(1)];
  if (first === last) {
    const rest = isZero(lower) ? (upper === '' ? NOTHING : optional(placesTo(upper))) : placesBetween(lower, upper);
    return sequence(digits(first, first), rest);
  }
  return choice(
    sequence(digits(first, first), isZero(lower) ? anyDigits(0, lower.length) : placesFrom(lower)),
    ...(last - first > 1 ? [sequence(digits(first + 1, last - 1), anyDigits(0, lower.length))] : []),
    sequence(digits(last, last), upper === '' ? NOTHING : optional(placesTo(upper))),
  );
}
