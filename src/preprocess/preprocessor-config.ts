/** `preprocessor_config.json`: what is done to a picture or a recording before the model sees or hears it. */
import { ConfigError, UnsupportedError } from '../errors.ts';
import { FFT_SIZE, HOP, MOST_BINS, SAMPLE_RATE } from './log-mel.ts';
import type { ResizeFilter } from './resize.ts';

/** The steps of an image processor, in their order. What is undefined is left out. */
export interface ImageConfig {
  readonly resize:
    | {
        /** Both sides, or the shorter one with the longer in proportion. */
        readonly size: { readonly width: number; readonly height: number } | { readonly shortest: number };
        readonly filter: ResizeFilter;
      }
    | undefined;
  /** The middle that is cut out. */
  readonly crop: { readonly width: number; readonly height: number } | undefined;
  /** Multiplies the bytes. */
  readonly scale: number;
  /** Per channel: (x - mean) / deviation. */
  readonly normalize: { readonly mean: readonly number[]; readonly deviation: readonly number[] } | undefined;
}
/** The options of `logMel`. */
export interface AudioConfig {
  readonly bins: number;
  readonly frames: number;
}

/** The numbers that files give the filters. */
const FILTER_BY_NUMBER: readonly ResizeFilter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];
const LARGEST_SIDE = 16_384;
const LONGEST_CHUNK = 3600;

/**
 * The steps of an image processor; fields that are missing are those of ViT's: 224 x 224, bilinear, 1/255, mean and
 * deviation 0.5.
 * @throws ConfigError listing every field that does not fit
 */
export function imageConfig(json: unknown, where = 'preprocessor_config.json'): ImageConfig {
  const read = new FieldReader(json, where);
  const config: ImageConfig = {
    resize: read.flag('do_resize', true)
      ? { size: read.size('size', { height: 224, width: 224 }), filter: read.filter('resample', 2) }
      : undefined,
    crop: read.flag('do_center_crop', false) ? read.area('crop_size', { height: 224, width: 224 }) : undefined,
    scale: read.flag('do_rescale', true) ? read.number('rescale_factor', 1 / 255) : 1,
    normalize: read.flag('do_normalize', true)
      ? { mean: read.channels('image_mean', () => true), deviation: read.channels('image_std', x => x > 0) }
      : undefined,
  };
  read.finish();
  return config;
}

/**
 * The options of `logMel` for a feature extractor.
 * @throws ConfigError listing every field that does not fit; UnsupportedError for another front end than Whisper's
 */
export function audioConfig(json: unknown, where = 'preprocessor_config.json'): AudioConfig {
  const read = new FieldReader(json, where);
  const bins = read.whole('feature_size', 80, MOST_BINS);
  const seconds = read.whole('chunk_length', 30, LONGEST_CHUNK);
  const fixed = { sampling_rate: SAMPLE_RATE, hop_length: HOP, n_fft: FFT_SIZE, dither: 0 };
  const seen = Object.entries(fixed).map(([name, value]) => [name, read.number(name, value), value] as const);
  read.finish();
  const other = seen.find(([, value, expected]) => value !== expected);
  if (other)
    throw new UnsupportedError('another audio front end', {
      seen: `${other[0]} ${other[1]}`,
      expected: `${other[2]}`,
      where,
    });
  return { bins, frames: (seconds * SAMPLE_RATE) / HOP };
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isWhole = (value: unknown, most: number): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;

/** Reads fields one by one and reports all that do not fit at once. */
class FieldReader {
  readonly #json: Json;
  readonly #where: string;
  readonly #problems: string[] = [];

  constructor(json: unknown, where: string) {
    if (!isObject(json)) throw new ConfigError('a preprocessor config is a JSON object', { seen: shown(json), where });
    this.#json = json;
    this.#where = where;
  }
  flag(name: string, fallback: boolean): boolean {
    return this.#field(name, fallback, value => (typeof value === 'boolean' ? value : undefined), 'true or false');
  }
  number(name: string, fallback: number): number {
    return this.#field(name, fallback, value => (Number.isFinite(value) ? (value as number) : undefined), 'a number');
  }
  whole(name: string, fallback: number, most: number): number {
    return this.#field(name, fallback, value => (isWhole(value, most) ? value : undefined), `1 to ${most}`);
  }
  filter(name: string, fallback: number): ResizeFilter {
    const known = FILTER_BY_NUMBER.map((filter, number) => `${number} (${filter})`).join(', ');
    return this.#field(name, FILTER_BY_NUMBER[fallback]!, value => FILTER_BY_NUMBER[value as number], known);
  }
  /** Three numbers, or one for all channels. */
  channels(name: string, good: (value: number) => boolean): number[] {
    const accept = (value: unknown) => {
      const list = typeof value === 'number' ? [value, value, value] : value;
      const fits = Array.isArray(list) && list.length === 3 && list.every(x => Number.isFinite(x) && good(x));
      return fits ? (list as number[]) : undefined;
    };
    return this.#field(name, [0.5, 0.5, 0.5], accept, 'three numbers, deviations above 0');
  }
  /** Height and width; older files give one number for both. */
  area(name: string, fallback: { height: number; width: number }): { height: number; width: number } {
    return this.#field(name, fallback, areaOf, `{ height, width } or a number, up to ${LARGEST_SIDE}`);
  }
  size(name: string, fallback: { height: number; width: number }): NonNullable<ImageConfig['resize']>['size'] {
    const accept = (value: unknown) =>
      isObject(value) && isWhole(value.shortest_edge, LARGEST_SIDE) && value.longest_edge === undefined
        ? { shortest: value.shortest_edge }
        : areaOf(value);
    const expected = `{ height, width }, { shortest_edge } or a number, up to ${LARGEST_SIDE}`;
    return this.#field<NonNullable<ImageConfig['resize']>['size']>(name, fallback, accept, expected);
  }
  finish(): void {
    if (this.#problems.length)
      throw new ConfigError(`preprocessor config does not fit: ${this.#problems.join('; ')}`, { where: this.#where });
  }
  #field<T>(name: string, fallback: T, accept: (value: unknown) => T | undefined, expected: string): T {
    const value = this.#json[name];
    if (value === undefined || value === null) return fallback;
    const read = accept(value);
    if (read === undefined) this.#problems.push(`${name} is ${shown(value)}, not ${expected}`);
    return read ?? fallback;
  }
}
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? 'nothing';

function areaOf(value: unknown): { height: number; width: number } | undefined {
  if (isWhole(value, LARGEST_SIDE)) return { height: value, width: value };
  if (!isObject(value) || !isWhole(value.height, LARGEST_SIDE) || !isWhole(value.width, LARGEST_SIDE)) return undefined;
  return { height: value.height, width: value.width };
}
