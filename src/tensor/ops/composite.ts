/** The form of a composite op: a definition in smaller ops, which a backend may also have a fast kernel for. */
import type { TensorType } from '../backend.ts';
import { expectDType } from '../check.ts';
import type { Op } from '../op.ts';
import { Tensor } from '../tensor.ts';

interface Composite<A> {
  readonly name: string;
  /** Default: all inputs are f32, and the output is like the first. */
  infer?(inputs: readonly Tensor[], attrs: A): TensorType;
  define(inputs: readonly Tensor[], attrs: A): Tensor;
  gradient?(g: Tensor, inputs: readonly Tensor[], out: Tensor, attrs: A): readonly (Tensor | null)[];
  flops?(inputs: readonly Tensor[], attrs: A, out: Tensor): number;
  readonly labels?: readonly string[];
}
/** Returns the function that builds nodes of the op. Without a gradient of its own the definition is differentiated. */
export function composite<A = undefined>(form: Composite<A>): (inputs: readonly Tensor[], attrs: A) => Tensor {
  const infer = (inputs: readonly Tensor[]): TensorType => {
    expectDType(form.name, inputs, 'f32');
    return { shape: inputs[0]!.shape, dtype: 'f32' };
  };
  const op: Op<A> = { infer, ...form };
  return (inputs, attrs) => Tensor.make(op, inputs, attrs);
}
