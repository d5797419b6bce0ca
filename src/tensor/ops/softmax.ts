/** Softmax over the last axis, and its logarithm. */
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';

const SOFTMAX = composite({
  name: 'softmax',
  define([x]) {
    const e = x!.sub(x!.max()).exp();
    return e.div(e.sum());
  },
  gradient: (g, _, y) => [SOFTMAX_GRADIENT([g, y], undefined)],
  flops: ([x]) => 5 * x!.size,
});
const SOFTMAX_GRADIENT = composite({
  name: 'softmaxGradient',
  define: ([g, y]) => y!.mul(g!.sub(g!.mul(y!).sum())),
  flops: ([g]) => 4 * g!.size,
});
/** exp(x) / sum(exp(x)) over the last axis. */
export const softmax = (x: Tensor): Tensor => SOFTMAX([x], undefined);

const LOG_SOFTMAX = composite({
  name: 'logSoftmax',
  define([x]) {
    const shifted = x!.sub(x!.max());
    return shifted.sub(shifted.exp().sum().log());
  },
  gradient: (g, _, y) => [g.sub(y.exp().mul(g.sum()))],
  flops: ([x]) => 5 * x!.size,
});
/** log(softmax(x)) without its loss of precision. */
export const logSoftmax = (x: Tensor): Tensor => LOG_SOFTMAX([x], undefined);
