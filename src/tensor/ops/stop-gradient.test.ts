import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../backends/reference/index.ts';
import { setDefaultBackend } from '../compute.ts';
import { gradient } from '../gradient.ts';
import { Tensor } from '../tensor.ts';
import { stopGradient } from './stop-gradient.ts';

describe('stopGradient', () => {
  setDefaultBackend(async () => createReferenceBackend());
  const x = Tensor.from([2, -3], [2]);

  it('keeps the value', async () => {
    expect([...(await stopGradient(x.mul(2)).data())]).toEqual([4, -6]);
  });
  it('takes no part in a gradient', async () => {
    // d/dx of x * constant(x) is the constant, not 2 x.
    const [g] = gradient(x.mul(stopGradient(x)).sumAll(), [x]);
    expect([...(await g!.data())]).toEqual([2, -3]);
  });
  it('says so when it was the only way', () => {
    expect(() => gradient(stopGradient(x).sumAll(), [x])).toThrow(/does not depend on a wanted tensor/);
  });
});
