/** The WebAssembly backend: the default in Node and in the browser. */
import { BackendError, ConfigError } from '../../errors.ts';
import { WasmBackend } from './backend.ts';
import { type BankOptions, bankPlan } from './banks.ts';
import { executor } from './executor.ts';
import type { WasmKernel } from './kernel.ts';
import { KERNELS } from './kernels/index.ts';
import { maximaBelow } from './linear-memory.ts';
import { type Link, type LinkKind, type LinkOptions, RunFailure } from './link.ts';
import { inlineLink } from './link-inline.ts';
import { remoteLink } from './link-remote.ts';
import { sharedLink } from './link-shared.ts';
import { bankedKernels, buildModuleGently } from './module.ts';
import { probeFeatures, severalMemoriesWork } from './probe.ts';
import { canStartThreads } from './worker.ts';

export type { RunTimes, WasmBackend } from './backend.ts';
export { KEPT_DTYPES } from './weights.ts';

export interface WasmOptions {
  /** Worker threads; 0 computes on the calling thread, which then blocks. Default: the cores there are, at most 8. */
  readonly threads?: number;
  /**
   * The most memory the backend may take. Default and maximum: 4 GiB, and where the engine lets functions work in several
   * memories, as much as the machine has, up to 64 GiB: what is beyond the first 4 GiB holds weights only. `banks`: how that is
   * cut; other values than the defaults are for tests.
   */
  readonly memory?: { readonly maximumBytes?: number; readonly banks?: Partial<BankOptions> };
  /**
   * Whether V8's 256-bit vectoriser may be used where it works (Node 24 and later, x64): products run 1.4 to 2 times as
   * fast. It is a flag of the whole process. Default: true, unless the environment says HEED_REVECTORIZE=0.
   */
  readonly revectorize?: boolean;
  /** Whether relaxed SIMD may be used: faster, and the last bit of a result may differ between machines. Default: true. */
  readonly relaxed?: boolean;
  /** Measures every step of a run: see `RunTimes.steps`. Default: false. */
  readonly profile?: boolean;
  /** Default: `shared` where the page or process may share memory with workers, else `remote`. */
  readonly link?: LinkKind;
  /** Other kernels than the built-in ones. */
  readonly kernels?: readonly WasmKernel[];
}

const LINKS: Record<LinkKind, (options: LinkOptions) => Promise<Link>> = {
  shared: sharedLink,
  remote: remoteLink,
  inline: inlineLink,
};
const MOST_THREADS = 8;
const FOUR_GIB = 2 ** 32;
const MOST_MEMORY = 16 * FOUR_GIB;
/** Pages at the start: the header and some room. */
const INITIAL_PAGES = 16;

/**
 * Starts a backend: finds out what the engine can do, emits and compiles the kernels, starts the workers.
 * @throws ConfigError on impossible options, BackendError when the engine gives no memory or no workers
 */
export async function createWasmBackend(options: WasmOptions = {}): Promise<WasmBackend> {
  const threads = options.threads ?? Math.min(availableCores(), MOST_THREADS);
  if (!Number.isInteger(threads) || threads < 0 || threads > 256)
    throw new ConfigError('threads is not a number of threads', { seen: `${threads}`, expected: '0 to 256' });
  const maximumBytes = options.memory?.maximumBytes ?? Math.max(FOUR_GIB, machineBytes());
  if (!(maximumBytes > 0))
    throw new ConfigError('memory.maximumBytes is not a number of bytes', { seen: `${maximumBytes}` });

  const kind = threads === 0 ? 'inline' : (options.link ?? bestLink());
  const features = probeFeatures({
    threads: kind === 'shared' ? threads : 1,
    relaxed: options.relaxed ?? true,
    revectorize: options.revectorize ?? revectorizeByDefault(),
  });
  const maxima = maximaBelow(maximumBytes);
  const initial = Math.min(INITIAL_PAGES, maxima[0]!);
  const shared = kind === 'shared';
  const kernels = options.kernels ?? KERNELS;
  const banked = severalMemoriesWork(shared) ? bankedKernels(kernels) : [];
  const most = banked.length ? Math.min(maximumBytes, MOST_MEMORY) : 0;
  const build = once(() =>
    // A module that declares the largest maximum accepts a memory with any.
    buildModuleGently(kernels, features, {
      memory: { shared, initial: 1, maximum: 65536 },
      extra: executor(shared),
      role: banked.length ? 'main' : undefined,
    }),
  );
  const compileBank = once(async () => {
    const options = { memory: { shared, initial: 1, maximum: 65536 }, role: 'bank' } as const;
    return WebAssembly.compile((await buildModuleGently(banked, features, options)).bytes);
  });
  const compile = once(async () => WebAssembly.compile((await build()).bytes));
  const link = await LINKS[kind]({ module: compile, threads: features.threads, initial, maxima }).catch(cause => {
    if (!(cause instanceof RunFailure)) throw cause;
    throw new BackendError('the threads of the backend did not start', {
      ...cause.facts,
      fix: 'pass threads: 0 to compute on the calling thread',
    });
  });
  try {
    const plan = bankPlan(most, link.limit, banked.length ? options.memory?.banks : { most: 0 });
    return new WasmBackend(await build(), link, options.profile ?? false, { plan, module: compileBank });
  } catch (error) {
    link.close();
    throw error;
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function bestLink(): LinkKind {
  if (!canStartThreads()) return 'inline';
  // A page gets shared memory only if it is cross-origin isolated; only then may it be sent to workers.
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated ?? true;
  return isolated && typeof SharedArrayBuffer === 'function' ? 'shared' : 'remote';
}

function availableCores(): number {
  const os = typeof process === 'object' ? process.getBuiltinModule?.('node:os') : undefined;
  return os?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** Memory of the machine, where it is known; else as much as four memories. */
function machineBytes(): number {
  const os = typeof process === 'object' ? process.getBuiltinModule?.('node:os') : undefined;
  return os?.totalmem() ?? 4 * FOUR_GIB;
}

function revectorizeByDefault(): boolean {
  return typeof process !== 'object' || process.env?.HEED_REVECTORIZE !== '0';
}
