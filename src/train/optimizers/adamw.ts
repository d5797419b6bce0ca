/** AdamW: Adam with weight decay apart from the gradient. Loshchilov and Hutter 2019. */
import { type AdamState, adam, adamNumbers, adamUpdate } from './adam.ts';
import { optimizer } from './optimizer.ts';

export const adamw = optimizer<AdamState, 'shrink' | 'rate' | 'root' | 'first' | 'second'>({
  state: adam.state,
  numbers: (at, settings) => ({ ...adamNumbers(at, settings), shrink: 1 - at.learningRate * at.weightDecay }),
  update: adamUpdate,
});
