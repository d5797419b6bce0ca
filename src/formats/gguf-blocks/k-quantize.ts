/**
 * How blocks of 256 values are made for Q4_K, Q5_K and Q6_K: for every group the scale (and least value) with the smallest
 * weighted squared error is looked for among a few, then the scales of the groups are themselves rounded and the values once
 * more to what came out. Source: ggml-org/ggml, the same candidates and weights. The reference adds up in single precision,
 * in an order that depends on its build, so where two candidates are equally good to seven digits the bytes can differ.
 */
import { clamp, largest, putHalf } from './block-codec.ts';

const { fround } = Math;
/** Adding and taking away 1.5 * 2^52 rounds to the nearest whole number, ties to even. */
const MAGIC = 6755399441055744;
const nearest = (value: number): number => value + MAGIC - MAGIC;
/** Groups with nothing larger are all zeros. */
const TINY = 1e-15;

/** Weights of the values of a group. */
const WEIGHTS = new Float64Array(32);

interface Candidates {
  /** Values of a step, from 0 on. */
  readonly top: number;
  /** What is added to `top` before it is divided by the range: the first candidate, and how many more, 0.1 apart. */
  readonly first: number;
  readonly more: number;
}
interface FromLeast {
  readonly scale: number;
  /** Taken away from what the steps give; not below 0. */
  readonly least: number;
}

/** Scale and least value of the 32 values from `from` on, weighted by their magnitude. */
function fitFromLeast(values: Float32Array, from: number, { top, first, more }: Candidates): FromLeast {
  const x = values.subarray(from, from + 32);
  let most = x[0]!;
  let least = Math.min(0, most);
  let squares = 0;
  for (const value of x) {
    most = Math.max(most, value);
    least = Math.min(least, value);
    squares += value * value;
  }
  if (!(most > least)) return { scale: 0, least: -least };
  const mean = Math.sqrt(squares / 32);
  let sumW = 0;
  let sumX = 0;
  let sumXX = 0;
  for (let i = 0; i < 32; i++) {
    const value = x[i]!;
    const weight = mean + Math.abs(value);
    WEIGHTS[i] = weight;
    sumW += weight;
    sumX += weight * value;
    sumXX += weight * value * value;
  }
  let scale = (most - least) / top;
  let smallest = Number.POSITIVE_INFINITY;
  // Every candidate starts from the least value of the best one before it; the first takes the range as it is.
  for (let candidate = -1; candidate <= more; candidate++) {
    const inverse = (candidate < 0 ? top : first + 0.1 * candidate + top) / (most - least);
    let sumL = 0;
    let sumLL = 0;
    let sumXL = 0;
    for (let i = 0; i < 32; i++) {
      const value = x[i]!;
      const step = clamp(nearest(inverse * (value - least)), 0, top);
      const weighted = WEIGHTS[i]! * step;
      sumL += weighted;
      sumLL += weighted * step;
      sumXL += weighted * value;
    }
    let line = { scale, least };
    if (candidate >= 0) {
      const determinant = sumW * sumLL - sumL * sumL;
      if (!(determinant > 0)) continue;
      // The line through the points (step, value) by least squares; one that starts above 0 is made to start there.
      const start = (sumLL * sumX - sumL * sumXL) / determinant;
      line =
        start > 0
          ? { scale: sumXL / sumLL, least: 0 }
          : { scale: (sumW * sumXL - sumX * sumL) / determinant, least: start };
    }
    // The weighted squares of scale * step + least - x, multiplied out.
    const alongSteps = line.scale * (line.scale * sumLL + 2 * (line.least * sumL - sumXL));
    const error = sumXX + alongSteps + line.least * (line.least * sumW - 2 * sumX);
    if (error < smallest) {
      smallest = error;
      ({ scale, least } = line);
    }
  }
  return { scale: fround(scale), least: fround(-least) };
}

