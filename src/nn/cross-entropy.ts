/**
 * Cross-entropy in the forms that training uses: smoothed labels, weighted classes, targets that are distributions, a yes or
 * no per class. Szegedy et al. 2015 (label smoothing). Plain labels: `crossEntropy` of the tensor graph.
 */
import { IGNORE, logSoftmax, rowCrossEntropy, softplus, Tensor } from '../tensor/index.ts';

export interface CrossEntropyOptions {
  /** Share of the target that is spread over all classes alike. Default 0. */
  readonly smoothing?: number;
  /** f32 `[V]`: how much each class counts. Default 1. */
  readonly weights?: Tensor | undefined;
  /** `none` = a loss per row, `[N]`. `mean` divides by the weights of the labels, summed. Default mean. */
  readonly reduction?: 'mean' | 'sum' | 'none';
}

/**
 * Negative log-likelihood of labels: logits `[N, V]`, labels i32 `[N]`. Labels of -100 are left out; when all are, the mean
 * is NaN.
 */
export function labelCrossEntropy(
  logits: Tensor,
  labels: Tensor,
  { smoothing = 0, weights, reduction = 'mean' }: CrossEntropyOptions = {},
): Tensor {
  const column = labels.reshape(-1, 1);
  if (!weights) {
    const each = rowCrossEntropy(logits, labels, smoothing);
    if (reduction === 'none') return each;
    const known = column
      .less(0)
      .not()
      .and(column.less(logits.dim(1)));
    return reduction === 'sum' ? each.sumAll() : each.sumAll().div(known.cast('f32').sumAll());
  }
  const own = Tensor.iota(logits.dim(1)).equal(column); // [N, V]
  const logp = logSoftmax(logits).mul(weights);
  const chosen = own
    .where(logp, 0)
    .sum()
    .mul(smoothing - 1);
  const spread = column
    .equal(IGNORE)
    .not()
    .where(logp.sum(), 0)
    .mul(-smoothing / logits.dim(1));
  const each = chosen.add(spread).reshape(-1);
  if (reduction === 'none') return each;
  return reduction === 'sum' ? each.sumAll() : each.sumAll().div(own.where(weights, 0).sumAll());
}

/** Cross-entropy with targets that are distributions: logits and targets `[N, V]`, mean over the rows. */
export const softCrossEntropy = (logits: Tensor, targets: Tensor): Tensor =>
  logSoftmax(logits)
    .mul(targets)
    .sumAll()
    .mul(-1 / logits.dim(0));

/** How far a distribution is from its target, in nats: log-probabilities and targets `[N, V]`, mean over the rows. */
export const klDivergence = (logp: Tensor, targets: Tensor): Tensor =>
  targets
    .equal(0)
    .where(0, targets.mul(targets.maximum(SMALLEST).log().sub(logp)))
    .sumAll()
    .mul(1 / logp.dim(0));
const SMALLEST = 2 ** -126;

/**
 * A yes or no per element: logits and targets of one shape, mean over all. `yes`, which broadcasts to them, is how much
 * more a missed yes costs than a missed no. Default 1.
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor, yes?: Tensor): Tensor {
  const cost = yes ? targets.mul(yes.sub(1)).add(1) : undefined;
  const missedYes = softplus(logits.neg());
  const each = targets
    .neg()
    .add(1)
    .mul(logits)
    .add(cost ? missedYes.mul(cost) : missedYes);
  return each.sumAll().mul(1 / logits.size);
}
