/**
 * Stochastic gradient descent, with momentum (Polyak 1964) and Nesterov's (Sutskever et al. 2013) in PyTorch's form: the
 * learning rate is no part of the momentum. Weight decay is added to the gradient.
 */
import { blend } from '../../tensor/index.ts';
import { optimizer } from './optimizer.ts';

export const sgd = optimizer<'momentum_buffer', 'clip' | 'decay' | 'minus'>({
  state: (shape, { momentum }) => (momentum === 0 ? {} : { momentum_buffer: shape }),
  numbers: ({ learningRate, weightDecay, clip }) => ({ clip, decay: weightDecay, minus: -learningRate }),
  update({ value, gradient, state, numbers: { clip, decay, minus }, settings: { momentum, nesterov } }) {
    const slope = blend(gradient, clip, value, decay);
    if (momentum === 0) return { value: blend(value, 1, slope, minus), state: {} };
    const momentum_buffer = blend(state.momentum_buffer, momentum, slope, 1);
    const direction = nesterov ? blend(slope, 1, momentum_buffer, momentum) : momentum_buffer;
    return { value: blend(value, 1, direction, minus), state: { momentum_buffer } };
  },
});
