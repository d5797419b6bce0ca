/** Every objective teaches a small model its task: on a synthetic corpus the loss falls below a bound, the same in every run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmBackend, type WasmBackend } from '../../src/backends/wasm/index.ts';
import { create } from '../../src/hub/create.ts';
import type { HeadName } from '../../src/models/architecture.ts';
import { leavesOf } from '../../src/tensor/index.ts';
import type { Tokenizer } from '../../src/tokenizers/index.ts';
import { batches, rowsOf, tokenizeRows } from '../../src/train/data/index.ts';
import { train, validate } from '../../src/train/index.ts';
import * as objectives from '../../src/train/objectives/index.ts';
import { createRng, type Rng } from '../../src/util/rng.ts';
import { MASK_TOKENIZER, PAIR_TOKENIZER, SENTINEL_TOKENIZER, TEXT_TOKENIZER } from './objectives-tokenizers.ts';

type Row = Readonly<Record<string, unknown>>;
const CIRCLE = ['the', 'dog', 'cat', 'bird', 'tree', 'house', 'sees', 'likes', 'finds', 'small', 'old', 'red'];
const LENGTH = 24;
const rows = (count: number, make: (rng: Rng, i: number) => Row): Row[] => {
  const rng = createRng(7);
  return Array.from({ length: count }, (_, i) => make(rng, i));
};
const word = (rng: Rng) => CIRCLE[rng.below(CIRCLE.length)]!;
const words = (rng: Rng, count: number) => Array.from({ length: count }, () => word(rng));
/** Words that follow each other around the circle: every token is known from its neighbours. */
const around = (start: number, count: number) =>
  Array.from({ length: count }, (_, i) => CIRCLE[(start + i) % CIRCLE.length]!).join(' ');
const TEXTS = rows(64, rng => ({ text: around(rng.below(CIRCLE.length), 60) }));
const SENTENCES = rows(64, rng => {
  const start = rng.below(CIRCLE.length);
  return { text: Array.from({ length: 8 }, (_, i) => `${around(start + 5 * i, 5)}.`).join(' ') };
});

const GPT2 = { model_type: 'gpt2', n_embd: 32, n_layer: 1, n_head: 2 };
const BERT = {
  model_type: 'bert',
  initializer_range: 0.15,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 2,
};
const T5 = { model_type: 't5', d_model: 32, d_kv: 16, d_ff: 64, num_layers: 1, num_decoder_layers: 1, num_heads: 2 };
const BART = {
  ...{ model_type: 'bart', d_model: 32, encoder_layers: 1, decoder_layers: 1, encoder_ffn_dim: 64 },
  ...{ decoder_ffn_dim: 64, encoder_attention_heads: 2, decoder_attention_heads: 2 },
};
const mask = { tokenizer: MASK_TOKENIZER, length: LENGTH };
const pair = { tokenizer: PAIR_TOKENIZER, length: LENGTH };
const sentinel = { tokenizer: SENTINEL_TOKENIZER, length: LENGTH };

