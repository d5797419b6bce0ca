import { describe, expect, it } from 'vitest';
import { type Arrangement, arrangedRows, storedBytes } from './arranged-rows.ts';
import type { TensorView } from './checkpoint-view.ts';
import { viewCheckpoint } from './checkpoint-view.ts';
import { bytesSource, openSafetensors, safetensorsBytes, type TensorToWrite, toFloat32 } from './index.ts';

const counting = (name: string, shape: readonly number[], from = 0): TensorToWrite => {
  const data = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => from + i);
  return { name, dtype: 'F32', shape, chunks: () => [new Uint8Array(data.buffer)] };
};
const open = (...tensors: TensorToWrite[]) => openSafetensors(bytesSource(safetensorsBytes(tensors)));

async function rowsOf(checkpoint: Awaited<ReturnType<typeof open>>, arrangement: Arrangement): Promise<Float32Array> {
  const pieces: Float32Array[] = [];
  for await (const piece of arrangedRows(checkpoint, arrangement)) pieces.push(piece);
  return Float32Array.from(pieces.flatMap(piece => [...piece]));
}

describe('arrangedRows', () => {
  it('turns matrices, stacks parts, adds', async () => {
    const checkpoint = await open(counting('x', [2, 3]), counting('y', [2, 3], 6));
    expect([...(await rowsOf(checkpoint, { sources: ['x'], transposed: true }))]).toEqual([0, 3, 1, 4, 2, 5]);
    expect([...(await rowsOf(checkpoint, { sources: ['x', 'y'] }))]).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect([...(await rowsOf(checkpoint, { sources: ['y'], plus: 1 }))]).toEqual([7, 8, 9, 10, 11, 12]);
    const transposed = { sources: ['x', 'y'], transposed: true };
    expect([...(await rowsOf(checkpoint, transposed))]).toEqual([0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
  });

  it.each([
    ['rows of heads', { interleaved: 4 }, [12, 5]],
    ['more than a piece', { interleaved: 8 }, [4096, 200]],
    ['a bias', { interleaved: 6 }, [12]],
    ['norms', { plus: 1 }, [9]],
  ] as const)('is undone by the view that reads it: %s', async (_, arrangement, shape) => {
    const source = await open(counting('x', shape));
    const rows = await rowsOf(source, { sources: ['x'], ...arrangement });
    const data = { ...counting('moved', shape), chunks: () => [new Uint8Array(rows.buffer)] };
    const view: TensorView = {
      source: 'moved',
      ...arrangement,
      ...('plus' in arrangement && { plus: -arrangement.plus }),
    };
    const again = viewCheckpoint(await open(data), new Map([['x', view]]), 'here');
    const { byteLength } = again.tensors.get('x')!;
    const values = toFloat32(await again.read('x', 0, byteLength), 'F32');
    expect(values).toEqual(toFloat32(await source.read('x', 0, byteLength), 'F32'));
    expect(rows).not.toEqual(values);
  });

  it('gives the bytes of a tensor as they are', async () => {
    const checkpoint = await open(counting('x', [1500, 1000]));
    let [bytes, pieces] = [0, 0];
    for await (const piece of storedBytes(checkpoint, 'x')) {
      expect(toFloat32(piece, 'F32')[0]).toBe(bytes / 4);
      bytes += piece.length;
      pieces++;
    }
    expect(bytes).toBe(6e6);
    expect(pieces).toBeGreaterThan(1);
  });
});
