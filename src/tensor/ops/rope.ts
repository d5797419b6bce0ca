/** Rotary position embedding. Su et al. 2021, "RoFormer". */
import { expectDType, expectShapes } from '../check.ts';
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';
import { unbroadcast } from './elementwise.ts';
import { concat } from './movement.ts';

/** The two features of each pair, `[B, H, T, half]`. */
function turning(x: Tensor, half: number, interleaved: boolean): [Tensor, Tensor] {
  const [B, H, T] = x.shape as [number, number, number, number];
  const turned = x.slice(3, 0, 2 * half);
  if (!interleaved) return turned.split(2) as [Tensor, Tensor];
  const pairs = turned.reshape(B, H, T, half, 2).split(2);
  return pairs.map(t => t.reshape(B, H, T, half)) as [Tensor, Tensor];
}

const ROPE = composite<{ interleaved: boolean }>({
  name: 'rope',
  infer([x, cos, sin]) {
    expectDType('rope', [x!, cos!, sin!], 'f32');
    const fits =
      x!.rank === 4 &&
      cos!.rank === 3 &&
      (cos!.dim(0) === 1 || cos!.dim(0) === x!.dim(0)) &&
      cos!.dim(1) === x!.dim(2) &&
      2 * cos!.dim(2) <= x!.dim(3) &&
      cos!.shape.every((n, d) => n === sin!.shape[d]) &&
      sin!.rank === 3;
    expectShapes('rope', fits, { x, cos, sin }, 'x [B, H, T, D], cos and sin [B or 1, T, R / 2] with R <= D');
    return { shape: x!.shape, dtype: 'f32' };
  },
  define([x, cosines, sines], { interleaved }) {
    const [B, H, T, D] = x!.shape as [number, number, number, number];
    const half = cosines!.dim(2);
    const cos = cosines!.reshape(-1, 1, T, half);
    const sin = sines!.reshape(-1, 1, T, half);
    const [a, b] = turning(x!, half, interleaved);
    const first = a.mul(cos).sub(b.mul(sin));
    const second = b.mul(cos).add(a.mul(sin));
    const both = interleaved
      ? concat([first.reshape(B, H, T, half, 1), second.reshape(B, H, T, half, 1)], 4).reshape(B, H, T, 2 * half)
      : concat([first, second], 3);
    return 2 * half === D ? both : concat([both, x!.slice(3, 2 * half, D)], 3);
  },
  /** Turned back by the same angles. */
  gradient(g, [x, cos, sin], _, { interleaved }) {
    const half = cos!.dim(2);
    const [a, b] = turning(x!, half, interleaved);
    const [ga, gb] = turning(g, half, interleaved);
    const summed = (t: Tensor) => unbroadcast(t.sum(1).reshape(-1, t.dim(2), half), cos!.shape);
    return [rope(g, cos!, sin!.neg(), interleaved), summed(ga.mul(a).add(gb.mul(b))), summed(gb.mul(a).sub(ga.mul(b)))];
  },
  flops: ([x]) => 3 * x!.size,
});
/**
 * Turns pairs of features by position-dependent angles: x `[B, H, T, D]`, cos and sin `[B or 1, T, R / 2]`. The first R
 * features turn: feature i with i + R / 2, or neighbours 2i and 2i + 1 when `interleaved`. The others pass.
 */
export const rope = (x: Tensor, cos: Tensor, sin: Tensor, interleaved = false): Tensor =>
  ROPE([x, cos, sin], { interleaved });
