/** Every op of the reference's list by this library's means: values, gradients, layers, orders and half-precision rounding. */
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { conv1d } from '../../src/nn/conv1d.ts';
import {
  attention,
  concat,
  cumsum,
  dataOfAll,
  defaultBackend,
  elu,
  gather,
  gelu,
  geluTanh,
  gradient,
  groupNorm,
  layerNorm,
  leakyRelu,
  linear,
  logSigmoid,
  logSoftmax,
  matmul,
  mish,
  quickGelu,
  relu,
  rmsNorm,
  setDefaultBackend,
  sigmoid,
  silu,
  sizeOf,
  softmax,
  softplus,
  Tensor,
  takeAlong,
  topK,
} from '../../src/tensor/index.ts';
import { decodeBf16, decodeF16, encodeBf16, encodeF16 } from '../../src/util/half.ts';
import { broken, type Check, compareIds } from './compare.ts';
import type { GoldenFiles } from './golden-files.ts';
import { compareAll, leaf, numbered, type Stored, type StoredTensors, storedTensors } from './torch-files.ts';

/** Inputs of at most five, so that a row reads like its formula. */
type Row = (a: Tensor, b: Tensor, c: Tensor, d: Tensor) => Tensor | Tensor[];
const square = (x: Tensor) => x.mul(x);
const norm = (x: Tensor) => square(x).sum().sqrt();
/** Without the axis that reductions keep. */
const dropLast = (x: Tensor) => x.reshape(...x.shape.slice(0, -1));
const centered = (x: Tensor) => x.sub(x.mean());
/** A convolution that looks at features first, as the reference lays them out. */
const conv =
  (options: Parameters<typeof conv1d>[2]): Row =>
  (x, weight, bias) =>
    conv1d({ weight, bias }, x.transpose(), options).transpose();
const lower = (n: number) => Tensor.iota(n).lessEqual(Tensor.iota(n).reshape(n, 1));

const ROWS: Readonly<Record<string, Row>> = {
  gelu_erf: gelu,
  gelu_tanh: geluTanh,
  gelu_new: geluTanh,
  gelu_fast: geluTanh,
  quick_gelu: quickGelu,
  relu_squared: x => square(relu(x)),
  relu,
  silu,
  sigmoid,
  tanh: x => x.tanh(),
  softplus,
  mish,
  erf: x => x.erf(),
  'leaky_relu_0.1': x => leakyRelu(x, 0.1),
  elu,
  log_sigmoid: logSigmoid,
  exp: x => x.exp(),
  log: x => x.log(),
  sqrt: x => x.sqrt(),
  rsqrt: x => x.rsqrt(),
  reciprocal: x => x.reciprocal(),
  'pow_1.7': x => x.pow(1.7),
  abs: x => x.abs(),
  neg: x => x.neg(),
  add_broadcast: (x, y) => x.add(y),
  mul_broadcast: (x, y) => x.mul(y),
  div_broadcast: (x, y) => x.div(y),
  sub_scalar_tensor: (x, y) => x.sub(y),
  matmul_2d: matmul,
  matmul_batched_broadcast: matmul,
  matmul_vec: (x, y) => x.matmul(y.reshape(-1, 1)).reshape(-1),
  linear,
  einsum_bhid_bhjd_bhij: (x, y) => x.matmul(y.transpose()),
  softmax,
  softmax_dim1: x => softmax(x.transpose()).transpose(),
  softmax_extreme: softmax,
  log_softmax: logSoftmax,
  logsumexp: x => dropLast(x.max().add(x.sub(x.max()).exp().sum().log())),
  layer_norm: (x, w, b) => layerNorm(x, w, b, 1e-5),
  'layer_norm_eps1e-12': (x, w, b) => layerNorm(x, w, b, 1e-12),
  rms_norm: (x, w) => rmsNorm(x, w, 1e-6),
  group_norm: (x, w, b) => groupNorm(x, 2, w, b, 1e-5),
  embedding: (ids, table) => gather(table, ids),
  // The row is there, but nothing flows back into it.
  embedding_padding_idx_0: (ids, table) => {
    const fixed = concat(
      [Tensor.from((table.storage as { data: Float32Array }).data.slice(0, 4), [1, 4]), table.slice(0, 1, 7)],
      0,
    );
    return gather(fixed, ids);
  },
  conv1d: conv({ stride: 2, padding: 1 }),
  conv1d_groups: conv({ padding: 1, groups: 2 }),
  conv2d_patch: (x, w, b) => {
    const patches = x.reshape(1, 3, 3, 3, 2, 3).permute(0, 2, 4, 1, 3, 5).reshape(1, 6, 27);
    return linear(patches, w.reshape(5, 27), b).transpose().reshape(1, 5, 3, 2);
  },
  max_pool1d: x => dropLast(x.reshape(...x.shape.slice(0, -1), x.dim(-1) / 2, 2).max()),
  sdpa: (q, k, v) => attention(q, k, v),
  sdpa_causal: (q, k, v) => attention(q, k, v, { causal: true }),
  sdpa_scale_1: (q, k, v) => attention(q, k, v, { scale: 1 }),
  sdpa_bool_mask: (q, k, v, mask) => attention(q, k, v, { bias: mask.where(Tensor.constant(0), -1e30) }),
  cumsum: x => cumsum(x, 1),
  gather: takeAlong,
  index_select: (x, ids) => gather(x, ids),
  masked_fill: (x, mask) => mask.where(-3, x),
  where: (mask, x, y) => mask.where(x, y),
  cat: (x, y) => concat([x, y], 1),
  stack: (x, y) => concat([x.reshape(2, 1, 3), y.reshape(2, 1, 3)], 1),
  split: x => [x.slice(1, 0, 2), x.slice(1, 2, 5)],
  transpose_reshape: x => x.transpose().reshape(2, 12),
  expand: x => x.expand([3, 2, 4]),
  mean_dim: x => x.mean(2).mean(0).reshape(3),
  sum_keepdim: x => x.sum(1),
  max_dim: x => dropLast(x.max()),
  var_unbiased: x => dropLast(square(centered(x)).sum()).mul(1 / (x.dim(-1) - 1)),
  var_biased: x => dropLast(square(centered(x)).mean()),
  norm_l2: x => dropLast(norm(x)),
  clamp: x => x.maximum(-0.5).minimum(0.7),
  cosine_similarity: (x, y) =>
    dropLast(
      x
        .mul(y)
        .sum()
        .div(norm(x).mul(norm(y))),
    ),
  repeat_interleave: x => x.reshape(2, 2, 1, 4).expand([2, 2, 3, 4]).reshape(2, 6, 4),
  flip: x => gather(x.transpose(), Tensor.from(Int32Array.of(4, 3, 2, 1, 0))).transpose(),
  // A score that is minus infinity passes nothing back.
  triu_mask_add: x => lower(4).where(x, Number.NEGATIVE_INFINITY),
};

