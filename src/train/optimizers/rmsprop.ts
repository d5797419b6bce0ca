/** RMSprop: the gradient divided by the root of the mean of its squares. Tieleman and Hinton 2012, lecture 6.5. */
import { blend, blendSquare } from '../../tensor/index.ts';
import { optimizer } from './optimizer.ts';

/** How much of the mean of squares is kept, and what keeps the divisor from zero: PyTorch's defaults. */
const KEPT = 0.99;
const EPSILON = 1e-8;

export const rmsprop = optimizer<'square_avg', 'clip' | 'decay' | 'minus'>({
  state: shape => ({ square_avg: shape }),
  numbers: ({ learningRate, weightDecay, clip }) => ({ clip, decay: weightDecay, minus: -learningRate }),
  update({ value, gradient, state, numbers: { clip, decay, minus } }) {
    const slope = blend(gradient, clip, value, decay);
    const square_avg = blendSquare(state.square_avg, KEPT, slope, 1 - KEPT);
    return { value: blend(value, 1, slope.div(square_avg.sqrt().add(EPSILON)), minus), state: { square_avg } };
  },
});
