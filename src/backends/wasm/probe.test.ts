import { describe, expect, it } from 'vitest';
import { dotMeaning, probeFeatures } from './probe.ts';

/** `(func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd ...))` */
const RELAXED = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2, 253, 133, 2, 11],
]);
const here = WebAssembly.validate(RELAXED);

describe('probeFeatures', () => {
  it('uses relaxed SIMD exactly where the engine has it', () => {
    const features = probeFeatures({ threads: 3, relaxed: true, revectorize: false });
    expect(features).toEqual({
      relaxed: here,
      dot: here ? dotMeaning() : 'none',
      revec: false,
      threads: 3,
      tile: here ? { mr: 6, nr: 8 } : { mr: 2, nr: 16 },
    });
  });

  it('does as it is told', () => {
    expect(probeFeatures({ threads: 1, relaxed: false, revectorize: true })).toEqual({
      relaxed: false,
      dot: 'none',
      revec: false,
      threads: 1,
      tile: { mr: 2, nr: 16 },
    });
  });

  it('tries the vectoriser without harm and takes its tile only if it works', () => {
    const { relaxed, revec, tile } = probeFeatures({ threads: 1, relaxed: true, revectorize: true });
    expect(relaxed).toBe(here);
    if (!here) expect(revec).toBe(false);
    expect(tile).toEqual(revec ? { mr: 6, nr: 16 } : here ? { mr: 6, nr: 8 } : { mr: 2, nr: 16 });
  });
});
