/** matmul [a [..., M, K], b [..., K, N]] -> [..., M, N]: any strides, batch axes broadcast. */
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import { call } from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { MULTIPLY_ADDS, type Product, product, writeProduct } from './product.ts';

export const matmul: WasmKernel = {
  name: 'matmul',
  access: ['strided'],
  emit(context) {
    const multiply = product(context);
    const f = context.module.func('matmul', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    return f.emit(call(multiply, args, thread, threads));
  },
  args({ inputs, output }, out, features) {
    writeProduct(columnAsRow(foldRows(asProduct(inputs[0]!, inputs[1]!, output))), out, features);
  },
  work: ({ inputs: [a], output }) => (sizeOf(output.shape) * a!.shape.at(-1)!) / MULTIPLY_ADDS,
};

function asProduct(a: View, b: View, c: View): Product {
  const batchRank = c.shape.length - 2;
  const stride = (v: View, d: number) => {
    const axis = d + v.shape.length - c.shape.length;
    return axis < 0 || v.shape[axis] === 1 ? 0 : v.strides[axis]!;
  };
  return {
    a,
    b,
    c,
    m: a.shape.at(-2)!,
    n: b.shape.at(-1)!,
    k: a.shape.at(-1)!,
    aStrides: [a.strides.at(-2)!, a.strides.at(-1)!],
    bStrides: [b.strides.at(-1)!, b.strides.at(-2)!],
    panels: false,
    batch: Array.from({ length: batchRank }, (_, d) => ({
      size: c.shape[d]!,
      a: stride(a, d),
      b: stride(b, d),
    })).filter(axis => axis.size !== 1),
  };
}

/** Batches that share B and whose rows of A continue each other are one taller product. */
function foldRows(p: Product): Product {
  const inner = p.batch.at(-1);
  if (inner?.b !== 0 || (p.m !== 1 && inner.a !== p.m * p.aStrides[0])) return p;
  const aStrides = [p.m === 1 ? inner.a : p.aStrides[0], p.aStrides[1]] as const;
  return foldRows({ ...p, aStrides, m: p.m * inner.size, batch: p.batch.slice(0, -1) });
}

/** A single column is computed as a single row, C^T = B^T A^T: a row wastes no lanes, and C lies the same either way. */
function columnAsRow(p: Product): Product {
  if (p.n !== 1 || p.m === 1) return p;
  return {
    ...p,
    a: p.b,
    b: p.a,
    m: 1,
    n: p.m,
    aStrides: p.bStrides,
    bStrides: p.aStrides,
    batch: p.batch.map(({ size, a, b }) => ({ size, a: b, b: a })),
  };
}
