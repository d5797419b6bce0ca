/**
 * Constrained generation of whole models, those with random weights and the bundled ones: what comes out is valid, whatever the model
 * would rather say. With HEED_SAMPLES=50 each of them writes 1,000 texts for the 20 schemas.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import {
  type Constraint,
  choices,
  type GenerateTextOptions,
  generateTextAll,
  grammar,
  jsonSchema,
  regex,
  tokenTexts,
} from '../../src/generate/index.ts';
import { create } from '../../src/hub/create.ts';
import { load } from '../../src/hub/load.ts';
import { Model } from '../../src/hub/model.ts';
import type { Backend } from '../../src/tensor/index.ts';
import type { Tokenizer } from '../../src/tokenizers/index.ts';
import { SCHEMAS } from './json-schemas.ts';
import { invalidity } from './json-validator.ts';
import { byteLevelTokenizer, metaspaceTokenizer } from './small-tokenizers.ts';

const GOLDEN = fileURLToPath(new URL('../golden/data', import.meta.url));
/** Samples of each schema from each model. */
const SAMPLES = Number(process.env.HEED_SAMPLES ?? 1);

async function textsOf(model: Model, prompt: string | readonly number[][], options: GenerateTextOptions) {
  for await (const event of model.generate(prompt, options)) if (event.type === 'done') return event.sequences;
  throw new Error('no result');
}

/** A golden checkpoint of 120 tokens that can speak. */
async function withTokenizer(name: string, backend: Backend, tokenizer: Tokenizer): Promise<Model> {
  const model = await load(`${GOLDEN}/${name}`, { backend });
  return new Model({ ...model.parts, tokenizer });
}

let backend: Backend;
beforeAll(async () => {
  backend = await createWasmBackend({ threads: 1 });
});
afterAll(() => backend.close());

const byBytes = (specials?: readonly string[]) => byteLevelTokenizer(120, specials);
const MODELS: Readonly<Record<string, () => Promise<Model>>> = {
  gpt2: () => withTokenizer('gpt2', backend, byBytes()),
  llama: () => withTokenizer('llama', backend, byBytes()),
  bart: () => withTokenizer('bart', backend, byBytes(['<s>', '<pad>', '</s>'])),
  t5: () => withTokenizer('t5-v1_1', backend, metaspaceTokenizer(120)),
  recurrent: async () => {
    const config = { model_type: 'lstm-lm', vocab_size: 120, embedding_size: 20, hidden_size: 24, num_layers: 1 };
    const model = await create({ ...config, eos_token_id: 2 }, { backend });
    return new Model({ ...model.parts, tokenizer: byBytes() });
  },
  'kleinwelt-llama': () => load('kleinwelt-llama', { backend }),
  'kleinwelt-lstm': () => load('kleinwelt-lstm', { backend }),
  'kleinwelt-marian': () => load('kleinwelt-marian', { backend }),
};

describe.each(Object.keys(MODELS))('JSON from %s', name => {
  let model: Model;
  beforeAll(async () => {
    model = await MODELS[name]!();
  });
  afterAll(() => model.dispose());
  it.each(Object.entries(SCHEMAS))('%s', async (schemaName, schema) => {
    const whitespace = (['compact', 'spaced', 'free'] as const)[schemaName.length % 3];
    const constraint = jsonSchema(schema, { whitespace });
    for (let seed = 0; seed < SAMPLES; seed++) {
      const options = { constraint, temperature: 1, seed, maxNewTokens: 60 };
      const [{ text } = { text: '' }] = await textsOf(model, 'ab', options);
      expect(invalidity(JSON.parse(text), schema), text).toBeUndefined();
    }
  });
});

