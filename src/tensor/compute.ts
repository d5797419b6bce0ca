/** Running graphs: the plan cache, the bindings of a run, and what a computed tensor becomes. */
import { BackendError } from '../errors.ts';
import type { Backend, Bindings, Prepared } from './backend.ts';
import type { TypedArray } from './dtype.ts';
import { order } from './graph.ts';
import { type Planned, planGraph, type Wanted } from './planner.ts';
import type { Tensor } from './tensor.ts';

type BackendSource = Backend | (() => Promise<Backend>);
let defaultSource: BackendSource | undefined;
let madeDefault: Promise<Backend> | undefined;

/** The backend of graphs whose leaves are all on the host. A function is called at the first use. */
export function setDefaultBackend(source: BackendSource): void {
  defaultSource = source;
  madeDefault = undefined;
}
/** @throws BackendError when none was set. */
export function defaultBackend(): Promise<Backend> {
  if (!defaultSource)
    throw new BackendError('no backend', {
      fix: "import 'heed', or call setDefaultBackend(await createWasmBackend())",
    });
  if (typeof defaultSource !== 'function') return Promise.resolve(defaultSource);
  madeDefault ??= defaultSource().catch(error => {
    madeDefault = undefined;
    throw error;
  });
  return madeDefault;
}

/**
 * Computes tensors in one plan and keeps them on the device as leaves. Give them back with `dispose()`, or let them go.
 */
export async function compute(...tensors: Tensor[]): Promise<void> {
  const lazy = [...new Set(tensors)].filter(t => !t.storage);
  await run(lazy.map(tensor => ({ tensor, as: 'device' })));
}

/** The elements of several tensors, computed in one plan. */
export async function dataOfAll(...tensors: Tensor[]): Promise<TypedArray[]> {
  const lazy = [...new Set(tensors)].filter(t => !t.storage);
  await run(lazy.map(tensor => ({ tensor, as: 'host' })));
  return Promise.all(tensors.map(t => t.data()));
}

/** See `Tensor.data`. */
export async function dataOf(tensor: Tensor): Promise<TypedArray> {
  if (!tensor.storage) await run([{ tensor, as: 'host' }]);
  const storage = tensor.storage!;
  if (storage.kind === 'host') return storage.data;
  return storage.buffer.backend.read(storage.buffer, tensor.dtype, tensor.shape);
}

// ---- one run ----------------------------------------------------------------------------------------------------------
async function run(wanted: readonly Wanted[]): Promise<void> {
  if (wanted.length === 0) return;
  const roots = wanted.map(w => w.tensor);
  let nodes = order(roots);
  const backend = backendOf(nodes) ?? (await defaultBackend());
  if (debugging()) {
    const { inspectEach } = await import('./debug.ts');
    await inspectEach(nodes.filter(n => !roots.includes(n)));
    nodes = order(roots);
  }
  const plan = cachedPlan(backend, wanted, nodes);
  const leaves = nodes.filter(n => n.storage);
  const results = allocateAll(backend, plan.results);
  let reads: TypedArray[];
  try {
    const bindings: Bindings = {
      leaves: plan.deviceLeaves.map(i => deviceBuffer(leaves[i]!)),
      uploads: plan.uploads.map(u => (typeof u === 'number' ? hostData(leaves[u]!) : u)),
      results,
    };
    reads = await backend.run(plan.prepared, bindings);
  } catch (error) {
    for (const r of results) r.free();
    throw error;
  }
  let device = 0;
  let host = 0;
  for (const { tensor, as } of wanted) {
    tensor.storage =
      as === 'device' ? { kind: 'device', buffer: results[device++]! } : { kind: 'host', data: reads[host++]! };
    tensor.inputs = [];
  }
}

