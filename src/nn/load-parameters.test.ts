import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { createWasmBackend } from '../backends/wasm/index.ts';
import type { Checkpoint, TensorDType } from '../formats/index.ts';
import { decodeBlocks, encodeBlocks, tensorBytes, viewCheckpoint } from '../formats/index.ts';
import type { Backend, Tensor, WeightDType } from '../tensor/index.ts';
import { encodeF16 } from '../util/half.ts';
import { createRng } from '../util/rng.ts';
import { type LoadParametersOptions, loadParameters } from './load-parameters.ts';
import { param, type Spec } from './params.ts';

interface Written {
  readonly keep: boolean;
  readonly pieces: { readonly dtype: WeightDType; readonly bytes: Uint8Array }[];
}
/** A backend that keeps blocks, and what it was handed for each shape. */
function keeping(...keeps: string[]): { readonly backend: Backend; readonly written: Map<string, Written> } {
  const reference = createReferenceBackend();
  const written = new Map<string, Written>();
  const backend: Backend = {
    ...reference,
    keeps: new Set(keeps),
    weight(shape, options) {
      const own: Written = { keep: options.keep ?? false, pieces: [] };
      written.set(`${shape}`, own);
      return {
        async write(bytes, dtype) {
          own.pieces.push({ dtype, bytes: bytes.slice() });
        },
        finish: async () => reference.alloc(4),
        abort() {},
      };
    },
  };
  return { backend, written };
}
const rng = createRng(4);
const bytesOf = (dtype: TensorDType, shape: readonly number[]) => {
  const size = shape.reduce((n, d) => n * d, 1);
  if (dtype === 'Q8_0')
    return encodeBlocks(
      Float32Array.from({ length: size }, () => rng.normal()),
      dtype,
    );
  return new Uint8Array(tensorBytes(dtype, shape)!).fill(60);
};
function stored(tensors: Readonly<Record<string, readonly [TensorDType, ...number[]]>>) {
  const content = new Map(Object.entries(tensors).map(([name, [dtype, ...shape]]) => [name, bytesOf(dtype, shape)]));
  const reads: number[] = [];
  const checkpoint: Checkpoint = {
    format: 'memory',
    metadata: {},
    tensors: new Map(
      Object.entries(tensors).map(([name, [dtype, ...shape]]) => [
        name,
        { name, dtype, shape, byteLength: content.get(name)!.length },
      ]),
    ),
    async read(name, offset, length, into = new Uint8Array(length)) {
      reads.push(length);
      into.set(content.get(name)!.subarray(offset, offset + length));
      return into.subarray(0, length);
    },
    async close() {},
  };
  return { checkpoint, content, reads };
}
const matrix = (...shape: number[]) => param(shape, 'normal', { matrix: true });
const loadAll = (checkpoint: Checkpoint, spec: Spec, backend: Backend, options: Partial<LoadParametersOptions> = {}) =>
  loadParameters(checkpoint, spec, backend, { rename: key => key, keep: true, ...options });

describe('a weight in blocks', () => {
  const { checkpoint, content } = stored({ w: ['Q8_0', 6, 64] });
  const handed = async (spec: Spec, options: Partial<LoadParametersOptions>, ...keeps: string[]) => {
    const { backend, written } = keeping(...keeps);
    await loadAll(checkpoint, spec, backend, options);
    const [{ keep, pieces }] = [...written.values()] as [Written];
    return { keep, dtype: pieces[0]!.dtype, bytes: pieces[0]!.bytes };
  };

  it('stays as it is where the backend computes with it', async () => {
    const { keep, dtype, bytes } = await handed({ w: matrix(6, 64) }, {}, 'Q8_0');
    expect([keep, dtype]).toEqual([true, 'Q8_0']);
    expect(bytes).toEqual(content.get('w'));
  });

  it.each([
    ['the backend does not', { w: matrix(6, 64) }, {}, ['Q4_0']],
    ['it is asked for single precision', { w: matrix(6, 64) }, { keep: false }, ['Q8_0']],
    ['it is to be trained', { w: matrix(6, 64) }, { plain: true }, ['Q8_0']],
    ['it is no matrix', { w: param([6, 64], 'normal') }, {}, ['Q8_0']],
    ['the file holds its transpose', { w: param([64, 6], 'normal', { matrix: true, transposed: true }) }, {}, ['Q8_0']],
  ] as const)('becomes single precision where %s', async (_, spec, options, keeps) => {
    const { keep, dtype, bytes } = await handed(spec, options, ...keeps);
    expect([keep, dtype]).toEqual([false, 'F32']);
    expect(bytes).toEqual(new Uint8Array(decodeBlocks(content.get('w')!, 'Q8_0').buffer));
  });

  it('stays where its rows lie in another order', async () => {
    const { backend, written } = keeping('Q8_0');
    const views = new Map([['w', { source: 'w', interleaved: 6 }]]);
    await loadAll(viewCheckpoint(checkpoint, views, 'here'), { w: matrix(6, 64) }, backend);
    const { bytes, dtype } = written.get('6,64')!.pieces[0]!;
    const row = (i: number) => [...content.get('w')!.subarray(i * 68, (i + 1) * 68)];
    expect(dtype).toBe('Q8_0');
    expect([...bytes]).toEqual([0, 2, 4, 1, 3, 5].flatMap(row));
  });
});

it('reads into two buffers of a few megabytes, whatever the size of a weight', async () => {
  const { checkpoint, reads } = stored({ w: ['F16', 3000, 1024], norm: ['F32', 1024] });
  const { backend, written } = keeping('F16');
  const { names } = await loadAll(checkpoint, { w: matrix(3000, 1024), norm: param([1024], 'ones') }, backend);
  expect(Math.max(...reads)).toBeLessThanOrEqual(2 << 20);
  expect(reads.reduce((a, b) => a + b)).toBe(3000 * 2048 + 4096);
  expect(written.get('3000,1024')).toMatchObject({ keep: true });
  expect(written.get('1024')!.keep).toBe(false);
  expect([...names.keys()]).toEqual(['w', 'norm']);
});

it('makes a weight f32 whose numbers the backend cannot keep', async () => {
  const numbers = Float32Array.from({ length: 12 }, (_, i) => (i === 7 ? 1000 : i / 4));
  const { checkpoint, content } = stored({ w: ['F16', 3, 4] });
  content.get('w')!.set(new Uint8Array(encodeF16(numbers).buffer));
  const backend = await createWasmBackend({ threads: 1 });
  try {
    const { params } = await loadAll(checkpoint, { w: matrix(3, 4) }, backend);
    expect(await (params as { w: Tensor }).w.data()).toEqual(numbers);
  } finally {
    backend.close();
  }
});
