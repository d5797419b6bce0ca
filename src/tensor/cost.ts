/** What a graph will cost before it is run, and what it consists of. */
import { bytesOf } from './dtype.ts';
import { definition, order } from './graph.ts';
import type { Shape } from './shape.ts';
import type { Tensor } from './tensor.ts';

export interface Cost {
  /** Floating-point operations; a multiply-add counts two. */
  readonly flops: number;
  /** Bytes of leaves read and of results written, each tensor once. */
  readonly bytes: number;
  /** Per op name. */
  readonly ops: ReadonlyMap<string, { readonly count: number; readonly flops: number }>;
}

/** Operations and bytes of everything below `roots`. Nothing is computed. */
export function cost(...roots: Tensor[]): Cost {
  const ops = new Map<string, { count: number; flops: number }>();
  let flops = 0;
  let bytes = 0;
  for (const node of order(roots)) {
    if (!node.op.view && node.op.name !== 'constant') bytes += node.size * bytesOf(node.dtype);
    if (node.storage || node.inputs.length === 0) continue;
    const own = flopsOf(node);
    flops += own;
    const entry = ops.get(node.op.name) ?? { count: 0, flops: 0 };
    ops.set(node.op.name, { count: entry.count + 1, flops: entry.flops + own });
  }
  return { flops, bytes, ops };
}

function flopsOf(node: Tensor): number {
  if (node.op.flops) return node.op.flops(node.inputs, node.attrs, node);
  if (!node.op.define) return node.size;
  const known = new Map(node.inputs.map(x => [x, x]));
  return order([definition(node)], known).reduce((n, inner) => n + (inner.inputs.length ? flopsOf(inner) : 0), 0);
}

/** A line of `describe`. */
export interface NodeDescription {
  readonly name: string;
  readonly op: string;
  readonly shape: Shape;
  readonly inputs: readonly string[];
  readonly flops: number;
}

/** The computation as a list of plain rows, inputs first. Nodes without a name are called `%n`. */
export function describe(...roots: Tensor[]): NodeDescription[] {
  const nodes = order(roots);
  const names = new Map(nodes.map((node, i) => [node, node.label ?? `%${i}`]));
  return nodes.map(node => ({
    name: names.get(node)!,
    op: node.op.name,
    shape: node.shape,
    inputs: node.inputs.map(x => names.get(x)!),
    flops: node.inputs.length ? flopsOf(node) : 0,
  }));
}
