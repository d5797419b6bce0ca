/** Adagrad: the gradient divided by the root of the sum of all its squares. Duchi et al. 2011. */
import { blend, blendSquare } from '../../tensor/index.ts';
import { optimizer } from './optimizer.ts';

/** Keeps the divisor from zero: PyTorch's default. */
const EPSILON = 1e-10;

export const adagrad = optimizer<'sum', 'clip' | 'decay' | 'minus'>({
  state: shape => ({ sum: shape }),
  numbers: ({ learningRate, weightDecay, clip }) => ({ clip, decay: weightDecay, minus: -learningRate }),
  update({ value, gradient, state, numbers: { clip, decay, minus } }) {
    const slope = blend(gradient, clip, value, decay);
    const sum = blendSquare(state.sum, 1, slope, 1);
    return { value: blend(value, 1, slope.div(sum.sqrt().add(EPSILON)), minus), state: { sum } };
  },
});