/** Checks of `ops.json` and `ops.safetensors`. */
export async function* opChecks(files: GoldenFiles, folder: string): AsyncGenerator<Check> {
  const tensors = await storedTensors(files, `${folder}/ops.safetensors`);
  for (const name of new Set([...tensors.keys()].map(key => key.split('/')[0]!))) {
    const special = SPECIAL[name];
    if (special) yield* special(name, tensors);
    else if (ROWS[name]) yield* rowChecks(name, ROWS[name], tensors);
    else yield broken(name, 'no rule for this op');
  }
}

/**
 * Where the reference's own numbers are rounding for the most part: a row with mean 1000 and a variance of a few units in
 * the last place. There a result may be as far from the reference as twice what exact arithmetic is.
 */
const ROUNDED: readonly string[] = ['layer_norm'];

async function* rowChecks(name: string, row: Row, tensors: StoredTensors): AsyncGenerator<Check> {
  const checks = await rowResults(name, row, tensors);
  if (!ROUNDED.includes(name)) return yield* checks;
  const fast = await defaultBackend();
  setDefaultBackend(createReferenceBackend());
  const exact = await rowResults(name, row, tensors).finally(() => setDefaultBackend(fast));
  for (const [i, check] of checks.entries())
    yield { ...check, bound: Math.max(check.bound, 2 * exact[i]!.error), note: "the reference's own rounding" };
}

async function rowResults(name: string, row: Row, tensors: StoredTensors): Promise<Check[]> {
  const inputs = numbered(tensors, `${name}/in`).map(leaf) as [Tensor, Tensor, Tensor, Tensor];
  const outputs = [row(...inputs)].flat();
  const loss = outputs
    .map((out, i) => out.mul(leaf(tensors.get(`${name}/grad_out.${i}`)!)).sumAll())
    .reduce((a, b) => a.add(b));
  const wanted = inputs.flatMap((input, i) => {
    const expected = tensors.get(`${name}/grad_in.${i}`);
    return expected ? [{ part: `in.${i}`, input, expected }] : [];
  });
  const gradients = gradient(
    loss,
    wanted.map(w => w.input),
  );
  const data = await dataOfAll(...outputs, ...gradients);
  return [
    ...compareAll(
      name,
      outputs.map((_, i) => [`out.${i}`, data[i]!, tensors.get(`${name}/out.${i}`)!]),
      wanted.map(({ part, expected }, i) => [part, data[outputs.length + i]!, expected]),
    ),
  ];
}

