import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from './open-checkpoint.ts';
import { safetensorsBytes } from './safetensors-write.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-open-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A folder with the given files. */
async function folder(files: Record<string, string | Uint8Array>): Promise<string> {
  const path = await mkdtemp(join(root, 'case-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

const weights = (name: string) =>
  safetensorsBytes([{ name, dtype: 'U8', shape: [1], chunks: () => [Uint8Array.of(1)] }]);
const index = (file: string) => JSON.stringify({ weight_map: { shard: file } });

async function namesIn(path: string): Promise<string[]> {
  const checkpoint = await openCheckpoint(path);
  await checkpoint.close();
  return [...checkpoint.tensors.keys()];
}

describe('openCheckpoint', () => {
  it('prefers model.safetensors to the index, and takes either by its path', async () => {
    const path = await folder({
      'model.safetensors': weights('single'),
      's.safetensors': weights('shard'),
      'model.safetensors.index.json': index('s.safetensors'),
      'pytorch_model.bin': 'PK',
    });
    expect(await namesIn(path)).toEqual(['single']);
    expect(await namesIn(join(path, 's.safetensors'))).toEqual(['shard']);
    expect(await namesIn(join(path, 'model.safetensors.index.json'))).toEqual(['shard']);
    await rm(join(path, 'model.safetensors'));
    expect(await namesIn(path)).toEqual(['shard']);
  });

  it.each<[string, Record<string, string>, RegExp, string]>([
    [
      'is empty',
      {},
      /holds no checkpoint; seen: an empty folder; expected: model\.safetensors or model\.saf/,
      'CheckpointError',
    ],
    [
      'holds other things',
      { 'b.txt': '', 'a.md': '' },
      /holds no checkpoint; seen: "a\.md", "b\.txt"/,
      'CheckpointError',
    ],
    [
      'has another name for it',
      { 'adapter.safetensors': '' },
      /seen: "adapter\.saf.*to do: give the path of the file/,
      'CheckpointError',
    ],
    [
      'holds a PyTorch file',
      { 'pytorch_model.bin': '' },
      /such as "pytorch_model\.bin" come later; seen: /,
      'UnsupportedError',
    ],
    [
      'holds a GGUF file',
      { 'x.gguf': '', 'config.json': '' },
      /"x\.gguf" come later; seen: "config\.json", /,
      'UnsupportedError',
    ],
  ])('says what a folder holds that %s', async (_, files, message, name) => {
    await expect(openCheckpoint(await folder(files))).rejects.toThrow(expect.objectContaining({ name }));
    await expect(openCheckpoint(await folder(files))).rejects.toThrow(message);
  });

  it.each([
    ['GGUF', 'GGUF\x03\0\0\0\0\0\0\0'],
    ['PyTorch (zip)', 'PK\x03\x04\0\0\x08\x08\0\0\0\0'],
    ['PyTorch (pickle)', '\x80\x02\x8a\x0alfcF\x9c'],
  ])('tells a %s file by its first bytes', async (format, text) => {
    const path = await folder({ blob: Uint8Array.from(text, c => c.charCodeAt(0)) });
    await expect(openCheckpoint(join(path, 'blob'))).rejects.toThrow(
      `${format} files come later; expected: safetensors`,
    );
  });

  it('names what is not there or not JSON', async () => {
    await expect(openCheckpoint(join(root, 'absent'))).rejects.toThrow(/there is no checkpoint; seen: .*ENOENT/);
    const path = await folder({ 'model.safetensors.index.json': '{"weight_map":' });
    await expect(openCheckpoint(path)).rejects.toThrow(/index is not JSON; seen: SyntaxError/);
  });

  it('looks for shards beside the index only', async () => {
    const path = await folder({ 'model.safetensors.index.json': index('../other.safetensors') });
    await writeFile(join(root, 'other.safetensors'), weights('shard'));
    await expect(openCheckpoint(path)).rejects.toThrow(/leaves the folder of the index; seen: "\.\.\/other/);
  });
});
