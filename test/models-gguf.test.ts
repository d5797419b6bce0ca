/**
 * Models in GGUF files: those that llama.cpp's Python package wrote, with the logits that the reference computes from their
 * weights. Two of them are here; the others are not a part of the project, and without them beside it those tests are skipped.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../src/backends/reference/index.ts';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { HeedError } from '../src/errors.ts';
import {
  bytesSource,
  type Checkpoint,
  encodeBlocks,
  type GgufValueToWrite,
  ggufBytes,
  isGguf,
  metadataToWrite,
  openCheckpoint,
  openGguf,
  openSafetensors,
  toFloat32,
  toInt32,
} from '../src/formats/index.ts';
import { folderFiles, memoryFiles } from '../src/hub/files.ts';
import { openGgufModel } from '../src/hub/gguf.ts';
import { load } from '../src/hub/load.ts';
import type { Model } from '../src/hub/model.ts';
import type { Backend } from '../src/tensor/index.ts';
import { createRng } from '../src/util/rng.ts';
import { compareFloats, FLOAT_BOUND, passes } from './golden/compare.ts';
import { diskFiles } from './golden/disk-files.ts';
import { greedyIds, modelChecks } from './golden/gguf.ts';
import { readTensors } from './golden/golden-files.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const HERE = at('formats/data/gguf');
const GOLDEN = at('../../shared/golden/gguf');
const STORIES = at('../../shared/models/stories260K');
const note = (folder: string) => (existsSync(folder) ? '' : ' (skipped: the shared files are not here)');
const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend(),
};

/** Files with expected results beside them. */
const modelsIn = (folder: string): string[] =>
  !existsSync(folder)
    ? []
    : readdirSync(folder)
        .filter(
          name => existsSync(join(folder, name.replace(/\.gguf$/, '.expected.safetensors'))) && name.endsWith('.gguf'),
        )
        .map(name => join(folder, name));

const valuesOf = async (file: Checkpoint, name: string) => {
  const { shape, dtype, byteLength } = file.tensors.get(name)!;
  const bytes = await file.read(name, 0, byteLength);
  return { shape, data: dtype.startsWith('I') ? toInt32(bytes, dtype) : toFloat32(bytes, dtype) };
};
for (const [folder, why] of [
  [HERE, ''],
  [GOLDEN, note(GOLDEN)],
] as const)
  for (const [name, create] of Object.entries(BACKENDS))
    describe.skipIf(why)(`GGUF models on ${name}${why}`, () => {
      let backend: Backend;
      beforeAll(async () => {
        backend = await create();
      });
      afterAll(() => backend.close());

      it.each(modelsIn(folder).map(path => [basename(path), path]))(
        '%s gives the logits of the reference',
        async (_, path) => {
          const expected = await openSafetensors(
            bytesSource(readFileSync(path.replace(/\.gguf$/, '.expected.safetensors')), path),
          );
          const tensors = (await readTensors(
            diskFiles(folder),
            basename(path).replace(/\.gguf$/, '.expected.safetensors'),
          ))!;
          let checks = 0;
          for await (const check of modelChecks(basename(path), readFileSync(path), tensors, backend)) {
            expect(check, JSON.stringify(check)).toSatisfy(passes);
            checks++;
          }
          expect(checks).toBe(3);
          const model = await load(path, { backend });
          expect(model.parts.unexpected).toEqual([]);
          expect(model.tokenizer.vocabSize).toBe(model.vocabSize);
          model.dispose();

          const { checkpoint } = (await openGgufModel(folderFiles(path)))!;
          const weights = [...expected.tensors.keys()].filter(key => key.startsWith('weights/'));
          expect(weights.length).toBeGreaterThan(0);
          for (const key of weights) {
            const own = key.slice('weights/'.length).replace(/^transformer\./, '');
            const got = await valuesOf(checkpoint, own);
            const wanted = await valuesOf(expected, key);
            // GPT-2's matrices lie [in, out] in its own checkpoints, and in GGUF files as all others do.
            const [rows, columns] = wanted.shape as [number, number];
            const turned = `${got.shape}` !== `${wanted.shape}` || /c_(attn|proj|fc)\.weight$/.test(own);
            const same = turned
              ? got.data.map((_, i) => got.data[(i % columns) * rows + Math.floor(i / columns)]!)
              : got.data;
            expect(compareFloats(same, wanted).error, key).toBeLessThan(1e-6);
          }
          await checkpoint.close();
        },
      );
    });

