import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { preprocessImage } from './image.ts';
import { imageConfig } from './preprocessor-config.ts';
import { type ResizeFilter, resize } from './resize.ts';

const reference = JSON.parse(readFileSync(new URL('./data/image.json', import.meta.url), 'utf8')) as {
  resize: { filter: ResizeFilter; frm: [number, number]; to: [number, number]; bytes: number[]; sum: number }[];
  process: {
    name: string;
    config: Record<string, unknown>;
    width: number;
    height: number;
    channels: number;
    shape: number[];
    at: number[];
    values: number[];
    mean: number;
    square: number;
  }[];
};
const picture = (width: number, height: number, channels = 3) => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * channels }, (_, i) => {
    return (i * i * 7 + i * 13 + Math.floor(i / (channels * width)) * 31) % 256;
  }),
});

describe('resize', () => {
  it.each(reference.resize)('$filter, $frm to $to: every byte', ({ filter, frm, to, bytes, sum }) => {
    const { data, ...size } = resize(picture(...frm), ...to, filter, 3);
    expect(size).toEqual({ width: to[0], height: to[1] });
    expect([...data.subarray(0, bytes.length)]).toEqual(bytes);
    expect(data.reduce((a, b) => a + b, 0)).toBe(sum);
  });
  it('refuses data that does not fill the picture, and sizes that are none', () => {
    expect(() => resize({ ...picture(4, 4), width: 5 }, 2, 2, 'bilinear', 3)).toThrow(
      /seen: 48 bytes; expected: 5 x 4/,
    );
    expect(() => resize({ ...picture(4, 4), height: -4 }, 2, 2, 'bilinear', 3)).toThrow(/seen: 4 x -4/);
    expect(() => resize(picture(4, 4), 0, 2, 'bilinear', 3)).toThrow(/size of a picture; seen: 0 x 2/);
    expect(() => resize(picture(4, 4), 2, 1e9, 'bilinear', 3)).toThrow(/seen: 2 x 1000000000/);
  });
});

describe('preprocessImage', () => {
  it.each(reference.process)('$name: the pixels of the reference', c => {
    const { width, height, data } = preprocessImage(picture(c.width, c.height, c.channels), imageConfig(c.config));
    expect([3, height, width]).toEqual(c.shape);
    c.at.forEach((at, i) => {
      expect(Math.abs(data[at]! - c.values[i]!)).toBeLessThanOrEqual(3e-7 * Math.max(1, Math.abs(c.values[i]!)));
    });
    expect(data.reduce((a, b) => a + b, 0) / data.length).toBeCloseTo(c.mean, 6);
    expect(data.reduce((a, b) => a + b * b, 0) / data.length / c.square).toBeCloseTo(1, 6);
  });
  it('refuses to cut out more than there is', () => {
    const config = imageConfig({ do_resize: false, do_center_crop: true, crop_size: 8 });
    expect(() => preprocessImage(picture(9, 7), config)).toThrow(/seen: 9 x 7; expected: at least 8 x 8/);
  });
  it('refuses data of two or five bytes per pixel', () => {
    expect(() => preprocessImage(picture(4, 4, 2), imageConfig({}))).toThrow(/32 bytes; expected: 4 x 4 x 3/);
    expect(() => preprocessImage(picture(4, 4, 5), imageConfig({}))).toThrow(/80 bytes/);
  });
});
