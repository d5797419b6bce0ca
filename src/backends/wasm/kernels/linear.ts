/** linear [x [..., K], weight [N, K], bias? [N]] = x W^T + b, with the weight as floats or quantised. */
import { sizeOf } from '../../../tensor/shape.ts';
import { call, i32, ret, when } from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { MULTIPLY_ADDS, product, writeProduct } from './product.ts';
import { QUANTIZED_FORMATS, quantizedKind } from './quantized-layout.ts';
import { quantizedProduct, writeQuantizedProduct } from './quantized-product.ts';

export const linear: WasmKernel = {
  name: 'linear',
  access: ['dense'],
  formats: [undefined, ['panels', ...QUANTIZED_FORMATS], undefined],
  emit(context) {
    const multiply = product(context);
    const multiplyQuantized = quantizedProduct(context);
    const f = context.module.func('linear', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    return f.emit(
      when(i32.load(args), [call(multiplyQuantized, args, thread, threads), ret]),
      call(multiply, i32.add(args, i32.const(4)), thread, threads),
    );
  },
  args({ inputs: [x, weight, bias], output }, out, features) {
    const [n, k] = weight!.shape as [number, number];
    const m = sizeOf(x!.shape.slice(0, -1));
    const kind = quantizedKind(weight!.format);
    out.i32(kind);
    if (kind) writeQuantizedProduct({ x: x!, weight: weight!, bias, c: output, m, n, k }, out, features);
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
