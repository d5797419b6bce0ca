/** Runs a task: items in a stream, asked in batches, each metric's value kept, the first items kept whole. */
import { ConfigError } from '../../errors.ts';
import {
  figureKey,
  type ItemReport,
  type NamedFigure,
  type Reliability,
  type Slice,
  type TaskReport,
} from '../report/report.ts';
import { calibration } from '../scores/calibration.ts';
import { kindOf } from './kinds/index.ts';
import type { Answered, AnyKind, EvaluatedModel } from './kinds/output-kind.ts';
import { createMetrics, figureOf, type Metric } from './metrics.ts';
import { createPrompts, type Doc, examplesFor, type Item, type Prompts } from './prompts.ts';
import { evaluatedSplit, fewShotSplit, type TaskConfig, versionOf } from './task-config.ts';

/** A task with its data. */
export interface EvaluationTask {
  readonly config: TaskConfig;
  /** The name of the group that it is part of. */
  readonly group?: string | undefined;
  /** The rows of a split, from the first one at each call. Throws where there is none. */
  docs(split: string): Iterable<Doc> | AsyncIterable<Doc>;
}
export interface TaskRunOptions {
  readonly limit: number | undefined;
  /** Examples before each item; default what the task says. */
  readonly fewShot: number | undefined;
  readonly seed: number;
  readonly batchSize: number;
  readonly resamples: number;
  readonly keepItems: number;
  readonly signal: AbortSignal | undefined;
  /** After every group of items. */
  readonly onProgress: ((done: number) => void) | undefined;
  /** Every item, also those that are not kept. */
  readonly onItem: ((item: ItemReport) => void) | undefined;
}

/** Examples are read into memory: more of a split than this are not drawn from. */
const MOST_EXAMPLES = 10_000;
const BINS = 10;

/** @throws what the task's templates, its data and the model throw, and the reason of `signal` */
export async function runTask(
  model: EvaluatedModel,
  { config, group, docs }: EvaluationTask,
  options: TaskRunOptions,
): Promise<TaskReport> {
  const start = performance.now();
  const kind = kindOf(config.output_type);
  const metrics = createMetrics(config, kind);
  const prompts = await createPrompts(config);
  const count = options.fewShot ?? config.num_fewshot;
  const pool =
    count > 0 && !config.fewshot_config?.samples ? await firstOf(docs(fewShotSplit(config)), MOST_EXAMPLES) : [];
  const results = createResults(kind, metrics, config, options);
  const least = kind.together?.(config);
  const together = least ?? 4 * options.batchSize;
  const waiting: Item[] = [];
  let id = 0;
  const ask = async (count: number) => {
    options.signal?.throwIfAborted();
    const { batchSize, seed, signal } = options;
    const items = waiting.splice(0, count);
    const answered = await kind.ask(model, items, { config, batchSize, seed, signal });
    for (const [i, item] of items.entries()) results.add(item, answered[i]!);
    options.onProgress?.(id - waiting.length);
  };
  for await (const doc of docs(evaluatedSplit(config))) {
    if (id === options.limit) break;
    waiting.push(itemOf(prompts, config, doc, { id, count, seed: options.seed, pool }));
    id++;
    // Where a least number has to be together, so many stay back that the last ones are not fewer.
    if (waiting.length === together + (least ?? 0)) await ask(together);
  }
  if (waiting.length) await ask(waiting.length);
  if (id === 0) throw new ConfigError('a task without an item', { seen: evaluatedSplit(config), where: config.task });
  return {
    task: config.task,
    title: config.task_alias ?? config.task,
    group: group ?? null,
    taskVersion: versionOf(config) ?? null,
    outputType: config.output_type,
    fewShot: count,
    count: id,
    ...results.report(),
    seconds: (performance.now() - start) / 1000,
  };
}

function itemOf(
  prompts: Prompts,
  config: TaskConfig,
  doc: Doc,
  { id, count, seed, pool }: { id: number; count: number; seed: number; pool: readonly Doc[] },
): Item {
  const same = fewShotSplit(config) === evaluatedSplit(config);
  return prompts.item(doc, id, examplesFor(config, pool, { count, seed, id, same }));
}

