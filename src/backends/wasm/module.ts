/**
 * Builds the one module of the backend: every kernel, a table of them, and the executor that walks a program.
 *
 * A program is a list of 4-byte words: per step `[table index, words of the step, flags, arguments ...]`, closed by a
 * table index of -1. See `executor.ts` for the flags.
 */
import { type Code, type Func, i32, type Local, ModuleBuilder } from './assembler.ts';
import { type Features, type ModuleContext, SCRATCH_BYTES, type WasmKernel } from './kernel.ts';

/** Byte addresses in the first page. The page below 64 KiB is never given out by the allocator. */
export const HEADER = {
  /** Word: address of the scratch memory of thread 0; thread t has `+ t * SCRATCH_BYTES`. */
  scratch: 64,
  /** Word: helper threads that are done with the step. */
  arrived: 128,
  /** Word: number of the parallel step that the helpers wait for. */
  generation: 192,
  /** Word that wakes thread 0: number of the run. */
  start: 256,
  /** Word: address of the program to run. */
  program: 320,
  /** Word: not 0 = the threads leave their loop. */
  stop: 384,
  /** Word: address of the step that is being run; left as it is by a trap. */
  step: 448,
  /** Two f64: milliseconds of the thread's clock when the run began and ended. */
  began: 512,
  ended: 520,
  /** Word: where the time after each step is stored as f64, or 0. */
  stamps: 576,
  /** End of what the host reads. */
  end: 640,
  /** Word of thread 0: how often in a row it went to sleep while waiting; thread t has `+ 64 * t`. */
  misses: 1024,
} as const;

export interface KernelModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Table index of each op's kernel. */
  readonly index: ReadonlyMap<string, number>;
  readonly kernels: ReadonlyMap<string, WasmKernel>;
  readonly features: Features;
  /** Entries of the table; those of banks follow. */
  readonly tableSize: number;
}

export interface ModuleOptions {
  readonly memory: { readonly shared: boolean; readonly initial: number; readonly maximum: number };
  /**
   * `main` = there can be modules of banks, whose kernels go into this one's table; `bank` = the kernels of a bank: packed
   * weights lie in a second memory. Default: neither.
   */
  readonly role?: 'main' | 'bank' | undefined;
  /** Adds functions besides the kernels (the executor), given the builder and any kernel function. */
  readonly extra?: { imports?(builder: ModuleBuilder): void; functions?(builder: ModuleBuilder, like: Func): void };
}

/** The kernels of a bank's module, in the order in which they enter the table. */
export const bankedKernels = (kernels: Iterable<WasmKernel>): WasmKernel[] => [...kernels].filter(k => k.banked);

/** Table index of the function that computes an op for weights in the first memory (0) or in a bank. */
export function tableIndexOf({ index, kernels, tableSize }: KernelModule, op: string, bank: number): number {
  if (!bank) return index.get(op)!;
  const banked = bankedKernels(kernels.values());
  return tableSize + (bank - 1) * banked.length + banked.findIndex(kernel => kernel.name === op);
}

/** The module of some kernels, at once. */
export function buildModule(kernels: readonly WasmKernel[], features: Features, options: ModuleOptions): KernelModule {
  const steps = moduleInSteps(kernels, features, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The same with a pause whenever some milliseconds are over, so that a page stays responsive meanwhile. */
export async function buildModuleGently(...call: Parameters<typeof buildModule>): Promise<KernelModule> {
  const steps = moduleInSteps(...call);
  for (let start = performance.now(); ; ) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - start < LONGEST_BLOCK) continue;
    await new Promise(resolve => setTimeout(resolve));
    start = performance.now();
  }
}
/** Milliseconds. */
const LONGEST_BLOCK = 10;

/** Emits one kernel per step. */
function* moduleInSteps(
  kernels: readonly WasmKernel[],
  features: Features,
  { memory, extra, role }: ModuleOptions,
): Generator<undefined, KernelModule> {
  const module = new ModuleBuilder();
  extra?.imports?.(module);
  const sharedFunctions = new Map<string, Func>();
  const context: ModuleContext = {
    module,
    features,
    weights: role === 'bank' ? 1 : 0,
    banks: role !== undefined,
    scratch: (thread: Local): Code =>
      i32.add(i32.load(i32.const(0), HEADER.scratch), i32.mul(thread, i32.const(SCRATCH_BYTES))),
    shared(name, emit) {
      const known = sharedFunctions.get(name);
      if (known) return known;
      const made = emit();
      sharedFunctions.set(name, made);
      return made;
    },
  };
  const index = new Map<string, number>();
  let like: Func | undefined;
  for (const kernel of kernels) {
    const f = kernel.emit(context);
    module.compact();
    like ??= f;
    module.export(f);
    index.set(kernel.name, module.tableIndex(f));
    yield;
  }
  if (like) extra?.functions?.(module, like);
  if (role === 'main') module.exportTable();
  return {
    bytes: module.bytes(memory, role === 'bank'),
    index,
    kernels: new Map(kernels.map(k => [k.name, k])),
    features,
    tableSize: module.tableSize,
  };
}
