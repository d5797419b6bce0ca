/** Feed-forward layer of two projections. Vaswani et al. 2017. */
import type { Tensor } from '../tensor/index.ts';
import { activation } from './activation.ts';
import { type LinearParams, linear } from './linear.ts';

/** down(act(up(x))): `[B, T, C] -> [B, T, C]`. Names `pre`, `act` and `out`. */
export function feedForward(up: LinearParams, down: LinearParams, x: Tensor, act: string): Tensor {
  return linear(down, activation(act)(linear(up, x).named('pre')).named('act')).named('out');
}
