/** Masked diffusion with models: reference numbers where they are at hand, and what must hold for every denoiser. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../src/backends/reference/index.ts';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { continuousLikelihood, countedLikelihood, type DiffuseOptions } from '../src/generate/index.ts';
import { Model } from '../src/hub/model.ts';
import { initializeParameters } from '../src/nn/initialize.ts';
import { countParams, listParams, type ParamSpec, type Spec } from '../src/nn/params.ts';
import type { Backend } from '../src/tensor/index.ts';
import { declared, readConfig, TINY, tinyModel } from './families/tiny-model.ts';
import { type Check, passes } from './golden/compare.ts';
import { diffusionChecks } from './golden/diffusion.ts';
import { diskFiles } from './golden/disk-files.ts';

const BACKENDS: Record<string, { create: () => Promise<Backend>; bound: number }> = {
  reference: { create: async () => createReferenceBackend(), bound: 1e-12 },
  wasm: { create: () => createWasmBackend(), bound: 2e-6 },
};
const golden = fileURLToPath(new URL('../../shared/golden', import.meta.url));

describe.skipIf(!existsSync(`${golden}/diffusion`))('reference numbers (need ../shared/golden)', () => {
  it.each(Object.keys(BACKENDS))('agree on the %s backend', async name => {
    const backend = await BACKENDS[name]!.create();
    const checks: Check[] = [];
    for await (const check of diffusionChecks(diskFiles(golden), 'diffusion', backend)) checks.push(check);
    backend.close();
    expect(checks.filter(check => !passes(check))).toEqual([]);
    expect(checks.filter(check => check.part?.startsWith('step ')).length).toBe(76);
  });
});

describe('published sizes', () => {
  it.each([
    ['LLaDA 8B', { model_type: 'llada' }, 8_015_581_184],
    ['MDLM small', { model_type: 'mdlm' }, 169_627_218],
  ] as const)('%s', async (_, json, parameters) => {
    expect(countParams(await declared(json))).toBe(parameters);
  });
});

describe('a config is refused', () => {
  it.each([
    ['llada', { block_type: 'sequential' }, /block_type sequential is not supported, only llama/],
    ['llada', { include_bias: true, alibi: true }, /alibi true is not supported.*include_bias true is not supported/],
    ['llada', { mask_token_id: 61 }, /mask_token_id 61 is not below 61/],
    ['llada', { n_kv_heads: 3 }, /n_heads 4 is not a multiple of n_kv_heads 3/],
    ['llada', { embedding_size: 60 }, /embedding_size 60 is below vocab_size 61/],
    ['llada', { n_layers: 1e9 }, /n_layers 1000000000 is above 10000/],
    ['mdlm', { n_blocks: 1e9 }, /n_blocks 1000000000 is above 10000/],
    ['mdlm', { n_heads: 5 }, /hidden_dim 24 does not give 5 heads of even width/],
    ['mdlm', { mask_token_id: 61 }, /mask_token_id 61 is not below vocab_size 61/],
  ])('%s with %o', async (type, config, message) => {
    await expect(readConfig({ model_type: type, ...TINY[type], ...config })).rejects.toThrow(message);
  });
});

/** Every parameter drawn, also those that start at 0 and would hide what is behind them. */
function drawn(spec: Spec): Spec {
  if ((spec as ParamSpec).kind === 'param') return { ...(spec as ParamSpec), init: 'normal' };
  if (Array.isArray(spec)) return spec.map(drawn);
  return Object.fromEntries(Object.entries(spec).map(([name, part]) => [name, part && drawn(part)]));
}
async function randomModel(type: string, backend: Backend, config: object = {}): Promise<Model> {
  const { parts } = await tinyModel(type, backend, { config: { ...config } });
  const spec = drawn(parts.architecture.heads.maskedLM!.parameters(parts.config));
  const params = await initializeParameters(spec, backend, 7, { deviation: 0.25 });
  return new Model({ ...parts, params, specs: new Map(listParams(spec)) });
}

