/** A report as Markdown: tables that stand in a model card or an issue. */
import type { ReportComparison } from './compare-reports.ts';
import type { NamedFigure, Report } from './report.ts';
import { createReportWording, type ReportLanguage, type ReportWording } from './wording.ts';

export interface MarkdownOptions {
  readonly language?: ReportLanguage | undefined;
  /** The same tasks by another model. */
  readonly comparison?: ReportComparison | undefined;
}

/** The figures with their intervals, by task and by column, and what it was asked with. */
export function reportMarkdown(report: Report, { language = 'en', comparison }: MarkdownOptions = {}): string {
  const wording = createReportWording(language);
  const { word } = wording;
  const lines = [`# ${word('title')}: ${cell(report.model.name)}`, '', ...facts(report, wording), ''];
  lines.push(
    ...table(
      [word('task'), word('metric'), word('value'), word('interval'), word('items')],
      report.tasks.flatMap(task =>
        task.figures.map(figure => [task.title, nameOf(figure), ...figureCells(figure, wording), String(figure.count)]),
      ),
    ),
  );
  if (report.groups.length)
    lines.push(
      '',
      ...table(
        [word('group'), word('metric'), word('value')],
        report.groups.flatMap(group =>
          group.figures.map(figure => [
            group.title,
            nameOf(figure),
            wording.value(figure.value, { metric: figure.metric, aggregation: 'mean' }),
          ]),
        ),
      ),
    );
  for (const { title, slices } of report.tasks)
    for (const by of new Set(slices.map(slice => slice.by)))
      lines.push(
        '',
        `## ${cell(title)} ${word('by', cell(by))}`,
        '',
        ...table(
          [by, word('value'), word('interval'), word('items')],
          slices
            .filter(slice => slice.by === by)
            .map(({ key, figure }) => [String(key), ...figureCells(figure, wording), String(figure.count)]),
        ),
      );
  if (comparison) lines.push('', ...comparisonLines(comparison, wording));
  lines.push('', word('method', wording.number(report.settings.resamples)), '');
  return lines.join('\n');
}

function facts({ model, settings, seconds, date }: Report, { word, duration }: ReportWording): string[] {
  const { seed, limit, versions } = settings;
  const entries = [
    ['architecture', `${model.architecture} (${model.head})`],
    ...Object.entries(model.facts),
    [word('seed'), seed],
    [word('limit'), limit ?? word('all')],
    [word('time'), duration(seconds)],
    [word('date'), date.slice(0, 10)],
    ...Object.entries(versions),
  ];
  return [entries.map(([name, value]) => `${cell(String(name))}: ${cell(String(value))}`).join(' · ')];
}

function comparisonLines({ a, b, figures }: ReportComparison, wording: ReportWording): string[] {
  const { word } = wording;
  return [
    `## ${word('comparison')}`,
    '',
    ...table(
      [word('task'), word('metric'), a, b, word('difference'), word('interval'), 'p', word('better')],
      figures.map(figure => [
        figure.title,
        nameOf(figure),
        ...[figure.a, figure.b, figure.difference].map(value => wording.value(value, figure)),
        wording.interval(figure),
        wording.chance(figure.p),
        figure.better === null ? word('open') : figure.better === 'a' ? a : b,
      ]),
    ),
    '',
    word('paired'),
  ];
}

/** `exact_match (strict)` of a filter. */
export const nameOf = ({ metric, filter }: Pick<NamedFigure, 'metric' | 'filter'>): string =>
  filter === 'none' ? metric : `${metric} (${filter})`;

const figureCells = (figure: NamedFigure, wording: ReportWording) => [
  wording.value(figure.value, figure),
  wording.interval(figure),
];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)];
}

/** A text that leaves the table whole. */
const cell = (text: string) => text.replace(/[\\|`*_~$&<>[\]]/g, '\\$&').replace(/\s+/g, ' ');
