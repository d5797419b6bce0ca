/**
 * The meaning of every primitive op: one obvious loop each, in double precision. Composites have no kernel here: they
 * run by their definitions, which makes this backend the oracle for the fast ones.
 */
import type { DType } from '../../tensor/dtype.ts';
import { rowMajor, type Shape, sizeOf } from '../../tensor/shape.ts';
import { erf } from './erf.ts';

/** A row-major array; `f32` is held in double precision. */
export interface Dense {
  readonly data: Float64Array | Int32Array | Uint8Array;
  readonly shape: Shape;
  readonly dtype: DType;
}
export type ReferenceKernel = (out: Dense, inputs: readonly Dense[], attrs: never) => void;

/** For each element of `shape` in order, the element of `source` that broadcasting puts there. */
function broadcastIndex(shape: Shape, source: Shape): Int32Array {
  const steps = rowMajor(source);
  const lead = shape.length - source.length;
  const index = new Int32Array(sizeOf(shape));
  const position = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < index.length; i++) {
    let at = 0;
    for (let d = lead; d < shape.length; d++) if (source[d - lead] !== 1) at += position[d]! * steps[d - lead]!;
    index[i] = at;
    for (let d = shape.length - 1; d >= 0 && ++position[d]! === shape[d]; d--) position[d] = 0;
  }
  return index;
}

const unary =
  (f: (x: number) => number): ReferenceKernel =>
  (out, [x]) => {
    for (let i = 0; i < out.data.length; i++) out.data[i] = f(x!.data[i]!);
  };
const binary =
  (f: (x: number, y: number) => number): ReferenceKernel =>
  (out, [a, b]) => {
    const ia = broadcastIndex(out.shape, a!.shape);
    const ib = broadcastIndex(out.shape, b!.shape);
    for (let i = 0; i < out.data.length; i++) out.data[i] = f(a!.data[ia[i]!]!, b!.data[ib[i]!]!);
  };
/** An axis as [outer, n, inner]. */
function around(shape: Shape, axis: number): [outer: number, n: number, inner: number] {
  return [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))];
}
const reduce =
  (start: number, f: (sum: number, x: number) => number): ReferenceKernel =>
  (out, [x], { axis }: { axis: number }) => {
    const [outer, n, inner] = around(x!.shape, axis);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        let sum = start;
        for (let k = 0; k < n; k++) sum = f(sum, x!.data[(o * n + k) * inner + i]!);
        out.data[o * inner + i] = sum;
      }
  };

const matmul: ReferenceKernel = (out, [a, b]) => {
  const [M, N] = [out.shape.at(-2)!, out.shape.at(-1)!];
  const K = a!.shape.at(-1)!;
  const batch = out.shape.slice(0, -2);
  const ia = broadcastIndex(batch, a!.shape.slice(0, -2));
  const ib = broadcastIndex(batch, b!.shape.slice(0, -2));
  for (let z = 0; z < ia.length; z++)
    for (let i = 0; i < M; i++)
      for (let j = 0; j < N; j++) {
        let sum = 0;
        for (let k = 0; k < K; k++) sum += a!.data[(ia[z]! * M + i) * K + k]! * b!.data[(ib[z]! * K + k) * N + j]!;
        out.data[(z * M + i) * N + j] = sum;
      }
};
const concat: ReferenceKernel = (out, inputs, { axis }: { axis: number }) => {
  const [outer, total, inner] = around(out.shape, axis);
  let at = 0;
  for (const x of inputs) {
    const n = x.shape[axis]! * inner;
    for (let o = 0; o < outer; o++) out.data.set(x.data.subarray(o * n, (o + 1) * n), o * total * inner + at);
    at += n;
  }
};
const gather: ReferenceKernel = (out, [table, ids]) => {
  const [N, C] = table!.shape as [number, number];
  out.data.fill(0);
  ids!.data.forEach((id, i) => {
    if (id >= 0 && id < N) out.data.set(table!.data.subarray(id * C, (id + 1) * C), i * C);
  });
};
const scatterAdd: ReferenceKernel = (out, [g, ids]) => {
  const [N, C] = out.shape as [number, number];
  out.data.fill(0);
  ids!.data.forEach((id, i) => {
    if (id >= 0 && id < N) for (let c = 0; c < C; c++) out.data[id * C + c]! += g!.data[i * C + c]!;
  });
};
/** Here `out` is the cache itself. */
const cacheAppend: ReferenceKernel = (out, [, x, position]) => {
  const [rows, slots, D] = [out.shape[0]! * out.shape[1]!, out.shape[2]!, out.shape[3]!];
  const [T, start] = [x!.shape[2]!, position!.data[0]!];
  for (let r = 0; r < rows; r++)
    for (let t = 0; t < T && start + t < slots; t++)
      out.data.set(x!.data.subarray((r * T + t) * D, (r * T + t + 1) * D), (r * slots + start + t) * D);
};
const cast: ReferenceKernel = (out, [x], { to }: { to: DType }) => {
  const [low, high] = to === 'u8' ? [0, 255] : [-(2 ** 31), 2 ** 31 - 1];
  const whole = (v: number) => Math.min(high, Math.max(low, Math.trunc(v)));
  const f = to === 'bool' ? (v: number) => (v === 0 ? 0 : 1) : to === 'f32' ? (v: number) => v : whole;
  for (let i = 0; i < out.data.length; i++) out.data[i] = f(x!.data[i]!);
};

