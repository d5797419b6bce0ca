import { cp, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { folderFiles, type ModelFiles, memoryFiles, urlFiles } from './files.ts';
import { load } from './load.ts';

const DATA = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const TOKENIZERS = fileURLToPath(new URL('../../test/tokenizers/data/', import.meta.url));
const backend = createReferenceBackend();
const input_ids = [[5, 17, 3, 99, 42]];

/** Logits of the last token. */
async function logitsOf(source: string | ModelFiles): Promise<number[]> {
  const model = await load(source, { backend });
  const { logits } = await model.run({ input_ids });
  const last = (await logits.data()).slice(-model.vocabSize);
  model.dispose();
  return [...last];
}
async function inMemory(folder: string, wrap: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | Blob = bytes => bytes) {
  const names = await readdir(folder);
  const read = async (name: string) => [name, wrap(new Uint8Array(await readFile(join(folder, name))))] as const;
  return Object.fromEntries(await Promise.all(names.map(read)));
}

let root = '';
let server: Server;
let address = '';
const asked: string[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-load-'));
  server = createServer(async (request, response) => {
    asked.push(request.url!);
    const bytes = await readFile(DATA + request.url!).catch(() => undefined);
    response.writeHead(bytes ? 200 : 404).end(bytes);
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(root, { recursive: true });
});

describe('load', () => {
  it('gives the same model from a folder, a file, memory and the web', async () => {
    const expected = await logitsOf(`${DATA}llama`);
    expect(expected.length).toBe(120);
    await cp(`${DATA}llama`, root, { recursive: true });
    await rename(join(root, 'model.safetensors'), join(root, 'weights.safetensors'));
    const sources: Record<string, string | ModelFiles> = {
      files: folderFiles(`${DATA}llama`),
      single: join(root, 'weights.safetensors'),
      bytes: memoryFiles(await inMemory(`${DATA}llama`)),
      blobs: memoryFiles(await inMemory(`${DATA}llama`, bytes => new Blob([bytes]))),
      url: `${address}/llama`,
      'url of a file': `${address}/llama/model.safetensors`,
      'url files': urlFiles(`${address}/llama/`),
      shards: `${DATA}llama-sharded`,
      'url of shards': `${address}/llama-sharded`,
      'url of an index': `${address}/llama-sharded/model.safetensors.index.json`,
    };
    for (const [name, source] of Object.entries(sources))
      expect([name, await logitsOf(source)]).toEqual([name, expected]);
  });

  it('finds the tokenizer of any form, where files can be listed and where not', async () => {
    const model = await inMemory(`${DATA}gpt2`);
    const text = 'Der Hund jagt die Katze.';
    for (const [folder, without] of [
      ['llama2-style', ''],
      ['llama2-style', 'tokenizer.json'],
      ['roberta-style', ''],
      ['roberta-style', 'tokenizer.json'],
    ] as const) {
      const files = { ...model, ...(await inMemory(TOKENIZERS + folder)) };
      delete files[without];
      const listed = memoryFiles(files);
      const unlisted: ModelFiles = { name: 'unlisted', open: listed.open };
      const ids = [];
      for (const source of [listed, unlisted]) {
        const { tokenizer } = await load(source, { backend });
        ids.push(tokenizer.encodeIds(text));
        expect(tokenizer.decode(ids.at(-1)!, { skipSpecialTokens: true })).toBe(text);
      }
      expect(ids[0]).toEqual(ids[1]);
    }
    const {
      'merges.txt': _,
      'tokenizer.json': __,
      ...incomplete
    } = { ...model, ...(await inMemory(`${TOKENIZERS}roberta-style`)) };
    const bare = await load({ name: 'bare', open: memoryFiles(incomplete).open }, { backend });
    expect(() => bare.tokenizer).toThrow(/has no tokenizer/);
  });

  it('asks a server for nothing twice', async () => {
    asked.length = 0;
    await logitsOf(`${address}/llama`);
    expect(asked.filter((path, i) => asked.indexOf(path) !== i)).toEqual([]);
    expect(asked.filter(path => !path.startsWith('/llama/'))).toEqual([]);
  });

  it('says which file is missing or wrong, and where', async () => {
    const files = await inMemory(`${DATA}gpt2`);
    const bytes = (text: string) => new TextEncoder().encode(text);
    const failing = (changed: Record<string, Uint8Array>) =>
      load(memoryFiles({ ...files, ...changed }, 'mine'), { backend });
    await expect(load(memoryFiles({}, 'mine'))).rejects.toThrow(/no config\.json; seen: mine/);
    await expect(load(`${address}/absent`)).rejects.toThrow(/no config\.json; seen: http:\/\/127.*\/absent\//);
    await expect(failing({ 'config.json': bytes('{') })).rejects.toThrow(
      /config\.json is not valid JSON; .*\(in mine\)/,
    );
    await expect(failing({ 'config.json': bytes('[]') })).rejects.toThrow(
      /not a JSON object; seen: a list \(in mine\)/,
    );
    const unset = await failing({ 'generation_config.json': Uint8Array.of(255) });
    await unset.run({ input_ids: [[1, 2]] });
    expect(() => unset.generateIds([[1]])).toThrow(/generation settings .*cannot be used; .*generation_config\.json/);
    unset.dispose();
    await expect(failing({ 'model.safetensors': bytes('GGUF') })).rejects.toThrow(
      /the file ends within its metadata; .*\(in mine\/model/,
    );
    const { 'model.safetensors': weights, ...rest } = files;
    await expect(load(memoryFiles(rest, 'mine'), { backend })).rejects.toThrow(/holds no checkpoint; .*\(in mine\)/);
    await expect(load({ name: 'there', open: memoryFiles(rest).open }, { backend })).rejects.toThrow(
      /no weights; expected: model\.safetensors or model\.safetensors\.index\.json or .*\(in there\)/,
    );
    expect(weights).toBeDefined();
    const { 'model-00002-of-00002.safetensors': _, ...halves } = await inMemory(`${DATA}llama-sharded`);
    await expect(load(memoryFiles(halves, 'mine'), { backend })).rejects.toThrow(
      /shard cannot be opened; seen: "model-00002.*": no such file; .*\(in mine\/model\.safetensors\.index\.json\)/,
    );
  });

  it('throws what the signal says, wherever it is', async () => {
    const stop = new Error('enough');
    for (const after of ['config.json', 'model.safetensors.index.json', 'model-00002-of-00002.safetensors']) {
      const controller = new AbortController();
      const { open } = folderFiles(`${DATA}llama-sharded`);
      const files: ModelFiles = {
        name: 'slow',
        async open(file, signal) {
          if (file === after) controller.abort(stop);
          signal?.throwIfAborted();
          return open(file);
        },
      };
      await expect(load(files, { backend, signal: controller.signal })).rejects.toBe(stop);
    }
    await expect(load(`${DATA}llama`, { backend, signal: AbortSignal.abort(stop) })).rejects.toBe(stop);
  });

  it('runs on ids when the tokenizer cannot be used, and says why it cannot', async () => {
    const files = await inMemory(`${DATA}gpt2`);
    const text = new TextEncoder();
    for (const [broken, why] of [
      ['{"model": {"type": "BPE"', /tokenizer.json/],
      ['{"model": {"type": "Telepathy"}}', /Telepathy is not supported/],
    ] as const) {
      const model = await load(memoryFiles({ ...files, 'tokenizer.json': text.encode(broken) }, 'a model'), {
        backend,
      });
      expect((await model.run({ input_ids })).logits.shape).toEqual([1, 5, 120]);
      expect(() => model.tokenizer).toThrow(why);
      expect(() => model.generate('text')).toThrow(/cannot be used.*\(in a model\)/);
      model.dispose();
    }
  });

  it('names the heads there are when asked for another', async () => {
    const wrong = 'lm' as 'causalLM';
    await expect(load(`${DATA}gpt2`, { backend, head: wrong })).rejects.toThrow(
      /causalLM or sequenceClassification or base/,
    );
  });
});
