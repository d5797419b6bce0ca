/** cacheAppend: copies new keys or values [B, G, T, D] into the slots of a cache [B, G, capacity, D] from a position on. */
import type { View } from '../../../tensor/plan.ts';
import { i32, set, when } from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { eachRow, rowLoop, threadRange } from './rows.ts';

/**
 * Argument words: cache, x, position, rows, groups, new slots, capacity, bytes of a slot, byte strides of x: batch,
 * group, slot. The position is read when the kernel runs; slots outside the cache are not written.
 */
const cacheAppend: WasmKernel = {
  name: 'cacheAppend',
  access: ['dense', 'rows', 'dense'],
  emit({ module }) {
    const f = module.func('cacheAppend', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [row, to, t, group, slot] = f.i32s(5);
    const [out, x, bytes, at] = f.i32s(4);
    const word = (i: number) => i32.load(args, 4 * i);
    return f.emit(
      set(bytes, word(7)),
      threadRange(word(3), thread, threads, 1, row, to),
      eachRow(
        row,
        to,
        set(t, i32.remu(row, word(5))),
        set(group, i32.divu(row, word(5))),
        set(slot, i32.add(i32.load(word(2)), t)),
        when(i32.ltu(slot, word(6)), [
          set(out, i32.add(word(0), i32.mul(i32.add(i32.mul(group, word(6)), slot), bytes))),
          set(
            x,
            i32.add(
              i32.add(word(1), i32.mul(t, word(10))),
              i32.add(i32.mul(i32.divu(group, word(4)), word(8)), i32.mul(i32.remu(group, word(4)), word(9))),
            ),
          ),
          rowLoop(at, bytes, 2, access => access.store(out, access.load(x))),
        ]),
      ),
    );
  },
  args({ inputs }, out) {
    const [cache, x, position] = inputs as readonly [View, View, View];
    const [batch, groups, slots, width] = x.shape as readonly [number, number, number, number];
    out
      .address(cache)
      .address(x)
      .address(position)
      .i32(batch * groups * slots)
      .i32(groups)
      .i32(slots)
      .i32(cache.shape[2]!)
      .i32(4 * width);
    for (const stride of x.strides.slice(0, 3)) out.i32(4 * stride);
  },
  work: ({ inputs: [, x] }) => x!.shape.reduce((n, d) => n * d, 1),
};

export const CACHE_KERNELS: readonly WasmKernel[] = [cacheAppend];
