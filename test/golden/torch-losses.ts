/** The reference's losses: value and gradient. */
import { binaryCrossEntropy, klDivergence, labelCrossEntropy, softCrossEntropy } from '../../src/nn/cross-entropy.ts';
import { crossEntropy, dataOfAll, gradient, logSoftmax, type Tensor } from '../../src/tensor/index.ts';
import { broken, type Check } from './compare.ts';
import type { GoldenFiles } from './golden-files.ts';
import { compareAll, leaf, storedTensors } from './torch-files.ts';

/** `labels` or `targets`, whichever the case has, and what weighs the classes. */
type Loss = (logits: Tensor, expected: Tensor, weights: Tensor) => Tensor;
const square = (x: Tensor) => x.mul(x);
const meanAll = (x: Tensor) => x.sumAll().mul(1 / x.size);
const flat = (logits: Tensor) => logits.reshape(-1, logits.dim(-1));
const smooth = (x: Tensor) => x.abs().less(1).where(square(x).mul(0.5), x.abs().sub(0.5));

const LOSSES: Readonly<Record<string, readonly Loss[]>> = {
  ce_mean: [crossEntropy, (x, y) => labelCrossEntropy(x, y)],
  ce_smooth_mean: [(x, y) => labelCrossEntropy(x, y, { smoothing: 0.1 })],
  ce_sum: [(x, y) => labelCrossEntropy(x, y, { reduction: 'sum' })],
  ce_smooth_sum: [(x, y) => labelCrossEntropy(x, y, { smoothing: 0.1, reduction: 'sum' })],
  ce_none: [(x, y) => labelCrossEntropy(x, y, { reduction: 'none' })],
  ce_smooth_none: [(x, y) => labelCrossEntropy(x, y, { smoothing: 0.1, reduction: 'none' })],
  ce_weighted_mean: [(x, y, weights) => labelCrossEntropy(x, y, { weights })],
  ce_weighted_smooth: [(x, y, weights) => labelCrossEntropy(x, y, { weights, smoothing: 0.2 })],
  ce_soft_targets: [softCrossEntropy],
  ce_all_ignored: [crossEntropy, (x, y) => labelCrossEntropy(x, y)],
  bce_logits: [(x, y) => binaryCrossEntropy(x, y)],
  bce_logits_pos_weight: [binaryCrossEntropy],
  mse: [(x, y) => meanAll(square(x.sub(y)))],
  smooth_l1: [(x, y) => meanAll(smooth(x.sub(y)))],
  kl_div_batchmean: [(x, y) => klDivergence(logSoftmax(x), y)],
  hf_label_smoother: [(x, y) => labelCrossEntropy(flat(x), y.reshape(-1), { smoothing: 0.1 })],
  hf_label_smoother_shift: [
    (x, y) => labelCrossEntropy(flat(x.slice(1, 0, 4)), y.slice(1, 1, 5).reshape(-1), { smoothing: 0.1 }),
  ],
};

/** Checks of `losses.safetensors`. */
export async function* lossChecks(files: GoldenFiles, folder: string): AsyncGenerator<Check> {
  const tensors = await storedTensors(files, `${folder}/losses.safetensors`);
  for (const name of new Set([...tensors.keys()].map(key => key.split('/')[0]!))) {
    const part = (key: string) => tensors.get(`${name}/${key}`);
    const known = ['labels', 'targets', 'class_weights', 'pos_weight'].flatMap(key => part(key) ?? []);
    if (!LOSSES[name]) yield broken(name, 'no rule for this loss');
    for (const loss of LOSSES[name] ?? []) {
      const logits = leaf(part('logits')!);
      const value = loss(logits, ...(known.map(leaf) as [Tensor, Tensor]));
      const [found, slope] = await dataOfAll(value, gradient(value.sumAll(), [logits])[0]!);
      const expected = part('loss')!;
      if (Number.isNaN(expected.data[0])) {
        const nan = Number.isNaN(found![0]);
        yield { name, part: 'NaN', error: nan ? 0 : Number.POSITIVE_INFINITY, bound: 0 };
      } else yield* compareAll(name, [['loss', found!, expected]], [['logits', slope!, part('grad_logits')!]]);
    }
  }
}
