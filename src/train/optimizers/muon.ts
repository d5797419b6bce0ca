/**
 * Muon: steps along the momentum of a matrix, made orthogonal, so that it changes all directions alike, the rare ones too. Jordan
 * et al. 2024, "Muon: an optimizer for hidden layers in neural networks". The steps have the size of AdamW's, so that one
 * learning rate serves both (Liu et al. 2025, "Muon is scalable for LLM training"). Tables and vectors are left to AdamW.
 */
import { blend, sumOfSquares, type Tensor } from '../../tensor/index.ts';
import { adamw } from './adamw.ts';
import { optimizer } from './optimizer.ts';

/** Share of the momentum that the next step keeps. */
const MOMENTUM = 0.95;
/** Coefficients of x, x³ and x⁵: after five turns any singular value from 0.002 to 1 lies between 0.68 and 1.21. */
const [LINEAR, CUBIC, QUINTIC, TURNS] = [3.4445, -4.775, 2.0315, 5];
/** Keeps the norm of a gradient from zero. */
const EPSILON = 1e-7;
/** Root of the mean of squares of AdamW's steps, as it is found in training. */
const SIZE = 0.2;

export const muon = optimizer<'momentum_buffer', 'shrink' | 'minus' | 'fresh'>({
  others: { of: ({ shape, table }) => shape.length !== 2 || table === true, optimizer: adamw },
  state: shape => ({ momentum_buffer: shape }),
  numbers: ({ learningRate, weightDecay, clip }) => ({
    shrink: 1 - learningRate * weightDecay,
    minus: -learningRate * SIZE,
    fresh: (1 - MOMENTUM) * clip,
  }),
  update({ value, gradient, state, numbers: { shrink, minus, fresh } }) {
    const momentum_buffer = blend(state.momentum_buffer, MOMENTUM, gradient, fresh);
    // A look ahead along the momentum: Nesterov's.
    const ahead = blend(momentum_buffer, MOMENTUM, gradient, fresh);
    const rate = minus.mul(Math.sqrt(Math.max(...value.shape)));
    return { value: blend(value, shrink, orthogonal(ahead), rate), state: { momentum_buffer } };
  },
});

/** About U Vᵀ of a matrix U S Vᵀ, by Newton and Schulz's iteration. */
function orthogonal(matrix: Tensor): Tensor {
  const [rows, columns] = matrix.shape as [number, number];
  // The product of the shorter side with itself is the smaller one.
  const wide = rows > columns ? matrix.transpose() : matrix;
  let x = wide.div(sumOfSquares(wide).sqrt().maximum(EPSILON));
  for (let turn = 0; turn < TURNS; turn++) {
    const gram = x.matmul(x.transpose());
    x = blend(x, LINEAR, blend(gram, CUBIC, gram.matmul(gram), QUINTIC).matmul(x), 1);
  }
  return rows > columns ? x.transpose() : x;
}
