/** Reverse-mode differentiation as a rewrite of the graph: the gradient is itself a lazy graph. */
import { HeedError, ShapeError } from '../errors.ts';
import { expand, programOrder } from './graph.ts';
import type { Op, Use } from './op.ts';
import { Recomputation, type Segments } from './recompute.ts';
import { inScope } from './scope.ts';
import { Tensor } from './tensor.ts';
import { leavesOf, mapTree } from './tree.ts';

export interface GradientOptions {
  /** Parts of the graph whose values are computed again for the gradients instead of being kept; see `recompute.ts`. */
  readonly recompute?: Segments | undefined;
}

/**
 * Gradients of a scalar with respect to some of the tensors below it, leaves or not, in their order and shapes. Each is
 * the total derivative, also when one wanted tensor lies below another.
 * @throws ShapeError when `loss` has more than one element
 * @throws HeedError when the loss does not depend on a wanted tensor, or only through an op without gradient
 */
export const gradient = (loss: Tensor, wrt: readonly Tensor[], options?: GradientOptions): Tensor[] =>
  differentiate(loss, wrt, options).gradients;

/** The gradients, and the loss over the same nodes: what both need is computed once. */
function differentiate(
  loss: Tensor,
  wrt: readonly Tensor[],
  { recompute }: GradientOptions = {},
): { value: Tensor; gradients: Tensor[] } {
  if (loss.size !== 1)
    throw new ShapeError('the gradient of a scalar only', { seen: `[${loss.shape}]`, expected: '[]' });
  const became = new Map<Tensor, Tensor>();
  const root = expand([loss], node => !node.op.gradient, became)[0]!;
  const nodes = programOrder([root]);
  // Only nodes between a wanted tensor and the loss take part.
  const targets = wrt.map(w => became.get(w) ?? w);
  const wanted = new Set(targets);
  const reached = new Set<Tensor>();
  for (const node of nodes) if (wanted.has(node) || node.inputs.some(x => reached.has(x))) reached.add(node);
  const again = recompute && new Recomputation(nodes, root, recompute);

  const sums = new Map<Tensor, Tensor>([[root, Tensor.full(root.shape, 1)]]);
  const arriving = new Map<Tensor, Arrival[]>();
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    const arrived = arriving.get(node);
    if (arrived) {
      sums.set(node, total(arrived));
      arriving.delete(node);
    }
    const g = sums.get(node);
    if (!g || !node.inputs.some(x => reached.has(x))) continue;
    const gradientOf = node.op.gradient;
    if (!gradientOf)
      throw new HeedError(`${node.op.name} has no gradient`, {
        fix: 'leave it out of the loss, or give the op a gradient or a definition',
        where: node.path || undefined,
      });
    const out = again ? again.valueOf(node, g) : node;
    const inputs = again ? node.inputs.map(x => again.valueOf(x, g)) : node.inputs;
    const parts = inScope(node.path, () => gradientOf(g, inputs, out, node.attrs));
    parts.forEach((part, k) => {
      const input = node.inputs[k]!;
      if (!part || !reached.has(input)) return;
      const arrival = { op: node.op, k, part, g, inputs, attrs: node.attrs };
      const others = arriving.get(input);
      if (others) others.push(arrival);
      else arriving.set(input, [arrival]);
    });
  }
  const missing = wrt.filter((_, i) => !sums.has(targets[i]!));
  if (missing.length)
    throw new HeedError('the loss does not depend on a wanted tensor', {
      seen: missing.map(String).join(', '),
      fix: 'leave it out, or use it in the loss',
    });
  return { value: root, gradients: targets.map(w => sums.get(w)!) };
}

/** What one use of a tensor gives for its gradient. */
interface Arrival extends Use {
  readonly op: Op;
  /** Which input of the op. */
  readonly k: number;
  readonly part: Tensor;
}
/** The gradient of a tensor from those of all its uses: joint ones of the same op, or one added to the other. */
function total(arrivals: readonly Arrival[]): Tensor {
  const groups = new Map<string | Arrival, Arrival[]>();
  for (const arrival of arrivals) {
    const key = arrival.op.jointGradient ? `${arrival.op.name} ${arrival.k}` : arrival;
    const group = groups.get(key);
    if (group) group.push(arrival);
    else groups.set(key, [arrival]);
  }
  const parts = [...groups.values()].flatMap(group => {
    const [{ op, k }] = group as [Arrival, ...Arrival[]];
    const joint = group.length > 1 ? op.jointGradient!(group, k) : undefined;
    return joint ? [joint] : group.map(a => a.part);
  });
  return parts.reduce((sum, part) => sum.add(part));
}

/**
 * `valueAndGrad(f)(params)` = the value of `f` and its gradient for every tensor of the parameter tree, in the same
 * tree. Nothing is computed yet: `await compute(value, ...)` runs both in one plan, in which they share what both need.
 */
export function valueAndGrad<P, Rest extends unknown[]>(
  f: (params: P, ...rest: Rest) => Tensor,
  options?: GradientOptions,
) {
  return (params: P, ...rest: Rest): { value: Tensor; grad: P } => {
    const leaves = leavesOf(params).map(([, tensor]) => tensor);
    const { value, gradients } = differentiate(f(params, ...rest), leaves, options);
    const grads = new Map(gradients.map((g, i) => [leaves[i]!, g]));
    return { value, grad: mapTree(params, t => grads.get(t)!) };
  };
}
