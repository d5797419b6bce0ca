/** From a picture to the pixels that a vision model sees, by the steps of its `preprocessor_config.json`. */
import { ConfigError } from '../errors.ts';
import type { ImageConfig } from './preprocessor-config.ts';
import { checkPicture, type Picture, resize } from './resize.ts';

/** Red, green and blue as numbers, one plane after the other: `[3, height, width]`. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/**
 * Resize, cut the middle out, scale, normalise; each if the config asks for it. Alpha is left out, as the reference does
 * (not blended).
 * @param picture RGB or RGBA bytes, such as a canvas's `ImageData`
 * @throws ShapeError when the data fills neither, ConfigError when the middle is larger than the picture
 */
export function preprocessImage(picture: Picture, config: ImageConfig): Pixels {
  let rgb: Picture = withoutAlpha(picture);
  if (config.resize) {
    const { width, height } = targetSize(rgb, config.resize.size);
    rgb = resize(rgb, width, height, config.resize.filter, RGB);
  }
  const crop = config.crop ?? rgb;
  if (crop.width > rgb.width || crop.height > rgb.height)
    throw new ConfigError('the picture is smaller than what is to be cut out of it', {
      seen: `${rgb.width} x ${rgb.height}`,
      expected: `at least ${crop.width} x ${crop.height}`,
    });
  const { width, height } = crop;
  const [left, top] = [Math.floor((rgb.width - width) / 2), Math.floor((rgb.height - height) / 2)];
  const data = new Float32Array(RGB * width * height);
  for (let channel = 0; channel < RGB; channel++) {
    const [mean, deviation] = [config.normalize?.mean[channel] ?? 0, config.normalize?.deviation[channel] ?? 1];
    const levels = Float32Array.from({ length: 256 }, (_, level) => (level * config.scale - mean) / deviation);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        data[(channel * height + y) * width + x] =
          levels[rgb.data[((top + y) * rgb.width + left + x) * RGB + channel]!]!;
  }
  return { width, height, data };
}

const RGB = 3;

function withoutAlpha(picture: Picture): Picture {
  const { width, height, data } = picture;
  if (data.length !== width * height * 4) {
    checkPicture(picture, RGB);
    return picture;
  }
  checkPicture(picture, 4);
  const rgb = new Uint8Array(width * height * RGB);
  for (let i = 0; i < width * height; i++) rgb.set(data.subarray(4 * i, 4 * i + RGB), RGB * i);
  return { width, height, data: rgb };
}

/** The shorter side as the config says and the longer one in proportion, or both as it says. */
function targetSize(
  { width, height }: Picture,
  size: NonNullable<ImageConfig['resize']>['size'],
): { width: number; height: number } {
  if ('width' in size) return size;
  const { shortest } = size;
  const longer = Math.floor((shortest * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: shortest, height: longer } : { width: longer, height: shortest };
}
