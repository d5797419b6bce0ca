/** The op table: every op of the tensor graph with small inputs. Backends and gradients are tested over it. */
import {
  type AttentionOptions,
  adamStep,
  attention,
  blend,
  blendSquare,
  concat,
  crossEntropy,
  cumsum,
  dropout,
  elu,
  expertLinear,
  gather,
  gelu,
  geluTanh,
  groupNorm,
  groupOrder,
  layerNorm,
  leakyRelu,
  linear,
  lionStep,
  logSigmoid,
  logSoftmax,
  matmul,
  mish,
  quickGelu,
  relu,
  rmsNorm,
  rope,
  rowCrossEntropy,
  scatterAdd,
  sigmoid,
  silu,
  softmax,
  softplus,
  sumOfSquares,
  Tensor,
  takeAlong,
  topK,
} from '../../src/tensor/index.ts';
import { createRng } from '../../src/util/rng.ts';

export interface OpCase {
  readonly name: string;
  /** f32 inputs, made anew for each test; gradients are checked for all of them. */
  readonly inputs: readonly { readonly shape: readonly number[]; readonly from: number; readonly to: number }[];
  readonly build: (...inputs: Tensor[]) => Tensor;
  /** False for ops without gradient. */
  readonly differentiable: boolean;
}
type Input = readonly number[] | { shape: readonly number[]; from: number; to: number };
const smooth = (name: string, inputs: readonly Input[], build: OpCase['build'], differentiable = true): OpCase => ({
  name,
  inputs: inputs.map(i => ('shape' in i ? i : { shape: i, from: -2, to: 2 })),
  build,
  differentiable,
});
const positive = (shape: readonly number[]) => ({ shape, from: 0.3, to: 3 });
const A = [2, 3, 5];
const ids = (values: number[], shape: number[]) => Tensor.from(values, shape, 'i32');
const bools = (values: number[], shape: number[]) => Tensor.from(new Uint8Array(values), shape, 'bool');

const attend = (name: string, o: AttentionOptions & { T?: number; S?: number; H?: number; G?: number }) => {
  const { T = 4, S = 4, H = 4, G = 2, ...options } = o;
  return smooth(
    `attention ${name}`,
    [
      [2, H, T, 6],
      [2, G, S, 6],
      [2, G, S, 6],
    ],
    (q, k, v) => attention(q, k, v, options),
  );
};

