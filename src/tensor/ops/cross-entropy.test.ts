import { expect, it } from 'vitest';
import { Tensor } from '../tensor.ts';
import { rowCrossEntropy } from './cross-entropy.ts';

it.each([-0.1, 1.1, Number.NaN])('label smoothing of %f is refused', smoothing => {
  const labels = Tensor.from(Int32Array.of(0));
  expect(() => rowCrossEntropy(Tensor.from([1, 2], [1, 2]), labels, smoothing)).toThrow(/not a share.*0 <= smoothing/s);
});
