import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderFiles, memoryFiles } from './files.ts';

const DATA = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-files-'));
});
afterAll(() => rm(root, { recursive: true }));

const text = async (files: ReturnType<typeof memoryFiles>, name: string) => {
  const source = await files.open(name);
  if (!source) return undefined;
  const bytes = await source.read(0, source.size);
  await source.close();
  return new TextDecoder().decode(bytes);
};
const LEADING_OUT = ['../gpt2/config.json', '..', '', '/etc/hostname', 'a/b', 'a\\b', 'C:x', 'config.json\0'];

describe('folderFiles', () => {
  it('gives the files of a folder and says when there is none', async () => {
    const files = folderFiles(`${DATA}llama`);
    expect(await text(files, 'config.json')).toContain('"llama"');
    expect(await files.open('absent.json')).toBeUndefined();
    expect(await files.list?.()).toContain('golden.safetensors');
    expect(files.weights).toBeUndefined();
  });

  it('takes a weights file, with the others beside it', async () => {
    const files = folderFiles(`${DATA}llama/model.safetensors`);
    expect(files.weights).toBe('model.safetensors');
    expect(await text(files, 'config.json')).toContain('"llama"');
    expect(await files.open('absent.json')).toBeUndefined();
  });

  it('says what a path is that holds no model', async () => {
    await expect(folderFiles('openai-community/gpt2').open('config.json')).rejects.toThrow(
      /no such model; seen: openai-community\/gpt2; expected: an existing folder or weights file, .*http.*name of a model on the hub/,
    );
    await expect(folderFiles(join(root, 'absent.safetensors')).open('config.json')).rejects.toThrow(/no such model/);
    await writeFile(join(root, 'model.onnx'), '');
    await expect(folderFiles(join(root, 'model.onnx')).open('config.json')).rejects.toThrow(
      expect.objectContaining({ name: 'UnsupportedError', message: expect.stringContaining('model.onnx') }),
    );
  });

  it.each(LEADING_OUT)('refuses the name %j', async name => {
    await expect(folderFiles(`${DATA}llama`).open(name)).rejects.toThrow(/file name leaves the model; seen: /);
  });
});

describe('memoryFiles', () => {
  const files = memoryFiles({ 'a.json': new TextEncoder().encode('{}'), b: new Blob(['blob']) }, 'dropped files');

  it('gives bytes and Blobs by name', async () => {
    expect(await text(files, 'a.json')).toBe('{}');
    expect(await text(files, 'b')).toBe('blob');
    expect(await files.open('c')).toBeUndefined();
    expect(await files.open('toString')).toBeUndefined();
    expect(await files.list?.()).toEqual(['a.json', 'b']);
    expect((await files.open('b'))?.name).toBe('dropped files/b');
  });

  it.each(LEADING_OUT)('refuses the name %j', async name => {
    await expect(files.open(name)).rejects.toThrow(/file name leaves the model; .*\(in dropped files\)/);
  });
});
