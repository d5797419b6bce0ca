/** A picture in the forms in which programs have one: pixels, a file's bytes, its path or address. */
import { ConfigError, UnsupportedError } from '../errors.ts';
import { type ImageConfig, type Picture, preprocessImage } from '../preprocess/index.ts';
import { isPnm, readPnm } from '../preprocess/pnm.ts';
import { readMedia } from './read-media.ts';

/** RGB or RGBA pixels, such as a canvas's `ImageData`; or a file: bytes, a Blob, a path (in Node) or an address. */
export type PictureInput = Picture | Uint8Array | Blob | string;

export function isPicture(value: unknown): value is PictureInput {
  if (typeof value === 'string' || value instanceof Uint8Array || value instanceof Blob) return true;
  const { width, height, data } = (value ?? {}) as Partial<Picture>;
  return typeof width === 'number' && typeof height === 'number' && data !== undefined;
}

/**
 * The pixels of a picture. Plain pixmaps (.ppm, .pgm) are read everywhere, compressed files by the browser or, in Node, by the
 * package sharp where it is installed.
 * @throws ConfigError, FormatError, UnsupportedError
 */
export async function readPicture(input: PictureInput, signal?: AbortSignal): Promise<Picture> {
  if (typeof input !== 'string' && !(input instanceof Uint8Array) && !(input instanceof Blob)) return input;
  const { bytes, where } = await readMedia(input, signal);
  if (isPnm(bytes)) return readPnm(bytes);
  return typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function'
    ? drawnPicture(bytes, where)
    : sharpPicture(bytes, where);
}

/** Pictures as a model sees them. */
export interface PixelBatch {
  readonly data: Float32Array;
  /** `[B, 3, H, W]`. */
  readonly dims: readonly [number, number, number, number];
}

/**
 * Pictures by the steps of an image processor, one behind the other.
 * @throws ConfigError for none, and for several of different sizes where the steps make no size of their own; what
 * `preprocessImage` throws
 */
export function pixelBatch(pictures: readonly Picture[], config: ImageConfig): PixelBatch {
  const all = pictures.map(picture => preprocessImage(picture, config));
  const [first] = all;
  if (!first) throw new ConfigError('no picture', { expected: 'at least one' });
  const { width, height } = first;
  const other = all.find(pixels => pixels.width !== width || pixels.height !== height);
  if (other)
    throw new ConfigError('pictures of several sizes make no batch', {
      seen: `${width} x ${height} and ${other.width} x ${other.height}`,
      expected: 'a size in preprocessor_config.json, or pictures of one',
      fix: 'give them one by one',
    });
  const data = new Float32Array(all.length * first.data.length);
  for (const [b, pixels] of all.entries()) data.set(pixels.data, b * first.data.length);
  return { data, dims: [all.length, 3, height, width] };
}

async function drawnPicture(bytes: Uint8Array, where: string): Promise<Picture> {
  const bitmap = await createImageBitmap(new Blob([bytes.slice()])).catch((cause: unknown) => {
    throw new ConfigError('not a picture that the browser can read', { where, cause });
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (!context) throw new UnsupportedError('the browser gives no canvas to draw a picture on', { where });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}

/** The part of sharp that is used. */
interface Sharp {
  /** Without an angle: as the file's metadata says, which browsers follow by themselves. */
  rotate(): Sharp;
  removeAlpha(): Sharp;
  toColourspace(name: string): Sharp;
  raw(): Sharp;
  toBuffer(options: {
    resolveWithObject: true;
  }): Promise<{ data: Uint8Array; info: { width: number; height: number } }>;
}

async function sharpPicture(bytes: Uint8Array, where: string): Promise<Picture> {
  const name = 'sharp';
  const { default: sharp } = (await import(name).catch((cause: unknown) => {
    throw new UnsupportedError('this picture is compressed, and the package that reads such files is not installed', {
      fix: 'npm install sharp, or convert the picture to .ppm',
      where,
      cause,
    });
  })) as { default: (bytes: Uint8Array) => Sharp };
  const { data, info } = await sharp(bytes)
    .rotate()
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw new ConfigError('not a picture that sharp can read', { where, cause });
    });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}
