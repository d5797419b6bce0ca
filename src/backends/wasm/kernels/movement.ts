/** Kernels that only move elements: copy and concat of strided inputs of any dtype, and the numbers 0, 1, 2, ... */
import { bytesOf, type DType } from '../../../tensor/dtype.ts';
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import { brIf, type Code, type Func, forLess, i32, loop, set, tee } from '../assembler.ts';
import { KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import { afterWalk, emitWalk, type Form, rowFunction, walkArgs } from './broadcast.ts';
import { threadRange } from './rows.ts';

const move = (kind: 'word' | 'bytes'): Form => ({
  from: [],
  to: 'f32',
  kinds: [kind],
  result: kind,
  code: (_, x) => x,
});
const copyRows = (context: ModuleContext): Func[] => [
  context.shared('copy words', () => rowFunction(context, 'copy words', move('word'))),
  context.shared('copy bytes', () => rowFunction(context, 'copy bytes', move('bytes'))),
];
const formOf = (dtype: DType) => (bytesOf(dtype) === 4 ? 0 : 1);

const copy: WasmKernel = {
  name: 'copy',
  access: ['strided'],
  emit(context) {
    const rows = copyRows(context);
    const f = context.module.func('copy', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    return f.emit(emitWalk(context, rows, args, thread, threads));
  },
  args: ({ inputs, output }, out) => {
    walkArgs(out, formOf(output.dtype), output, inputs);
  },
};

/** Argument words: number of inputs, then one walk per input. */
const concat: WasmKernel = {
  name: 'concat',
  access: ['strided'],
  emit(context) {
    const rows = copyRows(context);
    const f = context.module.func('concat', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const left = f.local('i32');
    return f.emit(
      set(left, i32.load(args)),
      set(args, i32.add(args, i32.const(4))),
      loop(
        emitWalk(context, rows, args, thread, threads),
        set(args, afterWalk(args)),
        brIf(0, tee(left, i32.sub(left, i32.const(1)))),
      ),
    );
  },
  args({ inputs, output, attrs }, out) {
    const { axis } = attrs as { axis: number };
    out.i32(inputs.length);
    let offset = output.offset;
    for (const input of inputs) {
      // The part of the output that this input fills.
      const part: View = { ...output, offset, shape: input.shape };
      walkArgs(out, formOf(output.dtype), part, [input]);
      offset += input.shape[axis]! * output.strides[axis]!;
    }
  },
};

const iota: WasmKernel = {
  name: 'iota',
  emit(context) {
    const f = context.module.func('iota', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [out, i, end] = f.i32s(3);
    const at: Code = i32.add(out, i32.shl(i, i32.const(2)));
    return f.emit(
      set(out, i32.load(args)),
      threadRange(i32.load(args, 4), thread, threads, 16, i, end),
      forLess(i, end, 1, i32.store(at, i)),
    );
  },
  args: ({ output }, out) => {
    out.address(output).i32(sizeOf(output.shape));
  },
};

export const MOVEMENT_KERNELS: readonly WasmKernel[] = [copy, concat, iota];
