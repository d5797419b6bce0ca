/** The gradient of softmax in one pass over each row: y (g - Σ g y), from g and the output y. */
import { sizeOf } from '../../../tensor/shape.ts';
import { call, f32x4, i32, set } from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { acrossLanes, eachRow, rowLoop, rowsOf, threadRange } from './rows.ts';

/** Argument words: rows, bytes of a row, output, g, y. */
const softmaxGradient: WasmKernel = {
  name: 'softmaxGradient',
  // A row is summed up before it is written, so it may lie on g or y.
  inPlace: true,
  emit({ module }) {
    const inner = module.func('softmax gradient row', ['i32', 'i32', 'i32', 'i32']);
    {
      const [out, g, y, bytes] = inner.params;
      const at = inner.local('i32');
      const [sum, sum1] = inner.v128s(2);
      const sums = [sum, sum1];
      inner.emit(
        rowLoop(at, bytes, 2, (row, u) => set(sums[u]!, f32x4.add(sums[u]!, f32x4.mul(row.load(g), row.load(y))))),
        set(sum, f32x4.add(sum, sum1)),
        set(sum, acrossLanes(f32x4.add, sum)),
        rowLoop(at, bytes, 2, row => row.store(out, f32x4.mul(row.load(y), f32x4.sub(row.load(g), sum)))),
      );
    }
    const f = module.func('softmaxGradient', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [bytes, row, to] = f.i32s(3);
    const word = (i: number) => i32.load(args, 4 * i);
    return f.emit(
      set(bytes, word(1)),
      threadRange(word(0), thread, threads, 1, row, to),
      eachRow(row, to, call(inner, ...[2, 3, 4].map(i => i32.add(word(i), i32.mul(row, bytes))), bytes)),
    );
  },
  args({ inputs: [g, y], output }, out) {
    out
      .i32(rowsOf(y!))
      .i32((y!.shape.at(-1) ?? 1) * 4)
      .address(output)
      .address(g!)
      .address(y!);
  },
  work: ({ output }) => sizeOf(output.shape),
};

export const SOFTMAX_GRADIENT_KERNELS: readonly WasmKernel[] = [softmaxGradient];