/** Both Q4_K and Q5_K; `put` writes the step of a value. */
function encodeFromLeast(
  values: Float32Array,
  from: number,
  bytes: Uint8Array,
  at: number,
  candidates: Candidates,
  put: (index: number, step: number) => void,
): void {
  const fits = Array.from({ length: 8 }, (_, group) => fitFromLeast(values, from + 32 * group, candidates));
  const mostScale = Math.max(...fits.map(fit => fit.scale));
  const mostLeast = Math.max(...fits.map(fit => fit.least));
  const d = putHalf(mostScale / 63, bytes, at);
  const dLeast = putHalf(mostLeast / 63, bytes, at + 2);
  const sixBits = (value: number, most: number) => (most > 0 ? Math.min(63, nearest((63 / most) * value)) : 0);
  for (const [group, fit] of fits.entries()) {
    const scale = sixBits(fit.scale, mostScale);
    const least = sixBits(fit.least, mostLeast);
    putScales(scale, least, group, bytes, at + 4);
    const step = fround(d * scale);
    if (step === 0) continue;
    const shift = fround(dLeast * least);
    for (let i = 32 * group; i < 32 * group + 32; i++)
      put(i, clamp(nearest((values[from + i]! + shift) / step), 0, candidates.top));
  }
}

/** Folds a group's scale and least value of six bits each into 12 bytes; the groups come in order. */
function putScales(scale: number, least: number, group: number, bytes: Uint8Array, at: number): void {
  if (group < 4) {
    bytes[at + group] = scale;
    bytes[at + group + 4] = least;
  } else {
    bytes[at + group + 4] = (scale & 15) | ((least & 15) << 4);
    bytes[at + group - 4]! |= (scale >> 4) << 6;
    bytes[at + group]! |= (least >> 4) << 6;
  }
}

export function encodeQ4K(values: Float32Array, from: number, bytes: Uint8Array, at: number): void {
  encodeFromLeast(values, from, bytes, at, { top: 15, first: -1, more: 20 }, (i, step) => {
    bytes[at + 16 + 32 * (i >> 6) + (i & 31)]! |= i & 32 ? step << 4 : step;
  });
}

export function encodeQ5K(values: Float32Array, from: number, bytes: Uint8Array, at: number): void {
  encodeFromLeast(values, from, bytes, at, { top: 31, first: -0.5, more: 15 }, (i, step) => {
    bytes[at + 48 + 32 * (i >> 6) + (i & 31)]! |= i & 32 ? (step & 15) << 4 : step & 15;
    bytes[at + 16 + (i & 31)]! |= (step >> 4) << (i >> 5);
  });
}

/** The scale of 16 values in 64 steps around 0, weighted by their squares. */
function fitAround(values: Float32Array, from: number): number {
  const most = largest(values, from, 16);
  if (Math.abs(most) < TINY) return 0;
  const sums = (inverse: number) => {
    let xl = 0;
    let ll = 0;
    for (let i = from; i < from + 16; i++) {
      const x = values[i]!;
      const step = clamp(nearest(inverse * x), -32, 31);
      xl += x * x * x * step;
      ll += x * x * step * step;
    }
    return { xl, ll };
  };
  const first = sums(-32 / most);
  let scale = first.ll > 0 ? first.xl / first.ll : 0;
  // The error is the values' own square less this.
  let explained = scale * first.xl;
  for (let candidate = -9; candidate <= 9; candidate++) {
    if (candidate === 0) continue;
    const { xl, ll } = sums(-(32 + 0.1 * candidate) / most);
    if (ll > 0 && xl * xl > explained * ll) {
      scale = xl / ll;
      explained = scale * xl;
    }
  }
  return fround(scale);
}

export function encodeQ6K(values: Float32Array, from: number, bytes: Uint8Array, at: number): void {
  const scales = Float32Array.from({ length: 16 }, (_, group) => fitAround(values, from + 16 * group));
  const most = largest(scales, 0, 16);
  if (Math.abs(most) < TINY) return;
  const inverse = -128 / most;
  const d = putHalf(1 / inverse, bytes, at + 208);
  for (let group = 0; group < 16; group++) {
    const scale = Math.min(127, nearest(inverse * scales[group]!));
    bytes[at + 192 + group] = scale;
    const step = fround(d * scale);
    for (let i = 16 * group; i < 16 * group + 16; i++) {
      const q = step === 0 ? 32 : clamp(nearest(values[from + i]! / step), -32, 31) + 32;
      bytes[at + 64 * (i >> 7) + (i & 63)]! |= i & 64 ? (q & 15) << 4 : q & 15;
      bytes[at + 128 + 32 * (i >> 7) + (i & 31)]! |= (q >> 4) << (2 * ((i >> 5) & 3));
    }
  }
}
