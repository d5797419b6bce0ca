/** The form of a WebAssembly kernel: one function emitted per engine, one list of argument words per plan step. */
import type { Kernel } from '../../tensor/backend.ts';
import type { Step, View } from '../../tensor/plan.ts';
import type { Func, ModuleBuilder } from './assembler.ts';

/** What bytes above 127 mean in the second operand of the relaxed dot product; none = there is no such instruction. */
export type DotMeaning = 'none' | 'saturating' | 'unsigned' | 'signed';

/** What the engine can do; decided once by `probe.ts` before the module is emitted. */
export interface Features {
  /** Relaxed SIMD is there: `f32x4.madd` may be emitted. */
  readonly relaxed: boolean;
  /**
   * The relaxed dot product of bytes: `saturating` = unsigned, but pairs of products saturate at 16 bits (x64 without VNNI).
   */
  readonly dot: DotMeaning;
  /** V8 packs pairs of 128-bit operations into 256-bit ones (Node 24 with the flag set and the self-test passed). */
  readonly revec: boolean;
  /** Shared memory with worker threads. */
  readonly threads: number;
  /** Micro-kernel: rows of A by columns of B. `nr` is also the width of a weight panel. */
  readonly tile: { readonly mr: number; readonly nr: number };
}

/** Collects the argument words of one step. All words are 4 bytes, little-endian, and start 4-byte aligned. */
export interface ArgWriter {
  i32(value: number): this;
  f32(value: number): this;
  /** Byte address of the first element of a view (slot + offset), filled in at each run. */
  address(view: View): this;
}

/** Bytes of scratch memory that each thread owns for the length of a step; `ModuleContext.scratch` gives the address. */
export const SCRATCH_BYTES = 1 << 20;

/** What kernels may use while they are emitted. */
export interface ModuleContext {
  readonly module: ModuleBuilder;
  readonly features: Features;
  /** Index of the memory in which the panels of weights lie: 0, where everything else is, or 1 in the module of a bank. */
  readonly weights: 0 | 1;
  /** There are banks: a step may name weights that another module's kernel reads (`banks.ts`). */
  readonly banks: boolean;
  /** Address of the calling thread's scratch memory, 64-byte aligned, from the thread index. */
  scratch(thread: import('./assembler.ts').Local): import('./assembler.ts').Code;
  /** Shared inner functions (exp, tanh, gemm micro-kernels ...), emitted once per module under their name. */
  shared(name: string, emit: () => Func): Func;
}

export interface WasmKernel extends Kernel {
  /** Op name. */
  readonly name: string;
  /**
   * Adds the kernel's function to the module: `(args: i32, thread: i32, threads: i32) -> ()`. `args` points at the
   * words that `args()` wrote. With `threads` > 1 every thread calls it with its own index and does its share; calls
   * with `threads` = 1 do everything.
   */
  emit(context: ModuleContext): Func;
  /** It reads or writes packed weights, which may lie in a bank: the function is emitted once more for those. */
  readonly banked?: boolean;
  /** Writes the argument words of a step. */
  args(step: Step, out: ArgWriter, features: Features): void;
  /**
   * Rough time of the step on one thread, in nanoseconds; short steps are not worth waking others for. Default: one per
   * output element.
   */
  work?(step: Step): number;
}

/**
 * What kernels see as the format of a weight that lies in another memory than the one they work for. Only steps with several
 * weights have such; there is one step for each memory then.
 */
export const ELSEWHERE = 'elsewhere';

/** Signature of every kernel function. */
export const KERNEL_PARAMS = ['i32', 'i32', 'i32'] as const;
