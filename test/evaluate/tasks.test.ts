/** Tasks against lm-evaluation-harness 0.4.13 (`lm-eval.json`: run with these files on the same checkpoint), and the output types of our own. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import {
  crowsPairs,
  type Doc,
  type EvaluationTask,
  evaluate,
  minimalPairs,
  readCrowsPairs,
  readMinimalPairs,
  readStereoSet,
  readTask,
  scoreStereoSet,
  stereoSetPredictions,
  type TaskConfig,
  type TaskReport,
  taskConfig,
} from '../../src/evaluate/index.ts';
import type { LoadOptions } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import { readData, tinyModel } from './tiny-models.ts';

const backend = await createWasmBackend();
const opened: Model[] = [];
afterAll(() => {
  for (const model of opened) model.dispose();
  backend.close();
});
async function open(golden: string, tokenizer: string, options: LoadOptions = {}): Promise<Model> {
  const model = await tinyModel(golden, tokenizer, { backend, ...options });
  opened.push(model);
  return model;
}

const fileOf = (name: string) => readFile(fileURLToPath(new URL(`./data/tasks/${name}`, import.meta.url)), 'utf8');
async function committedTask(name: string): Promise<EvaluationTask> {
  const { tasks } = await readTask(await fileOf(`${name}.yaml`), { where: name, beside: fileOf });
  const { data_files } = tasks[0]!.dataset_kwargs as { data_files: { test: string } };
  const lines = (await fileOf(data_files.test)).trim().split('\n');
  return { config: tasks[0]!, docs: () => lines.map(line => JSON.parse(line) as Doc) };
}
const own = (
  fields: Partial<TaskConfig> & { output_type: TaskConfig['output_type'] },
  docs: readonly Doc[],
): EvaluationTask => ({
  config: taskConfig({ task: fields.output_type, ...fields }, 'test'),
  docs: () => docs,
});
async function reportOf(model: Model, task: EvaluationTask): Promise<TaskReport> {
  const { tasks } = await evaluate(model, [task], { bootstrap: 50, batchSize: 3 });
  return tasks[0]!;
}
const figureOf = ({ figures }: TaskReport, metric: string) => figures.find(figure => figure.metric === metric)!.value;

describe('lm-evaluation-harness', async () => {
  interface Expected {
    readonly results: Readonly<Record<string, number>>;
    readonly items: readonly {
      readonly prompt: string;
      readonly logLikelihoods?: readonly number[];
      readonly written?: string;
      readonly filtered?: Readonly<Record<string, string>>;
    }[];
  }
  const expected = await readData<Readonly<Record<string, Expected>>>('tasks/lm-eval.json');
  const names = Object.keys(expected);
  const model = await open('gpt2', 'decoder');
  const report = await evaluate(model, await Promise.all(names.map(committedTask)), { bootstrap: 100 });

  it.each(names)('finds the same in %s', name => {
    const { results, items } = expected[name]!;
    const task = report.tasks.find(each => each.task === name)!;
    const metrics = Object.keys(results).filter(key => /^[a-z_]+,/.test(key) && !key.includes('_stderr'));
    expect(metrics.length).toBeGreaterThan(0);
    for (const key of metrics) {
      const [metric, filter] = key.split(',');
      const figure = task.figures.find(each => each.metric === metric && each.filter === filter)!;
      expect(Math.abs(figure.value / results[key]! - 1) || 0, key).toBeLessThan(3e-6);
      const stderr = results[`${metric}_stderr,${filter}`];
      // Of other figures than means the harness draws samples of its own.
      if (figure.interval === 'wilson') expect(figure.stderr, key).toBeCloseTo(stderr!, 9);
    }
    expect(task.items).toHaveLength(items.length);
    for (const [i, item] of items.entries()) {
      const found = task.items[i]!;
      if (name !== 'rolling') expect(found.prompt).toBe(item.prompt);
      const numbers = (found.details.logLikelihoods ?? [found.details.logLikelihood]) as readonly number[];
      // Behind those of the choices the harness lists those without a prompt.
      for (const [k, number] of numbers.entries())
        if (item.logLikelihoods) expect(number).toBeCloseTo(item.logLikelihoods[k]!, 3);
      if (item.written !== undefined) expect(found.details.written).toEqual([item.written]);
      if (item.filtered) expect(found.predictions).toEqual(item.filtered);
    }
  });
});

describe('output types of our own', () => {
  const texts = ['the dog runs', 'a big cat sees the small house', 'bread', 'the man sleeps in the house'];

  it('classify as the model does for each text alone', async () => {
    const labels = ['bad', 'fair', 'good'];
    const model = await open('bert-mlm', 'encoder', { head: 'sequenceClassification', newHead: { labels, seed: 4 } });
    const predicted: string[] = [];
    for (const text of texts) {
      const { logits } = await model.run({ input_ids: [model.tokenizer.encodeIds(text)] });
      const row = Array.from(await logits.data());
      predicted.push(labels[row.indexOf(Math.max(...row))]!);
    }
    const docs = texts.map((text, i) => ({
      text,
      label: i === 1 ? predicted[i]!.toUpperCase() : labels[(labels.indexOf(predicted[i]!) + (i % 2)) % 3],
    }));
    const report = await reportOf(
      model,
      own({ output_type: 'classification', doc_to_text: 'text', doc_to_target: 'label' }, docs),
    );
    expect(report.items.map(item => item.predictions.none)).toEqual(predicted);
    expect(report.values.acc).toEqual([1, 1, 1, 0]);
    expect(report.reliability!.bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(4);
    expect(report.reliability!.bins.every(({ confidence, count }) => count > 0 && confidence > 0)).toBe(true);
    // How often it is right does not hang on the metric that a task names first.
    const byBrier = own(
      {
        output_type: 'classification',
        doc_to_text: 'text',
        doc_to_target: 'label',
        metric_list: [{ metric: 'brier_score' }],
      },
      docs,
    );
    const brier = await reportOf(model, byBrier);
    expect(brier.reliability).toEqual(report.reliability);
    expect(brier.reliability!.bins.reduce((sum, bin) => sum + bin.count * bin.accuracy, 0)).toBeCloseTo(3, 12);
    const wrong = own({ output_type: 'classification', doc_to_text: 'text', doc_to_target: 'label' }, [
      { text: 'a', label: 'great' },
    ]);
    await expect(reportOf(model, wrong)).rejects.toThrow(/great.*bad, fair, good/);
  });

  it('tag words by their first token', async () => {
    const labels = ['O', 'B-PER', 'I-PER'];
    const model = await open('bert-mlm', 'encoder', { head: 'tokenClassification', newHead: { labels, seed: 5 } });
    const docs = [];
    for (const text of texts) {
      const words = text.split(' ');
      const { ids, wordIds } = model.tokenizer.encode(text);
      const { logits } = await model.run({ input_ids: [ids] });
      const data = await logits.data();
      const tags = words.map((_, w) => {
        const row = Array.from(data.subarray(wordIds.indexOf(w) * 3, wordIds.indexOf(w) * 3 + 3));
        return labels[row.indexOf(Math.max(...row))]!;
      });
      docs.push({ words, tags });
    }
    const fields = { output_type: 'token_classification', doc_to_text: 'words', doc_to_target: 'tags' } as const;
    const right = await reportOf(model, own(fields, docs));
    expect(figureOf(right, 'acc')).toBe(1);
    const turned = docs.map(({ words, tags }) => ({ words, tags: tags.map(tag => (tag === 'O' ? 'B-PER' : 'O')) }));
    expect(figureOf(await reportOf(model, own(fields, turned)), 'acc')).toBe(0);
    // Of all words, and not the mean over sentences.
    const [words, first] = [texts.join(' ').split(' ').length, docs[0]!.words.length];
    const mixed = [turned[0]!, ...docs.slice(1)];
    expect(figureOf(await reportOf(model, own(fields, mixed)), 'acc')).toBeCloseTo((words - first) / words, 12);
  });

  it('answer with the most probable span of the context', async () => {
    const model = await open('bert-qa', 'encoder');
    const [question, context] = ['who sleeps', 'the man sleeps in the big house and the dog runs'];
    const encoding = model.tokenizer.encode(question, { pair: context });
    const { outputs } = await model.run({ input_ids: [encoding.ids], token_type_ids: [encoding.typeIds] });
    const [start, end] = [await outputs.start_logits!.data(), await outputs.end_logits!.data()];
    let best = { score: Number.NEGATIVE_INFINITY, text: '' };
    for (const [i, a] of encoding.sequenceIds.entries())
      for (const [j, b] of encoding.sequenceIds.entries())
        if (a === 1 && b === 1 && j >= i && start[i]! + end[j]! > best.score)
          best = { score: start[i]! + end[j]!, text: context.slice(encoding.offsets[i]![0], encoding.offsets[j]![1]) };
    const docs = [
      { question, context, answers: ['nobody', best.text] },
      { question, context, answers: ['nobody'] },
    ];
    const fields = {
      output_type: 'question_answering',
      doc_to_text: '{{[question, context]}}',
      doc_to_target: 'answers',
    } as const;
    const report = await reportOf(model, own(fields, docs));
    expect(report.items[0]!.predictions.none).toBe(best.text);
    expect(report.values.exact_match).toEqual([1, 0]);
  });

  it('fill a gap with as many tokens as the right word has', async () => {
    const model = await open('bert-mlm', 'encoder');
    const maskId = model.tokenizer.specialTokens.mask!;
    const docs = [
      { text: 'the [MASK] runs', word: 'dog' },
      { text: 'the big <mask> sees the house and the man', word: 'cat' },
    ];
    const report = await reportOf(
      model,
      own({ output_type: 'fill_mask', doc_to_text: 'text', doc_to_target: 'word' }, docs),
    );
    for (const [i, { text, word }] of docs.entries()) {
      const right = model.tokenizer.encodeIds(word, { addSpecialTokens: false });
      const ids = model.tokenizer.encodeIds(text.replace(/\[MASK\]|<mask>/, '[MASK]'.repeat(right.length)));
      const { logits } = await model.run({ input_ids: [ids] });
      const data = await logits.data();
      const width = logits.dim(2);
      const ranks = ids
        .flatMap((id, at) => (id === maskId ? [at] : []))
        .map((at, k) => {
          const row = data.subarray(at * width, (at + 1) * width);
          return row.filter(x => x > row[right[k]!]!).length;
        });
      expect(report.items[i]!.details.ranks).toEqual(ranks);
      const logs = ids
        .flatMap((id, at) => (id === maskId ? [at] : []))
        .map((at, k) => {
          const row = Array.from(data.subarray(at * width, (at + 1) * width));
          return row[right[k]!]! - Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
        });
      expect(report.items[i]!.details.logLikelihood).toBeCloseTo(
        logs.reduce((sum, x) => sum + x),
        4,
      );
    }
  });

  it('find pairs and bias as the functions for them do', async () => {
    const model = await open('bert-mlm', 'encoder');
    const pairs = texts.map((text, i) => ({
      sentence_good: text,
      sentence_bad: texts[(i + 1) % 4]!,
      UID: i < 2 ? 'a' : 'b',
    }));
    const rows = (fields: readonly Doc[]) => fields.map((each, i) => ({ fields: each, where: `row ${i}` }));
    const grammar = await reportOf(
      model,
      own(
        { output_type: 'minimal_pairs', doc_to_choice: '{{[sentence_good, sentence_bad]}}', metadata: { by: 'UID' } },
        pairs,
      ),
    );
    const direct = await minimalPairs(model, await readMinimalPairs(rows(pairs)));
    expect(figureOf(grammar, 'acc')).toBe(direct.overall.share!.value);
    expect(grammar.slices.map(({ key, figure }) => [key, figure.value])).toEqual(
      direct.paradigms.map(({ name, share }) => [name, share!.value]),
    );
    const crows = texts.map((text, i) => ({
      ...{ sent_more: text, sent_less: text.replace('the', 'a'), bias_type: 'x' },
      stereo_antistereo: i % 2 ? 'stereo' : 'antistereo',
    }));
    const prejudice = await reportOf(model, own({ output_type: 'crows_pairs' }, crows));
    const { overall } = await crowsPairs(model, await readCrowsPairs(rows(crows)));
    expect(figureOf(prejudice, 'stereotype')).toBe(overall.metric.share!.value);

    const raw = [0, 1, 2].map(i => ({
      ...{ id: `${i}`, target: i < 2 ? 'man' : 'dog', bias_type: 'x', context: 'the BLANK runs' },
      data: Object.fromEntries(
        ['stereotype', 'anti-stereotype', 'unrelated'].map((label, k) => [
          label,
          { id: `${i}${k}`, sentence: `the ${['dog', 'cat', 'house', 'man', 'tree'][(i + k) % 5]} runs` },
        ]),
      ),
    }));
    const items = readStereoSet(raw);
    const stereo = await reportOf(
      model,
      own(
        { output_type: 'stereoset' },
        items.map(item => ({ ...item })),
      ),
    );
    const found = await stereoSetPredictions(model, items);
    const scores = new Map([...found.intrasentence, ...found.intersentence].map(({ id, score }) => [id, score]));
    const expected = scoreStereoSet(items, scores).overall!;
    for (const name of ['lms', 'ss', 'icat'] as const) expect(figureOf(stereo, name)).toBeCloseTo(expected[name], 9);
    const unread = await reportOf(model, own({ output_type: 'stereoset' }, raw));
    expect(unread.figures).toEqual(stereo.figures);
    await expect(reportOf(model, own({ output_type: 'stereoset' }, [{ context: 'a' }]))).rejects.toThrow(
      /stereoset, item 0/,
    );
  });

  it('compare and find vectors', async () => {
    const model = await open('bert-mlm', 'encoder');
    const docs = texts.map((a, i) => ({ a, b: texts[(i * 2) % 4]!, alike: i }));
    const fields = { output_type: 'similarity', doc_to_text: '{{[a, b]}}', doc_to_target: 'alike' } as const;
    const alike = await reportOf(model, own(fields, docs));
    // A text is as near to itself as can be.
    expect(Number(alike.items[0]!.predictions.none)).toBe(1);
    const same = texts.map(text => ({ text }));
    const found = await reportOf(
      model,
      own({ output_type: 'retrieval', doc_to_text: 'text', doc_to_target: 'text' }, same),
    );
    expect(figureOf(found, 'acc')).toBe(1);
    const next = texts.map((text, i) => ({ text, other: texts[(i + 1) % 4]! }));
    const lost = await reportOf(
      model,
      own({ output_type: 'retrieval', doc_to_text: 'text', doc_to_target: 'other' }, next),
    );
    expect(figureOf(lost, 'acc')).toBe(0);
    expect(lost.items[0]!.predictions.none).toBe(texts[0]);
    // The last one is looked for among as many as the others, and not alone.
    const retrieval = { output_type: 'retrieval', doc_to_text: 'text', doc_to_target: 'other' } as const;
    const few = await reportOf(model, own({ ...retrieval, metadata: { among: 3 } }, next));
    expect(few.values.acc).toHaveLength(4);
    expect((few.values.acc as number[]).at(-1)).toBe(0);
    await expect(reportOf(model, own({ ...retrieval, metadata: { among: 1 } }, next))).rejects.toThrow(/from 2 on.*1/);
    const worded = own(fields, [{ a: 'bread', b: 'bread', alike: 'very' }]);
    await expect(reportOf(model, worded)).rejects.toThrow(/is a number.*very.*item 0/);
  });

  it('repeat the beginning of a long text only', async () => {
    const model = await open('gpt2', 'decoder');
    const rolling = own({ output_type: 'loglikelihood_rolling', doc_to_target: 'text' }, [
      { text: 'a b '.repeat(400) },
    ]);
    const { items } = await reportOf(model, rolling);
    expect(items[0]!.target).toBe(`${'a b '.repeat(250)}…`);
    expect(items[0]!.details.bytes).toBe(1600);
  });

  it('say which model a task is for', async () => {
    const model = await open('gpt2', 'decoder');
    const task = own({ output_type: 'classification', doc_to_text: 'text', doc_to_target: 'label' }, [
      { text: 'a', label: 0 },
    ]);
    await expect(reportOf(model, task)).rejects.toThrow(/another kind of model.*causalLM.*sequenceClassification/);
  });
});
