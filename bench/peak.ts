/**
 * What this machine and engine allow, measured with the plainest loops: multiply-adds that never leave the registers, and
 * reads that use nothing of what they read. Everything else in the bench is a share of these.
 */
import {
  brIf,
  type Code,
  doWhileLess,
  f32x4,
  i32,
  i32x4,
  type Local,
  loop,
  type ModuleBuilder,
  set,
  tee,
  v128,
} from '../src/backends/wasm/assembler.ts';
import { relaxedSimd } from './engine.ts';

/** Independent sums: enough to hide the latency of an addition on two pipes, few enough to stay in registers. */
const SUMS = 12;

export interface PeakExports {
  /** `rounds` times `SUMS` multiply-adds of 128 bits. */
  multiplyAdds(rounds: number): void;
  /** The same, written so that the revectoriser can pack pairs into 256 bits. */
  multiplyAddPairs(rounds: number): void;
  /** Reads `bytes` (a multiple of 256) from `address` on. */
  read(address: number, bytes: number): void;
}

/** Adds the functions of `PeakExports`. They write to the first 512 bytes of the memory. */
export function peakKernels(module: ModuleBuilder): void {
  const multiplyAdd = (x: Code, y: Code, z: Code) =>
    relaxedSimd ? f32x4.madd(x, y, z) : f32x4.add(f32x4.mul(x, y), z);
  for (const [name, vectors] of [
    ['multiplyAdds', 1],
    ['multiplyAddPairs', 2],
  ] as const) {
    const f = module.export(module.func(name, ['i32']));
    const [rounds] = f.params as [Local];
    const sums = f.v128s(SUMS * vectors);
    const [x, y] = f.v128s(2) as [Local, Local];
    f.emit(
      set(x, v128.load(i32.const(0))),
      set(y, v128.load(i32.const(0))),
      // Different starts, or equal sums would be one sum to the compiler.
      sums.map((sum, i) => set(sum, v128.load(i32.const(16 * i)))),
      loop(
        sums.map(sum => set(sum, multiplyAdd(sum, x, y))),
        brIf(0, tee(rounds, i32.sub(rounds, i32.const(1)))),
      ),
      vectors === 1
        ? v128.store(
            i32.const(0),
            sums.reduce<Code>((a, b) => f32x4.add(a, b), v128.zero),
          )
        : sums.map((sum, i) => v128.store(i32.const(16 * i), sum)),
    );
  }
  const f = module.export(module.func('read', ['i32', 'i32']));
  const [address, bytes] = f.params as [Local, Local];
  const i = f.local('i32');
  const sums = f.v128s(8);
  f.emit(
    doWhileLess(
      i,
      bytes,
      256,
      sums.map((sum, j) => [
        set(sum, i32x4.add(sum, v128.load(address, 16 * j))),
        set(sum, i32x4.add(sum, v128.load(address, 128 + 16 * j))),
      ]),
      set(address, i32.add(address, i32.const(256))),
    ),
    v128.store(
      i32.const(0),
      sums.reduce<Code>((a, b) => i32x4.add(a, b), v128.zero),
    ),
  );
}

/** Floating-point operations of one round of either loop. */
export const FLOPS_PER_ROUND = { multiplyAdds: SUMS * 8, multiplyAddPairs: SUMS * 16 };
