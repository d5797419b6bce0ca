/**
 * Log-mel spectrogram: what speech models hear. Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak
 * Supervision", section 2.2; mel scale and area normalisation: Slaney 1998, "Auditory Toolbox".
 */
import { ConfigError } from '../errors.ts';
import { createFft } from './fft.ts';

/** Samples per second that the front end expects. */
export const SAMPLE_RATE = 16000;
/** Samples from one frame to the next: 10 ms. */
export const HOP = 160;
/** Samples that a frame looks at: 25 ms. */
export const FFT_SIZE = 400;
/** Frames of the 30 s that a model hears at once. */
export const WINDOW_FRAMES = 3000;
const FREQUENCIES = FFT_SIZE / 2 + 1;
/** More bands than any model has; above, filters would have no frequency to weigh. */
export const MOST_BINS = 200;

/**
 * Features `[bins, frames]` of mono samples in -1..1 at 16 kHz, which are cut or filled up with silence to frames * 160.
 * Frame t looks at the 400 samples around sample 160 t, mirrored at both ends: periodic Hann window, power spectrum, mel
 * bands, log10, at most 8 (80 dB) below the loudest, (x + 4) / 4. About 0.1 s for 30 s; frames of silence cost nothing.
 * @param options bins: mel bands (80, or 128 for large-v3); frames: length of the window, at least 2
 * @throws ConfigError for a sample that is not a finite number, and for sizes out of range
 */
export function logMel(
  samples: Float32Array,
  { bins = 80, frames = WINDOW_FRAMES }: { bins?: number; frames?: number } = {},
): Float32Array {
  checkCount('mel bands', bins, 1, MOST_BINS);
  checkCount('frames', frames, 2, 1_000_000);
  const heard = samples.subarray(0, frames * HOP);
  const bad = heard.findIndex(x => !Number.isFinite(x));
  if (bad >= 0) throw new ConfigError('a sample is not a number', { seen: `${heard[bad]} at sample ${bad}` });
  const filters = melFilters(bins);
  const features = new Float32Array(bins * frames).fill(-10);
  const power = powerSpectra(heard, frames);
  let loudest = -10;
  for (let t = 0; t * FREQUENCIES < power.length; t++)
    for (let m = 0; m < bins; m++) {
      const { first, weights } = filters[m]!;
      let energy = 0;
      for (let i = 0; i < weights.length; i++) energy += weights[i]! * power[t * FREQUENCIES + first + i]!;
      const level = Math.log10(Math.max(energy, 1e-10));
      if (level > loudest) loudest = level;
      features[m * frames + t] = level;
    }
  for (let i = 0; i < features.length; i++) features[i] = (Math.max(features[i]!, loudest - 8) + 4) / 4;
  return features;
}

/**
 * Power spectra of the frames that reach a sample, `[frames, 201]`; the others are silent. Two real frames are one complex
 * sequence: as one is real and the other imaginary, the even and odd parts of its transform are theirs.
 */
function powerSpectra(samples: Float32Array, frames: number): Float64Array {
  const half = FFT_SIZE / 2;
  const length = frames * HOP;
  const loud = samples.length === 0 ? 0 : Math.min(frames, Math.ceil((samples.length + half) / HOP));
  const power = new Float64Array(loud * FREQUENCIES);
  const hann = Float64Array.from({ length: FFT_SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FFT_SIZE));
  const load = (frame: number, into: Float64Array) => {
    for (let i = 0; i < FFT_SIZE; i++) {
      const at = Math.abs(frame * HOP - half + i);
      into[i] = hann[i]! * (samples[at < length ? at : 2 * (length - 1) - at] ?? 0);
    }
  };
  const [re, im] = [new Float64Array(FFT_SIZE), new Float64Array(FFT_SIZE)];
  const transform = createFft(FFT_SIZE);
  for (let t = 0; t < loud; t += 2) {
    load(t, re);
    if (t + 1 < loud) load(t + 1, im);
    else im.fill(0);
    transform(re, im);
    for (let k = 0; k < FREQUENCIES; k++) {
      const mirror = (FFT_SIZE - k) % FFT_SIZE;
      const [a, b, c, d] = [re[k]!, im[k]!, re[mirror]!, im[mirror]!];
      power[t * FREQUENCIES + k] = ((a + c) ** 2 + (b - d) ** 2) / 4;
      if (t + 1 < loud) power[(t + 1) * FREQUENCIES + k] = ((b + d) ** 2 + (a - c) ** 2) / 4;
    }
  }
  return power;
}

/** A triangle over the frequencies `first`, `first + 1`, ... */
export interface MelFilter {
  readonly first: number;
  readonly weights: Float64Array;
}

/**
 * `bins` triangles over the 201 frequencies of a frame (40 Hz apart), each reaching from one neighbour's centre to the
 * other's, with centres equally far apart in mel from 0 to 8000 Hz. Each holds the area 1 in Hz, so narrow ones are tall.
 */
export function melFilters(bins: number): MelFilter[] {
  const top = melOf(SAMPLE_RATE / 2);
  const edges = Array.from({ length: bins + 2 }, (_, i) => hertzOf((top * i) / (bins + 1)));
  const step = SAMPLE_RATE / FFT_SIZE;
  return Array.from({ length: bins }, (_, m) => {
    const [low, centre, high] = [edges[m]!, edges[m + 1]!, edges[m + 2]!];
    const first = Math.ceil(low / step);
    const count = Math.max(0, Math.floor(high / step) - first + 1);
    const weights = Float64Array.from({ length: count }, (_, i) => {
      const f = (first + i) * step;
      const height = Math.min((f - low) / (centre - low), (high - f) / (high - centre));
      return (Math.max(0, height) * 2) / (high - low);
    });
    return { first, weights };
  });
}
/** Linear up to 1000 Hz (15 mel), then 27 mel for each factor of 6.4. */
const melOf = (hertz: number) =>
  hertz < 1000 ? (3 * hertz) / 200 : 15 + (27 * Math.log(hertz / 1000)) / Math.log(6.4);
const hertzOf = (mel: number) => (mel < 15 ? (200 * mel) / 3 : 1000 * 6.4 ** ((mel - 15) / 27));

function checkCount(what: string, value: number, least: number, most: number): void {
  if (!(Number.isInteger(value) && value >= least && value <= most))
    throw new ConfigError(`log-mel: number of ${what}`, { seen: `${value}`, expected: `${least} to ${most}` });
}