interface Task {
  readonly objective: objectives.Objective;
  readonly tokenizer: Tokenizer;
  readonly data: readonly Row[];
  readonly config: Row;
  readonly head: HeadName;
  readonly steps: number;
  /** What the loss is to be above at first and below at last. */
  readonly from: number;
  readonly to: number;
}
const TASKS: Readonly<Record<string, Task>> = {
  'next token': {
    objective: objectives.causalLM({ tokenizer: TEXT_TOKENIZER, length: LENGTH }),
    ...{ tokenizer: TEXT_TOKENIZER, data: TEXTS, config: GPT2, head: 'causalLM', steps: 60, from: 4, to: 0.5 },
  },
  completion: {
    objective: objectives.completion({ tokenizer: TEXT_TOKENIZER, maxLength: LENGTH }),
    tokenizer: TEXT_TOKENIZER,
    data: rows(64, rng => {
      const first = rng.below(CIRCLE.length);
      return { prompt: `${words(rng, 3).join(' ')} ${CIRCLE[first]}`, completion: ` ${around(first + 1, 2)}` };
    }),
    ...{ config: GPT2, head: 'causalLM', steps: 60, from: 4, to: 0.5 },
  },
  'masked tokens': {
    objective: objectives.maskedLM(mask),
    ...{ tokenizer: MASK_TOKENIZER, data: TEXTS, config: BERT, head: 'maskedLM', steps: 300, from: 4, to: 1 },
  },
  'masked words and next sentence': {
    objective: objectives.nextSentence({ ...pair, wholeWord: true }),
    ...{ tokenizer: PAIR_TOKENIZER, data: SENTENCES, config: BERT, head: 'pretraining', steps: 300, from: 4, to: 1.8 },
  },
  'replaced tokens': {
    objective: objectives.replacedToken(pair),
    tokenizer: PAIR_TOKENIZER,
    ...{ data: TEXTS, config: { ...BERT, model_type: 'electra', embedding_size: 32 }, head: 'replacedToken' },
    ...{ steps: 100, from: 0.6, to: 0.1 },
  },
  'span corruption': {
    objective: objectives.spanCorruption(sentinel),
    ...{ tokenizer: SENTINEL_TOKENIZER, data: TEXTS, config: T5, head: 'seq2seqLM', steps: 150, from: 4, to: 1 },
  },
  'mixture of denoisers': {
    objective: objectives.mixtureOfDenoisers(sentinel),
    ...{ tokenizer: SENTINEL_TOKENIZER, data: TEXTS, config: T5, head: 'seq2seqLM', steps: 150, from: 4, to: 1 },
  },
  'text infilling': {
    objective: objectives.textInfilling(mask),
    ...{ tokenizer: MASK_TOKENIZER, data: SENTENCES, config: BART, head: 'seq2seqLM', steps: 100, from: 4, to: 1 },
  },
  'masked diffusion': {
    objective: objectives.maskedDiffusion(mask),
    tokenizer: MASK_TOKENIZER,
    ...{ data: TEXTS, head: 'maskedLM', steps: 300, from: 4, to: 1 },
    config: {
      model_type: 'llada',
      initializer_range: 0.15,
      d_model: 32,
      n_layers: 1,
      n_heads: 2,
      mlp_hidden_size: 64,
      mask_token_id: 4,
    },
  },
  'masked diffusion in continuous time': {
    objective: objectives.maskedDiffusion({ ...mask, schedule: 'log-linear' }),
    tokenizer: MASK_TOKENIZER,
    ...{ data: TEXTS, head: 'maskedLM', steps: 300, from: 4, to: 1 },
    config: {
      model_type: 'mdlm',
      initializer_range: 0.15,
      model_length: LENGTH,
      hidden_dim: 32,
      cond_dim: 8,
      n_blocks: 1,
      n_heads: 2,
      mask_token_id: 4,
    },
  },
  'answer diffusion': {
    objective: objectives.answerDiffusion({ tokenizer: MASK_TOKENIZER, maxLength: LENGTH }),
    tokenizer: MASK_TOKENIZER,
    data: rows(64, rng => {
      const first = rng.below(CIRCLE.length);
      return {
        prompt: `${words(rng, 3).join(' ')} ${CIRCLE[first]} `,
        completion: around(first + 1, 1 + rng.below(3)),
      };
    }),
    ...{ head: 'maskedLM', steps: 300, from: 4, to: 1 },
    config: {
      model_type: 'llada',
      initializer_range: 0.15,
      d_model: 32,
      n_layers: 1,
      n_heads: 2,
      mlp_hidden_size: 64,
      mask_token_id: 4,
    },
  },
  classification: {
    objective: objectives.classification({ tokenizer: PAIR_TOKENIZER, maxLength: LENGTH, labels: ['with', 'without'] }),
    tokenizer: PAIR_TOKENIZER,
    data: rows(200, rng => {
      const text = words(rng, 4 + rng.below(4));
      return { text: text.join(' '), label: text.includes('cat') || text.includes('old') ? 'with' : 'without' };
    }),
    ...{ config: { ...BERT, num_labels: 2 }, head: 'sequenceClassification', steps: 120, from: 0.6, to: 0.1 },
  },
  'a number for a text': {
    objective: objectives.classification({ tokenizer: PAIR_TOKENIZER, maxLength: LENGTH, problemType: 'regression' }),
    tokenizer: PAIR_TOKENIZER,
    data: rows(200, rng => {
      const text = words(rng, 6);
      return { text: text.join(' '), label: text.filter(w => CIRCLE.indexOf(w) < 6).length / 3 };
    }),
    ...{ config: { ...BERT, num_labels: 1 }, head: 'sequenceClassification', steps: 120, from: 0.4, to: 0.05 },
  },
  'pairs of sentences': {
    objective: objectives.sentencePair({ tokenizer: PAIR_TOKENIZER, maxLength: LENGTH }),
    tokenizer: PAIR_TOKENIZER,
    data: rows(200, rng => {
      const [sentence1, sentence2] = [words(rng, 4), words(rng, 4)];
      if (rng.uniform() < 0.4) sentence2[rng.below(4)] = 'cat';
      if (rng.uniform() < 0.4) sentence1[rng.below(4)] = 'cat';
      return {
        sentence1: sentence1.join(' '),
        sentence2: sentence2.join(' '),
        label: Number(sentence2.includes('cat')),
      };
    }),
    ...{ config: { ...BERT, num_labels: 2 }, head: 'sequenceClassification', steps: 120, from: 0.6, to: 0.1 },
  },
  'vectors of pairs': {
    objective: objectives.contrastive({ tokenizer: PAIR_TOKENIZER, maxLength: LENGTH }),
    tokenizer: PAIR_TOKENIZER,
    data: rows(200, rng => {
      const text = words(rng, 4);
      return { text: text.join(' '), positive: text.map(w => CIRCLE[(CIRCLE.indexOf(w) + 5) % 12]).join(' ') };
    }),
    ...{ config: BERT, head: 'base', steps: 120, from: 2, to: 0.3 },
  },
  'classes of words': {
    objective: objectives.tokenClassification({ tokenizer: PAIR_TOKENIZER, maxLength: LENGTH }),
    tokenizer: PAIR_TOKENIZER,
    data: rows(200, rng => {
      const tokens = words(rng, 6);
      return { tokens, ner_tags: tokens.map((_, i) => (tokens[i - 1] === 'the' ? 2 : CIRCLE.indexOf(tokens[i]!) % 2)) };
    }),
    ...{ config: { ...BERT, num_labels: 3 }, head: 'tokenClassification', steps: 120, from: 0.9, to: 0.1 },
  },
  answers: {
    objective: objectives.questionAnswering({ tokenizer: PAIR_TOKENIZER, maxLength: LENGTH, docStride: 4 }),
    tokenizer: PAIR_TOKENIZER,
    data: rows(200, rng => {
      const context = words(rng, 8).map(w => (w === 'sees' ? 'old' : w));
      const at = rng.below(7);
      context[at] = 'sees';
      const before = context.slice(0, at + 1).join(' ').length + 1;
      return {
        ...{ question: 'a dog sees', context: context.join(' ') },
        answers: { text: [context[at + 1]], answer_start: [before] },
      };
    }),
    ...{ config: { ...BERT, initializer_range: 0.02 }, head: 'questionAnswering', steps: 150, from: 2, to: 0.3 },
  },
  'texts from texts': {
    objective: objectives.sequenceToSequence({
      tokenizer: SENTINEL_TOKENIZER,
      maxSourceLength: LENGTH,
      maxTargetLength: 8,
    }),
    tokenizer: SENTINEL_TOKENIZER,
    data: rows(300, rng => {
      const source = words(rng, 2);
      return { source: source.join(' '), target: source.map(w => CIRCLE[(CIRCLE.indexOf(w) + 3) % 12]).join(' ') };
    }),
    ...{ config: T5, head: 'seq2seqLM', steps: 200, from: 4, to: 0.5 },
  },
};

