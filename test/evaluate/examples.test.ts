/** The task files of `examples/eval` on published data, where these lie beside the repository, and tiny models with random weights. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { readTasks } from '../../src/cli/evaluation-data.ts';
import { evaluate } from '../../src/evaluate/index.ts';
import type { LoadOptions } from '../../src/hub/load.ts';
import { tinyModel } from './tiny-models.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const [EXAMPLES, DATA] = [path('../../examples/eval/'), path('../../../shared/datasets')];
/** What each is asked of, and a prompt or an answer that shows that the data were read as they are meant. */
const TASKS: Readonly<Record<string, { model: [string, string, LoadOptions?]; first: RegExp; metrics: string[] }>> = {
  blimp: { model: ['gpt2', 'decoder'], first: /^Who should Derek hug after shocking Richard\?$/, metrics: ['acc'] },
  gsm8k: { model: ['llama', 'decoder'], first: /^Janet sells.*#### 18$/s, metrics: ['exact_match', 'exact_match'] },
  sst2: { model: ['llama', 'decoder'], first: /^negative$/, metrics: ['acc', 'acc_norm'] },
  'sst2-classifier': {
    model: ['bert-mlm', 'encoder', { head: 'sequenceClassification', newHead: { labels: ['negative', 'positive'] } }],
    ...{ first: /^negative$/, metrics: ['acc', 'macro_f1', 'mcc'] },
  },
  'xquad-de': { model: ['bert-qa', 'encoder'], first: /308/, metrics: ['exact_match', 'f1_words'] },
  'multi30k-de-en': { model: ['llama', 'decoder'], first: /^A man in an orange hat/, metrics: ['bleu', 'chrf'] },
  'germeval2014-ner': {
    model: [
      'bert-mlm',
      'encoder',
      { head: 'tokenClassification', newHead: { labels: ['O', 'B-PER', 'I-PER', 'B-LOC'] } },
    ],
    ...{ first: /^Kolpingwerkes\/B-OTH$/, metrics: ['entity_f1', 'acc'] },
  },
  germeval2018: { model: ['llama', 'decoder'], first: /^nein$/, metrics: ['acc', 'macro_f1'] },
};

it('has a test for every example', async () => {
  const files = (await readdir(EXAMPLES)).filter(file => file.endsWith('.yaml'));
  expect(files.map(file => file.replace('.yaml', '')).sort()).toEqual(Object.keys(TASKS).sort());
});

describe.skipIf(!existsSync(DATA))(`examples/eval (needs the data sets in ${DATA})`, async () => {
  const backend = await createWasmBackend();
  afterAll(() => backend.close());
  it.each(Object.keys(TASKS))('%s', async name => {
    const { model: form, first, metrics } = TASKS[name]!;
    const files = await readTasks([`${EXAMPLES}${name}.yaml`], DATA);
    // The tiny models have room for few tokens.
    const tasks = files.tasks.map(({ config, ...task }) => {
      const { generation_kwargs: settings } = config;
      return {
        ...task,
        config: { ...config, ...(settings && { generation_kwargs: { ...settings, max_gen_toks: 8 } }) },
      };
    });
    const [golden, tokenizer, options] = form;
    const model = await tinyModel(golden, tokenizer, { backend, ...options });
    try {
      const report = await evaluate(model, tasks, { limit: 3, bootstrap: 20 });
      const [task] = report.tasks;
      expect(task!.count).toBe(3);
      expect(task!.figures.map(({ metric }) => metric)).toEqual(metrics);
      expect(task!.figures.every(({ value }) => Number.isFinite(value))).toBe(true);
      expect(task!.items[0]!.target).toMatch(first);
    } finally {
      model.dispose();
    }
  });
});
