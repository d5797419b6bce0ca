/** Every checkpoint of the golden data through the tasks that it can do: results are of the right form, in a batch as alone. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import { tasksOf } from '../../src/tasks/index.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import type { TaskName } from '../../src/tasks/task-map.ts';
import { wordPiece } from './tiny-tokenizers.ts';

const COMMITTED = fileURLToPath(new URL('../golden/data/', import.meta.url));
const SHARED = fileURLToPath(new URL('../../../shared/golden/', import.meta.url));
/** Folders of checkpoints with a model in them: no adapters, and nothing that the reference only computed. */
const checkpointsIn = (root: string): string[] =>
  (existsSync(root) ? readdirSync(root) : []).filter(name => {
    const files = existsSync(`${root}${name}/config.json`) ? readdirSync(`${root}${name}`) : [];
    return files.some(file => WEIGHTS.test(file));
  });
const WEIGHTS = /^(model|pytorch_model)\b.*\.(safetensors|bin)$/;
const committed = checkpointsIn(COMMITTED);
/** Those that are not committed: more heads, other forms of the same weights. */
const more = checkpointsIn(SHARED).filter(name => !committed.includes(name));
const backend = createReferenceBackend();

const SPECIALS = { '[PAD]': 0, '[UNK]': 1, '[CLS]': 2, '[SEP]': 3, '[MASK]': 4 };
const TEMPLATE = ['[CLS]', 'A', '[SEP]'];
const TEXTS = ['der hund jagt', 'in paris', 'anna wohnt nicht in berlin'];
const GREEDY = { maxNewTokens: 3, temperature: 0 };
const PIXELS = (seed: number) => Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => (i * seed) % 256);
const PICTURES = [3, 5, 7].map(seed => ({ width: 16, height: 16, data: PIXELS(seed) }));
/** Inputs of each task, and options. */
const CALLS: Readonly<Partial<Record<TaskName, readonly [inputs: readonly unknown[], options?: object]>>> = {
  'text-generation': [TEXTS, GREEDY],
  'fill-mask': [TEXTS.map(text => `${text} [MASK]`), { topK: 3 }],
  'text-classification': [TEXTS, { topK: 2 }],
  'token-classification': [TEXTS, { ignoreLabels: [] }],
  'question-answering': [TEXTS.map(context => ({ question: 'wer', context }))],
  summarization: [TEXTS, GREEDY],
  translation: [TEXTS, GREEDY],
  'text2text-generation': [TEXTS, GREEDY],
  'feature-extraction': [TEXTS],
  'sentence-similarity': [TEXTS.map(sourceSentence => ({ sourceSentence, sentences: TEXTS }))],
  reranking: [TEXTS.map(query => ({ query, documents: TEXTS }))],
  'image-classification': [PICTURES],
  denoise: [TEXTS.map(text => `${text} [MASK] [MASK]`), { steps: 1 }],
};
/** What needs more than a checkpoint: labels of inference, tokens of speech. Other tests have them. */
const ELSEWHERE: readonly string[] = ['zero-shot-classification', 'automatic-speech-recognition'];

function filesOf(root: string, name: string) {
  const names = readdirSync(`${root}${name}`).filter(
    file => WEIGHTS.test(file) || /(^config|^generation_config|index)\.json$/.test(file),
  );
  const files = Object.fromEntries(names.map(file => [file, new Uint8Array(readFileSync(`${root}${name}/${file}`))]));
  const config = JSON.parse(new TextDecoder().decode(files['config.json'])) as { vocab_size?: number };
  const tokenizer = wordPiece(SPECIALS, config.vocab_size ?? 0, TEMPLATE, [...TEMPLATE, 'B', '[SEP]']);
  const json = config.vocab_size && { 'tokenizer.json': new TextEncoder().encode(JSON.stringify(tokenizer)) };
  return memoryFiles({ ...files, ...json }, name);
}

/** Equal, numbers to 1e-4. */
function expectAlike(seen: unknown, expected: unknown, path: string): void {
  if (typeof expected === 'number') expect(seen, path).toBeCloseTo(expected, 4);
  else if (expected instanceof Float32Array || Array.isArray(expected)) {
    expect((seen as unknown[]).length, path).toBe(expected.length);
    for (const [i, value] of expected.entries()) expectAlike((seen as unknown[])[i], value, `${path}[${i}]`);
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(seen as object), path).toEqual(Object.keys(expected));
    for (const [key, value] of Object.entries(expected)) expectAlike((seen as never)[key], value, `${path}.${key}`);
  } else expect(seen, path).toBe(expected);
}

async function doesItsTasks(root: string, name: string): Promise<void> {
  const model = await load(filesOf(root, name), { backend });
  const tasks = await tasksOf(model);
  expect(tasks.length).toBeGreaterThan(0);
  for (const task of tasks) {
    if (ELSEWHERE.includes(task)) continue;
    const [inputs, options] = CALLS[task]!;
    const pipe = (await pipeline(task, model)) as unknown as (input: unknown, options?: object) => Promise<unknown>;
    const together = (await pipe(inputs, { batchSize: 2, ...options })) as unknown[];
    for (const [i, input] of inputs.entries())
      expectAlike(together[i], await pipe(input, options), `${name} ${task} ${i}`);
  }
  model.dispose();
}

describe('every golden head does its tasks', () => {
  it.each(committed)('%s', name => doesItsTasks(COMMITTED, name));
  it('and these are all tasks but those that other tests have', async () => {
    const names = new Set<string>();
    for (const name of committed) {
      const model = await load(filesOf(COMMITTED, name), { backend });
      for (const task of await tasksOf(model)) names.add(task);
      model.dispose();
    }
    expect([...names].sort()).toEqual([...Object.keys(CALLS), ...ELSEWHERE].sort());
  });
});

describe.skipIf(more.length === 0)('every golden head that is not committed does its tasks (../shared/golden)', () => {
  it.each(more)('%s', name => doesItsTasks(SHARED, name));
});
