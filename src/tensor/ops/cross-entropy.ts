/**
 * Cross-entropy of logits and labels, without a second tensor as wide as the vocabulary: the loss of a row is one pass over
 * it, and its gradient is written over the logits. Szegedy et al. 2015 (label smoothing).
 */
import { ConfigError } from '../../errors.ts';
import { expectDType, expectShapes } from '../check.ts';
import { where } from '../scope.ts';
import { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';
import { logSoftmax, softmax } from './softmax.ts';

/** Label that takes no part in a loss. */
export const IGNORE = -100;

interface Smoothing {
  readonly smoothing: number;
}
const expectRows = (op: string, logits: Tensor, labels: Tensor): void => {
  expectDType(`${op} (logits)`, [logits], 'f32');
  expectDType(`${op} (labels)`, [labels], 'i32');
  const fits = logits.rank === 2 && labels.rank === 1 && logits.dim(0) === labels.dim(0);
  expectShapes(op, fits, { logits, labels }, 'logits [N, V], labels [N]');
};
/** bool `[N, V]`: the class of the label; bool `[N, 1]`: there is such a class. */
function targets(labels: Tensor, classes: number): { own: Tensor; known: Tensor } {
  const column = labels.reshape(-1, 1);
  return {
    own: Tensor.iota(classes).equal(column),
    known: column.less(0).not().and(column.less(classes)),
  };
}

const ROWS = composite<Smoothing>({
  name: 'rowCrossEntropy',
  infer([logits, labels]) {
    expectRows('rowCrossEntropy', logits!, labels!);
    return { shape: [logits!.dim(0)], dtype: 'f32' };
  },
  define([logits, labels], { smoothing }) {
    const [N, V] = logits!.shape as [number, number];
    const { own, known } = targets(labels!, V);
    const logp = logSoftmax(logits!);
    const chosen = own
      .where(logp, 0)
      .sum()
      .mul(smoothing - 1); // [N, 1]
    const spread = logp.sum().mul(-smoothing / V);
    return known.where(smoothing ? chosen.add(spread) : chosen, 0).reshape(N);
  },
  gradient: (g, [logits, labels], _, attrs) => [ROWS_GRADIENT([logits!, g, labels!], attrs), null],
  flops: ([logits]) => 5 * logits!.size,
});
/** g (softmax - target): logits `[N, V]`, g `[N]`, labels `[N] -> [N, V]`. */
const ROWS_GRADIENT = composite<Smoothing>({
  name: 'rowCrossEntropyGradient',
  infer: ([logits]) => ({ shape: logits!.shape, dtype: 'f32' }),
  define([logits, g, labels], { smoothing }) {
    const V = logits!.dim(1);
    const { own, known } = targets(labels!, V);
    const target = own.where(1 - smoothing + smoothing / V, smoothing / V);
    return known.where(softmax(logits!).sub(target).mul(g!.reshape(-1, 1)), 0);
  },
  flops: ([logits]) => 6 * logits!.size,
});

/**
 * Negative log-likelihood of each label by itself: logits `[N, V]`, labels i32 `[N] -> [N]`. `smoothing` is the share of the
 * target that is spread over all classes alike. A row whose label is no class (-100) has the loss 0.
 * @throws ShapeError when the sizes differ, ConfigError unless 0 <= smoothing <= 1
 */
export function rowCrossEntropy(logits: Tensor, labels: Tensor, smoothing = 0): Tensor {
  if (!(smoothing >= 0 && smoothing <= 1))
    throw new ConfigError('rowCrossEntropy: the smoothing is not a share', {
      seen: `${smoothing}`,
      expected: '0 <= smoothing <= 1',
      where: where(),
    });
  return ROWS([logits, labels], { smoothing });
}

/**
 * Mean negative log-likelihood of integer labels: `[N, V], i32 [N] -> []`. Labels of -100 are left out; when all are,
 * the result is NaN, as in the reference.
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const counted = labels.equal(IGNORE).not().cast('f32').sumAll();
  return rowCrossEntropy(logits, labels).sumAll().div(counted);
}