const [V, MASK] = [61, 60];
describe.each(['llada', 'mdlm'].flatMap(type => Object.keys(BACKENDS).map(name => [type, name] as const)))(
  '%s on %s',
  (type, name) => {
    const { create, bound } = BACKENDS[name]!;
    let backend: Backend;
    let model: Model;
    beforeAll(async () => {
      backend = await create();
      model = await randomModel(type, backend);
    });
    afterAll(() => {
      model.dispose();
      backend.close();
    });
    const ids = [3, MASK, 14, 15, MASK, 9, 2];
    const logitsOf = async (rows: number[][], mask?: number[][]) =>
      (await model.run({ input_ids: rows, attention_mask: mask })).logits.data();
    const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
      expect(actual.length).toBe(expected.length);
      const scale = Math.max(...Array.from(expected, Math.abs));
      for (let i = 0; i < expected.length; i++)
        expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThanOrEqual(bound * scale);
    };

    it('sees what comes after a token', async () => {
      const [a, b] = [await logitsOf([ids]), await logitsOf([[...ids.slice(0, -1), 40]])];
      const change = a.subarray(0, V).map((x, i) => Math.abs(x - b[i]!));
      expect(Math.max(...change)).toBeGreaterThan(1e-3);
    });

    it('does not see padding on either side', async () => {
      const alone = await logitsOf([ids]);
      const left = await logitsOf([[7, 7, ...ids]], [[0, 0, ...ids.map(() => 1)]]);
      const right = await logitsOf([[...ids, 7, 7]], [[...ids.map(() => 1), 0, 0]]);
      expectClose(left.subarray(2 * V), alone);
      expectClose(right.subarray(0, ids.length * V), alone);
    });

    it('has the names of a transformer, and a loss at labelled tokens', async () => {
      const names = model.names({ input_ids: [ids] });
      for (const part of ['resid_pre', 'resid_mid', 'attn.q', 'attn.rot_k', 'attn.pattern', 'mlp.act', 'resid_post'])
        expect(names).toContain(`blocks.1.${part}`);
      expect(names).toEqual(expect.arrayContaining(['embed', 'ln_final', 'logits']));
      const labels = ids.map((id, t) => (id === MASK ? 5 + t : -100));
      const { loss } = await model.run({ input_ids: [ids], labels: [labels] });
      const logits = await logitsOf([ids]);
      const nll = (t: number, id: number) => {
        const row = Array.from(logits.subarray(t * V, (t + 1) * V));
        return Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[id]!;
      };
      expect(loss).toBeCloseTo((nll(1, 6) + nll(4, 9)) / 2, 5);
    });

    it('gives a denoiser the logits of the positions it asks for', async () => {
      const rows = [ids, [1, 2, MASK, MASK, 5, MASK, 7]];
      const full = await logitsOf(rows);
      const at = [[1, 4], [], [2]].slice(0, 2);
      const [first, second] = await model.denoiser().logits({ ids: rows, at });
      expectClose(first!, [...full.subarray(V, 2 * V), ...full.subarray(4 * V, 5 * V)]);
      expect(second!.length).toBe(0);
    });

    it('writes and fills texts, the same alone and in a batch', async () => {
      const settings: DiffuseOptions[] = [
        { blockLength: 4, cfgScale: 0.5 },
        { temperature: 1, seed: 1 },
        { sampler: 'ancestral', seed: 1 },
      ];
      for (const setting of settings) {
        const options = { genLength: 8, steps: 4, ...setting };
        const textsOf = async (prompts: number[][], seed: DiffuseOptions['seed']) => {
          const texts: number[][] = [];
          for await (const event of model.denoise(prompts, { ...options, seed }))
            if (event.type === 'done') texts.push(...event.sequences.map(sequence => [...sequence.ids]));
          return texts;
        };
        const seeds = options.seed === undefined ? [undefined, undefined] : [4, 5];
        const both = await textsOf([[1, MASK, 3], [8]], options.seed === undefined ? undefined : [4, 5]);
        expect(both.map(text => text.length)).toEqual([11, 9]);
        expect(both.flat()).not.toContain(MASK);
        expect([both[0]![0], both[0]![2], both[1]![0]]).toEqual([1, 3, 8]);
        expect(await textsOf([[1, MASK, 3]], seeds[0])).toEqual([both[0]]);
        expect(await textsOf([[8]], seeds[1])).toEqual([both[1]]);
      }
    });

    it('has likelihoods, of one token exact', async () => {
      const logits = await logitsOf([[4, 5, MASK]]);
      const row = Array.from(logits.subarray(2 * V), Math.exp);
      const total = row.reduce((a, b) => a + b, 0);
      const counted = await countedLikelihood(model.denoiser(), [4, 5], [9], { samples: 1 });
      expect(counted.logLikelihood).toBeCloseTo(Math.log(row[9]! / total), 4);
      const continuous = await continuousLikelihood(model.denoiser(), [4], [9, 10], { samples: 8, seed: 1 });
      expect(continuous.logLikelihood).toBeLessThan(0);
      expect(continuous.perplexity).toBeGreaterThan(1);
    });
  },
);

