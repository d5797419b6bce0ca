/** linear [x [..., K], weight [N, K], bias? [N]] = x W^T + b, with the weight as floats or as its file has it. */
import { sizeOf } from '../../../tensor/shape.ts';
import { call, i32, ret, when } from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { MULTIPLY_ADDS, product, writeProduct } from './product.ts';
import { KEPT_FORMATS, kindOf } from './quantized-layout.ts';
import { keptProduct, writeKeptProduct } from './quantized-product.ts';

export const linear: WasmKernel = {
  name: 'linear',
  access: ['dense'],
  formats: [undefined, ['panels', ...KEPT_FORMATS], undefined],
  banked: true,
  emit(context) {
    const multiply = product(context);
    const multiplyKept = keptProduct(context);
    const f = context.module.func('linear', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    return f.emit(
      when(i32.load(args), [call(multiplyKept, args, thread, threads), ret]),
      call(multiply, i32.add(args, i32.const(4)), thread, threads),
    );
  },
  args({ inputs: [x, weight, bias], output }, out, features) {
    const [n, k] = weight!.shape as [number, number];
    const m = sizeOf(x!.shape.slice(0, -1));
    const kind = kindOf(weight!.format);
    out.i32(kind);
    if (kind) writeKeptProduct({ x: x!, weight: weight!, bias, c: output, m, n, k }, out, features);
    else
      writeProduct(
        {
          a: x!,
          b: weight!,
          bias,
          c: output,
          m,
          n,
          k,
          aStrides: [k, 1],
          bStrides: [k, 1],
          panels: weight!.format === 'panels',
          batch: [],
        },
        out,
        features,
      );
  },
  work: ({ inputs: [x, weight] }) => (sizeOf(x!.shape) * weight!.shape[0]!) / MULTIPLY_ADDS,
};