type Special = (name: string, tensors: StoredTensors) => AsyncGenerator<Check>;
const rowsOf = ({ shape, data }: Stored): number[][] => {
  const width = shape.length > 1 ? shape.at(-1)! : 1;
  return Array.from({ length: sizeOf(shape) / width }, (_, r) => [...data.slice(r * width, (r + 1) * width)]);
};

/** Ids in order, and the values that they name. */
const ordered = (k: (n: number) => number): Special =>
  async function* (name, tensors) {
    const x = leaf(tensors.get(`${name}/in.0`)!);
    const ids = topK(x, k(x.dim(-1)));
    const values = takeAlong(x, ids);
    const [foundIds, found] = await dataOfAll(ids, values);
    const expected = tensors.get(`${name}/indices`)!;
    const actual: Stored = { ...expected, data: foundIds as Int32Array };
    yield { name, part: 'indices', ...compareIds(rowsOf(actual), rowsOf(expected)) };
    const expectedValues = tensors.get(`${name}/values`);
    if (expectedValues) yield* compareAll(name, [['values', found!, expectedValues]], []);
  };

/** A layer of the reference's own module, before and after training it would be the same: pre- or post-norm. */
const encoderLayer = (normFirst: boolean): Special =>
  async function* (name, tensors) {
    const part = (key: string) => leaf(tensors.get(`${name}/${key}`)!);
    const names = [...tensors.keys()].flatMap(key =>
      key.startsWith(`${name}/grad.`) ? [key.split('/grad.')[1]!] : [],
    );
    const p = Object.fromEntries(names.map(key => [key, part(`weights.${key}`)]));
    const dense = (key: string, x: Tensor) => linear(x, p[`${key}.weight`]!, p[`${key}.bias`]!);
    const normed = (key: string, x: Tensor) => layerNorm(x, p[`${key}.weight`]!, p[`${key}.bias`]!, 1e-5);
    const attend = (x: Tensor) => {
      const qkv = linear(x, p['self_attn.in_proj_weight']!, p['self_attn.in_proj_bias']!);
      const heads = qkv.split(3).map(t => t.reshape(2, 5, 2, 4).permute(0, 2, 1, 3)) as [Tensor, Tensor, Tensor];
      return dense(
        'self_attn.out_proj',
        attention(...heads)
          .permute(0, 2, 1, 3)
          .reshape(2, 5, 8),
      );
    };
    const feed = (x: Tensor) => dense('linear2', gelu(dense('linear1', x)));
    const x = part('x');
    const middle = normFirst ? x.add(attend(normed('norm1', x))) : normed('norm1', x.add(attend(x)));
    const out = normFirst ? middle.add(feed(normed('norm2', middle))) : normed('norm2', middle.add(feed(middle)));
    const gradients = gradient(
      out.mul(part('grad_out')).sumAll(),
      names.map(key => p[key]!),
    );
    const [found, ...data] = await dataOfAll(out, ...gradients);
    yield* compareAll(
      name,
      [['out', found!, tensors.get(`${name}/out`)!]],
      names.map((key, i) => [key, data[i]!, tensors.get(`${name}/grad.${key}`)!]),
    );
  };

/** Rounding to half precision, bit for bit, and back. */
const rounding = (encode: typeof encodeF16, decode: typeof decodeF16): Special =>
  async function* (name, tensors) {
    const [input, output, back] = ['in', 'out', 'back'].map(key => tensors.get(`${name}/${key}`)!) as [
      Stored,
      Stored,
      Stored,
    ];
    const bits = encode(input.data as Float32Array);
    const expected = new Uint16Array(output.bytes.slice().buffer);
    yield {
      name,
      part: 'bits',
      ...compareIds(
        [...bits].map(b => [b]),
        [...expected].map(b => [b]),
      ),
    };
    const values = (x: ArrayLike<number>) => Array.from(x, v => [Object.is(v, -0) ? '-0' : v] as number[]);
    yield { name, part: 'back', ...compareIds(values(decode(bits)), values(back.data)) };
  };

const SPECIAL: Readonly<Record<string, Special>> = {
  topk: ordered(() => 4),
  sort_desc: ordered(n => n),
  argmax: ordered(() => 1),
  transformer_encoder_layer_post: encoderLayer(false),
  transformer_encoder_layer_pre: encoderLayer(true),
  f32_to_f16: rounding(encodeF16, decodeF16),
  f32_to_bf16: rounding(encodeBf16, decodeBf16),
};
