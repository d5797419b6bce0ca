/** The runner and its reports, on a model that says what its tests want: no network is computed. */
import { describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';
import { compareReports } from './report/compare-reports.ts';
import { reportMarkdown } from './report/markdown.ts';
import { reportPage } from './report/page.ts';
import { type Report, readReport, reportJson } from './report/report.ts';
import type { ContinuationSettings, EvaluatedModel } from './tasks/kinds/output-kind.ts';
import type { EvaluationTask } from './tasks/run-task.ts';
import { type TaskConfig, taskConfig } from './tasks/task-config.ts';

/** Answers each prompt by a function; its tokens are characters. */
function speaker(answer: (prompt: string, settings: ContinuationSettings) => string): EvaluatedModel {
  const model = {
    parts: { architecture: { name: 'speaker' }, head: 'causalLM', config: {} },
    contextLength: undefined,
    tokenizer: { decode: (ids: readonly number[]) => String.fromCodePoint(...ids) },
    async *generate(prompts: readonly string[], settings: ContinuationSettings) {
      const texts = prompts.map(prompt => answer(prompt, settings));
      yield { type: 'done', sequences: texts.map(text => ({ ids: [...text].map(sign => sign.codePointAt(0)!) })) };
    },
  };
  return model as unknown as EvaluatedModel;
}
const numbers = (count: number) => Array.from({ length: count }, (_, i) => ({ n: i, sum: `${i + 1}`, size: i % 3 }));
const sums = (fields: Partial<TaskConfig> = {}, count = 100): EvaluationTask => ({
  config: taskConfig(
    { task: 'sums', output_type: 'generate_until', doc_to_text: '{{n}} + 1 =', doc_to_target: 'sum', ...fields },
    'test',
  ),
  docs: () => numbers(count),
});
/** Right but for every k-th number. */
const adder = (k: number) =>
  speaker(prompt => (Number.parseInt(prompt, 10) % k === 0 ? 'no idea' : `${Number.parseInt(prompt, 10) + 1}`));
const withoutTimes = (report: Report) =>
  JSON.parse(reportJson(report).replace(/"(seconds|date)": [^,\n]*/g, '"$1": 0')) as unknown;

describe('evaluate', () => {
  it('gives figures with intervals, items and progress', async () => {
    const told: number[] = [];
    const asked: string[] = [];
    const report = await evaluate(adder(4), [sums({ metadata: { version: 2, by: 'size' } })], {
      ...{ batchSize: 8, keepItems: 5, limit: 50 },
      onProgress: ({ items }) => told.push(items),
      onItem: ({ prompt }, task) => asked.push(`${task}: ${prompt}`),
    });
    const [task] = report.tasks;
    expect(task).toMatchObject({ task: 'sums', taskVersion: '2', count: 50, fewShot: 0 });
    const [figure] = task!.figures;
    expect(figure).toMatchObject({
      metric: 'exact_match',
      filter: 'none',
      value: 37 / 50,
      interval: 'wilson',
      count: 50,
    });
    expect(figure!.low).toBeCloseTo(0.6045, 4);
    expect(figure!.high).toBeCloseTo(0.8413, 4);
    expect(task!.items).toHaveLength(5);
    expect(task!.items[0]).toMatchObject({
      prompt: '0 + 1 =',
      target: '1',
      predictions: { none: 'no idea' },
      scores: { exact_match: 0 },
    });
    expect(asked).toHaveLength(50);
    expect(told).toEqual([0, 32, 50]);
    expect(task!.slices.map(({ key, figure: { count } }) => [key, count])).toEqual([
      [0, 17],
      [1, 17],
      [2, 16],
    ]);
  });

  it('gives the same twice, and other examples for another seed', async () => {
    const shots = sums({ num_fewshot: 2, fewshot_split: 'train', doc_to_text: '{{n}} + 1 =' }, 30);
    const run = (seed: number) => evaluate(adder(3), [shots], { seed });
    const [a, b, c] = [await run(1), await run(1), await run(2)];
    expect(withoutTimes(a)).toEqual(withoutTimes(b));
    expect(a.tasks[0]!.items.map(({ prompt }) => prompt)).not.toEqual(c.tasks[0]!.items.map(({ prompt }) => prompt));
  });

  it('never shows an item its own answer', async () => {
    const report = await evaluate(adder(3), [sums({ num_fewshot: 4 }, 5)]);
    for (const { id, prompt } of report.tasks[0]!.items) {
      const before = prompt.split('\n\n').slice(0, -1);
      expect(before.map(text => Number.parseInt(text, 10)).sort()).toEqual([0, 1, 2, 3, 4].filter(n => n !== id));
    }
    await expect(evaluate(adder(3), [sums({ num_fewshot: 5 }, 5)])).rejects.toThrow(/too few examples/);
  });

  it('asks in a stream, and stops when it is told to', async () => {
    let read = 0;
    const stop = new AbortController();
    const endless: EvaluationTask = {
      ...sums(),
      async *docs() {
        for (;;) yield { n: read++, sum: `${read}` };
      },
    };
    const run = evaluate(adder(3), [endless], {
      ...{ batchSize: 4, keepItems: 1, signal: stop.signal },
      onProgress: ({ items }) => items >= 64 && stop.abort(),
    });
    await expect(run).rejects.toThrow(/aborted/);
    // A group is read before the stop is seen, and no more.
    expect(read).toBeLessThanOrEqual(64 + 16 + 1);
  });

  it('asks again where a task wants it, and takes what is said most often', async () => {
    const moody = speaker((_, { seed }) => (seed! % 3 === 0 ? 'wrong' : '1'));
    const filter_list = [{ name: 'vote', filter: [{ function: 'majority_vote' }, { function: 'take_first' }] }];
    const report = await evaluate(moody, [sums({ repeats: 5, filter_list }, 1)]);
    expect(report.tasks[0]!.items[0]!.details.written).toEqual(['wrong', '1', '1', 'wrong', '1']);
    expect(report.tasks[0]!.figures[0]).toMatchObject({ filter: 'vote', value: 1 });
  });

  it('pools groups by the size of their tasks', async () => {
    const part = (name: string, count: number): EvaluationTask => ({ ...sums({ task: name }, count), group: 'all' });
    const report = await evaluate(adder(2), [part('a', 10), part('b', 31)], {
      groups: [{ group: 'all', task: ['a', 'b'] }],
    });
    expect(report.groups[0]!.figures[0]!.value).toBeCloseTo(20 / 41, 12);
  });

  it('pools the filters that a group names', async () => {
    const filter_list = ['strict', 'loose'].map(name => ({ name, filter: [{ function: 'take_first' }] }));
    const report = await evaluate(adder(2), [{ ...sums({ filter_list }), group: 'all' }], {
      groups: [
        { group: 'all', task: ['sums'], aggregate_metric_list: [{ metric: 'exact_match', filter_list: 'strict' }] },
      ],
    });
    expect(report.tasks[0]!.figures.map(({ filter }) => filter)).toEqual(['strict', 'loose']);
    expect(report.groups[0]!.figures.map(({ filter }) => filter)).toEqual(['strict']);
  });

  it('says what is wrong', async () => {
    await expect(evaluate(adder(2), [sums()], { fewShot: -1 })).rejects.toThrow(/fewShot.*from 0 on.*-1/);
    await expect(evaluate(adder(2), [sums()], { keepItems: Number.NaN })).rejects.toThrow(/keepItems.*NaN/);
    await expect(evaluate(adder(2), [])).rejects.toThrow(/nothing to evaluate/);
    await expect(evaluate(adder(2), [sums(), sums()])).rejects.toThrow(/one name.*sums/);
    await expect(evaluate(adder(2), [sums()], { limit: 0 })).rejects.toThrow(/limit.*0/);
    await expect(evaluate(adder(2), [sums({}, 0)])).rejects.toThrow(/without an item/);
    await expect(evaluate(adder(2), [sums({ doc_to_text: '{{question}}' })])).rejects.toThrow(
      /question.*doc_to_text of sums/,
    );
    await expect(evaluate(adder(2), [sums({ metric_list: [{ metric: 'exactmatch' }] })])).rejects.toThrow(
      /exact_match/,
    );
    await expect(evaluate(adder(2), [sums({ generation_kwargs: { best_of: 2 } })])).rejects.toThrow(/best_of/);
  });
});

describe('reports', async () => {
  const hostile: EvaluationTask = {
    config: taskConfig(
      { task: '<b>x</b>', output_type: 'generate_until', doc_to_text: 'q', doc_to_target: 'a', metadata: { by: 'q' } },
      'test',
    ),
    docs: () => [
      { q: '<script>alert(1)</script>', a: '"><img src=x onerror=alert(1)>' },
      { q: '| pipe |', a: '</script>' },
    ],
  };
  const report = await evaluate(
    speaker(() => '</table><script>alert(2)</script>'),
    [hostile],
    { model: { name: '<i>m</i>' } },
  );

  it('are pages on which data stay data', () => {
    const page = reportPage(report);
    expect(page.match(/<script>/g)).toHaveLength(1);
    expect(page).not.toMatch(/<img|<i>|onerror=alert\(1\)>|<\/table><script/);
    expect(page).not.toMatch(/(src|href)="(?!#)/);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('prefers-color-scheme:dark');
  });
  it('are tables in Markdown, and German', () => {
    const text = reportMarkdown(report, { language: 'de' });
    expect(text).toContain('| Aufgabe | Maß | Wert | 95-%-Intervall | Beispiele |');
    expect(text).toContain('0,0 %');
    expect(text).toContain('\\| pipe \\|');
    expect(text).not.toContain('<script>');
  });
  it('keep facts about the model from being markup', async () => {
    const model = { name: 'm', facts: { 'a|b': '<img src=x>', price: '$1 & $2' } };
    const text = reportMarkdown(await evaluate(adder(2), [sums({}, 2)], { model }));
    expect(text).toContain('a\\|b: \\<img src=x\\> · price: \\$1 \\& \\$2');
  });
  it('name a column as it is, whatever signs it has', async () => {
    const odd: EvaluationTask = { ...sums({ metadata: { by: '$&' } }, 2), docs: () => [{ n: 1, sum: '2', '$&': 1 }] };
    expect(reportMarkdown(await evaluate(adder(3), [odd]))).toContain('## sums by \\$\\&\n');
  });
  it('draw no point and no interval that is no number', async () => {
    const metric_list = [{ metric: 'chrf' }];
    const report = await evaluate(adder(2), [sums({ metric_list, metadata: { by: 'n' } }, 3)]);
    expect(report.tasks[0]!.slices.map(({ figure }) => figure.low)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    const page = reportPage(report);
    expect(page).toContain('class="line"');
    expect(page).not.toContain('NaN');
  });
  it('come back from JSON with what every item gave', async () => {
    const metric_list = ['bleu', 'chrf'].map(metric => ({ metric }));
    const told = (n: number) => `the number is ${n} and no other one`;
    const teller = (k: number) => {
      const numberIn = (prompt: string) => Number.parseInt(prompt, 10);
      return speaker(prompt => (numberIn(prompt) % k === 0 ? 'no idea' : told(numberIn(prompt) + 1)));
    };
    const task = sums({ metric_list, doc_to_target: 'the number is {{sum}} and no other one' });
    const [a, b] = [await evaluate(teller(4), [task]), await evaluate(teller(2), [task])];
    const back = readReport(reportJson(a));
    expect(back).toEqual(a);
    expect(compareReports(back, b)).toEqual(compareReports(a, b));
    expect(compareReports(back, b).figures.map(({ better }) => better)).toEqual(['a', 'a']);
    const unknown = { ...a, tasks: [{ ...a.tasks[0]!, values: { score: [Number.NaN, [1, Number.NaN]] } }] };
    expect(readReport(reportJson(unknown)).tasks[0]!.values).toEqual(unknown.tasks[0]!.values);
  });
  it('come back from JSON', () => {
    expect(readReport(reportJson(report))).toEqual(report);
    expect(() => readReport('{}')).toThrow(/no report/);
    expect(() => readReport('x')).toThrow(/JSON/);
  });
  it('are compared item by item', async () => {
    const [good, bad] = [await evaluate(adder(10), [sums()]), await evaluate(adder(2), [sums()])];
    const { figures } = compareReports(good, bad);
    expect(figures[0]).toMatchObject({ task: 'sums', a: 0.9, b: 0.5, test: 'mcnemar', better: 'a', count: 100 });
    // 40 items that only one gets right.
    expect(figures[0]!.p).toBeCloseTo(2 * 0.5 ** 40, 15);
    expect(compareReports(good, good).figures[0]).toMatchObject({ difference: 0, better: null, p: 1 });
    const other = await evaluate(adder(2), [sums({}, 99)]);
    expect(() => compareReports(good, other)).toThrow(/other items.*100 and 99/);
    expect(reportPage(good, { comparison: compareReports(good, bad) })).toContain('McNemar');
  });
});
