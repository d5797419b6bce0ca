/** The runner: tasks one after another on one model, with progress, into a report. */
import { ConfigError } from '../errors.ts';
import type { GroupReport, ItemReport, Report, TaskReport } from './report/report.ts';
import { REPORT_VERSION } from './report/report.ts';
import type { EvaluatedModel } from './tasks/kinds/output-kind.ts';
import { type EvaluationTask, runTask } from './tasks/run-task.ts';
import type { GroupConfig } from './tasks/task-config.ts';

export interface EvaluationProgress {
  readonly task: string;
  /** The number of the task, from 0, of `tasks`. */
  readonly index: number;
  readonly tasks: number;
  /** Items of this task that were asked. */
  readonly items: number;
}
export interface EvaluateOptions {
  /** Most items of each task. Default: all. */
  readonly limit?: number | undefined;
  /** Examples before each item. Default: what the task says. */
  readonly fewShot?: number | undefined;
  /** Of the examples, of sampling and of the bootstrap. Default 0. */
  readonly seed?: number | undefined;
  /** Rows of a pass through the network. Default 16. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EvaluationProgress) => void) | undefined;
  /** Every item as it is scored, also those that the report does not keep. */
  readonly onItem?: ((item: ItemReport, task: string) => void) | undefined;
  /** Samples for the intervals. Default 1,000. */
  readonly bootstrap?: number | undefined;
  /** Items of each task that the report holds whole. Default 1,000; of all others it holds a few numbers each. */
  readonly keepItems?: number | undefined;
  /** What to do about groups: the means of their tasks. */
  readonly groups?: readonly GroupConfig[] | undefined;
  /** What the model is called, and facts about it for the report. */
  readonly model?: { readonly name?: string; readonly facts?: Readonly<Record<string, string | number>> } | undefined;
  readonly versions?: Readonly<Record<string, string>> | undefined;
}

/**
 * Asks a model the items of tasks, and scores what it says. Equal seeds give equal reports but for their times.
 * @throws ConfigError for options that cannot be, what the tasks and the model throw, and the reason of `signal`
 */
export async function evaluate(
  model: EvaluatedModel,
  tasks: readonly EvaluationTask[],
  options: EvaluateOptions = {},
): Promise<Report> {
  const { limit, fewShot, seed = 0, batchSize = 16, bootstrap = 1_000, keepItems = 1_000, signal } = options;
  const counts: readonly (readonly [name: string, value: number, least: number])[] = [
    ['limit', limit ?? 1, 1],
    ['fewShot', fewShot ?? 0, 0],
    ['batchSize', batchSize, 1],
    ['bootstrap', bootstrap, 1],
    ['keepItems', keepItems, 0],
  ];
  for (const [name, value, least] of counts)
    if (!Number.isInteger(value) || value < least)
      throw new ConfigError(`${name} is a whole number from ${least} on`, { seen: `${name}: ${value}` });
  const names = tasks.map(({ config }) => config.task);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (tasks.length === 0 || twice !== undefined)
    throw new ConfigError(twice ? 'two tasks have one name' : 'nothing to evaluate', { seen: twice ?? 'no tasks' });
  const date = new Date().toISOString();
  const start = performance.now();
  const reports: TaskReport[] = [];
  for (const [index, task] of tasks.entries()) {
    const name = task.config.task;
    const tell = (items: number) => options.onProgress?.({ task: name, index, tasks: tasks.length, items });
    tell(0);
    reports.push(
      await runTask(model, task, {
        ...{ limit, fewShot, seed, batchSize, keepItems, signal },
        resamples: bootstrap,
        onProgress: tell,
        onItem: options.onItem && (item => options.onItem?.(item, name)),
      }),
    );
  }
  const { architecture, head } = model.parts;
  return {
    format: 'heed-evaluation',
    version: REPORT_VERSION,
    date,
    seconds: (performance.now() - start) / 1000,
    model: {
      name: options.model?.name ?? architecture.name,
      architecture: architecture.name,
      head,
      facts: options.model?.facts ?? {},
    },
    settings: {
      ...{ seed, limit: limit ?? null, batchSize, resamples: bootstrap, level: 0.95 },
      versions: options.versions ?? {},
    },
    tasks: reports,
    groups: (options.groups ?? []).map(group => groupReport(group, reports)),
  };
}

/**
 * The means of a group's tasks, weighted by their items unless the group says otherwise, as lm-evaluation-harness takes them;
 * their error is that of independent tasks.
 */
function groupReport(
  { group, group_alias, aggregate_metric_list }: GroupConfig,
  all: readonly TaskReport[],
): GroupReport {
  const tasks = all.filter(task => task.group === group);
  const keys = new Map(tasks.flatMap(({ figures }) => figures.map(f => [`${f.metric} ${f.filter}`, f] as const)));
  const wanted: NonNullable<GroupConfig['aggregate_metric_list']> =
    aggregate_metric_list ?? [...new Set([...keys.values()].map(f => f.metric))].map(metric => ({ metric }));
  const figures = [...keys.values()].flatMap(({ metric, filter }) => {
    const rule = wanted.find(
      each => each.metric === metric && (each.filter_list === undefined || [each.filter_list].flat().includes(filter)),
    );
    const parts = tasks.flatMap(task => task.figures.filter(f => f.metric === metric && f.filter === filter));
    if (!rule || parts.length === 0) return [];
    const weighted = rule.weight_by_size ?? true;
    const weights = parts.map(part => (weighted ? part.count : 1));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const value = parts.reduce((total, part, i) => total + weights[i]! * part.value, 0) / sum;
    const variance = parts.reduce((total, part, i) => total + (weights[i]! * part.stderr) ** 2, 0) / sum ** 2;
    return [{ metric, filter, value, stderr: Math.sqrt(variance), weighted }];
  });
  return { group, title: group_alias ?? group, tasks: tasks.map(({ task }) => task), figures };
}
