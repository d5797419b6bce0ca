/**
 * Adafactor: Adam without a mean of gradients, whose second moments are kept as sums of rows and columns: of a matrix
 * `[m, n]` it keeps m + n numbers. Shazeer and Stern 2018. Constants are those of the reference's implementation.
 */
import { blend, sumOfSquares, type Tensor } from '../../tensor/index.ts';
import { optimizer } from './optimizer.ts';

/** Keeps squares from zero, and the size of a parameter that steps are in proportion to. */
const EPSILON = { square: 1e-30, parameter: 1e-3 };
/** No update may be longer than this, as the root of the mean of its squares. */
const CLIP = 1;
/** How fast the memory of squares gets longer: b = 1 - step^this. */
const DECAY = -0.8;
const WARMUP = { slow: 1e-6, usual: 1e-2 };

export const adafactor = optimizer<
  'exp_avg_sq_row' | 'exp_avg_sq_col' | 'exp_avg_sq',
  'clip' | 'minus' | 'decay' | 'kept' | 'fresh'
>({
  state: shape =>
    shape.length < 2
      ? { exp_avg_sq: shape }
      : { exp_avg_sq_row: [...shape.slice(0, -1), 1], exp_avg_sq_col: [...shape.slice(0, -2), 1, shape.at(-1)!] },
  numbers({ step, learningRate, weightDecay, clip }, { relativeStep, warmupInit }) {
    const most = warmupInit ? WARMUP.slow * step : WARMUP.usual;
    const rate = relativeStep ? Math.min(most, 1 / Math.sqrt(step)) : learningRate;
    const kept = 1 - step ** DECAY;
    return { clip, minus: -rate, decay: weightDecay, kept, fresh: 1 - kept };
  },
  update({ value, gradient, state, numbers, settings: { scaleParameter } }) {
    const { clip, kept, fresh, decay } = numbers;
    const slope = gradient.mul(clip);
    const squares = slope.mul(slope).add(EPSILON.square);
    const mean = (before: Tensor, now: Tensor) => blend(before, kept, now, fresh);
    const after =
      value.rank < 2
        ? { exp_avg_sq: mean(state.exp_avg_sq, squares) }
        : {
            exp_avg_sq_row: mean(state.exp_avg_sq_row, squares.mean(-1)),
            exp_avg_sq_col: mean(state.exp_avg_sq_col, squares.mean(-2)),
          };
    const raw = slope.mul('exp_avg_sq' in after ? after.exp_avg_sq.rsqrt() : factored(after));
    const rate = scaleParameter ? numbers.minus.mul(rms(value).maximum(EPSILON.parameter)) : numbers.minus;
    const length = rms(raw)
      .mul(1 / CLIP)
      .maximum(1);
    return { value: blend(value, rate.mul(decay).add(1), raw, rate.div(length)), state: after };
  },
});

/** One over the root of a matrix that its rows and columns stand for. */
const factored = ({ exp_avg_sq_row: row, exp_avg_sq_col: col }: { exp_avg_sq_row: Tensor; exp_avg_sq_col: Tensor }) =>
  row.div(row.mean(-2)).rsqrt().mul(col.rsqrt());
/** Root of the mean of squares, `[]`. */
const rms = (x: Tensor): Tensor =>
  sumOfSquares(x)
    .mul(1 / x.size)
    .sqrt();
