/**
 * What an evaluation found, as plain data: the JSON form is this value, and stays as it is within a version. Figures carry
 * their intervals, items what was asked and said, so that a number can be looked into and two models compared item by item.
 */
import { ConfigError } from '../../errors.ts';
import type { Figure } from '../tasks/metrics.ts';
import type { MetricConfig } from '../tasks/task-config.ts';

export const REPORT_VERSION = 1;

export interface Report {
  readonly format: 'heed-evaluation';
  readonly version: typeof REPORT_VERSION;
  /** When it began, ISO 8601. */
  readonly date: string;
  readonly seconds: number;
  readonly model: ModelFacts;
  readonly settings: ReportSettings;
  readonly tasks: readonly TaskReport[];
  readonly groups: readonly GroupReport[];
}
export interface ModelFacts {
  readonly name: string;
  readonly architecture: string;
  readonly head: string;
  /** Other facts, by names for people: parameters, context, backend. */
  readonly facts: Readonly<Record<string, string | number>>;
}
export interface ReportSettings {
  readonly seed: number;
  /** Most items of a task; null = all. */
  readonly limit: number | null;
  readonly batchSize: number;
  /** Samples of the bootstrap. */
  readonly resamples: number;
  /** Of the intervals: 0.95. */
  readonly level: number;
  /** Versions of what computed, such as `{ heed: '0.1.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
}
export interface TaskReport {
  readonly task: string;
  readonly title: string;
  readonly group: string | null;
  readonly taskVersion: string | null;
  readonly outputType: string;
  readonly fewShot: number;
  /** Items that were asked. */
  readonly count: number;
  readonly seconds: number;
  readonly figures: readonly NamedFigure[];
  /** Figures of the items with one value of a column: by phenomenon, by distance. */
  readonly slices: readonly Slice[];
  /** How sure the model was, and how often right. */
  readonly reliability: Reliability | null;
  /** The first items, as many as were to be kept. */
  readonly items: readonly ItemReport[];
  /** What every item gave, by `metric` or `metric,filter`, in the order of the items. */
  readonly values: Readonly<Record<string, readonly unknown[]>>;
}
export interface NamedFigure extends Figure {
  readonly metric: string;
  /** `none` where the task has no filters. */
  readonly filter: string;
  readonly aggregation: string;
  readonly higherIsBetter: boolean;
  /** As the task has them: tokenization of BLEU, what `exact_match` ignores. */
  readonly settings: MetricConfig;
  readonly count: number;
}
export interface Slice {
  /** The column. */
  readonly by: string;
  readonly key: string | number;
  readonly figure: NamedFigure;
}
export interface Reliability {
  /** Expected calibration error: the mean distance of the two, weighted by the items. */
  readonly error: number;
  readonly bins: readonly { readonly confidence: number; readonly accuracy: number; readonly count: number }[];
}
export interface ItemReport {
  readonly id: number;
  readonly prompt: string;
  readonly target: string;
  /** By filter. */
  readonly predictions: Readonly<Record<string, string>>;
  /** By `metric` or `metric,filter`, where an item has a number of its own. */
  readonly scores: Readonly<Record<string, number>>;
  readonly details: Readonly<Record<string, unknown>>;
}
export interface GroupReport {
  readonly group: string;
  readonly title: string;
  readonly tasks: readonly string[];
  /** Means over the tasks, weighted by their items unless the group says otherwise; without intervals. */
  readonly figures: readonly {
    readonly metric: string;
    readonly filter: string;
    readonly value: number;
    readonly stderr: number;
    readonly weighted: boolean;
  }[];
}

/** `acc`, or `exact_match,strict` under a filter. */
export const figureKey = (metric: string, filter: string): string =>
  filter === 'none' ? metric : `${metric},${filter}`;

/**
 * Where a number may be unknown, such as the standard error of one item: NaN here, and null in JSON, which has no NaN. Elements
 * of lists are what items gave.
 */
const NUMBERS = /^(value|stderr|low|high|difference|\d+)$/;

/** The report as JSON. */
export function reportJson(report: Report): string {
  return `${JSON.stringify(report, undefined, 1)}\n`;
}

/** A report from its JSON. @throws ConfigError for what is none, and for a version that this one does not know */
export function readReport(text: string, where = 'report'): Report {
  let value: Partial<Report>;
  try {
    value = JSON.parse(text, (key, part) =>
      part === null && NUMBERS.test(key) ? Number.NaN : part,
    ) as Partial<Report>;
  } catch (cause) {
    throw new ConfigError('a report is JSON', { where, cause });
  }
  if (value?.format !== 'heed-evaluation' || value.version !== REPORT_VERSION || !Array.isArray(value.tasks))
    throw new ConfigError('this is no report of an evaluation', {
      seen: `format ${String(value?.format)}, version ${String(value?.version)}`,
      expected: `format heed-evaluation, version ${REPORT_VERSION}`,
      where,
    });
  return value as Report;
}