it.skipIf(note(GOLDEN))('all GGUF models of the reference are among the tests', () => {
  expect(modelsIn(GOLDEN).length).toBe(10);
  expect(modelsIn(HERE).length).toBe(2);
});

describe('a GGUF file', () => {
  const backend = createReferenceBackend();
  const file = 'llama-q4_0.gguf';
  const bytes = new Uint8Array(readFileSync(join(HERE, file)));
  const alone = (name: string, more = {}) => memoryFiles({ [name]: bytes, ...more }, 'mine');

  it('is a model by itself, and in a folder of its own', async () => {
    const logits: Float32Array[] = [];
    for (const source of [
      join(HERE, file),
      alone('m.gguf'),
      alone('m.gguf', { 'config.json': bytes, 'README.md': bytes }),
    ]) {
      const model = await load(source, { backend });
      logits.push((await (await model.run({ input_ids: [[1, 2, 3]] })).logits.data()) as Float32Array);
      model.dispose();
    }
    expect(logits[1]).toEqual(logits[0]);
    expect(logits[2]).toEqual(logits[0]);
    await expect(load(alone('m.gguf', { 'n.gguf': bytes }), { backend })).rejects.toThrow(
      /holds no checkpoint.*give the path of the file itself/,
    );
  });

  it('may be split', async () => {
    const { head, tensors, read } = await openGguf(bytesSource(bytes));
    const names = [...tensors.keys()];
    const part = async (no: number, own: string[]) => {
      const chosen = await Promise.all(
        own.map(async name => {
          const tensor = tensors.get(name)!;
          const raw = await read(name, 0, tensor.byteLength);
          return { ...tensor, chunks: () => [raw] };
        }),
      );
      const number = (value: number) => ({ type: 'U16', value }) as const;
      const split = { 'split.no': number(no), 'split.count': number(2) };
      return ggufBytes(chosen, no === 0 ? { ...Object.fromEntries(metadataToWrite(head)), ...split } : split);
    };
    const files = {
      'm-00001-of-00002.gguf': await part(0, names.slice(0, 5)),
      'm-00002-of-00002.gguf': await part(1, names.slice(5)),
    };
    const [one, two] = [await load(memoryFiles(files), { backend }), await load(alone('m.gguf'), { backend })];
    const logits = async (model: Model) => (await model.run({ input_ids: [[1, 2, 3]] })).logits.data();
    expect(await logits(one)).toEqual(await logits(two));
    for (const model of [one, two]) model.dispose();
  });

  it('holds blocks, which can be seen before it is loaded', async () => {
    const { file, checkpoint } = (await openGgufModel(alone('m.gguf')))!;
    expect(isGguf(file)).toBe(true);
    expect(checkpoint.tensors.get('model.layers.0.self_attn.q_proj.weight')).toMatchObject({
      dtype: 'Q4_0',
      shape: [64, 64],
    });
    await checkpoint.close();
  });

  it('is trained as plain matrices', async () => {
    const model = await load(alone('m.gguf'), { backend, trainable: true });
    const { loss } = await model.run({ input_ids: [[1, 2, 3]], labels: [[1, 2, 3]] });
    expect(loss).toBeGreaterThan(0);
    model.dispose();
  });
});

