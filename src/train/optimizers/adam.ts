/**
 * Adam: steps along the mean of the gradients, divided by the root of the mean of their squares. Kingma and Ba 2015. Weight
 * decay is added to the gradient (L2), as in PyTorch's `Adam`; for decay apart from the gradient see `adamw.ts`.
 */
import { adamStep, blend, blendSquare, type Tensor } from '../../tensor/index.ts';
import { type OptimizerSettings, optimizer, type StepAt, type Update, type Updated } from './optimizer.ts';

export type AdamState = 'exp_avg' | 'exp_avg_sq' | 'max_exp_avg_sq';
export type AdamNumbers = 'shrink' | 'rate' | 'root' | 'first' | 'second' | 'clip' | 'decay';

export const adam = optimizer<AdamState, AdamNumbers>({
  state: (shape, { amsgrad }) => ({ exp_avg: shape, exp_avg_sq: shape, ...(amsgrad && { max_exp_avg_sq: shape }) }),
  // The gradient is clipped where the decay is added to it.
  numbers: (at, settings) => ({ ...adamNumbers({ ...at, clip: 1 }, settings), clip: at.clip, decay: at.weightDecay }),
  update(given) {
    const { value, gradient, numbers } = given;
    return adamUpdate({ ...given, gradient: blend(gradient, numbers.clip, value, numbers.decay) });
  },
});

/** The factors of a step without decay. `root` and `rate` make up for moments that started at zero. */
export function adamNumbers(
  { step, learningRate, clip }: StepAt,
  { adamBeta1, adamBeta2 }: OptimizerSettings,
): Record<Exclude<AdamNumbers, 'clip' | 'decay'>, number> {
  return {
    shrink: 1,
    rate: learningRate / (1 - adamBeta1 ** step),
    root: 1 / Math.sqrt(1 - adamBeta2 ** step),
    first: (1 - adamBeta1) * clip,
    second: (1 - adamBeta2) * clip * clip,
  };
}

export function adamUpdate({
  value,
  gradient,
  state,
  numbers,
  settings,
}: Update<AdamState, Exclude<AdamNumbers, 'clip' | 'decay'>>): Updated<AdamState> {
  const { adamBeta1, adamBeta2, adamEpsilon: eps, amsgrad } = settings;
  const { first, second, shrink, rate, root } = numbers;
  const exp_avg = blend(state.exp_avg, adamBeta1, gradient, first);
  const exp_avg_sq = blendSquare(state.exp_avg_sq, adamBeta2, gradient, second);
  const step = (squares: Tensor) => adamStep(value, exp_avg, squares, { shrink, rate, root, eps });
  if (!amsgrad) return { value: step(exp_avg_sq), state: { exp_avg, exp_avg_sq } };
  const max_exp_avg_sq = state.max_exp_avg_sq.maximum(exp_avg_sq);
  return { value: step(max_exp_avg_sq), state: { exp_avg, exp_avg_sq, max_exp_avg_sq } };
}
