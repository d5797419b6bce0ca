/** Two reports of the same tasks: what differs, and whether chance explains it, item by item. */
import { ConfigError } from '../../errors.ts';
import { compareSystems } from '../../util/statistics/index.ts';
import { isProportion, statisticOf } from '../tasks/metrics.ts';
import { figureKey, type NamedFigure, type Report, type TaskReport } from './report.ts';

export interface ReportComparison {
  readonly a: string;
  readonly b: string;
  readonly figures: readonly ComparedFigure[];
}
export interface ComparedFigure {
  readonly task: string;
  readonly title: string;
  readonly metric: string;
  readonly filter: string;
  readonly aggregation: string;
  readonly higherIsBetter: boolean;
  readonly count: number;
  readonly a: number;
  readonly b: number;
  /** a - b, with its 95 % interval. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly p: number;
  readonly test: string;
  /** Which one is better where p is below 0.05. */
  readonly better: 'a' | 'b' | null;
}
const DECIDED = 0.05;

/**
 * The figures that both reports have, with paired tests over their items.
 * @throws ConfigError when a task was asked with other items, or the reports share no task
 */
export function compareReports(a: Report, b: Report): ReportComparison {
  const figures = a.tasks.flatMap(task => {
    const other = b.tasks.find(each => each.task === task.task);
    if (!other) return [];
    checkSameItems(task, other);
    return task.figures.flatMap(figure => compared(task, other, figure, a.settings));
  });
  if (figures.length > 0) return { a: a.model.name, b: b.model.name, figures };
  throw new ConfigError('the reports have no task in common', {
    seen: `${a.tasks.map(({ task }) => task)} and ${b.tasks.map(({ task }) => task)}`,
  });
}

function compared(
  a: TaskReport,
  b: TaskReport,
  figure: NamedFigure,
  { seed, resamples }: Report['settings'],
): ComparedFigure[] {
  const { metric, filter, aggregation, higherIsBetter, count } = figure;
  const key = figureKey(metric, filter);
  const [valuesA, valuesB] = [a.values[key], b.values[key]];
  if (!valuesA || !valuesB) return [];
  const test = isProportion(figure, valuesA) && isProportion(figure, valuesB) ? 'mcnemar' : 'randomization';
  const result = compareSystems(valuesA as never[], valuesB as never[], statisticOf(figure), { test, seed, resamples });
  const { difference, low, high, p } = result;
  const better = p < DECIDED && difference !== 0 ? (difference > 0 === higherIsBetter ? 'a' : 'b') : null;
  const facts = { task: a.task, title: a.title, metric, filter, aggregation, higherIsBetter, count };
  return [{ ...facts, a: result.a.value, b: result.b.value, difference, low, high, p, test, better }];
}

function checkSameItems(a: TaskReport, b: TaskReport): void {
  const other = a.items.find((item, i) => b.items[i] && b.items[i].target !== item.target);
  if (a.count === b.count && a.outputType === b.outputType && !other) return;
  throw new ConfigError('a task was asked with other items', {
    seen: other ? `item ${other.id} differs` : `${a.count} and ${b.count} items`,
    fix: 'evaluate both models with the same data, limit and seed',
    where: a.task,
  });
}
