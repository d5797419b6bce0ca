/** The form of a composite op: a definition in smaller ops, which a backend may also have a fast kernel for. */
import type { TensorType } from '../backend.ts';
import type { Op } from '../op.ts';
import { Tensor } from '../tensor.ts';

interface Composite<A> {
  readonly name: string;
  /** Default: the type of the first input. */
  infer?(inputs: readonly Tensor[], attrs: A): TensorType;
  define(inputs: readonly Tensor[], attrs: A): Tensor;
  gradient?(g: Tensor, inputs: readonly Tensor[], out: Tensor, attrs: A): readonly (Tensor | null)[];
  flops?(inputs: readonly Tensor[], attrs: A, out: Tensor): number;
  readonly labels?: readonly string[];
}
/** Returns the function that builds nodes of the op. Without a gradient of its own the definition is differentiated. */
export function composite<A = undefined>(form: Composite<A>): (inputs: readonly Tensor[], attrs: A) => Tensor {
  const op: Op<A> = { infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }), ...form };
  return (inputs, attrs) => Tensor.make(op, inputs, attrs);
}
