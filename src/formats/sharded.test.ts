import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../errors.ts';
import { openSafetensors } from './safetensors.ts';
import { safetensorsBytes } from './safetensors-write.ts';
import { openSharded } from './sharded.ts';
import { bytesSource } from './source.ts';
import type { TensorToWrite } from './tensor-stream.ts';

const tensor = (name: string, value: number): TensorToWrite => {
  return { name, dtype: 'U8', shape: [4], chunks: () => [new Uint8Array(4).fill(value)] };
};

/** Two shards; `open` counts what is open. */
function shards() {
  const files: Record<string, Uint8Array> = {
    '1.safetensors': safetensorsBytes([tensor('a', 1), tensor('twice', 11)], { format: 'pt', from: '1' }),
    '2.safetensors': safetensorsBytes([tensor('b', 2), tensor('twice', 22), tensor('unnamed', 3)]),
    'broken.safetensors': new Uint8Array(3),
  };
  const state = { open: 0 };
  const open = async (name: string) => {
    const bytes = files[name];
    if (bytes === undefined) throw new Error(`ENOENT ${name}`);
    state.open++;
    const source = bytesSource(bytes, name);
    return { ...source, close: async () => void state.open-- };
  };
  return { open, state };
}

const read = openSafetensors;
const json = (index: unknown) => JSON.stringify(index);
const weightMap = { a: '1.safetensors', twice: '2.safetensors', b: '2.safetensors' };

describe('openSharded', () => {
  it('joins shards; the index decides on tensors that are in two', async () => {
    const { open, state } = shards();
    const checkpoint = await openSharded(json({ metadata: { total_size: 12 }, weight_map: weightMap }), { open, read });
    expect([...checkpoint.tensors.keys()].sort()).toEqual(['a', 'b', 'twice', 'unnamed']);
    expect(checkpoint.metadata).toEqual({ format: 'pt', from: '1' });
    for (const [name, value] of Object.entries({ a: 1, b: 2, twice: 22, unnamed: 3 })) {
      expect([...(await checkpoint.read(name, 1, 2))]).toEqual([value, value]);
    }
    await expect(checkpoint.read('c', 0, 1)).rejects.toThrow(
      /no such tensor; seen: "c" \(in model\.safetensors\.index/,
    );
    expect(state.open).toBe(2);
    await checkpoint.close();
    expect(state.open).toBe(0);
  });

  it.each<[string, unknown, RegExp]>([
    [
      'an index that is an array',
      [],
      /not the expected JSON; seen: \[; expected: an object \(in x\.json, character 0\)/,
    ],
    ['an index without map', { metadata: {} }, /index has no weight_map; expected: .*in x\.json/],
    [
      'a map of other things',
      { weight_map: { a: 1 } },
      /seen: 1; expected: a string \(in x\.json, character 19, at "weight_map" > "a"\)/,
    ],
    ['metadata that is a text', { metadata: 'x', weight_map: {} }, /seen: "; expected: an object .*at "metadata"/],
    [
      'a missing shard',
      { weight_map: { a: '1.safetensors', b: '3.safetensors' } },
      /shard cannot be opened; seen: "3\.safetensors": ENOENT/,
    ],
    [
      'a corrupt shard',
      { weight_map: { a: '1.safetensors', b: 'broken.safetensors' } },
      /too short.*in broken\.safetensors/,
    ],
    [
      'tensors that are not in their shard, all at once',
      { weight_map: { ...weightMap, b: '1.safetensors', c: '2.safetensors' } },
      /names 2 tensors that are not in their shard; seen: "b" in "1\.safetensors", "c" in "2\.safetensors"/,
    ],
    [
      'a tensor in two shards that the index does not name',
      { weight_map: { a: '1.safetensors', b: '2.safetensors' } },
      /in two shards.*seen: "twice"/,
    ],
    [
      'shards that cannot hold what the index counts',
      { metadata: { total_size: 100_000 }, weight_map: weightMap },
      /hold less than the index says.*seen: \d+ bytes in 2 shards; expected: 100000 bytes/,
    ],
  ])('refuses %s and closes what it opened', async (_, index, message) => {
    const { open, state } = shards();
    await expect(openSharded(json(index), { open, read, where: 'x.json' })).rejects.toThrow(message);
    expect(state.open).toBe(0);
  });

  it('passes on why a hub or a server gives no shard', async () => {
    const failure = new CheckpointError('the hub refuses the file', { fix: 'set a token' });
    const open = () => Promise.reject(failure);
    await expect(openSharded(json({ weight_map: weightMap }), { open, read })).rejects.toBe(failure);
  });

  it.each(['../m', '..', '.', '', '/m', 'a/b', 'a\\b', 'C:m', 'm\0', 'm\n', '\u0085'])(
    'refuses the shard name %j before it opens anything',
    async name => {
      let opened = 0;
      const open = async () => {
        opened++;
        return bytesSource(safetensorsBytes([]));
      };
      const index = { weight_map: { first: 'fine.safetensors', a: name } };
      await expect(openSharded(json(index), { open, read })).rejects.toThrow(
        /shard name leaves the folder.*tensor "a"/,
      );
      expect(opened).toBe(0);
    },
  );
});
