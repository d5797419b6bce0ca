import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../backends/reference/index.ts';
import { matmul, relu, Tensor } from '../../tensor/index.ts';
import { checkFits, type Forecast, forecast, sizeOfBatch } from './forecast.ts';

const backend = createReferenceBackend();
const memory = { parameters: 4e6, gradients: 4e6, optimizer: 8e6 };
const batch = { flops: 1e9, activationBytes: 100e6 };

describe('sizeOfBatch', () => {
  /** [B, 8] @ [8, 16], relu, @ [16, 1], mean. */
  const size = (rows: number) => {
    const [first, second] = [
      Tensor.from(new Float32Array(8 * 16), [8, 16]),
      Tensor.from(new Float32Array(16), [16, 1]),
    ];
    const x = Tensor.from(new Float32Array(rows * 8), [rows, 8]);
    return sizeOfBatch(backend, matmul(relu(matmul(x, first)), second).sumAll(), [first, second]);
  };
  it('counts the products of both passes', () => {
    const [forward, forTheWeights, forTheInner] = [2 * 8 * 16 + 2 * 16, 2 * 8 * 16 + 2 * 16, 2 * 16];
    const products = 64 * (forward + forTheWeights + forTheInner);
    const { flops } = size(64);
    expect(flops).toBeGreaterThan(products);
    expect(flops).toBeLessThan(1.3 * products);
  });
  it('has activations that grow with the batch', () => {
    const [small, large] = [size(64).activationBytes, size(640).activationBytes];
    expect(small).toBeGreaterThan(64 * 16 * 4);
    expect(large / small).toBeGreaterThan(6);
  });
});

describe('forecast', () => {
  it('adds up the memory and multiplies the time', () => {
    const result = forecast({ memory, batch, batchesPerStep: 4, steps: 1000, stepMs: 250, limitBytes: 1e9 });
    expect(result).toEqual({
      bytes: { ...memory, activations: 100e6, total: 116e6 },
      limitBytes: 1e9,
      fits: true,
      flopsPerStep: 4e9,
      flops: 4e12,
      milliseconds: 250e3,
    });
    expect(() => checkFits(result)).not.toThrow();
  });
  it('goes by the speed of the machine before there is a step, and says nothing without either', () => {
    expect(forecast({ memory, batch, steps: 100, flopsPerSecond: 50e9 }).milliseconds).toBeCloseTo(2000, 9);
    expect(forecast({ memory, batch, steps: 100 }).milliseconds).toBeUndefined();
    expect(() => forecast({ memory, batch, steps: Number.NaN })).toThrow('number of steps');
  });
  it('refuses what does not fit, and says what would help', () => {
    const refused = (parts: Partial<Forecast['bytes']>, limitBytes: number) => () =>
      checkFits(
        forecast({
          memory: { parameters: 1e9, gradients: 0, optimizer: 0, ...parts },
          batch: { flops: 1, activationBytes: parts.activations ?? 0 },
          ...{ steps: 1, limitBytes },
        }),
      );
    expect(refused({ activations: 5e9 }, 4.29e9)).toThrow(/6\.00 GB.*at most 4\.29 GB.*smaller batches/);
    expect(refused({ gradients: 1e9, optimizer: 2e9 }, 3e9)).toThrow(/optimizer 2\.00 GB.*LoRA/);
    expect(refused({}, 1e8)).toThrow(/seen: 1\.00 GB: weights 1\.00 GB; expected: .*to do: a smaller model$/);
  });
});
