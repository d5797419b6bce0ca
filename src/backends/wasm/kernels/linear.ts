/** linear [x [..., K], weight [N, K], bias? [N]] = x W^T + b. */
import { sizeOf } from '../../../tensor/shape.ts';
import { call } from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { MULTIPLY_ADDS, product, writeProduct } from './product.ts';

export const linear: WasmKernel = {
  name: 'linear',
  access: ['dense'],
  formats: [undefined, ['panels'], undefined],
  emit(context) {
    const multiply = product(context);
    const f = context.module.func('linear', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    return f.emit(call(multiply, args, thread, threads));
  },
  args({ inputs: [x, weight, bias], output }, out, features) {
    const [n, k] = weight!.shape as [number, number];
    writeProduct(
      {
        a: x!,
        b: weight!,
        bias,
        c: output,
        m: sizeOf(x!.shape.slice(0, -1)),
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
