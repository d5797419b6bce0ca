/**
 * What a constraint costs: tokens of a small model of random weights, free and constrained, with two real vocabularies, and of the
 * bundled decoder, whose tokens are the cheapest there are. Every run has
 * another seed, so that it meets states that were not entered before, as a program does. HEED_TOKENIZERS names the folder of the
 * tokenizers.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createWasmBackend, type WasmBackend } from '../src/backends/wasm/index.ts';
import { type GenerateOptions, jsonSchema, regex, tokenTexts } from '../src/generate/index.ts';
import { create } from '../src/hub/create.ts';
import { load } from '../src/hub/load.ts';
import { Model } from '../src/hub/model.ts';
import { loadTokenizer } from '../src/tokenizers/index.ts';
import type { Row } from './table.ts';
import { summarize } from './timing.ts';

const FOLDER = process.env.HEED_TOKENIZERS ?? fileURLToPath(new URL('../../shared/tokenizers', import.meta.url));
/** About 50,000 and 128,000 tokens. */
const TOKENIZERS = ['gpt2', 'llama3'];
const BUNDLED = 'kleinwelt-llama';
const NEW_TOKENS = 64;
const TURNS = 7;
const CONFIG = { model_type: 'gpt2', n_embd: 256, n_layer: 4, n_head: 4, n_positions: 256 };

const ITEM = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 40 },
    kind: { enum: ['person', 'place', 'thing'] },
    size: { type: 'integer', minimum: 0, maximum: 5000 },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 3 },
  },
  required: ['name', 'kind', 'size'],
  additionalProperties: false,
};
const CONSTRAINTS = {
  'JSON schema': jsonSchema({ type: 'array', items: ITEM, minItems: 1 }),
  regex: regex('([A-Za-z ,]+[.!?]\\n)+'),
};

async function withTokenizer(name: string, backend: WasmBackend): Promise<Model> {
  const folder = `${FOLDER}/${name}`;
  if (!existsSync(folder)) throw new Error(`no tokenizer in ${folder}: set HEED_TOKENIZERS`);
  const tokenizer = await loadTokenizer(folder);
  const model = await create({ ...CONFIG, vocab_size: tokenizer.vocabSize }, { backend, trainable: false });
  return new Model({ ...model.parts, tokenizer });
}

/** A row for each vocabulary and constraint; `ratio` is the time of a token beside that of free generation. */
export async function constrain(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of [...TOKENIZERS, BUNDLED]) {
    const backend = await createWasmBackend();
    const model = await (name === BUNDLED ? load(BUNDLED, { backend }) : withTokenizer(name, backend));
    const { tokenizer } = model;
    const vocabSize = tokenizer.vocabSize;
    const start = performance.now();
    const texts = tokenTexts(tokenizer, vocabSize);
    const readMs = performance.now() - start;

    /** Milliseconds of each token. */
    const write = async (options: GenerateOptions, seed: number): Promise<number> => {
      const all = { temperature: 1, seed, maxNewTokens: NEW_TOKENS, ...options };
      const begin = performance.now();
      for await (const event of model.generateIds([[300, 301]], all))
        if (event.type === 'done') return (performance.now() - begin) / event.stats.newTokens;
      throw new Error('no result');
    };
    const kinds = Object.entries(CONSTRAINTS).map(([kind, constraint]) => ({
      kind,
      options: { constraint, tokenTexts: texts },
      times: [] as number[],
      first: 0,
    }));
    const free: number[] = [];
    for (let turn = 0; turn <= TURNS; turn++) {
      const plain = await write({ eosTokenId: [] }, turn);
      if (turn > 0) free.push(plain);
      for (const kind of kinds) {
        const time = await write(kind.options, turn);
        if (turn > 0) kind.times.push(time);
        else kind.first = time;
      }
    }
    const base = summarize(free);
    for (const { kind, times, first } of kinds) {
      const { min, median } = summarize(times);
      rows.push({
        constraint: kind,
        vocabulary: vocabSize,
        'free ms/token': base.min,
        'ms/token': min,
        ratio: min / base.min,
        '(median)': median / base.median,
        'first run ms/token': first,
        'reading the vocabulary ms': readMs,
      });
    }
    model.dispose();
    backend.close();
  }
  return rows;
}
