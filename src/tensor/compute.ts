/** Running graphs: the bindings of a run, and what a computed tensor becomes. */
import { BackendError, ShapeError } from '../errors.ts';
import type { Backend, Bindings } from './backend.ts';
import { dtypeOf, type TypedArray } from './dtype.ts';
import { copyGraph, order } from './graph.ts';
import { checkUpdates, type Update } from './overwrite.ts';
import { planFor } from './plan-cache.ts';
import type { Wanted } from './planner.ts';
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
 * Computes tensors in one plan and keeps them on the device as leaves; what is a leaf already stays where it is. Give them
 * back with `dispose()`, or let them go.
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
export async function dataOf(tensor: Tensor, into?: TypedArray): Promise<TypedArray> {
  if (into) return copyInto(tensor, into);
  if (!tensor.storage) await run([{ tensor, as: 'host' }]);
  const storage = tensor.storage!;
  if (storage.kind === 'host') return storage.data;
  return storage.buffer.backend.read(storage.buffer, tensor.dtype, tensor.shape);
}

/**
 * Gives leaves on the device new values, in one plan and in place: all values and `reads` are functions of the old ones, in
 * whatever order they are listed, and the targets are the same leaves afterwards. Resolves with the elements of `reads`.
 *
 * Nothing becomes a leaf by this, so the same graph can be run again and again, a step of training each time; what differs
 * between the steps is written into the arrays of its host leaves.
 * @throws BackendError when a target is not a plain leaf on the device. When the run itself fails, the message says that
 * the targets may hold old and new elements.
 */
export async function assign(updates: readonly Update[], ...reads: Tensor[]): Promise<TypedArray[]> {
  checkUpdates(updates);
  const wanted: Wanted[] = reads.map(tensor => ({ tensor, as: 'host' }));
  for (const [target, value] of updates) wanted.push({ tensor: value, as: target });
  return (await submit(wanted)).reads;
}

/** The tensor does not become a leaf over `into`: what its owner writes there later is not the tensor's value. */
async function copyInto(tensor: Tensor, into: TypedArray): Promise<TypedArray> {
  const { dtype, shape, size } = tensor;
  if (into.length !== size || dtypeOf(into) !== (dtype === 'bool' ? 'u8' : dtype))
    throw new ShapeError('the array cannot take the elements of the tensor', {
      seen: `${into.length} elements of ${dtypeOf(into)}`,
      expected: `${size} for ${dtype} [${shape}]`,
    });
  const made = tensor.storage ? await dataOf(tensor) : (await submit([{ tensor, as: 'host' }], [into])).reads[0]!;
  if (made !== into) into.set(made);
  return into;
}

// ---- one run ----------------------------------------------------------------------------------------------------------
async function run(wanted: readonly Wanted[]): Promise<void> {
  if (wanted.length === 0) return;
  const { results, reads } = await submit(wanted);
  let device = 0;
  let host = 0;
  for (const { tensor, as } of wanted) {
    const buffer = as === 'device' ? results[device++]! : undefined;
    const data = as === 'host' ? reads[host++]! : undefined;
    // Another run of the same tensor may have ended first; its result stands.
    if (tensor.storage) buffer?.free();
    else tensor.settle(buffer ? { kind: 'device', buffer } : { kind: 'host', data: data! });
  }
}

/** Runs the graph below the wanted tensors, which stay lazy. */
async function submit(wanted: readonly Wanted[], into: NonNullable<Bindings['into']> = []) {
  const targets = wanted.flatMap(({ as }) => (typeof as === 'object' ? [as] : []));
  const roots = [...wanted.map(w => w.tensor), ...targets];
  let nodes = order(roots);
  const backend = backendOf(nodes) ?? (await defaultBackend());
  if (debugging()) {
    const { inspectEach } = await import('./debug.ts');
    // A graph that changes leaves may be run again, so a copy of it is what becomes values.
    const looked = targets.length ? order(copyGraph(roots)) : nodes.filter(n => !roots.includes(n));
    await inspectEach(looked);
    nodes = order(roots);
  }
  const plan = planFor(backend, wanted, nodes);
  const results = allocateAll(backend, plan.results);
  try {
    const bindings: Bindings = {
      leaves: plan.deviceLeaves.map(i => deviceBuffer(nodes[i]!)),
      uploads: plan.uploads.map(u => (typeof u === 'number' ? hostData(nodes[u]!) : u)),
      results,
      into,
    };
    const running = backend.run(plan.prepared, bindings);
    return { results, reads: await (targets.length ? running.catch(mayBeHalfDone) : running) };
  } catch (error) {
    for (const r of results) r.free();
    throw error;
  }
}

function mayBeHalfDone(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  throw new BackendError(`a run that changes tensors failed: ${reason}`, {
    seen: 'the tensors may hold some old and some new elements',
    fix: 'load them again from the last checkpoint',
    cause: error,
  });
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
