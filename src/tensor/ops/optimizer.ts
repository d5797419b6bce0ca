/**
 * The steps of optimizers, each one pass over its operands, which a kernel writes in place: Kingma & Ba 2014 (Adam),
 * Loshchilov & Hutter 2017 (AdamW), Chen et al. 2023 (Lion). With `assign` they change parameters and moments where they lie.
 *
 * What differs from step to step (rate, bias corrections, clipping) comes in as scalars `[]`, so that all steps share a plan.
 */
import { expectDType, expectShapes } from '../check.ts';
import { asTensor, Tensor } from '../tensor.ts';
import { composite } from './composite.ts';
import { concat } from './movement.ts';

/** f32 `[]`. A number becomes part of the graph's structure: good for what never changes. */
export type Scalar = Tensor | number;

/** An op over `count` tensors of one shape, then scalars. */
function step(
  name: string,
  count: number,
  flops: number,
  define: (tensors: readonly Tensor[], scalars: readonly Tensor[]) => Tensor,
): (tensors: readonly Tensor[], scalars: readonly Scalar[]) => Tensor {
  const node = composite({
    name,
    infer(inputs) {
      expectDType(name, inputs, 'f32');
      const [x, ...others] = inputs.slice(0, count) as [Tensor, ...Tensor[]];
      const alike = others.every(t => `${t.shape}` === `${x.shape}`);
      expectShapes(name, alike, Object.fromEntries(inputs.slice(0, count).entries()), 'tensors of one shape');
      const scalars = Object.fromEntries(inputs.slice(count).entries());
      expectShapes(
        name,
        inputs.slice(count).every(t => t.rank === 0),
        scalars,
        'scalars []',
      );
      return { shape: x.shape, dtype: 'f32' };
    },
    define: inputs => define(inputs.slice(0, count), inputs.slice(count)),
    flops: ([x]) => flops * x!.size,
  });
  return (tensors, scalars) => node([...tensors, ...scalars.map(s => asTensor(s))], undefined);
}

const BLEND = step('blend', 2, 3, ([x, y], [a, b]) => x!.mul(a!).add(y!.mul(b!)));
/**
 * a x + b y: x and y of one shape, `[...]`. A moving average with a = β and b = 1 - β; momentum with b = 1; a step against
 * a gradient with a = 1 and b = -rate.
 */
export const blend = (x: Tensor, a: Scalar, y: Tensor, b: Scalar): Tensor => BLEND([x, y], [a, b]);

const BLEND_SQUARE = step('blendSquare', 2, 4, ([x, y], [a, b]) => x!.mul(a!).add(y!.mul(y!).mul(b!)));
/** a x + b y²: the second moment of Adam. */
export const blendSquare = (x: Tensor, a: Scalar, y: Tensor, b: Scalar): Tensor => BLEND_SQUARE([x, y], [a, b]);

const ADAM_STEP = step('adamStep', 3, 7, ([p, m, v], [shrink, rate, root, eps]) =>
  p!.mul(shrink!).sub(m!.mul(rate!).div(v!.sqrt().mul(root!).add(eps!))),
);
/**
 * shrink p - rate m / (root √v + eps), with the new moments m and v. Adam's t-th step has rate = lr / (1 - β1^t) and
 * root = 1 / √(1 - β2^t), and shrink = 1; AdamW's shrink = 1 - lr · decay.
 */
export const adamStep = (
  p: Tensor,
  m: Tensor,
  v: Tensor,
  { shrink, rate, root, eps }: { shrink: Scalar; rate: Scalar; root: Scalar; eps: Scalar },
): Tensor => ADAM_STEP([p, m, v], [shrink, rate, root, eps]);

const LION_STEP = step('lionStep', 3, 6, ([p, m, g], [shrink, rate, a, b]) => {
  const direction = m!.mul(a!).add(g!.mul(b!));
  const signed = direction.less(0).where(rate!.neg(), direction.equal(0).where(0, rate!));
  return p!.mul(shrink!).sub(signed);
});
/** shrink p - rate sign(a m + b g), with the old moment m. Lion has a = β1, b = 1 - β1, shrink = 1 - lr · decay, rate = lr. */
export const lionStep = (
  p: Tensor,
  m: Tensor,
  g: Tensor,
  { shrink, rate, a, b }: { shrink: Scalar; rate: Scalar; a: Scalar; b: Scalar },
): Tensor => LION_STEP([p, m, g], [shrink, rate, a, b]);

/** Elements that are summed up in one go. Sums of sums: a sum of millions in a row would lose digits. */
const PIECE = 4096;
const SQUARE_SUMS = composite<{ piece: number }>({
  name: 'squareSums',
  infer([x], { piece }) {
    expectDType('squareSums', [x!], 'f32');
    return { shape: [Math.ceil(x!.size / piece)], dtype: 'f32' };
  },
  define([x], { piece }) {
    const pieces = Math.ceil(x!.size / piece);
    const rest = pieces * piece - x!.size;
    const flat = x!.reshape(x!.size);
    const whole = (rest ? concat([flat, Tensor.full([rest], 0)], 0) : flat).reshape(pieces, piece);
    return whole.mul(whole).sum().reshape(pieces);
  },
  flops: ([x]) => 2 * x!.size,
});
/** Sum of x² over all elements, `[...] -> []`. The global norm of gradients is the root of the sum of theirs. */
export const sumOfSquares = (x: Tensor): Tensor => SQUARE_SUMS([x], { piece: PIECE }).sumAll();
