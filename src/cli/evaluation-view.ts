/** An evaluation for a person at a terminal: where it is, and what came of it. */
import type { EvaluationProgress, NamedFigure, Report, ReportComparison, TaskReport } from '../evaluate/index.ts';
import { nameOf } from '../evaluate/report/markdown.ts';
import { createReportWording, type ReportLanguage, type ReportWording } from '../evaluate/report/wording.ts';
import { isShare } from '../evaluate/tasks/metrics.ts';
import { cut, table, wrap } from './layout.ts';
import { bar } from './probability-table.ts';
import type { Terminal } from './terminal.ts';

/** Nothing is said about what takes no longer than this. */
const PATIENCE_MS = 1000;
const BETWEEN_MS = 100;
const BAR = 12;
/** Values of a column that are listed; the report has all. */
const MOST_SLICES = 30;

/** A line on standard error, if a person looks at it and waits. */
export function createEvaluationProgress(terminal: Terminal, wording: ReportWording, now = () => performance.now()) {
  const start = now();
  let last = Number.NEGATIVE_INFINITY;
  return {
    show({ task, index, tasks, items }: EvaluationProgress, total: number | undefined): void {
      const at = now();
      if (!terminal.interactiveErrors || at - start < PATIENCE_MS || at - last < BETWEEN_MS) return;
      last = at;
      const part = tasks > 1 ? `${index + 1}/${tasks} ` : '';
      const of = total === undefined ? '' : ` / ${wording.number(total, 9)}`;
      const line = `${part}${task}  ${wording.number(items, 9)}${of} ${wording.word('items')}`;
      terminal.note(`\r${cut(line, terminal.columns - 2)}\x1b[K`);
    },
    clear(): void {
      if (Number.isFinite(last)) terminal.note('\r\x1b[K');
    },
  };
}

/** The figures with their intervals, what they are by column, and the comparison. */
export function evaluationLines(
  report: Report,
  comparison: ReportComparison | undefined,
  { terminal, language }: { terminal: Terminal; language: ReportLanguage },
): string[] {
  const wording = createReportWording(language);
  const { word } = wording;
  const { paint, columns } = terminal;
  const title = `${paint.bold(report.model.name)}  ${paint.dim(`${report.model.architecture}, ${report.model.head}, ${wording.duration(report.seconds)}`)}`;
  const lines = [title, ''];
  const head = [word('task'), word('metric'), word('value'), word('interval'), word('items'), ''].map(paint.dim);
  const rows = report.tasks.flatMap(task =>
    task.figures.map((figure, i) => [i === 0 ? task.title : '', nameOf(figure), ...cells(figure, terminal, wording)]),
  );
  const groups = report.groups.flatMap(group =>
    group.figures.map((figure, i) => [
      i === 0 ? group.title : '',
      nameOf(figure),
      paint.bold(wording.value(figure.value, { metric: figure.metric, aggregation: 'mean' })),
    ]),
  );
  lines.push(...table([head, ...rows, ...groups], COLUMNS, columns));
  for (const task of report.tasks) lines.push(...sliceLines(task, terminal, wording));
  if (comparison) lines.push('', ...comparisonLines(comparison, terminal, wording));
  const method = wrap(word('method', wording.number(report.settings.resamples)), columns);
  return [...lines, '', ...method.split('\n').map(paint.dim)];
}
const RIGHT = { align: 'right' } as const;
const COLUMNS = [{ shrinks: true }, {}, RIGHT, RIGHT, RIGHT, {}] as const;

function cells(figure: NamedFigure, { paint, columns }: Terminal, wording: ReportWording): string[] {
  const shown = isShare(figure) && columns >= 90 ? paint.blue(bar(figure.value, BAR)) : '';
  return [
    paint.bold(wording.value(figure.value, figure)),
    wording.interval(figure),
    wording.number(figure.count, 9),
    shown,
  ];
}

function sliceLines({ title, slices }: TaskReport, terminal: Terminal, wording: ReportWording): string[] {
  const columns = [...new Set(slices.map(slice => slice.by))];
  return columns.flatMap(by => {
    const own = slices.filter(slice => slice.by === by);
    if (own.length < 2) return [];
    const rows = own.slice(0, MOST_SLICES).map(({ key, figure }) => [String(key), ...cells(figure, terminal, wording)]);
    const more = own.length > MOST_SLICES ? [terminal.paint.dim(wording.word('shown', MOST_SLICES, own.length))] : [];
    return [
      '',
      `${terminal.paint.bold(title)} ${wording.word('by', by)}`,
      ...table(rows, [{ shrinks: true }, RIGHT, RIGHT, RIGHT, {}], terminal.columns),
      ...more,
    ];
  });
}

function comparisonLines(
  { a, b, figures }: ReportComparison,
  { paint, columns }: Terminal,
  wording: ReportWording,
): string[] {
  const { word } = wording;
  const head = [word('task'), word('metric'), 'A', 'B', word('difference'), word('interval'), 'p', word('better')];
  const rows = figures.map(figure => [
    figure.title,
    nameOf(figure),
    ...[figure.a, figure.b, figure.difference].map(value => wording.value(value, figure)),
    wording.interval(figure),
    wording.chance(figure.p),
    figure.better === null ? paint.dim('–') : paint.bold(figure.better.toUpperCase()),
  ]);
  return [
    paint.bold(word('comparison')),
    `A ${a}`,
    `B ${b}`,
    ...table([head.map(paint.dim), ...rows], [{ shrinks: true }, {}, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, {}], columns),
    '',
    ...wrap(word('paired'), columns).split('\n').map(paint.dim),
  ];
}
