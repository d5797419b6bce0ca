import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { type DiffuseOptions, resolveDiffuseOptions } from './diffuse-options.ts';

describe('diffusion options', () => {
  it('have defaults', () => {
    expect(resolveDiffuseOptions({})).toMatchObject({
      ...{ sampler: 'confidence', genLength: 128, steps: 128, blockLength: 128, temperature: 0 },
      ...{ remasking: 'low_confidence', cfgScale: 0 },
    });
    expect(resolveDiffuseOptions({ sampler: 'ancestral' })).toMatchObject({ temperature: 1, schedule: 'log-linear' });
    expect(resolveDiffuseOptions({ genLength: undefined }).genLength).toBe(128);
    expect(resolveDiffuseOptions({ genLength: 12, blockLength: 4 }).steps).toBe(12);
    expect(resolveDiffuseOptions({ genLength: 12, sampler: 'ancestral' }).steps).toBe(128);
  });

  it('list everything that is wrong at once', () => {
    const wrong = { steps: 0, temperature: -1, remasking: 'high', seed: 0.5, top: 3, deferTokens: [-1] };
    const message = (() => {
      try {
        resolveDiffuseOptions(wrong as unknown as DiffuseOptions);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        return (error as ConfigError).message;
      }
      return '';
    })();
    for (const part of [
      'steps = 0 is not a whole number of at least 1',
      'temperature = -1 is not a finite number of at least 0',
      `remasking = "high" is not 'low_confidence' or 'random'`,
      'seed = 0.5',
      'top is no diffusion option',
      'deferTokens = [-1]',
    ])
      expect(message).toContain(part);
  });

  it('must fit together', () => {
    const refuse = (options: DiffuseOptions, message: RegExp) =>
      expect(() => resolveDiffuseOptions(options)).toThrow(message);
    refuse({ genLength: 10, blockLength: 4 }, /blockLength = 4 does not divide genLength = 10/);
    refuse({ genLength: 12, blockLength: 4, steps: 7 }, /steps = 7 is not a multiple of the 3 blocks/);
    refuse(
      { sampler: 'ancestral', cfgScale: 1, blockLength: 4 },
      /blockLength means nothing.*cfgScale means nothing|cfgScale means nothing.*blockLength means nothing/,
    );
    refuse({ stride: 4 }, /stride means nothing to the sampler 'confidence'/);
    expect(resolveDiffuseOptions({ genLength: 12, blockLength: 4, steps: 9 }).steps).toBe(9);
    expect(resolveDiffuseOptions({ genLength: 0, blockLength: 4, steps: 9 }).steps).toBe(9);
  });
});