function backendOf(nodes: readonly Tensor[]): Backend | undefined {
  let backend: Backend | undefined;
  for (const { storage } of nodes) {
    if (storage?.kind !== 'device') continue;
    backend ??= storage.buffer.backend;
    if (backend !== storage.buffer.backend)
      throw new BackendError('tensors of two backends in one graph', {
        seen: `${backend.name} and ${storage.buffer.backend.name}`,
        fix: 'load both on the same backend',
      });
  }
  return backend;
}
function allocateAll(backend: Backend, sizes: readonly number[]) {
  const made: ReturnType<Backend['alloc']>[] = [];
  try {
    for (const bytes of sizes) made.push(backend.alloc(bytes));
  } catch (error) {
    for (const buffer of made) buffer.free();
    throw error;
  }
  return made;
}
function deviceBuffer(leaf: Tensor) {
  const { storage } = leaf;
  if (storage?.kind !== 'device')
    throw new BackendError('a tensor left the device while it was used', { seen: `${leaf}` });
  if (storage.buffer.freed)
    throw new BackendError('a tensor of the graph was disposed', {
      seen: `${leaf}`,
      fix: 'keep the model open until its last result is there',
    });
  return storage.buffer;
}
function hostData(leaf: Tensor): TypedArray {
  if (leaf.storage?.kind !== 'host')
    throw new BackendError('a tensor left the host while it was used', { seen: `${leaf}` });
  return leaf.storage.data;
}
function debugging(): boolean {
  const process = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process;
  return process?.env?.HEED_DEBUG === '1';
}

// ---- the plan cache -----------------------------------------------------------------------------------------------------
/** A plan without the tensors it was made from: leaves are numbers, their position among the leaves of the graph. */
interface CachedPlan {
  readonly prepared: Prepared;
  readonly deviceLeaves: readonly number[];
  readonly uploads: readonly (number | TypedArray)[];
  readonly results: readonly number[];
}
const caches = new WeakMap<Backend, Map<string, CachedPlan>>();
/** Plans kept per backend, the least recently used dropped first. A generation needs two to a few dozen. */
const MAX_PLANS = 128;

function cachedPlan(backend: Backend, wanted: readonly Wanted[], nodes: readonly Tensor[]): CachedPlan {
  let cache = caches.get(backend);
  if (!cache) {
    cache = new Map();
    caches.set(backend, cache);
  }
  const key = structureKey(wanted, nodes);
  let entry = cache.get(key);
  if (entry) cache.delete(key);
  else {
    entry = detached(planGraph(backend, wanted), backend, nodes);
    const oldest = cache.size >= MAX_PLANS ? cache.entries().next().value : undefined;
    if (oldest) {
      oldest[1].prepared.release();
      cache.delete(oldest[0]);
    }
  }
  cache.set(key, entry);
  return entry;
}

function detached(planned: Planned, backend: Backend, nodes: readonly Tensor[]): CachedPlan {
  const position = new Map(nodes.filter(n => n.storage).map((leaf, i) => [leaf, i]));
  return {
    prepared: backend.prepare(planned.plan),
    deviceLeaves: planned.deviceLeaves.map(leaf => position.get(leaf)!),
    // A leaf that a definition made belongs to the structure: its data goes with the plan.
    uploads: planned.uploads.map(u => (ArrayBuffer.isView(u) ? u : (position.get(u) ?? hostData(u)))),
    results: planned.results,
  };
}

/** Two graphs with the same key run by the same plan: ops, attributes, shapes, wiring, and where the leaves are. */
function structureKey(wanted: readonly Wanted[], nodes: readonly Tensor[]): string {
  const index = new Map<Tensor, number>();
  const parts: string[] = [];
  for (const node of nodes) {
    index.set(node, parts.length);
    if (node.storage) {
      const place = node.storage.kind === 'host' ? 'host' : `device ${node.storage.buffer.format ?? ''}`;
      parts.push(`${place} ${node.dtype} ${node.shape}`);
      continue;
    }
    const attrs = node.attrs === undefined ? '' : JSON.stringify(node.attrs);
    let inputs = '';
    for (const x of node.inputs) inputs += `,${index.get(x)!}`;
    parts.push(`${node.op.name}${attrs}${inputs}`);
  }
  return `${wanted.map(w => `${w.as} ${index.get(w.tensor)!}`)};${parts.join(';')}`;
}
