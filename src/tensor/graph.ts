/** Walks and rewrites of graphs. Every walk keeps its own stack: graphs of 400,000 nodes must not overflow. */
import { inScope } from './scope.ts';
import { Tensor } from './tensor.ts';

/** Nodes below the roots in an order where inputs come first. Nodes in `known` (and what is below them) are left out. */
export function order(roots: readonly Tensor[], known?: ReadonlyMap<Tensor, unknown>): Tensor[] {
  const seen = new Set<Tensor>();
  const out: Tensor[] = [];
  const nodes: Tensor[] = [];
  const next: number[] = [];
  for (const root of roots) {
    if (seen.has(root) || known?.has(root)) continue;
    seen.add(root);
    nodes.push(root);
    next.push(0);
    while (nodes.length) {
      const top = nodes.length - 1;
      const node = nodes[top]!;
      const i = next[top]!++;
      if (i < node.inputs.length) {
        const input = node.inputs[i]!;
        if (!seen.has(input) && !known?.has(input)) {
          seen.add(input);
          nodes.push(input);
          next.push(0);
        }
      } else {
        out.push(node);
        nodes.pop();
        next.pop();
      }
    }
  }
  return out;
}

/**
 * The same in the order in which the nodes were made. It is the order of running: what a program builds early it computes
 * early, and a gradient's parts are there when the pass comes by, so that what they need can go.
 */
export const programOrder = (roots: readonly Tensor[], known?: ReadonlyMap<Tensor, unknown>): Tensor[] =>
  order(roots, known).sort((a, b) => a.id - b.id);

/** The same graph in new nodes, down to what has no inputs. */
export const copyGraph = (roots: readonly Tensor[]): Tensor[] =>
  rewrite(roots, (node, inputs) => (inputs.length ? copyNode(node, inputs) : undefined));

/** The same node over other inputs. */
export function withInputs(node: Tensor, inputs: readonly Tensor[]): Tensor {
  if (inputs.every((x, i) => x === node.inputs[i])) return node;
  return copyNode(node, inputs);
}
function copyNode(node: Tensor, inputs: readonly Tensor[]): Tensor {
  return inScope(node.path, () => {
    const copy = Tensor.make(node.op, inputs, node.attrs);
    copy.labels = node.labels;
    return copy;
  });
}

/**
 * Rebuilds the graph below `roots`. `change` gets a node and its rebuilt inputs and returns what takes its place, or
 * undefined to keep it. `done` holds nodes that are final already.
 */
export function rewrite(
  roots: readonly Tensor[],
  change: (node: Tensor, inputs: readonly Tensor[]) => Tensor | undefined,
  done: Map<Tensor, Tensor> = new Map(),
): Tensor[] {
  for (const node of programOrder(roots, done)) {
    const inputs = node.inputs.map(x => done.get(x)!);
    done.set(node, change(node, inputs) ?? withInputs(node, inputs));
  }
  return roots.map(r => done.get(r)!);
}

/** One composite node replaced by its definition, which is built under the node's path and takes its name. */
export function definition(node: Tensor, inputs: readonly Tensor[] = node.inputs): Tensor {
  const defined = inScope(node.path, () => node.op.define!(inputs, node.attrs));
  if (node.labels.length) defined.labels = [...new Set([...node.labels, ...defined.labels])];
  return defined;
}

/**
 * Replaces every composite that `wanted` accepts by its definition, and so on inside it. `done` receives what became of
 * each node.
 */
export function expand(
  roots: readonly Tensor[],
  wanted: (node: Tensor) => boolean = () => true,
  done: Map<Tensor, Tensor> = new Map(),
): Tensor[] {
  const change = (node: Tensor, inputs: readonly Tensor[]): Tensor | undefined => {
    if (!node.op.define || !wanted(node)) return undefined;
    const inside = new Map(inputs.map(x => [x, x]));
    return rewrite([definition(node, inputs)], change, inside)[0]!;
  };
  return rewrite(roots, change, done);
}
