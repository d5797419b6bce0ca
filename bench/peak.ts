/**
 * What this machine and engine allow, measured with the plainest loops: multiply-adds that never leave the registers, and
 * reads that use nothing of what they read. They run as kernels of the backend, so that they have its threads.
 */
import {
  brIf,
  type Code,
  f32,
  f32x4,
  forLess,
  i32,
  i32x4,
  loop,
  set,
  tee,
  v128,
} from '../src/backends/wasm/assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../src/backends/wasm/kernel.ts';
import { multiplyAdd } from '../src/backends/wasm/kernels/micro-kernel.ts';
import { sizeOf } from '../src/tensor/shape.ts';

/** Independent sums: enough to hide the latency of a product and a sum, few enough to stay in registers. */
const SUMS = 12;
/** Rounds of a call. */
const ROUNDS = 20_000;
/** Floating-point operations that each thread does in a call. */
export const FLOPS = { multiplyAdds: ROUNDS * SUMS * 8, multiplyAddPairs: ROUNDS * SUMS * 16 };

/** x = x * a + b on every sum, which no compiler can shorten. With pairs, V8's revectoriser can use 256 bits. */
const multiplyAdds = (name: keyof typeof FLOPS): WasmKernel => ({
  name,
  emit(context) {
    const f = context.module.func(name, KERNEL_PARAMS);
    const [, thread] = f.params;
    const [rounds, at] = f.i32s(2);
    const sums: ReturnType<typeof f.local>[] = f.v128s(name === 'multiplyAdds' ? SUMS : 2 * SUMS);
    const [a, b] = f.v128s(2);
    return f.emit(
      set(at, context.scratch(thread)),
      f32.store(at, f32.const(0.5)),
      set(a, v128.load32splat(at)),
      set(b, v128.load32splat(at)),
      // Different starts, or equal sums would be one sum to the compiler.
      sums.map((_, i) => v128.store(at, f32x4.const(i / 100), 16 * i)),
      sums.map((sum, i) => set(sum, v128.load(at, 16 * i))),
      set(rounds, i32.const(ROUNDS)),
      loop(
        sums.map(sum => set(sum, multiplyAdd(context.features, sum, a, b))),
        brIf(0, tee(rounds, i32.sub(rounds, i32.const(1)))),
      ),
      // Revectorising starts from neighbouring stores: one store keeps it away.
      name === 'multiplyAdds'
        ? v128.store(
            at,
            sums.reduce<Code>((x, y) => f32x4.add(x, y), v128.zero),
          )
        : sums.map((sum, i) => v128.store(at, sum, 16 * i)),
    );
  },
  args() {},
  work: () => FLOPS[name],
});

/** Bytes that `read` takes from its input: whole pieces of 256 for each thread. */
const read: WasmKernel = {
  name: 'read',
  emit(context) {
    const f = context.module.func('read', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [at, i, share] = f.i32s(3);
    const sums = f.v128s(8);
    return f.emit(
      set(share, i32.and(i32.divu(i32.load(args, 4), threads), i32.const(-256))),
      set(at, i32.add(i32.load(args), i32.mul(share, thread))),
      forLess(
        i,
        share,
        256,
        [0, 128].map(half => sums.map((sum, j) => set(sum, i32x4.add(sum, v128.load(at, half + 16 * j))))),
        set(at, i32.add(at, i32.const(256))),
      ),
      v128.store(
        context.scratch(thread),
        sums.reduce<Code>((x, y) => i32x4.add(x, y), v128.zero),
      ),
    );
  },
  args({ inputs: [x] }, out) {
    out.address(x!).i32(4 * sizeOf(x!.shape));
  },
  work: ({ inputs: [x] }) => sizeOf(x!.shape),
};

export const PEAK_KERNELS = [multiplyAdds('multiplyAdds'), multiplyAdds('multiplyAddPairs'), read];
