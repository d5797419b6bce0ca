/**
 * Pictures at another size, bit for bit as Pillow's `Image.resize` makes them, which the image processors of published
 * models were trained behind: separable, columns of weights first along the rows and then along the columns, rounded to
 * 8 bits after each, and with a filter that grows as the picture shrinks, so that fine detail does not turn into noise.
 */
import { ConfigError, ShapeError } from '../errors.ts';

/** `channels` bytes per pixel, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

interface Filter {
  /** Distance at which the weight has become zero. */
  readonly support: number;
  weight(distance: number): number;
}
/** By the names of Pillow's constants. */
const FILTERS = {
  box: { support: 0.5, weight: x => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: x => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight: x => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0),
  },
  bicubic: { support: 2, weight: x => cubicWeight(x, -0.5) },
  lanczos: { support: 3, weight: x => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
} satisfies Record<string, Filter>;
/** `nearest` takes the pixel under the centre. */
export type ResizeFilter = keyof typeof FILTERS | 'nearest';

/** More than any camera makes; bounds what a config can ask for. */
const LONGEST_SIDE = 1 << 16;

/**
 * A picture of `channels` bytes per pixel at width x height.
 * @throws ShapeError when the data does not fill the picture, ConfigError for sizes that are no whole number from 1 to 65536
 */
export function resize(
  picture: Picture,
  width: number,
  height: number,
  filter: ResizeFilter,
  channels: number,
): Picture & { readonly data: Uint8ClampedArray } {
  checkPicture(picture, channels);
  for (const side of [width, height])
    if (!(Number.isInteger(side) && side >= 1 && side <= LONGEST_SIDE))
      throw new ConfigError('size of a picture', { seen: `${width} x ${height}`, expected: `1 to ${LONGEST_SIDE}` });
  const { width: w, height: h } = picture;
  // A row is a line of pixels; a column is a line of rows.
  const across =
    width === w ? Uint8ClampedArray.from(picture.data) : along(picture.data, h, w, width, channels, filter);
  const data = height === h ? across : along(across, 1, h, height, width * channels, filter);
  return { width, height, data };
}

/** @throws ShapeError when the data does not fill the picture */
export function checkPicture({ width, height, data }: Picture, channels: number): void {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1))
    throw new ShapeError('a picture has a width and a height', { seen: `${width} x ${height}` });
  if (data.length !== width * height * channels)
    throw new ShapeError('the data does not fill the picture', {
      seen: `${data.length} bytes`,
      expected: `${width} x ${height} x ${channels}`,
    });
}

/** `[lines, from, size] -> [lines, to, size]` */
function along(
  data: Uint8Array | Uint8ClampedArray,
  lines: number,
  from: number,
  to: number,
  size: number,
  filter: ResizeFilter,
): Uint8ClampedArray {
  const out = new Uint8ClampedArray(lines * to * size);
  const sums = new Float64Array(size);
  for (let i = 0; i < to; i++) {
    const { first, weights } = contributions(from, to, i, filter);
    for (let line = 0; line < lines; line++) {
      sums.fill(HALF);
      for (let k = 0; k < weights.length; k++) {
        const [at, weight] = [(line * from + first + k) * size, weights[k]!];
        for (let c = 0; c < size; c++) sums[c]! += weight * data[at + c]!;
      }
      const at = (line * to + i) * size;
      for (let c = 0; c < size; c++) out[at + c] = Math.floor(sums[c]! / ONE);
    }
  }
  return out;
}

/** Pillow's weights are whole numbers of 2^-22. */
const ONE = 2 ** 22;
const HALF = ONE / 2;

/** Pixels `first`, `first + 1`, ... of `from` and what they weigh in pixel `i` of `to`. */
function contributions(from: number, to: number, i: number, name: ResizeFilter): { first: number; weights: number[] } {
  const scale = from / to;
  const centre = (i + 0.5) * scale;
  if (name === 'nearest') return { first: Math.floor(centre), weights: [ONE] };
  const { support, weight } = FILTERS[name];
  const stretch = Math.max(scale, 1);
  const first = Math.max(0, Math.trunc(centre - support * stretch + 0.5));
  const end = Math.min(from, Math.trunc(centre + support * stretch + 0.5));
  const raw = Array.from({ length: end - first }, (_, k) => weight((first + k - centre + 0.5) / stretch));
  const total = raw.reduce((a, b) => a + b, 0);
  // Rounded half away from zero.
  const weights = raw.map(w => Math.trunc((w / total) * ONE + (w < 0 ? -0.5 : 0.5)));
  return { first, weights };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
/**
 * Weight of a sample at a distance in bicubic interpolation. Keys 1981, "Cubic convolution interpolation for digital image
 * processing".
 * @param a slope where the weight crosses zero: -0.5 is exact for parabolas, others are sharper
 */
export function cubicWeight(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
