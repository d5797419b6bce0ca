import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dict, floats, tensor, torchLegacy, torchZip } from '../../test/formats/torch-builder.ts';
import { isWeightsFile, openCheckpoint } from './open-checkpoint.ts';
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

describe('isWeightsFile', () => {
  it('goes by the ending', () => {
    const yes = [
      'a.safetensors',
      'a.safetensors.index.json',
      'pytorch_model.bin',
      'b.bin.index.json',
      'x.pt',
      'x.pth',
      'x.ckpt',
    ];
    expect(yes.filter(name => !isWeightsFile(name))).toEqual([]);
    expect(['model', 'bin', 'x.pt.index.json', 'a.bin.txt', 'index.json'].filter(isWeightsFile)).toEqual([]);
  });
});

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
      'holds a broken PyTorch file',
      { 'pytorch_model.bin': '' },
      /no PyTorch checkpoint; seen: an empty file/,
      'FormatError',
    ],
    [
      'holds two GGUF files',
      { 'x.gguf': '', 'y.gguf': '' },
      /holds no checkpoint; seen: "x\.gguf", "y\.gguf".*to do: give the path of the file/,
      'CheckpointError',
    ],
    [
      'holds a broken GGUF file and its second part',
      { 'x-00001-of-00002.gguf': '', 'x-00002-of-00002.gguf': '', 'config.json': '' },
      /file ends within its metadata.*x-00001/,
      'FormatError',
    ],
  ])('says what a folder holds that %s', async (_, files, message, name) => {
    await expect(openCheckpoint(await folder(files))).rejects.toThrow(expect.objectContaining({ name }));
    await expect(openCheckpoint(await folder(files))).rejects.toThrow(message);
  });

  it('tells a GGUF file by its first bytes', async () => {
    const path = await folder({ blob: Uint8Array.from('GGUF\x03', c => c.charCodeAt(0)) });
    await expect(openCheckpoint(join(path, 'blob'))).rejects.toThrow(/the file ends within its metadata/);
  });

  it('takes PyTorch files after safetensors, single before sharded, and tells them by their bytes', async () => {
    const torch = (name: string, data: number) =>
      torchZip(dict({ [name]: tensor({ shape: [1] }), 'module.w': tensor({ shape: [1] }) }), { 0: floats(data) });
    const path = await folder({
      'model.safetensors.index.json': index('s.safetensors'),
      's.safetensors': weights('shard'),
      'pytorch_model.bin': torch('single', 1),
      'pytorch_model.bin.index.json': index('p.bin'),
      'p.bin': torch('shard', 2),
      'really.bin': weights('safetensors'),
      'last.ckpt': torchLegacy(dict({ state_dict: dict({ 'module.w': tensor({ shape: [1] }) }) }), { 0: floats(3) }),
    });
    expect(await namesIn(path)).toEqual(['shard']);
    expect(await namesIn(join(path, 'last.ckpt'))).toEqual(['w']);
    expect(await namesIn(join(path, 'really.bin'))).toEqual(['safetensors']);
    await rm(join(path, 'model.safetensors.index.json'));
    expect(await namesIn(path)).toEqual(['single', 'module.w']);
    await rm(join(path, 'pytorch_model.bin'));
    const sharded = await openCheckpoint(path);
    expect([sharded.format, ...sharded.tensors.keys()]).toEqual(['pytorch', 'shard', 'module.w']);
    expect(await sharded.read('shard', 0, 4)).toEqual(floats(2));
    await sharded.close();
    await writeFile(join(path, 'pytorch_model.bin.index.json'), index('../p.bin'));
    await expect(openCheckpoint(path)).rejects.toThrow(
      /shard name leaves the folder of the index; seen: "\.\.\/p\.bin"/,
    );
  });

  it('names what is not there or not JSON', async () => {
    await expect(openCheckpoint(join(root, 'absent'))).rejects.toThrow(/there is no checkpoint; seen: .*ENOENT/);
    const path = await folder({ 'model.safetensors.index.json': '{"weight_map":' });
    await expect(openCheckpoint(path)).rejects.toThrow(
      /not the expected JSON; seen: the end of the text; .*model\.safetensors\.index\.json, character 14/,
    );
  });

  it('looks for shards beside the index only', async () => {
    const path = await folder({ 'model.safetensors.index.json': index('../other.safetensors') });
    await writeFile(join(root, 'other.safetensors'), weights('shard'));
    await expect(openCheckpoint(path)).rejects.toThrow(/leaves the folder of the index; seen: "\.\.\/other/);
  });
});