describe('every way of generating', () => {
  const schema = SCHEMAS.person!;
  const WAYS: Readonly<Record<string, GenerateTextOptions>> = {
    greedy: {},
    'several samples': { temperature: 1.5, seed: 3, numReturnSequences: 3 },
    'truncated samples': { temperature: 1, topK: 5, topP: 0.9, repetitionPenalty: 1.2, seed: 4 },
    beams: { numBeams: 3, numReturnSequences: 3 },
    'sampled beams': { numBeams: 2, temperature: 1, seed: 5 },
  };
  it.each(['gpt2', 'bart', 't5'].flatMap(name => Object.keys(WAYS).map(way => [name, way] as const)))(
    '%s: %s of a batch',
    async (name, way) => {
      const model = await MODELS[name]!();
      const results = await textsOf(model, ['a', 'longer prompt', 'xy'] as never, {
        ...WAYS[way],
        constraint: jsonSchema(schema),
        maxNewTokens: 48,
      });
      expect(results.length).toBe(3 * (WAYS[way]!.numReturnSequences ?? 1));
      for (const { text } of results) expect(invalidity(JSON.parse(text), schema), text).toBeUndefined();
      model.dispose();
    },
  );

  it('a row gets alone what it gets in a batch', async () => {
    const model = await MODELS.gpt2!();
    const options = { constraint: jsonSchema(schema), temperature: 1, seed: [1, 2], maxNewTokens: 48 };
    const together = await textsOf(model, ['a', 'bcd'] as never, options);
    const [alone] = await textsOf(model, 'bcd', { ...options, seed: 2 });
    expect(together[1]!.text).toBe(alone!.text);
    model.dispose();
  });

  const KINDS: readonly (readonly [string, Constraint, RegExp])[] = [
    ['regex', regex('[A-Z][a-z]{2,5}( [0-9]{3})?'), /^[A-Z][a-z]{2,5}( [0-9]{3})?$/],
    ['choices', choices(['yes', 'no', 'not sure', 'none']), /^(yes|no|not sure|none)$/],
    ['grammar', grammar('root ::= "(" root ")" | [a-c]+'), /^(\(+[a-c]+\)+|[a-c]+)$/],
  ];
  it.each(['gpt2', 't5'].flatMap(name => KINDS.map(kind => [name, ...kind] as const)))(
    '%s keeps to a %s',
    async (name, _kind, constraint, expected) => {
      const model = await MODELS[name]!();
      for (let seed = 0; seed < 5; seed++) {
        const [result] = await textsOf(model, 'ab', { constraint, temperature: 2, seed, maxNewTokens: 12 });
        expect(result!.text).toMatch(expected);
      }
      model.dispose();
    },
  );
});

describe('the bundled encoder-decoder', () => {
  // Its vocabulary is made of the characters of its world and of ASCII.
  let model: Model;
  beforeAll(async () => {
    model = await load('kleinwelt-marian', { backend });
  });
  afterAll(() => model.dispose());

  it('says which characters it cannot write', async () => {
    const run = textsOf(model, 'Der Hund schläft.', { constraint: choices(['犬が寝る']), maxNewTokens: 60 });
    await expect(run).rejects.toThrow(/this tokenizer cannot write it; seen: no token for .*"犬".* alone/);
  });
  it('keeps to a form that it can write', async () => {
    const form = /^(Der|Die|Das) [A-Z][a-zäöü]{2,9} (jagt|schläft|sieht)( nicht)?[.]$/;
    for (let seed = 0; seed < 10; seed++) {
      const options = { constraint: regex(form), temperature: 1.5, seed, maxNewTokens: 24 };
      const [result] = await textsOf(model, 'The dog is sleeping.', options);
      expect(result!.text).toMatch(form);
    }
  });
});

describe('the end', () => {
  it('is reached within the length, however long the model would go on', async () => {
    const model = await MODELS.gpt2!();
    const open = jsonSchema({ type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } });
    for (const maxNewTokens of [1, 2, 3, 5, 8, 13, 21])
      for (let seed = 0; seed < 6; seed++) {
        const run = textsOf(model, 'ab', { constraint: open, temperature: 1, seed, maxNewTokens });
        if (maxNewTokens === 1)
          await expect(run).rejects.toThrow(/does not fit; seen: room for 1 tokens; expected: at least 2/);
        else expect(Object.values(JSON.parse((await run)[0]!.text)).every(Array.isArray)).toBe(true);
      }
    model.dispose();
  });

  it('comes at once where no end token is named and nothing can follow', async () => {
    const model = await MODELS.gpt2!();
    const codec = {
      encodeIds: (text: string) => model.tokenizer.encodeIds(text),
      stream: () => model.tokenizer.stream({ skipSpecialTokens: true }),
    };
    const constraint = choices(['one', 'three']);
    const texts = tokenTexts(model.tokenizer, model.vocabSize);
    const done = await generateTextAll(model, codec, 'ab', { constraint, tokenTexts: texts, maxNewTokens: 50 });
    expect(done.sequences[0]).toMatchObject({ finishReason: 'stop' });
    expect(['one', 'three']).toContain(done.sequences[0]!.text);
    model.dispose();
  });

  it('needs the texts of the tokens', async () => {
    const model = await load(`${GOLDEN}/gpt2`, { backend });
    expect(() => model.generateIds([[3]], { constraint: choices(['a']) })).toThrow(/no tokenizer/);
    model.dispose();
  });
});
