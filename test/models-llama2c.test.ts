/**
 * A trained model in the file format of llama2.c, version 0: seven whole numbers, then the weights without names, each kind
 * for all layers together. Its rotary pairs are neighbours, while `src/models/llama.ts` turns feature i with i + half, so
 * the rows of queries and keys change places. The files are other people's and no part of the project: without them beside
 * it these tests are skipped.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../src/backends/reference/index.ts';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { safetensorsBytes } from '../src/formats/index.ts';
import { memoryFiles } from '../src/hub/files.ts';
import { load } from '../src/hub/load.ts';
import type { Model } from '../src/hub/model.ts';
import type { Backend } from '../src/tensor/index.ts';
import { compareFloats } from './golden/compare.ts';

const FOLDER = fileURLToPath(new URL('../../shared/models/babyllama-105', import.meta.url));
const missing = existsSync(FOLDER) ? '' : ' (skipped: the shared model files are not here)';
const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend(),
};

interface Expected {
  readonly prompt: string;
  readonly prompt_ids: number[];
  readonly last_logits: number[];
  readonly greedy_ids: number[];
  readonly greedy_text: string;
  /** Between the best token and the next, over all greedy steps. */
  readonly smallest_margin: number;
  /** Of the prompt's tokens after the first. */
  readonly mean_nll: number;
}

/** `config.json` and named weights from the bytes of a file. */
function asCheckpoint(bytes: Uint8Array): { config: Record<string, unknown>; weights: Uint8Array } {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = Array.from({ length: 7 }, (_, i) => words.getInt32(4 * i, true));
  const [C, F, layers, heads, groups, vocab, positions] = header as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [V, D] = [Math.abs(vocab), C / heads];
  let at = 4 * header.length;
  const take = (...shape: number[]) => {
    const length = 4 * shape.reduce((n, d) => n * d, 1);
    at += length;
    return { shape, data: new Float32Array(bytes.slice(at - length, at).buffer) };
  };
  type Weight = ReturnType<typeof take>;
  const named = new Map<string, Weight>();
  /** One kind of weight, all layers. */
  const each = (name: string, shape: number[], change: (w: Weight) => Weight = w => w) => {
    for (let i = 0; i < layers; i++) named.set(`model.layers.${i}.${name}.weight`, change(take(...shape)));
  };
  named.set('model.embed_tokens.weight', take(V, C));
  each('input_layernorm', [C]);
  each('self_attn.q_proj', [C, C], w => halves(w, heads, D));
  each('self_attn.k_proj', [groups * D, C], w => halves(w, groups, D));
  each('self_attn.v_proj', [groups * D, C]);
  each('self_attn.o_proj', [C, C]);
  each('post_attention_layernorm', [C]);
  each('mlp.gate_proj', [F, C]);
  each('mlp.down_proj', [C, F]);
  each('mlp.up_proj', [F, C]);
  named.set('model.norm.weight', take(C));
  // Rotary tables, which the model computes itself.
  take(positions, D / 2);
  take(positions, D / 2);
  if (vocab < 0) named.set('lm_head.weight', take(V, C));
  expect(at, 'all bytes of the file').toBe(bytes.length);
  const tensors = [...named].map(([name, { shape, data }]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    chunks: () => [new Uint8Array(data.buffer)],
  }));
  const config = {
    ...{ model_type: 'llama', vocab_size: V, hidden_size: C, intermediate_size: F, num_hidden_layers: layers },
    ...{ num_attention_heads: heads, num_key_value_heads: groups, max_position_embeddings: positions },
    ...{ rms_norm_eps: 1e-5, tie_word_embeddings: vocab > 0, bos_token_id: 1, eos_token_id: 2 },
  };
  return { config, weights: safetensorsBytes(tensors) };
}
/** Rows 2i and 2i + 1 of each head to i and i + D / 2. */
function halves({ shape, data }: { shape: number[]; data: Float32Array<ArrayBuffer> }, heads: number, D: number) {
  const width = shape[1]!;
  const moved = new Float32Array(data.length);
  for (let h = 0; h < heads; h++)
    for (let i = 0; i < D; i++) {
      const from = (h * D + i) * width;
      moved.set(data.subarray(from, from + width), (h * D + (i >> 1) + (i & 1) * (D / 2)) * width);
    }
  return { shape, data: moved };
}

describe.skipIf(missing).each(Object.keys(BACKENDS))(`babyllama-105 on %s${missing}`, name => {
  let backend: Backend;
  let model: Model;
  let stories: Expected[];
  beforeAll(async () => {
    backend = await BACKENDS[name]!();
    const { config, weights } = asCheckpoint(new Uint8Array(await readFile(`${FOLDER}/model5000.bin`)));
    const files = {
      'config.json': new TextEncoder().encode(JSON.stringify(config)),
      'model.safetensors': weights,
      'tokenizer.model': new Uint8Array(await readFile(`${FOLDER}/tok105.model`)),
    };
    model = await load(memoryFiles(files), { backend });
    stories = JSON.parse(await readFile(`${FOLDER}/expected.json`, 'utf8'));
  });
  afterAll(() => {
    model.dispose();
    backend.close();
  });

  it('reads prompts as the model was trained on them', () => {
    expect(stories.length).toBe(4);
    for (const { prompt, prompt_ids } of stories) expect(model.promptIds(prompt), prompt).toEqual(prompt_ids);
  });
  it('gives the logits of every prompt, and its loss', async () => {
    for (const { prompt, prompt_ids, last_logits, mean_nll } of stories) {
      const { logits, loss } = await model.run({ input_ids: [prompt_ids], labels: [prompt_ids] });
      const last = (await logits.data()).slice(-last_logits.length);
      const { error, bound } = compareFloats(last, { shape: [last_logits.length], data: last_logits });
      expect(error, prompt).toBeLessThanOrEqual(bound);
      expect(Math.abs(loss! - mean_nll), prompt).toBeLessThanOrEqual(2e-6);
    }
  });
  it('continues every prompt greedily, as clearly as the reference', async () => {
    // The reference backend takes 50 ms for a token.
    const told = name === 'reference' ? stories.slice(0, 1) : stories;
    for (const { prompt, prompt_ids, greedy_ids, greedy_text, smallest_margin } of told) {
      const ids: number[] = [];
      let margin = Number.POSITIVE_INFINITY;
      for await (const event of model.generateIds([prompt_ids], { maxNewTokens: greedy_ids.length, topLogprobs: 2 }))
        if (event.type === 'token') {
          const [best, next] = event.top!;
          ids.push(event.id);
          margin = Math.min(margin, best!.logprob - next!.logprob);
        }
      expect(ids, prompt).toEqual(greedy_ids);
      expect(model.tokenizer.decode([...prompt_ids, ...ids], { skipSpecialTokens: true })).toBe(greedy_text);
      expect(Math.abs(margin - smallest_margin), prompt).toBeLessThan(1e-4);
    }
  });
});
