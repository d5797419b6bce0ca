/** Straight axes with round ticks. */

export interface Scale {
  readonly ticks: readonly number[];
  /** Where the axis ends. */
  readonly to: number;
  place(value: number): number;
}

/** A straight scale over values, with about `count` round ticks. @param whole the axis ends at ticks */
export function createScale(
  values: readonly number[],
  [from, to]: readonly [number, number],
  count: number,
  whole = false,
): Scale {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  if (least === most) [least, most] = least === 0 ? [0, 1] : [least - Math.abs(least) / 2, most + Math.abs(most) / 2];
  const raw = (most - least) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const unit = power * ([1, 2, 5, 10].find(factor => raw <= factor * power) ?? 10);
  const [first, last] = whole
    ? [Math.floor(least / unit), Math.ceil(most / unit)]
    : [Math.ceil(least / unit), Math.floor(most / unit)];
  // A multiple of 1e-4 by counting, as adding it up would leave 0.00030000000000000003.
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * unit).toPrecision(12)));
  if (whole) [least, most] = [first * unit, last * unit];
  return { ticks, to, place: value => from + ((value - least) / (most - least)) * (to - from) };
}