export const OPS: readonly OpCase[] = [
  smooth('add', [A, A], (x, y) => x.add(y)),
  smooth(
    'add broadcast',
    [
      [2, 1, 5],
      [3, 1],
    ],
    (x, y) => x.add(y),
  ),
  smooth('add a constant', [A], x => x.add(0.25)),
  smooth('sub', [A, [5]], (x, y) => x.sub(y)),
  smooth('mul', [A, [2, 3, 1]], (x, y) => x.mul(y)),
  smooth('mul by itself', [A], x => x.mul(x)),
  smooth('x + its transpose', [[4, 4]], x => x.mul(2).add(x.mul(2).transpose())),
  smooth('div', [A, positive(A)], (x, y) => x.div(y)),
  smooth('pow', [positive(A), [1]], (x, y) => x.pow(y)),
  smooth('maximum', [A, A], (x, y) => x.maximum(y)),
  smooth('minimum', [A, [5]], (x, y) => x.minimum(y)),
  smooth('neg', [A], x => x.neg()),
  smooth('exp', [A], x => x.exp()),
  smooth('log', [positive(A)], x => x.log()),
  smooth('sqrt', [positive(A)], x => x.sqrt()),
  smooth('rsqrt', [positive(A)], x => x.rsqrt()),
  smooth('reciprocal', [positive(A)], x => x.reciprocal()),
  smooth('tanh', [A], x => x.tanh()),
  smooth('erf', [A], x => x.erf()),
  smooth('abs', [A], x => x.abs()),
  smooth('sin', [A], x => x.sin()),
  smooth('cos', [A], x => x.cos()),
  smooth('relu', [A], relu),
  smooth('sigmoid', [A], sigmoid),
  smooth('silu', [A], silu),
  smooth('gelu', [A], gelu),
  smooth('geluTanh', [A], geluTanh),
  smooth('quickGelu', [A], quickGelu),
  smooth('softplus', [A], softplus),
  smooth('logSigmoid', [A], logSigmoid),
  smooth('mish', [A], mish),
  smooth('elu', [A], elu),
  smooth('leakyRelu', [A], x => leakyRelu(x, 0.1)),
  smooth('where', [A, A], (x, y) => x.less(y).where(x, y.mul(2))),
  smooth('less', [A, A], (x, y) => x.less(y), false),
  smooth('lessEqual, and, or, not', [A, A], (x, y) => x.lessEqual(y).and(x.less(1)).or(y.less(-1)).not(), false),
  smooth('equal', [A], x => x.cast('i32').equal(1), false),
  smooth('cast', [A], x => x.mul(3).cast('i32'), false),
  smooth('iota', [[4, 6]], x => x.mul(Tensor.iota(6).cast('f32'))),
  smooth('sum last', [A], x => x.sum()),
  smooth('sum first', [A], x => x.sum(0)),
  smooth('sum middle', [A], x => x.sum(1)),
  smooth('mean', [A], x => x.mean(1)),
  smooth('max last', [A], x => x.max()),
  smooth('max first', [A], x => x.max(0)),
  smooth('cumsum', [[2, 5, 3]], x => cumsum(x, 1)),
  smooth('sumAll', [A], x => x.sumAll()),
  smooth('reshape', [A], x => x.reshape(5, -1).mul(2)),
  smooth('reshape of a transpose', [A], x => x.transpose().reshape(6, 5).mul(2)),
  smooth('permute', [A], x => x.permute(2, 0, 1).mul(2)),
  smooth('slice', [A], x => x.slice(1, 1, 3).mul(2)),
  smooth('slice of a transpose', [A], x => x.transpose().slice(1, 1, 4).mul(2)),
  smooth('split', [[2, 6]], x => x.split(3).reduce((a, b) => a.mul(b))),
  smooth('expand', [[3, 1]], x => x.expand([2, 3, 4]).mul(2)),
  smooth(
    'concat',
    [
      [2, 3],
      [2, 4],
      [2, 1],
    ],
    (x, y, z) => concat([x, y, z], 1),
  ),
  smooth(
    'concat of views',
    [
      [3, 2],
      [2, 4],
    ],
    (x, y) => concat([x.transpose(), y.slice(1, 1, 3)], 1),
  ),
  smooth(
    'matmul',
    [
      [3, 4],
      [4, 5],
    ],
    matmul,
  ),
  smooth(
    'matmul batched',
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    matmul,
  ),
  smooth(
    'matmul broadcast batch',
    [
      [2, 1, 3, 4],
      [3, 4, 5],
    ],
    matmul,
  ),
  smooth(
    'matmul of transposes',
    [
      [4, 3],
      [5, 4],
    ],
    (x, y) => x.transpose().matmul(y.transpose()),
  ),
  smooth('linear', [[2, 3, 4], [5, 4], [5]], (x, w, b) => linear(x, w, b)),
  smooth(
    'linear without bias',
    [
      [3, 4],
      [5, 4],
    ],
    (x, w) => linear(x, w),
  ),
  smooth('linear, 1 row', [[1, 37], [19, 37], [19]], (x, w, b) => linear(x, w, b)),
  smooth(
    'linear of a view',
    [
      [2, 8, 3],
      [5, 8],
    ],
    (x, w) => linear(x.transpose(), w),
  ),
  smooth('gather', [[5, 3]], t => gather(t, ids([1, 4, 1, 0], [2, 2]))),
  smooth('gather of the first rows twice', [[5, 3]], t => gather(gather(t, ids([3, 2, 3], [3])), ids([2, 0, 0], [3]))),
  smooth('gather of whole numbers', [], () => gather(ids([5, -2, 7, 1, 0, 3], [3, 2]), ids([2, 0, 2], [3])), false),
  smooth('takeAlong', [[2, 2, 5]], x => takeAlong(x, ids([4, 0, 1, 1, 2, 3, 0, 4], [2, 2, 2]))),
  smooth('scatterAdd', [[4, 5]], x => scatterAdd(x, ids([2, 0, 2, 7], [4]), 3)),
  smooth('topK', [[3, 9]], x => topK(x, 4), false),
  smooth('topK of equals', [[3, 9]], x => topK(x.cast('i32').cast('f32'), 9), false),
  smooth('groupOrder', [], () => groupOrder(ids([2, 0, 9, -1, 2, 0, 0, 3], [8]), 4), false),
  smooth('expertLinear', [[6, 5], ...Array(4).fill([19, 5])], (x, ...weights) =>
    expertLinear(x, ids([0, 0, 3, 3, 3, 1], [6]), weights),
  ),
  smooth('expertLinear, rows in any order', [[7, 37], ...Array(3).fill([11, 37])], (x, ...weights) =>
    expertLinear(x, ids([2, 0, 2, -1, 0, 0, 3], [7]), weights),
  ),
  smooth('expertLinear of transposes', [[3, 4], ...Array(2).fill([4, 21])], (x, ...weights) =>
    expertLinear(
      x,
      ids([1, 1, 0], [3]),
      weights.map(w => w.transpose()),
    ),
  ),
  smooth('softmax', [A], softmax),
  smooth('logSoftmax', [A], logSoftmax),
  smooth('crossEntropy', [[4, 7]], x => crossEntropy(x, ids([3, -100, 0, 6], [4]))),
  smooth('rowCrossEntropy', [[5, 37]], x => rowCrossEntropy(x, ids([36, -100, 0, 20, 37], [5]))),
  smooth('rowCrossEntropy, smoothed', [[4, 18]], x => rowCrossEntropy(x, ids([3, -100, 0, 17], [4]), 0.1)),
  smooth('layerNorm', [A, [5], [5]], (x, w, b) => layerNorm(x, w, b, 1e-3)),
  smooth('layerNorm without bias', [A, [5]], (x, w) => layerNorm(x, w, undefined, 1e-3)),
  smooth('groupNorm', [[2, 6, 3], [6], [6]], (x, w, b) => groupNorm(x, 3, w, b, 1e-3)),
  smooth('rmsNorm', [A, [5]], (x, w) => rmsNorm(x, w, 1e-3)),
  smooth('rmsNorm of a slice', [[2, 9], [5]], (x, w) => rmsNorm(x.slice(1, 2, 7), w, 1e-3)),
  smooth(
    'rope',
    [
      [2, 3, 4, 6],
      [1, 4, 3],
      [1, 4, 3],
    ],
    (x, c, s) => rope(x, c, s),
  ),
  smooth(
    'rope, part of the head',
    [
      [2, 3, 4, 6],
      [2, 4, 2],
      [2, 4, 2],
    ],
    (x, c, s) => rope(x, c, s),
  ),
  smooth(
    'rope interleaved',
    [
      [2, 3, 4, 6],
      [1, 4, 2],
      [1, 4, 2],
    ],
    (x, c, s) => rope(x, c, s, true),
  ),
  smooth('blend', [[9, 5], [], [9, 5], []], (x, a, y, b) => blend(x, a, y, b)),
  smooth('blendSquare', [A, A, []], (x, y, b) => blendSquare(x, 0.9, y, b)),
  smooth('adamStep', [A, A, positive(A), ...Array(4).fill(positive([]))], (p, m, v, shrink, rate, root, eps) =>
    adamStep(p, m, v, { shrink, rate, root, eps }),
  ),
  smooth(
    'lionStep',
    [A, A, A, positive([])],
    (p, m, g, rate) =>
      lionStep(p, m.less(0).where(0, m), m.less(0).where(0, g), { shrink: 0.99, rate, a: 0.9, b: 0.1 }),
    false,
  ),
  smooth('sumOfSquares', [[7, 1300]], x => sumOfSquares(x)),
  attend('bidirectional', {}),
  attend('causal', { causal: true }),
  attend('causal with earlier keys', { causal: true, T: 2, S: 7 }),
  attend('one query', { causal: true, T: 1, S: 9 }),
  attend('one key/value head', { causal: true, G: 1 }),
  attend('window', { causal: true, window: 2, T: 6, S: 6 }),
  attend('window to both sides', { window: 2, T: 6, S: 6 }),
  attend('soft cap and scale', { causal: true, softcap: 1.5, scale: 0.7 }),
  attend('length', { causal: true, T: 2, S: 8, length: ids([5], []) }),
  attend('mask', { causal: true, mask: bools([0, 0, 1, 1, 1, 1, 1, 1], [2, 4]) }),
  attend('all at once, one key/value head', {
    causal: true,
    G: 1,
    T: 6,
    S: 9,
    window: 3,
    length: ids([8], []),
    mask: bools([1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1], [2, 9]),
  }),
  attend('more rows than a block', { causal: true, T: 70, S: 70, H: 2, G: 1 }),
  attend('mask that hides all', { mask: bools([0, 0, 0, 0, 1, 0, 1, 1], [2, 4]) }),
  smooth(
    'attention with bias',
    [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
      [2, 2, 5, 4],
      [1, 2, 3, 5],
    ],
    (q, k, v, bias) => attention(q, k, v, { bias }),
  ),
  smooth(
    'attention with a bias for all heads, capped',
    [
      [2, 4, 3, 4],
      [2, 2, 5, 4],
      [2, 2, 5, 6],
      [1, 1, 3, 5],
    ],
    (q, k, v, bias) => attention(q, k, v, { bias, causal: true, softcap: 2 }),
  ),
  smooth('dropout', [[9, 7]], x => dropout(x, 0.3, ids([41], []))),
  smooth('nothing in between', [[2], [0]], (x, none) => x.add(none.tanh().sum(0)).add(5)),
  smooth('heads out of a projection', [[2, 4, 24]], x => {
    const [q, k, v] = x.split(3).map(t => t.reshape(2, 4, 2, 4).permute(0, 2, 1, 3)) as [Tensor, Tensor, Tensor];
    return attention(q, k, v, { causal: true }).permute(0, 2, 1, 3).reshape(2, 4, 8).mul(2);
  }),
];

/** Inputs of a case, the same in every run. */
export const valuesOf = (c: OpCase): Float32Array[] => {
  const rng = createRng(7);
  return c.inputs.map(({ shape, from, to }) =>
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => from + (to - from) * rng.uniform()),
  );
};