/** pcg2d of (number, seed); see the op. */
const dropout: ReferenceKernel = (out, [x, seed], { p }: { p: number }) => {
  const lowest = Math.round(p * 2 ** 24);
  for (let i = 0; i < out.data.length; i++) {
    let a = (Math.imul(i, 1664525) + 1013904223) | 0;
    let b = (Math.imul(seed!.data[0]!, 1664525) + 1013904223) | 0;
    for (let round = 0; round < 2; round++) {
      a = (a + Math.imul(b, 1664525)) | 0;
      b = (b + Math.imul(a, 1664525)) | 0;
      a ^= a >>> 16;
      b ^= b >>> 16;
    }
    out.data[i] = a >>> 8 < lowest ? 0 : x!.data[i]! / (1 - p);
  }
};

export const KERNELS: ReadonlyMap<string, ReferenceKernel> = new Map<string, ReferenceKernel>([
  ['neg', unary(x => -x)],
  ['exp', unary(Math.exp)],
  ['log', unary(Math.log)],
  ['sqrt', unary(Math.sqrt)],
  ['rsqrt', unary(x => 1 / Math.sqrt(x))],
  ['reciprocal', unary(x => 1 / x)],
  ['tanh', unary(Math.tanh)],
  ['erf', unary(erf)],
  ['abs', unary(Math.abs)],
  ['sin', unary(Math.sin)],
  ['cos', unary(Math.cos)],
  ['not', unary(x => (x ? 0 : 1))],
  ['cast', cast],
  ['copy', unary(x => x)],
  ['add', binary((x, y) => x + y)],
  ['sub', binary((x, y) => x - y)],
  ['mul', binary((x, y) => x * y)],
  ['div', binary((x, y) => x / y)],
  ['pow', binary((x, y) => x ** y)],
  ['maximum', binary(Math.max)],
  ['minimum', binary(Math.min)],
  ['less', binary((x, y) => (x < y ? 1 : 0))],
  ['lessEqual', binary((x, y) => (x <= y ? 1 : 0))],
  ['equal', binary((x, y) => (x === y ? 1 : 0))],
  ['and', binary((x, y) => x & y)],
  ['or', binary((x, y) => x | y)],
  [
    'where',
    (out, [c, a, b]) => {
      const [ic, ia, ib] = [c!, a!, b!].map(x => broadcastIndex(out.shape, x.shape)) as [
        Int32Array,
        Int32Array,
        Int32Array,
      ];
      for (let i = 0; i < out.data.length; i++) out.data[i] = c!.data[ic[i]!] ? a!.data[ia[i]!]! : b!.data[ib[i]!]!;
    },
  ],
  ['concat', concat],
  [
    'iota',
    out => {
      for (let i = 0; i < out.data.length; i++) out.data[i] = i;
    },
  ],
  ['sum', reduce(0, (s, x) => s + x)],
  ['max', reduce(-Infinity, Math.max)],
  ['matmul', matmul],
  ['gather', gather],
  ['scatterAdd', scatterAdd],
  ['cacheAppend', cacheAppend],
  ['dropout', dropout],
]);
