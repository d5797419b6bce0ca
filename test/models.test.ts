/**
 * Small trained models against results that were computed independently in double precision. The files are not part of
 * the project (several are other people's): without them beside it these tests are skipped.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../src/backends/reference/index.ts';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { openCheckpoint, toFloat32 } from '../src/formats/index.ts';
import { generateAll } from '../src/generate/index.ts';
import { load } from '../src/hub/load.ts';
import { Model } from '../src/hub/model.ts';
import { loadParameters } from '../src/nn/load-parameters.ts';
import { listParams, type ParamSpec, type Spec } from '../src/nn/params.ts';
import type { Backend } from '../src/tensor/index.ts';
import { readConfig } from './families/tiny-model.ts';
import { compareFloats } from './golden/compare.ts';

const ROOT = fileURLToPath(new URL('../../shared/models', import.meta.url));
const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend(),
};
const names = Object.keys(BACKENDS);
const missing = (folder: string) =>
  existsSync(`${ROOT}/${folder}`) ? '' : ' (skipped: the shared model files are not here)';
const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(`${ROOT}/${path}`, 'utf8'));
function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what = ''): void {
  const { error, bound } = compareFloats(actual, { shape: [expected.length], data: expected });
  expect(error, what).toBeLessThanOrEqual(bound);
}

interface Story {
  readonly prompt: string;
  readonly prompt_ids: number[];
  readonly last_logits: number[];
  readonly greedy_ids: number[];
  readonly greedy_text: string;
}
const STORIES = 'stories260K';
describe.skipIf(missing(STORIES)).each(names)(`${STORIES} on %s${missing(STORIES)}`, name => {
  let backend: Backend;
  let model: Model;
  let stories: Story[];
  beforeAll(async () => {
    backend = await BACKENDS[name]!();
    model = await load(`${ROOT}/${STORIES}`, { backend });
    stories = await json(`${STORIES}/expected.json`);
  });
  afterAll(() => {
    model.dispose();
    backend.close();
  });

  it('reads prompts as the model was trained on them', () => {
    for (const { prompt, prompt_ids } of stories) expect(model.promptIds(prompt), prompt).toEqual(prompt_ids);
  });
  it('gives the logits of every prompt', async () => {
    for (const { prompt, prompt_ids, last_logits } of stories) {
      const { logits } = await model.run({ input_ids: [prompt_ids] });
      expectClose((await logits.data()).slice(-last_logits.length), last_logits, prompt);
    }
  });
  it('continues all prompts greedily in one batch', async () => {
    const options = { maxNewTokens: stories[0]!.greedy_ids.length };
    const { sequences } = await generateAll(
      model,
      stories.map(s => s.prompt_ids),
      options,
    );
    for (const [i, { prompt, greedy_ids }] of stories.entries()) expect(sequences[i]!.ids, prompt).toEqual(greedy_ids);
  });
  it('streams the text of a continuation', async () => {
    const { prompt, greedy_ids, greedy_text } = stories[0]!;
    let text = prompt;
    for await (const event of model.generate(prompt, { maxNewTokens: greedy_ids.length })) text += event.text;
    expect(text).toBe(greedy_text);
  });
});

interface Sorted {
  readonly input: number[];
  readonly sorted: number[];
  readonly last_logits: number[];
}
const SORT = 'gpt-nano-sort';
/** This checkpoint holds all matrices as `[out, in]`, other than GPT-2's own. */
function asStored(spec: Spec): Spec {
  if ((spec as ParamSpec).kind === 'param') return { ...(spec as ParamSpec), transposed: false };
  if (Array.isArray(spec)) return spec.map(asStored);
  return Object.fromEntries(Object.entries(spec).map(([key, part]) => [key, part && asStored(part)]));
}
describe.skipIf(missing(SORT)).each(names)(`${SORT}, a GPT-2 by another hand, on %s${missing(SORT)}`, name => {
  let backend: Backend;
  let model: Model;
  beforeAll(async () => {
    backend = await BACKENDS[name]!();
    const { block_size, ...fields } = await json<Record<string, unknown>>(`${SORT}/config.json`);
    const { architecture, config } = await readConfig({
      ...fields,
      model_type: 'gpt2',
      n_positions: block_size,
      tie_word_embeddings: false,
    });
    const spec = asStored(architecture.heads.causalLM!.parameters(config));
    const checkpoint = await openCheckpoint(`${ROOT}/${SORT}`);
    const { params, unexpected } = await loadParameters(checkpoint, spec, backend, {
      rename: key => architecture.rename(key, config),
    });
    await checkpoint.close();
    const specs = new Map(listParams(spec));
    model = new Model({
      architecture,
      config,
      params,
      backend,
      head: 'causalLM',
      type: 'gpt2',
      specs,
      tokenizer: undefined,
      defaults: {},
      unexpected,
    });
  });
  afterAll(() => {
    model.dispose();
    backend.close();
  });

  it('sorts', async () => {
    for (const { input, sorted, last_logits } of await json<Sorted[]>(`${SORT}/expected.json`)) {
      const session = model.open({ batch: 1, capacity: 2 * input.length });
      let [logits] = await session.step([input]);
      expectClose(logits!, last_logits, `${input}`);
      const ids: number[] = [];
      for (;;) {
        ids.push(logits!.indexOf(Math.max(...logits!)));
        if (ids.length === sorted.length) break;
        [logits] = await session.step([ids.slice(-1)]);
      }
      session.dispose();
      expect(ids).toEqual(sorted);
    }
  });

  it('has the activations of a recorded run', async () => {
    const recorded = await openCheckpoint(`${ROOT}/${SORT}/activations.safetensors`);
    const read = async (key: string) =>
      toFloat32(await recorded.read(key, 0, recorded.tensors.get(key)!.byteLength), 'F32');
    const idx = await read('idx');
    const inputs = { input_ids: [0, 1, 2].map(b => Array.from(idx.slice(b * 11, (b + 1) * 11))) };
    const { trace } = await model.run(inputs, { trace: Object.keys(RECORDED) });
    for (const [canonical, key] of Object.entries(RECORDED))
      expectClose(await trace[canonical]!.data(), await read(key), canonical);
    await recorded.close();
  });
});

/** Names of the recorded run, of the first block unless they say otherwise. */
const RECORDED: Readonly<Record<string, string>> = {
  embed: 'tok_emb',
  'blocks.0.resid_pre': 'x',
  'blocks.0.attn.q': 'q',
  'blocks.0.attn.k': 'k',
  'blocks.0.attn.v': 'v',
  'blocks.0.attn.pattern': 'attSm',
  'blocks.0.attn.out': 'yProj',
  'blocks.0.resid_mid': 'attnResid',
  'blocks.0.mlp.pre': 'fc',
  'blocks.0.mlp.act': 'gelu',
  'blocks.0.mlp.out': 'mlp',
  'blocks.0.resid_post': 'block0',
  'blocks.1.resid_post': 'block1',
  'blocks.2.resid_post': 'block2',
  ln_final: 'ln_f',
  logits: 'lm_head',
};