async function firstOf(docs: Iterable<Doc> | AsyncIterable<Doc>, most: number): Promise<Doc[]> {
  const all: Doc[] = [];
  for await (const doc of docs) if (all.push(doc) === most) break;
  return all;
}

interface Results {
  add(item: Item, answered: Answered<unknown>): void;
  report(): Pick<TaskReport, 'figures' | 'slices' | 'reliability' | 'items' | 'values'>;
}

function createResults(
  kind: AnyKind,
  metrics: readonly Metric[],
  { metadata }: TaskConfig,
  { resamples, seed, keepItems, onItem }: TaskRunOptions,
): Results {
  /** By key: the metric and its filter, and what each item gave. */
  const columns = new Map<string, { metric: Metric; filter: string; values: unknown[] }>();
  const items: ItemReport[] = [];
  const by = [metadata?.by ?? []].flat().map(String);
  const keys = new Map(by.map(column => [column, [] as (string | number)[]]));
  const sure: { confidence: number; right: boolean }[] = [];

  const figure = ({
    metric,
    filter,
    values,
  }: {
    metric: Metric;
    filter: string;
    values: readonly unknown[];
  }): NamedFigure => ({
    metric: metric.name,
    filter,
    ...figureOf(metric, values, { resamples, seed }),
    aggregation: metric.aggregation,
    higherIsBetter: metric.higherIsBetter,
    settings: metric.settings,
    count: values.length,
  });
  return {
    add(item, { target, answers, details = {}, certainty }) {
      const scores: Record<string, number> = {};
      for (const { filter, facts } of answers)
        for (const metric of metrics) {
          const key = figureKey(metric.name, filter);
          const value = kind.metrics[metric.name]!(facts, metric.settings);
          let column = columns.get(key);
          if (!column) columns.set(key, (column = { metric, filter, values: [] }));
          column.values.push(value);
          if (typeof value === 'number') scores[key] = value;
        }
      for (const [column, list] of keys) {
        const value = item.doc[column];
        list.push(typeof value === 'number' ? value : String(value ?? ''));
      }
      if (certainty) sure.push(certainty);
      const row = {
        id: item.id,
        prompt: item.prompt,
        target,
        predictions: Object.fromEntries(answers.map(({ filter, prediction }) => [filter, prediction])),
        scores,
        details: certainty ? { ...details, confidence: certainty.confidence } : details,
      };
      onItem?.(row);
      if (items.length < keepItems) items.push(row);
    },
    report: () => ({
      figures: [...columns.values()].map(figure),
      slices: [...keys].flatMap(([column, list]) => slicesOf(column, list, [...columns.values()][0]!, figure)),
      reliability: reliabilityOf(sure),
      items,
      values: Object.fromEntries([...columns].map(([key, { values }]) => [key, values])),
    }),
  };
}

/** The first metric by what a column says, in the order of numbers or of appearance. */
function slicesOf(
  by: string,
  keys: readonly (string | number)[],
  column: { metric: Metric; filter: string; values: readonly unknown[] },
  figure: (part: typeof column) => NamedFigure,
): Slice[] {
  const groups = new Map<string | number, unknown[]>();
  for (const [i, key] of keys.entries()) {
    const own = groups.get(key) ?? [];
    groups.set(key, own);
    own.push(column.values[i]);
  }
  const slices = [...groups].map(([key, values]) => ({ by, key, figure: figure({ ...column, values }) }));
  return slices.every(({ key }) => typeof key === 'number')
    ? slices.sort((a, b) => (a.key as number) - (b.key as number))
    : slices;
}

function reliabilityOf(sure: readonly { confidence: number; right: boolean }[]): Reliability | null {
  if (sure.length === 0) return null;
  const { expectedError, bins } = calibration(
    sure.map(({ confidence }) => confidence),
    sure.map(({ right }) => right),
    { bins: BINS },
  );
  const filled = bins.filter(({ count }) => count > 0);
  return {
    error: expectedError,
    bins: filled.map(({ confidence, accuracy, count }) => ({ confidence, accuracy, count })),
  };
}
