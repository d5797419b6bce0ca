import { describe, expect, it } from 'vitest';
import { audioConfig, imageConfig } from './preprocessor-config.ts';

describe('imageConfig', () => {
  it("has ViT's steps where fields are missing", () => {
    expect(imageConfig({ image_processor_type: 'ViTImageProcessor' })).toEqual({
      resize: { size: { height: 224, width: 224 }, filter: 'bilinear' },
      crop: undefined,
      scale: 1 / 255,
      normalize: { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
    });
  });
  it('reads the older form with one number for a size, and the shorter side', () => {
    expect(imageConfig({ size: 384, do_center_crop: true, crop_size: 300, image_std: 1 })).toMatchObject({
      resize: { size: { height: 384, width: 384 } },
      crop: { height: 300, width: 300 },
      normalize: { deviation: [1, 1, 1] },
    });
    expect(imageConfig({ size: { shortest_edge: 256 }, resample: 3 }).resize).toEqual({
      size: { shortest: 256 },
      filter: 'bicubic',
    });
  });
  it('lists every field that does not fit', () => {
    const bad = {
      size: { height: 0, width: 5 },
      resample: 9,
      image_std: [1, 0, 1],
      do_rescale: 'yes',
      image_mean: [1],
    };
    expect(() => imageConfig(bad)).toThrow(
      /size is .*resample is 9, not 0 \(nearest\).*do_rescale is "yes".*image_mean is \[1\].*image_std is \[1,0,1\]/,
    );
    expect(() => imageConfig({ size: 1e9 })).toThrow(/size is 1000000000/);
    expect(() => imageConfig({ size: { shortest_edge: 800, longest_edge: 1333 } })).toThrow(/size is/);
    expect(() => imageConfig([])).toThrow(/JSON object; seen: \[\]/);
  });
});

describe('audioConfig', () => {
  it('reads bands and the length of the window', () => {
    expect(audioConfig({})).toEqual({ bins: 80, frames: 3000 });
    expect(audioConfig({ feature_size: 128, chunk_length: 10, n_fft: 400 })).toEqual({ bins: 128, frames: 1000 });
  });
  it('refuses another front end and sizes out of range', () => {
    expect(() => audioConfig({ n_fft: 512 })).toThrow(/another audio front end; seen: n_fft 512; expected: 400/);
    expect(() => audioConfig({ sampling_rate: 8000 })).toThrow(/sampling_rate 8000/);
    expect(() => audioConfig({ feature_size: 1e6, chunk_length: 0 })).toThrow(
      /feature_size is 1000000.*chunk_length is 0/,
    );
  });
});
