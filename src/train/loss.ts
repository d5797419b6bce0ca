/** The loss of a batch: the head's own, the same with smoothed labels, or an objective's. */
import { ConfigError } from '../errors.ts';
import type { HeadName } from '../models/architecture.ts';
import { forward, type LoadedModel } from '../models/forward.ts';
import { labelTensor } from '../models/labels.ts';
import { labelCrossEntropy } from '../nn/cross-entropy.ts';
import type { Tensor } from '../tensor/index.ts';
import type { LossOf, TrainBatch } from './batch.ts';

/**
 * The graph of a batch's loss, a scalar; nothing is computed.
 * @throws ConfigError when the head makes no loss of what the batch holds, and what `forward` throws
 */
export function lossOfBatch(model: LoadedModel, batch: TrainBatch, lossOf: LossOf | undefined, smoothing = 0): Tensor {
  const graph = forward(model, batch.inputs);
  if (smoothing > 0) return smoothedLoss(model.head, graph.logits, batch, smoothing);
  const loss = lossOf ? lossOf(graph, batch) : graph.lossOf();
  if (loss) return loss;
  throw new ConfigError('the batch has no labels, so there is no loss', {
    seen: `${Object.keys(batch.inputs).join(', ')} for ${model.head}`,
    expected: 'labels',
  });
}

/** Heads whose labels are one class each; where the label is of the next place. */
const SMOOTHABLE: Readonly<Partial<Record<HeadName, { readonly next: boolean }>>> = {
  causalLM: { next: true },
  seq2seqLM: { next: false },
  maskedLM: { next: false },
  enhancedMaskedLM: { next: false },
  sequenceClassification: { next: false },
  tokenClassification: { next: false },
  imageClassification: { next: false },
};

/** Szegedy et al. 2015, as the reference's `LabelSmoother`: of the logits alone, without what a head's loss adds. */
function smoothedLoss(head: HeadName, logits: Tensor, { inputs }: TrainBatch, smoothing: number): Tensor {
  const how = SMOOTHABLE[head];
  const labels = inputs.labels && labelTensor(inputs.labels, logits);
  if (!how || labels?.dtype !== 'i32')
    throw new ConfigError('labels of this kind are not smoothed', {
      seen: labels ? `${labels.dtype} labels for ${head}` : `no labels for ${head}`,
      expected: 'one class for each place',
    });
  const T = logits.dim(1);
  const [scores, targets] = how.next ? [logits.slice(1, 0, T - 1), labels.slice(1, 1, T)] : [logits, labels];
  return labelCrossEntropy(scores.reshape(-1, scores.dim(-1)), targets.reshape(-1), { smoothing });
}
