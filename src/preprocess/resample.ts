/**
 * Audio at another sample rate: the band-limited signal through the samples, evaluated at the new instants. Smith 1984,
 * "A flexible sampling-rate conversion method": a windowed sinc, here with Kaiser's window.
 */
import { ConfigError } from '../errors.ts';

/** Zeros of the sinc on each side. */
const ZEROS = 64;
/** Kaiser's beta: side lobes 100 dB down. */
const BETA = 10;
/** Middle of the transition band, as a share of the lower of the two Nyquist frequencies, at which it is over. */
const CUTOFF = 0.95;
/** Table entries from one zero to the next; a straight line between them is within 1e-6 of the curve. */
const STEPS = 512;
const SLOWEST = 1000;
const FASTEST = 768_000;
/** Filter taps that are kept; rates with so little in common that they need more have theirs computed anew. */
const MOST_KEPT = 1 << 22;

/**
 * Samples `[n]` at `from` Hz as `[ceil(n * to / from)]` at `to` Hz. Up to 0.9 of the lower Nyquist frequency the level is
 * kept within 0.001 dB; what is above that frequency, and would come back as noise, is 90 dB down. Outside of its ends the
 * signal counts as silence. Cost per result: 128 * max(1, from / to) products.
 * @throws ConfigError for rates that are no whole numbers from 1000 to 768000
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  checkRate(from);
  checkRate(to);
  if (from === to) return samples;
  const common = greatestCommonDivisor(from, to);
  const [up, down] = [to / common, from / common];
  // In units of input samples: the kernel is as wide as the slower of the two rates asks for.
  const stretch = Math.max(1, from / to) / CUTOFF;
  const reach = Math.ceil(ZEROS * stretch);
  const kernel = sincTable();
  /** Weights of the samples from `reach - 1` before to `reach` after an instant that lies `phase / up` behind one. */
  const weigh = (phase: number, taps: Float64Array): Float64Array => {
    for (let i = 0; i < taps.length; i++) {
      const at = (Math.abs(phase / up - (i - reach + 1)) / stretch) * STEPS;
      const left = Math.floor(at);
      const share = at - left;
      taps[i] = left >= ZEROS * STEPS ? 0 : (kernel[left]! * (1 - share) + kernel[left + 1]! * share) / stretch;
    }
    return taps;
  };
  const kept: Float64Array[] | undefined = up * 2 * reach <= MOST_KEPT ? [] : undefined;
  const scratch = new Float64Array(2 * reach);
  const out = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let i = 0; i < out.length; i++) {
    const phase = (i * down) % up;
    const taps = kept?.[phase] ?? weigh(phase, kept ? new Float64Array(2 * reach) : scratch);
    if (kept) kept[phase] = taps;
    const first = (i * down - phase) / up - reach + 1;
    const [begin, end] = [Math.max(0, -first), Math.min(taps.length, samples.length - first)];
    let sum = 0;
    for (let t = begin; t < end; t++) sum += taps[t]! * samples[first + t]!;
    out[i] = sum;
  }
  return out;
}

/** sin(pi x) / (pi x) under Kaiser's window for x from 0 to ZEROS, `STEPS` entries per unit. */
function sincTable(): Float64Array {
  return Float64Array.from({ length: ZEROS * STEPS + 1 }, (_, i) => {
    const x = i / STEPS;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    return (sinc * bessel0(BETA * Math.sqrt(1 - (x / ZEROS) ** 2))) / bessel0(BETA);
  });
}
/** Modified Bessel function of order 0, by its power series. */
function bessel0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
function greatestCommonDivisor(a: number, b: number): number {
  while (b) [a, b] = [b, a % b];
  return a;
}
function checkRate(rate: number): void {
  if (!(Number.isInteger(rate) && rate >= SLOWEST && rate <= FASTEST))
    throw new ConfigError('sample rate', {
      seen: `${rate} Hz`,
      expected: `a whole number from ${SLOWEST} to ${FASTEST}`,
    });
}