describe('a changed GGUF file', () => {
  const backend = createReferenceBackend();
  /** How it fails, or undefined when it runs. */
  async function failure(bytes: Uint8Array): Promise<unknown> {
    try {
      const model = await load(memoryFiles({ 'm.gguf': bytes }, 'mine'), { backend });
      const { logits } = await model.run({ input_ids: [[1, 2, 3]] });
      await logits.data();
      model.dispose();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  it.each(modelsIn(HERE).map(path => [basename(path), path]))(
    '%s is refused or runs, whatever its metadata say',
    async (_, path) => {
      const { head, tensors, read } = await openGguf(bytesSource(readFileSync(path)));
      const whole = await Promise.all(
        [...tensors.values()].map(async tensor => {
          const bytes = await read(tensor.name, 0, tensor.byteLength);
          return { ...tensor, chunks: () => [bytes] };
        }),
      );
      const metadata = Object.fromEntries(metadataToWrite(head));
      const arch = String(head.values.get('general.architecture'));
      const keys = [
        ...[...head.values.keys()].filter(key => !key.startsWith('tokenizer.')),
        ...MORE_KEYS.map(key => `${arch}.${key}`),
        'tokenizer.ggml.padding_token_id',
      ];
      let refused = 0;
      for (const key of keys)
        for (const value of ODD_VALUES) {
          const error = await failure(ggufBytes(whole, { ...metadata, [key]: value }));
          if (error === undefined) continue;
          expect(error, `${key} = ${JSON.stringify(value)}`).toBeInstanceOf(HeedError);
          refused++;
        }
      expect(refused).toBeGreaterThan(keys.length);
      expect(refused).toBeLessThan(keys.length * ODD_VALUES.length);
    },
  );

  it('is refused or runs, whatever bytes of its head are others', async () => {
    const whole = new Uint8Array(readFileSync(join(HERE, 'llama-q4_0.gguf')));
    const rng = createRng(11);
    for (let round = 0; round < 150; round++) {
      const bytes = whole.slice();
      for (let changes = 1 + rng.below(3); changes > 0; changes--) {
        bytes[rng.below(5000)] = [0, 1, 0x7f, 0x80, 0xff, rng.below(256)][rng.below(6)]!;
      }
      const error = await failure(bytes);
      if (error !== undefined) expect(error, `round ${round}`).toBeInstanceOf(HeedError);
    }
  });
});
const MORE_KEYS = [
  'rope.scaling.type',
  'rope.scaling.factor',
  'expert_count',
  'attention.sliding_window',
  'pooling_type',
];
const ODD_VALUES: readonly GgufValueToWrite[] = [
  { type: 'U32', value: 0 },
  { type: 'U32', value: 3 },
  { type: 'U32', value: 4294967295 },
  { type: 'F32', value: Number.NaN },
  { type: 'I32', value: -1 },
  'text',
  Uint32Array.of(1, 2),
];

interface Story {
  readonly prompt: string;
  readonly prompt_ids: number[];
  readonly last_logits: number[];
  readonly greedy_ids: number[];
  readonly greedy_text: string;
  readonly smallest_margin: number;
}

describe.skipIf(note(STORIES))(`a trained model in GGUF${note(STORIES)}`, () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await createWasmBackend();
  });
  afterAll(() => backend.close());
  const stories = (): Story[] => JSON.parse(readFileSync(join(STORIES, 'expected.json'), 'utf8'));
  const lastLogits = async (model: Model, ids: number[]) => {
    const { logits } = await model.run({ input_ids: [ids] });
    return (await logits.data()).slice((ids.length - 1) * model.vocabSize);
  };

  it('in single precision says what its other formats say, text for text', async () => {
    const model = await load(join(STORIES, 'model-f32.gguf'), { backend });
    for (const { prompt, prompt_ids, last_logits, greedy_ids } of stories()) {
      expect([1, ...model.tokenizer.encodeIds(prompt).filter((id, i) => i > 0 || id !== 1)]).toEqual(prompt_ids);
      const expected = { shape: [last_logits.length], data: Float32Array.from(last_logits) };
      expect(compareFloats(await lastLogits(model, prompt_ids), expected).error).toBeLessThan(FLOAT_BOUND);
      expect(await greedyIds(model, prompt_ids, greedy_ids.length)).toEqual(greedy_ids);
    }
    model.dispose();
  });

  it('in blocks of 8 bits holds what quantising makes of the other file', async () => {
    const [whole, blocks] = await Promise.all(
      ['f32', 'q8_0'].map(name => openCheckpoint(join(STORIES, `model-${name}.gguf`))),
    );
    let checked = 0;
    for (const { name, dtype, byteLength } of blocks!.tensors.values()) {
      if (dtype !== 'Q8_0') continue;
      const { data } = await valuesOf(whole!, name);
      expect(Buffer.compare(encodeBlocks(data as Float32Array, dtype), await blocks!.read(name, 0, byteLength))).toBe(
        0,
      );
      checked += byteLength;
    }
    expect(checked).toBe(217_056);
    await Promise.all([whole!.close(), blocks!.close()]);
  });

  it('in blocks of 8 bits comes as near as these are, and says the same where the choice is clear', async () => {
    const model = await load(join(STORIES, 'model-q8_0.gguf'), { backend });
    for (const { prompt_ids, last_logits, greedy_ids, smallest_margin } of stories()) {
      const expected = { shape: [last_logits.length], data: Float32Array.from(last_logits) };
      const { error } = compareFloats(await lastLogits(model, prompt_ids), expected);
      expect(error).toBeLessThan(0.02);
      expect(error).toBeGreaterThan(FLOAT_BOUND);
      if (smallest_margin > 0.05) expect(await greedyIds(model, prompt_ids, 24)).toEqual(greedy_ids.slice(0, 24));
    }
    model.dispose();
  });
});
