import { describe, expect, it } from 'vitest';
import { imageConfig } from '../preprocess/index.ts';
import { pixelBatch } from './picture-input.ts';

const picture = (width: number, height: number, level: number) => ({
  ...{ width, height },
  data: new Uint8Array(width * height * 3).fill(level),
});
const asTheyAre = imageConfig({ do_resize: false, do_normalize: false });

describe('a batch of pictures', () => {
  it('has one behind the other', () => {
    const { data, dims } = pixelBatch([picture(2, 1, 0), picture(2, 1, 255)], asTheyAre);
    expect(dims).toEqual([2, 3, 1, 2]);
    expect([...data]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  });
  it('is of one size, that of the pictures or of the steps', () => {
    const several = [picture(2, 1, 0), picture(1, 1, 0)];
    expect(() => pixelBatch(several, asTheyAre)).toThrow(/several sizes.*2 x 1 and 1 x 1/);
    expect(pixelBatch(several, imageConfig({ size: 4 })).dims).toEqual([2, 3, 4, 4]);
    expect(() => pixelBatch([], asTheyAre)).toThrow(/no picture/);
  });
});
