/**
 * The order of a run that overwrites leaves: each new value is computed as late as it must be, when all others that read
 * the old one are done, so that it can go straight into the leaf's buffer. Steps of an optimizer then run in place, each
 * as soon as its gradient is there, and a gradient's memory is free again at once.
 */
import { BackendError, DTypeError, ShapeError } from '../errors.ts';
import { programOrder } from './graph.ts';
import type { Op } from './op.ts';
import { Tensor } from './tensor.ts';

/** A leaf on the device and the value that it is to have after the run. */
export type Update = readonly [target: Tensor, value: Tensor];

/** @throws BackendError, ShapeError, DTypeError when a target cannot take its value */
export function checkUpdates(updates: readonly Update[]): void {
  const seen = new Set<Tensor>();
  for (const [target, value] of updates) {
    const { storage } = target;
    if (storage?.kind !== 'device' || storage.buffer.format !== undefined)
      throw new BackendError('only a plain leaf on the device can be assigned', {
        seen: `${target}${storage?.kind === 'device' ? ` in ${storage.buffer.format}` : storage ? ' on the host' : ', not computed'}`,
        fix: 'load the parameters for training (plain), or compute() the tensor first',
      });
    if (seen.has(target)) throw new BackendError('a tensor is assigned twice in one run', { seen: `${target}` });
    seen.add(target);
    if (target.dtype !== 'f32' || value.dtype !== 'f32')
      throw new DTypeError('only f32 can be assigned', { seen: `${value.dtype} to ${target.dtype}` });
    if (`${target.shape}` !== `${value.shape}`)
      throw new ShapeError('the value does not fit the tensor it is assigned to', {
        seen: `[${value.shape}]`,
        expected: `[${target.shape}]`,
      });
  }
}

const COPY: Op<undefined> = {
  name: 'copy',
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  flops: () => 0,
};
/** A node whose elements are its own: nothing else looks into them. */
const copy = (x: Tensor): Tensor => Tensor.make(COPY, [x], undefined);
const isStep = (node: Tensor): boolean =>
  !node.storage && !node.op.view && node.op.alias === undefined && node.op.name !== 'constant';

export interface OverwritingOrder {
  /** All nodes, inputs first. */
  readonly nodes: readonly Tensor[];
  /** The roots, some behind a copy. */
  readonly roots: readonly Tensor[];
  /** Nodes that nothing but their own step hinders from being written into the leaf, and that leaf. */
  readonly writers: ReadonlyMap<Tensor, Tensor>;
}

/**
 * Orders the graph below `roots`, composites expanded. `targets` holds for each root the leaf that it overwrites, or
 * undefined.
 */
export function overwritingOrder(given: readonly Tensor[], targets: readonly (Tensor | undefined)[]): OverwritingOrder {
  const writers = new Map<Tensor, Tensor>();
  const leaves = new Set(targets.filter(t => t !== undefined));
  const roots = given.map((root, i) => {
    const target = targets[i];
    // What is only read must be taken before it changes; two leaves cannot be filled by one step.
    if (!target) return leaves.has(baseOf(root)) ? copy(root) : root;
    const writer = isStep(root) && !writers.has(root) ? root : copy(root);
    writers.set(writer, target);
    return writer;
  });
  const all = programOrder(roots);
  const before = readersFirst(all, writers);
  const nodes = orderAfter(all, before);
  // What reads the leaf of another one waits for the new value (two leaves that swap): that is copied at the end.
  for (const writer of [...writers.keys()]) if (!before.has(writer)) writers.delete(writer);
  return { nodes, roots, writers };
}

/** The tensor whose elements a chain of views looks into. */
function baseOf(node: Tensor): Tensor {
  while (node.op.view && !node.storage) node = node.inputs[0]!;
  return node;
}

/** For each writer the other steps that read its leaf. */
function readersFirst(nodes: readonly Tensor[], writers: ReadonlyMap<Tensor, Tensor>): Map<Tensor, readonly Tensor[]> {
  const readers = new Map<Tensor, Set<Tensor>>([...writers.values()].map(target => [target, new Set()]));
  for (const node of nodes) if (isStep(node)) for (const x of node.inputs) readers.get(baseOf(x))?.add(node);
  return new Map([...writers].map(([writer, target]) => [writer, [...readers.get(target)!].filter(r => r !== writer)]));
}

/**
 * Nodes in an order in which those of `before`, too, come first. A node for which that cannot be is taken out of `before`.
 */
function orderAfter(all: readonly Tensor[], before: Map<Tensor, readonly Tensor[]>): Tensor[] {
  const state = new Map<Tensor, 'open' | 'done'>();
  const nodes: Tensor[] = [];
  const stack: { node: Tensor; next: number }[] = [];
  const none: readonly Tensor[] = [];
  for (const node of all) {
    if (!state.has(node)) {
      state.set(node, 'open');
      stack.push({ node, next: 0 });
    }
    while (stack.length) {
      const top = stack.at(-1)!;
      const { node } = top;
      const others = before.get(node) ?? none;
      const i = top.next++;
      const earlier = i < node.inputs.length ? node.inputs[i] : others[i - node.inputs.length];
      if (!earlier) {
        state.set(node, 'done');
        nodes.push(node);
        stack.pop();
        continue;
      }
      const known = state.get(earlier);
      if (known === 'open') {
        // A circle, so one of its steps is no input. That node waits no longer, and what it waited for begins anew.
        const hindered = stack.findLastIndex(s => s.next > s.node.inputs.length);
        before.delete(stack[hindered]!.node);
        for (const waiting of stack.splice(hindered + 1)) state.delete(waiting.node);
        continue;
      }
      if (known === 'done') continue;
      state.set(earlier, 'open');
      stack.push({ node: earlier, next: 0 });
    }
  }
  return nodes;
}
