/**
 * Plans by the structure of their graphs: ops, attributes, wiring, and what kind of leaf is where. A graph is compared
 * with what is known node by node, so that finding its plan allocates nothing and ends at the first difference.
 */
import type { Backend, Prepared } from './backend.ts';
import type { DType, TypedArray } from './dtype.ts';
import type { Op } from './op.ts';
import { type Planned, planGraph, type Wanted } from './planner.ts';
import type { Shape } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** A plan without the tensors it was made from: leaves are numbers, their place among the nodes of the graph. */
export interface CachedPlan {
  readonly prepared: Prepared;
  readonly deviceLeaves: readonly number[];
  readonly uploads: readonly (number | TypedArray)[];
  /** Bytes of each result buffer. */
  readonly results: readonly number[];
}
/** A node of a known graph. */
interface Node {
  readonly op: Op;
  readonly attrs: unknown;
  readonly inputs: readonly number[];
  /** Of a leaf: where it is and what it holds. */
  readonly leaf: { readonly place: string; readonly dtype: DType; readonly shape: Shape } | undefined;
}
interface Entry extends CachedPlan {
  readonly nodes: readonly Node[];
  /** `as` is a number for a leaf that is overwritten. */
  readonly roots: readonly { readonly node: number; readonly as: 'host' | 'device' | number }[];
  lastUse: number;
}

/** Plans kept per backend, the least recently used dropped first. A generation needs two to a few dozen. */
const MAX_PLANS = 128;
const caches = new WeakMap<Backend, PlanCache>();

/** The plan for a graph: `nodes` are all nodes below the wanted roots and the leaves they overwrite, inputs first. */
export function planFor(backend: Backend, wanted: readonly Wanted[], nodes: readonly Tensor[]): CachedPlan {
  let cache = caches.get(backend);
  if (!cache) {
    cache = new PlanCache(backend);
    caches.set(backend, cache);
  }
  return cache.get(wanted, nodes);
}

class PlanCache {
  readonly #backend: Backend;
  /** Entries by number of nodes. */
  readonly #bySize = new Map<number, Entry[]>();
  #count = 0;
  #clock = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }
  get(wanted: readonly Wanted[], nodes: readonly Tensor[]): CachedPlan {
    let entry = this.#bySize.get(nodes.length)?.find(e => matches(e, wanted, nodes));
    if (!entry) {
      entry = this.#make(wanted, nodes);
      const entries = this.#bySize.get(nodes.length);
      if (entries) entries.push(entry);
      else this.#bySize.set(nodes.length, [entry]);
      if (++this.#count > MAX_PLANS) this.#dropOldest(entry);
    }
    entry.lastUse = ++this.#clock;
    return entry;
  }

  #make(wanted: readonly Wanted[], nodes: readonly Tensor[]): Entry {
    const planned: Planned = planGraph(this.#backend, wanted);
    const index = new Map(nodes.map((node, i) => [node, i]));
    return {
      prepared: this.#backend.prepare(planned.plan),
      deviceLeaves: planned.deviceLeaves.map(leaf => index.get(leaf)!),
      // A leaf that a definition made belongs to the structure: its data goes with the plan.
      uploads: planned.uploads.map(u => (ArrayBuffer.isView(u) ? u : (index.get(u) ?? hostElements(u)))),
      results: planned.results,
      nodes: nodes.map(node => ({
        op: node.op,
        attrs: node.attrs,
        inputs: node.inputs.map(x => index.get(x)!),
        leaf: node.storage && { place: placeOf(node), dtype: node.dtype, shape: node.shape },
      })),
      roots: wanted.map(({ tensor, as }) => ({
        node: index.get(tensor)!,
        as: typeof as === 'object' ? index.get(as)! : as,
      })),
      lastUse: 0,
    };
  }
  #dropOldest(keep: Entry): void {
    const all = [...this.#bySize.values()].flat().filter(e => e !== keep);
    const oldest = all.reduce((a, b) => (a.lastUse <= b.lastUse ? a : b));
    for (const [size, entries] of this.#bySize) {
      const rest = entries.filter(e => e !== oldest);
      if (rest.length) this.#bySize.set(size, rest);
      else this.#bySize.delete(size);
    }
    oldest.prepared.release();
    this.#count--;
  }
}

const placeOf = ({ storage }: Tensor): string =>
  storage?.kind === 'device' ? `device ${storage.buffer.format ?? ''}` : 'host';

function hostElements(leaf: Tensor): TypedArray {
  if (leaf.storage?.kind !== 'host') throw new Error('a definition made a leaf on a device');
  return leaf.storage.data;
}

function matches(entry: Entry, wanted: readonly Wanted[], nodes: readonly Tensor[]): boolean {
  if (entry.roots.length !== wanted.length) return false;
  for (let r = 0; r < wanted.length; r++) {
    const root = entry.roots[r]!;
    const as = typeof root.as === 'number' ? nodes[root.as] : root.as;
    if (nodes[root.node] !== wanted[r]!.tensor || as !== wanted[r]!.as) return false;
  }
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!;
    const known = entry.nodes[i]!;
    if (node.storage) {
      const { leaf } = known;
      if (!leaf || leaf.dtype !== node.dtype || !sameShape(leaf.shape, node.shape) || leaf.place !== placeOf(node))
        return false;
      continue;
    }
    if (known.leaf || known.op !== node.op || known.inputs.length !== node.inputs.length) return false;
    for (let k = 0; k < known.inputs.length; k++) if (nodes[known.inputs[k]!] !== node.inputs[k]) return false;
    if (!sameData(known.attrs, node.attrs)) return false;
  }
  return true;
}

function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false;
  return true;
}

/** Equality of plain data. */
function sameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameData(a[i], b[i])) return false;
    return true;
  }
  let fields = 0;
  for (const key in a) {
    if (!sameData((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])) return false;
    fields++;
  }
  for (const _ in b) fields--;
  return fields === 0;
}
