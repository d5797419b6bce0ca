/** Softmax over the last axis, its logarithm, and the cross-entropy built on it. */
import { ShapeError } from '../../errors.ts';
import { expectDType } from '../check.ts';
import { where } from '../scope.ts';
import { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';

const SOFTMAX = composite({
  name: 'softmax',
  define([x]) {
    const e = x!.sub(x!.max()).exp();
    return e.div(e.sum());
  },
  gradient: (g, _, y) => [y.mul(g.sub(g.mul(y).sum()))],
  flops: ([x]) => 5 * x!.size,
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

/** Label that takes no part in a loss. */
export const IGNORE = -100;

const CROSS_ENTROPY = composite({
  name: 'crossEntropy',
  infer([logits, labels]) {
    expectDType('crossEntropy (logits)', [logits!], 'f32');
    expectDType('crossEntropy (labels)', [labels!], 'i32');
    if (logits!.rank !== 2 || labels!.rank !== 1 || logits!.dim(0) !== labels!.dim(0))
      throw new ShapeError('crossEntropy: sizes differ', {
        seen: `logits [${logits!.shape}], labels [${labels!.shape}]`,
        expected: 'logits [N, V], labels [N]',
        where: where(),
      });
    return { shape: [], dtype: 'f32' };
  },
  define([logits, labels]) {
    const column = labels!.reshape(-1, 1);
    const chosen = Tensor.iota(logits!.dim(1)).equal(column); // [N, V]
    const nll = chosen.where(logSoftmax(logits!), 0).sum().neg(); // [N, 1]; 0 where the label is outside the classes
    const count = column.equal(IGNORE).not().cast('f32').sumAll();
    return nll.sumAll().div(count);
  },
});
/**
 * Mean negative log-likelihood of integer labels: `[N, V], i32 [N] -> []`. Labels of -100 are left out; when all are,
 * the result is NaN, as in the reference.
 */
export const crossEntropy = (logits: Tensor, labels: Tensor): Tensor => CROSS_ENTROPY([logits, labels], undefined);
