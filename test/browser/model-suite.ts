/**
 * What a whole model must do in a page: the reference's numbers, loading from a server and from dropped files, stopping,
 * giving memory back.
 */
import { createWasmBackend, type WasmBackend } from '../../src/backends/wasm/index.ts';
import { generateAll } from '../../src/generate/index.ts';
import { memoryFiles, urlFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import { checkFolder } from '../golden/check-folder.ts';
import { passes } from '../golden/compare.ts';
import { listFolders } from '../golden/golden-files.ts';
import { folderLines } from '../golden/report.ts';
import { equal, failure, fetchBytes, GOLDEN, goldenFiles, type Suite } from './check.ts';

const GPT2 = `${GOLDEN}/gpt2`;
const TOKENIZER = '/data/tokenizers/o200k-style';
const PROMPT = [5, 17, 3, 99, 42];
/** What every test of the families must have compared, so that none can pass by checking less. */
const COMPARED = ['single/logits', 'single/attentions', 'gradients', 'greedy_single', 'beam'];

async function withBackend(body: (backend: WasmBackend) => Promise<string | void>): Promise<string | void> {
  const backend = await createWasmBackend();
  try {
    return await body(backend);
  } finally {
    backend.close();
  }
}
const withModel = (body: (model: Model, backend: WasmBackend) => Promise<string | void>) =>
  withBackend(async backend => body(await load(urlFiles(GPT2), { backend }), backend));

async function logitsOf(model: Model): Promise<number[]> {
  return Array.from(await (await model.run({ input_ids: [PROMPT] })).logits.data());
}

function familyTest(folder: string): () => Promise<string | void> {
  return () =>
    withBackend(async backend => {
      const result = await checkFolder(goldenFiles, folder, backend);
      const failed = result.checks.filter(check => !passes(check));
      if (failed.length || result.skipped) throw new Error(folderLines({ ...result, checks: failed }, true).join('\n'));
      const labels = result.checks.map(({ name, part }) => `${name} ${part ?? ''}`);
      if (['gpt2', 'llama'].includes(folder))
        equal(
          COMPARED.filter(wanted => !labels.some(label => label.includes(wanted))),
          [],
          'kinds of checks that were not made',
        );
      const logits = result.checks.filter(({ name }) => /\/logits$/.test(name)).map(({ error }) => error);
      return `${result.checks.length} checks, logits within ${Math.max(...logits).toExponential(1)}`;
    });
}
const families = (await listFolders(goldenFiles)).map(folder => [`${folder} = reference`, familyTest(folder)] as const);

export const modelSuite: Suite = {
  ...Object.fromEntries(families),

  'loads the same model with ranges, without, from an address and from dropped files': () =>
    withBackend(async backend => {
      const names = ['config.json', 'model.safetensors', 'generation_config.json'];
      const dropped = names.map(async name => [name, new File([await fetchBytes(GPT2, name)], name)] as const);
      const sources = [
        urlFiles(GPT2),
        urlFiles(`${GPT2}?ranges=no`),
        `${location.origin}${GPT2}`,
        `${location.origin}${GPT2}/model.safetensors`,
        memoryFiles(Object.fromEntries(await Promise.all(dropped)), 'dropped files'),
      ];
      const logits: string[] = [];
      for (const source of sources) logits.push(`${await logitsOf(await load(source, { backend }))}`);
      equal(new Set(logits).size, 1, 'different results');
    }),

  'loads a tokenizer with a model, and says what has no file system': () =>
    withBackend(async backend => {
      const expected = new TextDecoder().decode(await fetchBytes(TOKENIZER, 'expected.json'));
      const [first] = (JSON.parse(expected) as { text: string; ids: number[] }[]).filter(({ ids }) => ids.length > 5);
      const { tokenizer } = await load(
        memoryFiles({
          'config.json': new Blob([await fetchBytes(GPT2, 'config.json')]),
          'model.safetensors': await fetchBytes(GPT2, 'model.safetensors'),
          'tokenizer.json': await fetchBytes(TOKENIZER, 'tokenizer.json'),
        }),
        { backend },
      );
      equal(tokenizer.encodeIds(first!.text), first!.ids, 'ids');
      const message = await failure(() => load('./models/gpt2', { backend }));
      if (!/UnsupportedError: there is no file system here; .*URL/.test(message)) throw new Error(message);
    }),

  'stops loading and generating, and works on': () =>
    withBackend(async backend => {
      const used = backend.memory().used;
      const loading = new AbortController();
      const stopped = load(urlFiles(`${GPT2}?slow=model.safetensors`), { backend, signal: loading.signal });
      setTimeout(() => loading.abort(new Error('enough')), 50);
      equal(await failure(() => stopped), 'Error: enough', 'loading');
      equal(backend.memory().used, used, 'bytes in use');

      const model = await load(urlFiles(GPT2), { backend });
      const expected = await logitsOf(model);
      const generating = new AbortController();
      const tokens: number[] = [];
      const message = await failure(async () => {
        for await (const event of model.generateIds([PROMPT], {
          maxNewTokens: 40,
          signal: generating.signal,
          eosTokenId: [],
        })) {
          if (event.type === 'token') tokens.push(event.id);
          if (tokens.length === 3) generating.abort(new Error('enough'));
        }
      });
      equal([message, tokens.length], ['Error: enough', 3], 'generating');
      equal(await logitsOf(model), expected, 'logits afterwards');
    }),

  'gives the memory back on dispose': () =>
    withBackend(async backend => {
      const model = await load(urlFiles(GPT2), { backend });
      await logitsOf(model);
      model.dispose();
      const { used } = backend.memory();
      const second = await load(urlFiles(GPT2), { backend });
      if (backend.memory().used <= used) throw new Error('a loaded model takes no memory');
      await logitsOf(second);
      second.dispose();
      equal(backend.memory().used, used, 'bytes in use');
      const message = await failure(() => model.run({ input_ids: [PROMPT] }));
      if (!/the model is closed/.test(message)) throw new Error(message);
    }),

  'leaves nothing behind in 100 generations': () =>
    withModel(async (model, backend) => {
      const rounds = async (n: number) => {
        for (let i = 0; i < n; i++)
          await generateAll(model, [PROMPT], { maxNewTokens: 5, eosTokenId: [], ...(i % 3 === 0 && { numBeams: 2 }) });
        return { ...backend.memory(), heap: await heapBytes() };
      };
      // The engine compiles while it warms up, and that is kept.
      const before = await rounds(200);
      const after = await rounds(100);
      equal([after.used, after.reserved], [before.used, before.reserved], 'bytes of the backend');
      const grown = `heap ${((after.heap - before.heap) / 1000).toFixed(0)} kB more`;
      if (after.heap - before.heap > 100_000) throw new Error(grown);
      return `backend ${(before.used / 2 ** 20).toFixed(1)} MiB before and after, ${grown}`;
    }),
};

/** Bytes of the page's JavaScript heap once collections change it no more (the browser is started with both made visible). */
async function heapBytes(): Promise<number> {
  const page = globalThis as { gc?: () => void; performance: { memory?: { usedJSHeapSize: number } } };
  // `memory` is a snapshot: it has to be asked for each time.
  const used = () => page.performance.memory?.usedJSHeapSize;
  if (!page.gc || !used())
    throw new Error('start the browser with --js-flags=--expose-gc --enable-precise-memory-info');
  let [before, now] = [0, used()!];
  for (let i = 0; i < 20 && Math.abs(now - before) > 5_000; i++) {
    before = now;
    page.gc();
    // Finalizers run as tasks of their own.
    await new Promise(resolve => setTimeout(resolve, 50));
    now = used()!;
  }
  return now;
}