describe('mdlm', () => {
  /** Of a computation of its own in PyTorch, in double precision, from the same weights. */
  it('agrees with another implementation', async () => {
    const backend = createReferenceBackend();
    const model = await randomModel('mdlm', backend);
    const [first, second] = await model.denoiser().logits({
      ids: [
        [3, 60, 14, 15, 60, 9, 2],
        [7, 8, 60, 60, 1, 0, 59],
      ],
      at: [[1], [6]],
      sigma: [0.3, 2.5],
    });
    [0.143546, 0.116506, -0.649342, -0.336999, -0.498887].forEach((x, i) => {
      expect(first![i]).toBeCloseTo(x, 5);
    });
    [-0.540739, 0.099898, 0.693092, -0.075112, -0.086271].forEach((x, i) => {
      expect(second![V - 5 + i]).toBeCloseTo(x, 5);
    });
    backend.close();
  });

  it('is told the noise of each row, if it asks', async () => {
    const backend = createReferenceBackend();
    for (const time_conditioning of [true, false]) {
      const model = await randomModel('mdlm', backend, { time_conditioning });
      const rows = [
        [1, MASK],
        [1, MASK],
      ];
      const [low, high] = await model.denoiser().logits({ ids: rows, at: [[1], [1]], sigma: [0.1, 3] });
      const [alone] = await model.denoiser().logits({ ids: rows.slice(1), at: [[1]], sigma: [3] });
      const difference = Math.max(...low!.map((x, i) => Math.abs(x - high![i]!)));
      if (time_conditioning) expect(difference).toBeGreaterThan(1e-3);
      else expect(difference).toBe(0);
      expect(Math.max(...alone!.map((x, i) => Math.abs(x - high![i]!)))).toBeLessThan(1e-6);
      model.dispose();
    }
    backend.close();
  });

  it('starts as the same guess for every token', async () => {
    const backend = createReferenceBackend();
    const model = await tinyModel('mdlm', backend);
    const { logits } = await model.run({ input_ids: [[1, MASK, 3]] });
    expect(new Set(await logits.data())).toEqual(new Set([0]));
    backend.close();
  });
});

describe('a model as a denoiser', () => {
  it('needs a head and a mask token', async () => {
    const backend = createReferenceBackend();
    const causal = await tinyModel('llama', backend);
    expect(() => causal.denoiser()).toThrow(/only a masked language model.*causalLM/);
    const { parts } = await tinyModel('llada', backend);
    const nameless = new Model({ ...parts, config: { ...(parts.config as object), mask_token_id: undefined } });
    expect(() => nameless.denoiser()).toThrow(/names no mask token/);
    expect(nameless.denoiser(5).maskId).toBe(5);
    expect(() => nameless.denoise([[1]], { maskId: 61, genLength: 2, steps: 2 })).toThrow(/maskId/);
    nameless.dispose();
    expect(() => nameless.denoiser(5)).toThrow(/closed/);
    backend.close();
  });
});
