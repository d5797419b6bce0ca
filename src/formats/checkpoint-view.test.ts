import { describe, expect, it } from 'vitest';
import { type Checkpoint, readRange, toFloat32 } from './checkpoint.ts';
import { type TensorView, viewCheckpoint } from './checkpoint-view.ts';

/** A checkpoint of I8 tensors with the values 0, 1, 2 ..., and one of F16. */
function counting(shapes: Record<string, number[]>): Checkpoint {
  const names = Object.entries(shapes);
  const entry = (name: string, shape: number[]) =>
    [
      name,
      {
        name,
        dtype: name === 'half' ? 'F16' : 'I8',
        shape,
        byteLength: shape.reduce((n, d) => n * d, name === 'half' ? 2 : 1),
      },
    ] as const;
  const tensors = new Map(names.map(([name, shape]) => entry(name, shape)));
  return {
    format: 'counting',
    metadata: { a: 'b' },
    tensors,
    async read(name, offset, length, into = new Uint8Array(length)) {
      readRange(tensors, name, offset, length, 'here');
      for (let i = 0; i < length; i++) into[i] = name === 'half' ? [0x00, 0x3c][(offset + i) % 2]! : offset + i;
      return into;
    },
    async close() {},
  };
}
const view = (shapes: Record<string, number[]>, views: Record<string, TensorView>) =>
  viewCheckpoint(counting(shapes), new Map(Object.entries(views)), 'here');
const all = async (checkpoint: Checkpoint, name: string) => [
  ...(await checkpoint.read(name, 0, checkpoint.tensors.get(name)!.byteLength)),
];

describe('viewCheckpoint', () => {
  it('renames, in the order of the views', async () => {
    const { tensors, metadata, read } = view({ x: [2, 2], y: [3] }, { b: { source: 'y' }, a: { source: 'x' } });
    expect([...tensors.keys()]).toEqual(['b', 'a']);
    expect(tensors.get('a')).toMatchObject({ name: 'a', dtype: 'I8', shape: [2, 2], byteLength: 4 });
    expect(metadata).toEqual({ a: 'b' });
    const into = new Uint8Array(5);
    expect([...(await read('a', 1, 2, into))]).toEqual([1, 2]);
    expect([...into]).toEqual([1, 2, 0, 0, 0]);
    await expect(read('x', 0, 1)).rejects.toThrow(/no such tensor/);
    await expect(read('a', 3, 2)).rejects.toThrow(/outside the tensor/);
  });

  it('takes a tensor apart along its first axis', async () => {
    const checkpoint = view({ x: [3, 2, 2] }, { second: { source: 'x', part: [1, 3] } });
    expect(checkpoint.tensors.get('second')!.shape).toEqual([2, 2]);
    expect(await all(checkpoint, 'second')).toEqual([4, 5, 6, 7]);
    expect(() => view({ x: [3, 2] }, { y: { source: 'x', part: [0, 2] } })).toThrow(
      /seen: \[3, 2\]; expected: 2 parts/,
    );
  });

  it('puts interleaved rows back into halves, whatever range is read', async () => {
    // Two groups of six rows of two: the first half of a group is rows 0, 2, 4 of the source, the second 1, 3, 5.
    const checkpoint = view({ x: [12, 2] }, { y: { source: 'x', interleaved: 6 } });
    const rows = [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11].flatMap(row => [2 * row, 2 * row + 1]);
    expect(await all(checkpoint, 'y')).toEqual(rows);
    for (let from = 0; from <= 24; from++)
      for (let to = from; to <= 24; to++)
        expect([...(await checkpoint.read('y', from, to - from))]).toEqual(rows.slice(from, to));
    for (const interleaved of [5, 3, 2.4, 24])
      expect(() => view({ x: [12] }, { y: { source: 'x', interleaved } })).toThrow(/rows in groups/);
  });

  it('adds a number, and gives floats', async () => {
    const checkpoint = view({ half: [4] }, { y: { source: 'half', plus: -0.25 } });
    expect(checkpoint.tensors.get('y')).toMatchObject({ dtype: 'F32', byteLength: 16 });
    expect([...toFloat32(await checkpoint.read('y', 4, 8), 'F32')]).toEqual([0.75, 0.75]);
  });
});
