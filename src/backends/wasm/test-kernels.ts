/** Tiny kernels for tests of the runtime: correct only if steps run in order and all threads meet between them. */
import type { Step, View } from '../../tensor/plan.ts';
import { rowMajor, type Shape, sizeOf } from '../../tensor/shape.ts';
import { type Code, f32, forLess, i32, type Local, set, when } from './assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from './kernel.ts';

/** Elements above which the kernels below claim to be worth a fork. */
const HEAVY = 1 << 20;
const UNREACHABLE: Code = 0x00;

/**
 * `rotate`: y[i] = x[(i + 1) mod n] + 1. The right neighbour may belong to another thread's share, so a chain of these
 * goes wrong when one thread runs ahead. attrs { serial } = on one thread.
 */
export const rotate: WasmKernel = {
  name: 'rotate',
  work: step => ((step.attrs as { serial?: boolean } | undefined)?.serial ? 0 : HEAVY),
  args(step, out) {
    out.address(step.inputs[0]!).address(step.output).i32(sizeOf(step.output.shape));
  },
  emit({ module }) {
    const f = module.func('rotate', KERNEL_PARAMS);
    const [args, thread, threads] = f.params as [Local, Local, Local];
    const [x, y, n, i, end, next] = f.i32s(6) as [Local, Local, Local, Local, Local, Local];
    const share = (t: Code): Code => i32.divu(i32.mul(n, t), threads);
    const at = (base: Local, index: Code): Code => i32.add(base, i32.shl(index, i32.const(2)));
    return f.emit(
      ...load(args, [x, y, n]),
      set(i, share(thread)),
      set(end, share(i32.add(thread, i32.const(1)))),
      forLess(
        i,
        end,
        1,
        set(next, i32.rem(i32.add(i, i32.const(1)), n)),
        f32.store(at(y, i), f32.add(f32.load(at(x, next)), f32.const(1))),
      ),
    );
  },
};

/** `boom`: traps on the thread of its attrs { thread }. */
export const boom: WasmKernel = {
  name: 'boom',
  work: () => HEAVY,
  args(step, out) {
    out.i32((step.attrs as { thread: number }).thread);
  },
  emit({ module }) {
    const f = module.func('boom', KERNEL_PARAMS);
    const [args, thread] = f.params as [Local, Local, Local];
    return f.emit(when(i32.eq(thread, i32.load(args)), UNREACHABLE));
  },
};

/** `spin`: attrs { rounds } empty loops, to have something in flight. */
export const spin: WasmKernel = {
  name: 'spin',
  work: () => 0,
  args(step, out) {
    out.i32((step.attrs as { rounds: number }).rounds);
  },
  emit({ module }) {
    const f = module.func('spin', KERNEL_PARAMS);
    const [args] = f.params as [Local, Local, Local];
    const [i, end] = f.i32s(2) as [Local, Local];
    return f.emit(...load(args, [end]), set(i, i32.const(0)), forLess(i, end, 1));
  },
};

function load(args: Local, words: readonly Local[]): Code[] {
  return words.map((word, i) => set(word, i32.load(args, 4 * i)));
}

export const TEST_KERNELS: readonly WasmKernel[] = [rotate, boom, spin];

/** A dense f32 view. */
export const view = (slot: View['slot'], shape: Shape): View => ({
  slot,
  offset: 0,
  shape,
  strides: rowMajor(shape),
  dtype: 'f32',
});

/** A step without a scope path. */
export const step = (
  op: string,
  inputs: readonly View[],
  output: View,
  attrs: unknown = undefined,
  path = '',
): Step => ({
  op,
  attrs,
  inputs,
  output,
  path,
});
