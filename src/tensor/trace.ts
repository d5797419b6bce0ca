/** Looking into a graph by name, and editing it by name. Only the composite that hides a name is expanded. */
import { HeedError } from '../errors.ts';
import { definition, expand, order, rewrite } from './graph.ts';
import { inScope } from './scope.ts';
import { Tensor } from './tensor.ts';

/** Full names of what a composite's definition names inside. */
const hiddenLabels = (node: Tensor): string[] =>
  node.op.define && node.op.labels ? node.op.labels.map(l => (node.path ? `${node.path}.${l}` : l)) : [];

/** The nodes inside a composite, its definition expanded as far as labels hide in it. */
function inside(node: Tensor, inputs: readonly Tensor[] = node.inputs): Tensor {
  return expand([definition(node, inputs)], n => hiddenLabels(n).length > 0 && !inputs.includes(n))[0]!;
}

/** The named tensors of a graph. Made before the graph is computed; what is asked for is computed, nothing else. */
export interface Trace {
  /** Every name, in the order of computation. */
  readonly names: readonly string[];
  has(name: string): boolean;
  /** The tensor of that name. @throws HeedError naming the nearest names when there is none. */
  get(name: string): Tensor;
}

/** Names of the graphs below `roots`. Reading a hidden name, e.g. `blocks.1.attn.pattern`, leaves `roots` as they are. */
export function trace(...roots: Tensor[]): Trace {
  const found = new Map<string, Tensor | { hiddenIn: Tensor }>();
  for (const node of order(roots)) {
    for (const name of hiddenLabels(node)) found.set(name, { hiddenIn: node });
    for (const label of node.labels) found.set(label, node);
  }
  const names = [...found.keys()];
  return {
    names,
    has: name => found.has(name),
    get(name) {
      const entry = found.get(name);
      if (!entry) throw unknownName(name, names);
      if (!('hiddenIn' in entry)) return entry;
      const owner = entry.hiddenIn;
      const known = new Map(owner.inputs.map(x => [x, x]));
      for (const node of order([inside(owner)], known)) for (const label of node.labels) found.set(label, node);
      const node = found.get(name)!;
      if ('hiddenIn' in node) throw new HeedError(`the definition of ${owner.op.name} does not name ${name}`);
      return node;
    },
  };
}

/**
 * The graph of `root` with the tensor of that name edited: ablation, patching. The nodes above it are rebuilt, and the
 * name belongs to the edited tensor from now on. With several roots all see the same edited tensor.
 * `replace(logits, 'blocks.0.attn.pattern', x => x.mul(mask))`
 * @throws HeedError when there is no such name
 */
export function replace<R extends Tensor | readonly Tensor[]>(
  root: R,
  name: string,
  edit: (tensor: Tensor) => Tensor,
): R extends Tensor ? Tensor : readonly Tensor[];
export function replace(
  root: Tensor | readonly Tensor[],
  name: string,
  edit: (tensor: Tensor) => Tensor,
): Tensor | readonly Tensor[] {
  const roots = root instanceof Tensor ? [root] : root;
  let hit = false;
  const change = (node: Tensor, inputs: readonly Tensor[]): Tensor | undefined => {
    if (node.labels.includes(name)) {
      hit = true;
      return withLabels(edit(unlabelled(node, inputs)), node.labels);
    }
    if (!hiddenLabels(node).includes(name)) return undefined;
    return rewrite([inside(node, inputs)], change, new Map(inputs.map(x => [x, x])))[0]!;
  };
  const out = rewrite([...roots], change);
  if (!hit) throw unknownName(name, trace(...roots).names);
  return root instanceof Tensor ? out[0]! : out;
}

/** A copy of the node that no name leads to. */
function unlabelled(node: Tensor, inputs: readonly Tensor[]): Tensor {
  const copy = inScope(node.path, () => Tensor.make(node.op, inputs, node.attrs));
  copy.storage = node.storage;
  return copy;
}
/** The tensor under these names; it may have an owner elsewhere, so itself stays as it is. */
function withLabels(tensor: Tensor, labels: readonly string[]): Tensor {
  const own = tensor.reshape(...tensor.shape);
  own.labels = labels;
  return own;
}

function unknownName(name: string, names: readonly string[]): HeedError {
  const last = name.split('.').at(-1)!;
  const near = names.filter(n => n.endsWith(`.${last}`) || n === last);
  return new HeedError('no tensor of this name', {
    seen: name,
    expected: (near.length ? near : names).slice(0, 8).join(', ') + (names.length > 8 ? ', ...' : ''),
  });
}
