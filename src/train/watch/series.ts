/** A curve in bounded memory: however long a run is, its points are at most so many, each the mean of equally many values. */

/** A value of a step. */
export interface Point {
  readonly step: number;
  readonly value: number;
}
export interface Series {
  /** Takes the value of a step behind all before it. What is no number, such as the loss of a run that broke, is left out. */
  add(step: number, value: number): void;
  /** In order of steps. */
  points(): Point[];
}

/** Sums over the values that one point stands for. */
interface Bin {
  steps: number;
  values: number;
  count: number;
}

/** @param most points at the most, an even number; when they are there, neighbours become one */
export function createSeries(most = 2048): Series {
  let bins: Bin[] = [];
  let width = 1;
  return {
    add(step, value) {
      if (!Number.isFinite(value)) return;
      const last = bins.at(-1);
      if (last && last.count < width) {
        last.steps += step;
        last.values += value;
        last.count++;
        return;
      }
      if (bins.length === most) {
        bins = pairs(bins);
        width *= 2;
      }
      bins.push({ steps: step, values: value, count: 1 });
    },
    points: () => bins.map(({ steps, values, count }) => ({ step: steps / count, value: values / count })),
  };
}

function pairs(bins: readonly Bin[]): Bin[] {
  return bins.flatMap((a, i) => {
    const b = bins[i + 1];
    if (i % 2 === 1 || !b) return i % 2 === 1 ? [] : [a];
    return [{ steps: a.steps + b.steps, values: a.values + b.values, count: a.count + b.count }];
  });
}

/**
 * The points with each value a mean of those before it, weighed by `decay` to the power of their distance. The first values are
 * weighed as if nothing had been before them (the bias correction of Kingma and Ba 2014), so the curve does not start at zero.
 */
export function smoothed(points: readonly Point[], decay = 0.9): Point[] {
  let [sum, weight] = [0, 0];
  return points.map(({ step, value }) => {
    sum = decay * sum + (1 - decay) * value;
    weight = decay * weight + (1 - decay);
    return { step, value: sum / weight };
  });
}

/** The same looked at from both sides, so that a curve which falls does not lag behind its points: for what is drawn afterwards. */
export function smoothedAround(points: readonly Point[], decay = 0.9): Point[] {
  const after = smoothed([...points].reverse(), decay).reverse();
  return smoothed(points, decay).map(({ step, value }, i) => ({ step, value: (value + after[i]!.value) / 2 }));
}

/**
 * The slope of points as the median of the slopes between all pairs of them (Theil 1950, Sen 1968): a single outlier among them
 * does not turn it. 0 for fewer than two.
 */
export function slopeOf(points: readonly Point[]): number {
  const slopes: number[] = [];
  points.forEach((a, i) => {
    for (const b of points.slice(i + 1)) if (b.step !== a.step) slopes.push((b.value - a.value) / (b.step - a.step));
  });
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  if (slopes.length === 0) return 0;
  return slopes.length % 2 ? slopes[middle]! : (slopes[middle - 1]! + slopes[middle]!) / 2;
}
