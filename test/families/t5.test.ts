/** What T5's files and configs may look like, and what of it decides how it computes. */
import { afterAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import type { HeadName } from '../../src/models/architecture.ts';
import type { ModelInputs } from '../../src/models/forward.ts';
import { listParams } from '../../src/nn/params.ts';
import { setDefaultBackend, type Tensor } from '../../src/tensor/index.ts';
import { filesOf } from './tiny-files.ts';
import { declared, readConfig, TINY, tinyModel } from './tiny-model.ts';

const backend = createReferenceBackend();
setDefaultBackend(async () => backend);
const END = 1;
const input_ids = [
  [7, 20, 9, END, 0],
  [5, 31, 44, 6, END],
];
const open: Model[] = [];
const opened = async (model: Promise<Model>) => {
  open.push(await model);
  return model;
};
afterAll(() => {
  for (const model of open) model.dispose();
});
const outputsOf = async (model: Model, inputs: ModelInputs) => {
  const { outputs } = await model.run(inputs);
  const entries = Object.entries(outputs).map(async ([name, t]) => [name, Array.from(await t.data())] as const);
  return Object.fromEntries(await Promise.all(entries));
};
const namesOf = async (config: Readonly<Record<string, unknown>>) =>
  listParams(await declared({ model_type: 't5', ...TINY.t5, ...config })).map(([name]) => name);

describe('a checkpoint', () => {
  const heads: readonly (readonly [HeadName, string, ModelInputs])[] = [
    [
      'seq2seqLM',
      'ForConditionalGeneration',
      {
        input_ids,
        labels: [
          [4, 5, END],
          [6, END, -100],
        ],
      },
    ],
    ['sequenceClassification', 'ForSequenceClassification', { input_ids, labels: [2, 0] }],
    [
      'tokenClassification',
      'ForTokenClassification',
      {
        input_ids,
        labels: [
          [2, 0, 1, 1, -100],
          [0, 0, 1, 2, 1],
        ],
      },
    ],
    ['questionAnswering', 'ForQuestionAnswering', { input_ids, start_positions: [1, 0], end_positions: [2, 3] }],
    [
      'base',
      'EncoderModel',
      {
        input_ids,
        attention_mask: [
          [1, 1, 1, 1, 0],
          [1, 1, 1, 1, 1],
        ],
      },
    ],
  ];
  it.each(
    ['t5', 'mt5', 'umt5'].flatMap(type => heads.map(([head, ending, inputs]) => [type, head, ending, inputs] as const)),
  )('of %s under the head %s is found by its class, with a prefix or without', async (type, head, ending, inputs) => {
    const made = await opened(tinyModel(type, backend, { head }));
    const expected = await outputsOf(made, inputs);
    const json = { model_type: type, ...TINY[type], architectures: [`${type.toUpperCase()}${ending}`] };
    for (const prefix of ['', 'transformer.']) {
      const files = await filesOf(made, { 'config.json': json }, name => [
        /^(classifi|qa_|lm_)/.test(name) ? name : prefix + name,
      ]);
      const model = await opened(load(files, { backend }));
      expect(model.parts.head).toBe(head);
      expect(model.parts.unexpected).toEqual([]);
      const outputs = await outputsOf(model, inputs);
      for (const [name, values] of Object.entries(expected)) {
        const scale = Math.max(...values.map(Math.abs));
        // Weights in files are single precision.
        outputs[name]!.forEach((x, i) => {
          expect(Math.abs(x - values[i]!)).toBeLessThan(1e-5 * scale);
        });
      }
      if (head !== 'base') expect((await model.run(inputs)).loss).toBeGreaterThan(0);
    }
  });
  it('may hold the table of tokens under any of its names, and biases that were never used', async () => {
    const made = await opened(tinyModel('t5', backend));
    const [bias, copies] = [
      'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight',
      'embed_tokens.weight',
    ];
    const unused = 'decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight';
    const json = { model_type: 't5', ...TINY.t5 };
    const inputs = {
      input_ids,
      decoder_input_ids: [
        [0, 4],
        [0, 9],
      ],
    };
    const plain = await opened(load(await filesOf(made, { 'config.json': json }), { backend }));
    const expected = await outputsOf(plain, inputs);
    for (const tokens of [
      [`encoder.${copies}`],
      ['shared.weight', `encoder.${copies}`, `decoder.${copies}`, 'lm_head.weight'],
    ]) {
      const files = await filesOf(made, { 'config.json': json }, name => {
        if (name === 'shared.weight') return tokens;
        return name === bias ? [bias, unused] : [name];
      });
      const model = await opened(load(files, { backend }));
      expect(model.parts.unexpected).toEqual([]);
      expect(await outputsOf(model, inputs)).toEqual(expected);
    }
  });
  it('without an end token in a row has no class', async () => {
    const model = await opened(tinyModel('t5', backend, { head: 'sequenceClassification' }));
    await expect(
      model.run({
        input_ids: [
          [5, 6, END],
          [5, 6, 7],
        ],
      }),
    ).rejects.toThrow(/every row must hold the end token.*1, 0 times token 1/);
  });
});

describe('a config', () => {
  it('says how the feed-forward layers compute', async () => {
    const read = async (feed_forward_proj: string) => {
      const { config } = await readConfig({ model_type: 't5', ...TINY.t5, feed_forward_proj });
      const { dense_act_fn, is_gated_act } = config as { dense_act_fn: string; is_gated_act: boolean };
      return [dense_act_fn, is_gated_act];
    };
    expect(await read('relu')).toEqual(['relu', false]);
    expect(await read('gelu')).toEqual(['gelu', false]);
    expect(await read('gated-gelu')).toEqual(['gelu_new', true]);
    expect(await read('gated-silu')).toEqual(['silu', true]);
    expect(await namesOf({})).toContain('encoder.block.1.layer.1.DenseReluDense.wi.weight');
    const gated = await namesOf({ feed_forward_proj: 'gated-silu' });
    expect(gated).toContain('decoder.block.2.layer.2.DenseReluDense.wi_1.weight');
    expect(gated.filter(name => name.includes('.wi.'))).toEqual([]);
  });
  it('gives the first layers of both sides a table of distances, and umt5 all layers', async () => {
    const tables = async (type: string) =>
      listParams(await declared({ model_type: type, ...TINY[type] })).filter(([n]) => n.includes('relative')).length;
    expect([await tables('t5'), await tables('mt5'), await tables('umt5')]).toEqual([2, 2, 4]);
  });
  it('scales the scores of a tied matrix and of no other', async () => {
    for (const tie_word_embeddings of [true, false]) {
      const model = await opened(tinyModel('t5', backend, { config: { tie_word_embeddings } }));
      const { trace, logits } = await model.run(
        { input_ids, decoder_input_ids: [[0], [0]] },
        { trace: ['decoder.ln_final'] },
      );
      const state = Array.from(await trace['decoder.ln_final']!.data()).slice(0, 24);
      const params = model.parts.params as Record<string, { weight: Tensor }>;
      const table = await (tie_word_embeddings ? params.shared! : params.lm_head!).weight.data();
      const score = (id: number) => state.reduce((sum, x, i) => sum + x * table[id * 24 + i]!, 0);
      const scores = await logits.data();
      for (const id of [0, 17, 60])
        expect(scores[id]).toBeCloseTo(score(id) / (tie_word_embeddings ? Math.sqrt(24) : 1), 6);
    }
  });
  it.each([
    [{ feed_forward_proj: 'gated-sine' }, /feed_forward_proj is none of .*gelu_new.*with or without gated-/],
    [{ relative_attention_num_buckets: 2 }, /relative_attention_num_buckets is 2, not a whole number from 4 on/],
    [{ relative_attention_max_distance: 4 }, /relative_attention_max_distance 4 is within the 4 distances/],
    [{ num_layers: 1e9 }, /num_layers 1000000000 is above 10000/],
    [{ decoder_start_token_id: -1 }, /decoder_start_token_id is -1/],
  ])('is refused: %o', async (config, message) => {
    await expect(readConfig({ model_type: 't5', ...TINY.t5, ...config })).rejects.toThrow(message);
  });
});
