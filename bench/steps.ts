/** Single steps on a backend, without the tensor graph: what a kernel costs together with the threads that run it. */
import type { WasmBackend } from '../src/backends/wasm/index.ts';
import type { DeviceBuffer } from '../src/tensor/backend.ts';
import type { View } from '../src/tensor/plan.ts';
import { rowMajor, type Shape, sizeOf } from '../src/tensor/shape.ts';

export interface Operand {
  readonly buffer: DeviceBuffer;
  readonly shape: Shape;
  /** Whatever its format is: for kernels that only look at bytes. */
  readonly asFloats?: boolean;
}

/** f32 values in [-0.5, 0.5) that repeat every 997. */
const PATTERN = Float32Array.from({ length: 997 * 64 }, (_, i) => ((i * 7919) % 997) / 997 - 0.5);

/** A buffer of a shape, filled. */
export async function filled(backend: WasmBackend, shape: Shape, matrix = false): Promise<Operand> {
  const [rows, columns] = [shape[0]!, sizeOf(shape.slice(1))];
  const writer = backend.weight(shape, { matrix });
  const atOnce = Math.max(1, Math.floor(PATTERN.length / columns));
  for (let row = 0; row < rows; row += atOnce) {
    const elements = Math.min(atOnce, rows - row) * columns;
    const part = elements <= PATTERN.length ? PATTERN.subarray(0, elements) : new Float32Array(elements);
    await writer.write(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), 'F32');
  }
  return { buffer: await writer.finish(), shape };
}

/** A function that runs `op` `times` times in one submission. */
export function repeatStep(
  backend: WasmBackend,
  op: string,
  inputs: readonly Operand[],
  output: Operand,
  times: number,
): () => Promise<void> {
  const leaves = [...inputs, output].map(operand => operand.buffer);
  const views = [...inputs, output].map(
    ({ shape, buffer, asFloats }, index): View => ({
      slot: { kind: 'leaf', index },
      offset: 0,
      shape,
      strides: rowMajor(shape),
      dtype: 'f32',
      format: asFloats ? undefined : buffer.format,
    }),
  );
  const step = { op, attrs: undefined, inputs: views.slice(0, -1), output: views.at(-1)!, path: '' };
  const plan = { steps: new Array(times).fill(step), arenaBytes: 0, uploads: [], reads: [] };
  const prepared = backend.prepare(plan);
  return async () => {
    await backend.run(prepared, { leaves, uploads: [], results: [] });
  };
}