describe('learning', () => {
  let backend: WasmBackend;
  beforeAll(async () => {
    // Numbers that do not depend on the engine.
    backend = await createWasmBackend({ threads: 1, relaxed: false, revectorize: false });
  });
  afterAll(() => backend.close());

  it.each(Object.entries(TASKS))('%s', async (_name, task) => {
    const { objective, tokenizer, data: examples, head, steps } = task;
    const context = { n_positions: LENGTH, max_position_embeddings: LENGTH, max_sequence_length: LENGTH };
    const size = { vocab_size: tokenizer.vocabSize, embedding_size: tokenizer.vocabSize };
    const { pad: pad_token_id = 0 } = tokenizer.specialTokens;
    const model = await create({ ...context, ...size, pad_token_id, ...task.config }, { backend, head, seed: 1 });
    const data = await tokenizeRows(rowsOf(examples), objective);
    const order = { data, objective, batchSize: 16, seed: 3 };
    const { lossOf } = objective;
    const held = batches({ ...order, seed: 4, epochs: 1, shuffle: false });
    const before = await validate(model.parts, held, { lossOf });
    for await (const event of train(model, {
      ...{ batches: batches(order), lossOf, maxSteps: steps, learningRate: 5e-3, lrSchedulerType: 'constant' },
    }))
      expect(event.type).not.toBe('warning');
    const after = await validate(model.parts, held, { lossOf });
    expect(before.loss).toBeGreaterThan(task.from);
    expect(after.loss).toBeLessThan(task.to);
    model.dispose();
  });
  it('goes on from a checkpoint in the middle of an epoch as if nothing had been', async () => {
    const outputDir = await mkdtemp(join(tmpdir(), 'heed-objectives-'));
    const { objective, data: examples, config } = TASKS['masked tokens']!;
    const data = await tokenizeRows(rowsOf(examples), objective);
    const size = { max_position_embeddings: LENGTH, vocab_size: MASK_TOKENIZER.vocabSize };
    const run = async (options: object) => {
      const model = await create({ ...size, ...config }, { backend, head: 'maskedLM', seed: 1 });
      const order = { batches: batches({ data, objective, batchSize: 16, seed: 3 }), maxSteps: 16, dropout: 0.1 };
      const steps: number[] = [];
      const paths: string[] = [];
      for await (const event of train(model, { ...order, ...options })) {
        if (event.type === 'step') steps.push(event.loss);
        if (event.type === 'checkpoint') paths.push(event.path);
      }
      const weights = await Promise.all(
        leavesOf(model.parts.params).map(async ([, tensor]) => (await tensor.data()).slice()),
      );
      model.dispose();
      return { steps, paths, weights };
    };
    try {
      const whole = await run({ outputDir, saveSteps: 7 });
      const [seventh] = whole.paths;
      const rest = await run({ resume: seventh });
      expect(rest.steps).toEqual(whole.steps.slice(7));
      expect(rest.weights).toEqual(whole.weights);
    } finally {
      await rm(outputDir, { recursive: true });
    }
  });
});
