/** The form of an operation: one object that says everything about it, no classes to derive from. */
import type { TensorType } from './backend.ts';
import type { Tensor } from './tensor.ts';

/** `A` is the op's attributes: plain JSON data that belongs to the structure of the graph (and to a plan's key). */
export interface Op<A = unknown> {
  /** Name of the kernel in every backend. */
  readonly name: string;
  /** Type of the output. @throws ShapeError, DTypeError on the line that builds the node. */
  infer(inputs: readonly Tensor[], attrs: A): TensorType;
  /** Composite ops: the same value in smaller ops. It is the meaning, the oracle, the trace and the gradient. */
  define?(inputs: readonly Tensor[], attrs: A): Tensor;
  /** Names that the definition gives to tensors inside it; how `trace` knows which composite hides a name. */
  readonly labels?: readonly string[];
  /**
   * Gradient of the loss for each input, from the gradient `g` of the output `out`; null = not differentiable. An op
   * with neither gradient nor definition stops the walk with an error if a wanted parameter lies behind it.
   */
  gradient?(g: Tensor, inputs: readonly Tensor[], out: Tensor, attrs: A): readonly (Tensor | null)[];
  /**
   * Gradient of input `k` from all its uses by nodes of this op, where that costs less than adding up what `gradient`
   * gives for each. Undefined = it does not.
   */
  jointGradient?(uses: readonly Use<A>[], k: number): Tensor | undefined;
  /** Floating-point operations. Default: one per output element, or the sum over the definition. */
  flops?(inputs: readonly Tensor[], attrs: A, out: Tensor): number;
  /** The output is this input, changed in place: the only kind of effect (a cache that is appended to). */
  readonly alias?: number;
  /** The output shares the input's elements; the planner turns the op into strides (movement.ts). */
  readonly view?: (input: ViewLayout, attrs: A, shape: readonly number[]) => ViewLayout | undefined;
}

/** A node that takes a tensor, and the gradient of the loss for the node's output. */
export interface Use<A = unknown> {
  readonly g: Tensor;
  readonly inputs: readonly Tensor[];
  readonly attrs: A;
}

/** Elements of a buffer: offset and strides count elements. */
export interface ViewLayout {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}
