/**
 * Gradients of layer norm and RMS norm over the last axis. With n = (x - mean) / deviation (RMS norm: no mean) and h = g weight,
 * dx = (h - mean(h) - n mean(h n)) / deviation. The rows' two numbers are computed once, for dx and for the weights.
 */
import { sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';
import { concat } from './movement.ts';

export interface NormAttrs {
  readonly eps: number;
  /** The mean is taken off: layer norm. */
  readonly centred: boolean;
}

/** Of each row the mean (0 if not centred) and 1 / deviation: x `[..., C] -> [..., 2]`. */
const STATISTICS = composite<NormAttrs>({
  name: 'normStatistics',
  infer: ([x]) => ({ shape: [...x!.shape.slice(0, -1), 2], dtype: 'f32' }),
  define([x], { eps, centred }) {
    const mean = x!.mean();
    const rest = centred ? x!.sub(mean) : x!;
    return concat([centred ? mean : mean.mul(0), rest.mul(rest).mean().add(eps).rsqrt()], x!.rank - 1);
  },
  flops: ([x]) => 5 * x!.size,
});
/** n of the head comment. */
function normalized(x: Tensor, statistics: Tensor): { n: Tensor; inverse: Tensor } {
  const [mean, inverse] = statistics.split(2) as [Tensor, Tensor];
  return { n: x.sub(mean).mul(inverse), inverse };
}

/** g, x `[..., C]`, weight `[C]`, statistics `[..., 2] -> [..., C]`. */
const INPUT = composite<{ centred: boolean }>({
  name: 'normGradient',
  define([g, x, weight, statistics], { centred }) {
    const { n, inverse } = normalized(x!, statistics!);
    const h = g!.mul(weight!);
    const along = h.sub(n.mul(h.mul(n).mean()));
    return (centred ? along.sub(h.mean()) : along).mul(inverse);
  },
  flops: ([x]) => 10 * x!.size,
});

/** Gradients of weight and bias in two rows: g, x `[..., C]`, statistics `[..., 2] -> [2, C]`. */
const WEIGHT = composite({
  name: 'normWeightGradient',
  infer: ([g]) => ({ shape: [2, g!.dim(-1)], dtype: 'f32' }),
  define([g, x, statistics]) {
    const { n } = normalized(x!, statistics!);
    const rows = sizeOf(g!.shape.slice(0, -1));
    const sum = (t: Tensor) => t.reshape(rows, t.dim(-1)).sum(0);
    return concat([sum(g!.mul(n)), sum(g!)], 0);
  },
  flops: ([g]) => 4 * g!.size,
});

/** Gradients of x `[..., C]`, weight and, if there is one, bias `[C]`. */
export function normGradient(g: Tensor, [x, weight, bias]: readonly Tensor[], attrs: NormAttrs): Tensor[] {
  const statistics = STATISTICS([x!], attrs);
  // The weights first: g's memory is then free for dx.
  const both = WEIGHT([g, x!, statistics], undefined);
  const dx = INPUT([g, x!, weight!, statistics], { centred: attrs.centred });
  const parts = bias ? both.split(2, 0) : [both.slice(0, 0, 1)];
  return [dx, ...parts.map(t => t.reshape(weight!.size))];
}
