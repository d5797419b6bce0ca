/**
 * Activation recomputation (Chen et al. 2016, "Training deep nets with sublinear memory cost") as a rewrite: gradients use
 * copies of a segment's nodes, built from what enters the segment, instead of the nodes themselves. So the values inside are
 * gone when the forward pass leaves the segment, and come back, the same to the bit, when its gradient arrives.
 */
import type { Op } from './op.ts';
import { inScope } from './scope.ts';
import { Tensor } from './tensor.ts';

/** The segment of a node, by any name; undefined = its value is kept. What enters or leaves a segment is kept. */
export type Segments = (node: Tensor) => string | undefined;

/**
 * A segment for each scope that a pattern names, `*` standing for one name of the path: `scopeSegments('blocks.*')` makes
 * one of every block.
 */
export function scopeSegments(pattern: string): Segments {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^.]+');
  const form = new RegExp(`^${escaped}(?=\\.|$)`);
  return node => form.exec(node.path)?.[0];
}

/** x itself, but not before y is there. */
const AFTER: Op<undefined> = {
  name: 'after',
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  gradient: g => [g, null],
  flops: () => 0,
  view: input => input,
};

/** The values that the gradients of one graph use. */
export class Recomputation {
  /** Nodes that are not kept, and their segment. */
  readonly #inside = new Map<Tensor, string>();
  readonly #copies = new Map<Tensor, Tensor>();
  /** The first gradient that reached each segment. */
  readonly #arrived = new Map<string, Tensor>();

  /** @param nodes all nodes below `root` */
  constructor(nodes: readonly Tensor[], root: Tensor, segments: Segments) {
    const segmentOf = new Map(nodes.map(node => [node, node.inputs.length ? segments(node) : undefined]));
    const leaving = new Set([root]);
    for (const node of nodes) for (const x of node.inputs) if (segmentOf.get(x) !== segmentOf.get(node)) leaving.add(x);
    for (const [node, segment] of segmentOf)
      if (segment !== undefined && !leaving.has(node)) this.#inside.set(node, segment);
  }

  /** What a gradient uses as the value of `node`; `g` is the gradient that has just arrived. */
  valueOf(node: Tensor, g: Tensor): Tensor {
    const segment = this.#inside.get(node);
    if (segment === undefined) return node;
    let arrived = this.#arrived.get(segment);
    if (!arrived) this.#arrived.set(segment, (arrived = g));
    const pending = [node];
    while (pending.length) {
      const next = pending.at(-1)!;
      const missing = next.inputs.filter(x => this.#inside.get(x) === segment && !this.#copies.has(x));
      if (missing.length) {
        pending.push(...missing);
        continue;
      }
      pending.pop();
      if (this.#copies.has(next)) continue;
      const inputs = next.inputs.map(x => this.#copies.get(x) ?? this.#entering(x, arrived));
      this.#copies.set(
        next,
        inScope(next.path, () => Tensor.make(next.op, inputs, next.attrs)),
      );
    }
    return this.#copies.get(node)!;
  }
  /** A value from outside of the segment, given a reason to wait: else the copies could be computed at once. */
  #entering(x: Tensor, g: Tensor): Tensor {
    return x.inputs.length ? Tensor.make(AFTER, [x, g], undefined) : x;
  }
}
