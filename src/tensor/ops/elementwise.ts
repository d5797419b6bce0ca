/** Elementwise ops with broadcasting: one row each, gradient included. */
import { DTypeError } from '../../errors.ts';
import { expectDType } from '../check.ts';
import type { DType } from '../dtype.ts';
import type { Op } from '../op.ts';
import { where } from '../scope.ts';
import { broadcast, type Shape } from '../shape.ts';
import { asTensor, Tensor } from '../tensor.ts';

type None = undefined;

/** Sums `g` back to `shape`: the transpose of broadcasting. */
export function unbroadcast(g: Tensor, shape: Shape): Tensor {
  const lead = g.rank - shape.length;
  for (let d = 0; d < g.rank; d++) if ((d < lead || shape[d - lead] === 1) && g.shape[d] !== 1) g = g.sum(d);
  return g.rank === shape.length ? g : g.reshape(...shape);
}

// ---- one input ------------------------------------------------------------------------------------------------------
function unary(name: string, gradient: (g: Tensor, x: Tensor, y: Tensor) => Tensor | null): (x: Tensor) => Tensor {
  const op: Op<None> = {
    name,
    infer([x]) {
      expectDType(name, [x!], 'f32');
      return { shape: x!.shape, dtype: 'f32' };
    },
    gradient: (g, [x], y) => [gradient(g, x!, y)],
  };
  return x => Tensor.make(op, [x], undefined);
}
export const neg = unary('neg', g => g.neg());
export const exp = unary('exp', (g, _, y) => g.mul(y));
export const log = unary('log', (g, x) => g.div(x));
export const sqrt = unary('sqrt', (g, _, y) => g.mul(0.5).div(y));
export const rsqrt = unary('rsqrt', (g, _, y) => g.mul(-0.5).mul(y).mul(y).mul(y));
export const reciprocal = unary('reciprocal', (g, _, y) => g.neg().mul(y).mul(y));
export const tanh = unary('tanh', (g, _, y) => g.mul(y.mul(y).neg().add(1)));
export const erf = unary('erf', (g, x) => g.mul(x.mul(x).neg().exp()).mul(2 / Math.sqrt(Math.PI)));
export const abs = unary('abs', (g, x) => x.less(0).where(g.neg(), x.equal(0).where(0, g)));
export const sin = unary('sin', (g, x) => g.mul(x.cos()));
export const cos = unary('cos', (g, x) => g.neg().mul(x.sin()));

const NOT: Op<None> = {
  name: 'not',
  infer([x]) {
    expectDType('not', [x!], 'bool');
    return { shape: x!.shape, dtype: 'bool' };
  },
};
export const not = (x: Tensor): Tensor => Tensor.make(NOT, [x], undefined);

const CAST: Op<{ to: DType }> = {
  name: 'cast',
  infer: ([x], { to }) => ({ shape: x!.shape, dtype: to }),
  gradient: (g, [x]) => [x!.dtype === 'f32' ? g : null],
};
/** Converts the dtype; f32 to integers rounds towards zero and saturates, to bool is `x != 0`. */
export const cast = (x: Tensor, to: DType): Tensor => (x.dtype === to ? x : Tensor.make(CAST, [x], { to }));

// ---- two inputs -----------------------------------------------------------------------------------------------------
type Operand = Tensor | number;
function pair(name: string, a: Operand, b: Operand, allowed: readonly DType[]): [Tensor, Tensor] {
  const dtype = typeof a === 'number' ? (typeof b === 'number' ? 'f32' : b.dtype) : a.dtype;
  const x = asTensor(a, dtype);
  const y = asTensor(b, dtype);
  expectDType(name, [x], ...allowed);
  if (x.dtype !== y.dtype)
    throw new DTypeError(`${name}: operands of two dtypes`, {
      seen: `${x.dtype} and ${y.dtype}`,
      fix: 'cast one of them',
      where: where(),
    });
  return [x, y];
}
type BinaryGradient = (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => [Tensor, Tensor];
function binary(name: string, dtypes: readonly DType[], gradient: BinaryGradient) {
  const op: Op<None> = {
    name,
    infer: ([a, b]) => ({ shape: broadcast(name, a!.shape, b!.shape), dtype: a!.dtype }),
    gradient: (g, [a, b], y) => {
      const [da, db] = gradient(g, a!, b!, y);
      return [unbroadcast(da, a!.shape), unbroadcast(db, b!.shape)];
    },
  };
  return (a: Operand, b: Operand): Tensor => Tensor.make(op, pair(name, a, b, dtypes), undefined);
}
const NUMBERS: readonly DType[] = ['f32', 'i32'];
export const add = binary('add', NUMBERS, g => [g, g]);
export const sub = binary('sub', NUMBERS, g => [g, g.neg()]);
export const mul = binary('mul', NUMBERS, (g, a, b) => [g.mul(b), g.mul(a)]);
export const div = binary('div', ['f32'], (g, _, b, y) => [g.div(b), g.neg().mul(y).div(b)]);
export const pow = binary('pow', ['f32'], (g, a, b, y) => [g.mul(b).mul(a.pow(b.sub(1))), g.mul(y).mul(a.log())]);
/** Where both are equal the gradient goes to the first operand. */
export const maximum = binary('maximum', ['f32'], (g, a, b) => [a.less(b).where(0, g), a.less(b).where(g, 0)]);
export const minimum = binary('minimum', ['f32'], (g, a, b) => [b.less(a).where(0, g), b.less(a).where(g, 0)]);

function compare(name: string, dtypes: readonly DType[]) {
  const op: Op<None> = {
    name,
    infer: ([a, b]) => ({ shape: broadcast(name, a!.shape, b!.shape), dtype: 'bool' }),
    gradient: () => [null, null],
  };
  return (a: Operand, b: Operand): Tensor => Tensor.make(op, pair(name, a, b, dtypes), undefined);
}
export const less = compare('less', NUMBERS);
export const lessEqual = compare('lessEqual', NUMBERS);
export const equal = compare('equal', NUMBERS);
export const and = compare('and', ['bool']);
export const or = compare('or', ['bool']);

// ---- three inputs ---------------------------------------------------------------------------------------------------
const WHERE: Op<None> = {
  name: 'where',
  infer([c, a, b]) {
    expectDType('where (condition)', [c!], 'bool');
    return { shape: broadcast('where', c!.shape, broadcast('where', a!.shape, b!.shape)), dtype: a!.dtype };
  },
  gradient: (g, [c, a, b]) => [null, unbroadcast(c!.where(g, 0), a!.shape), unbroadcast(c!.where(0, g), b!.shape)],
};
/** `condition ? a : b`. */
export function select(condition: Tensor, a: Operand, b: Operand): Tensor {
  const [x, y] = pair('where', a, b, ['f32', 'i32']);
  return Tensor.make(WHERE, [condition, x, y], undefined);
}
