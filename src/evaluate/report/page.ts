/** A report as one page that needs nothing else: figures, plots, and the items, which can be searched and filtered. */
import { CHART_STYLE, chartColours, escapeXml } from '../../util/plot/chart-style.ts';
import { isShare } from '../tasks/metrics.ts';
import { barChart } from './bar-chart.ts';
import type { ReportComparison } from './compare-reports.ts';
import { nameOf } from './markdown.ts';
import { PAGE_SCRIPT, PAGE_STYLE } from './page-style.ts';
import { pointChart } from './point-chart.ts';
import { figureKey, type ItemReport, type NamedFigure, type Report, type Slice, type TaskReport } from './report.ts';
import { createReportWording, type ReportLanguage, type ReportWording } from './wording.ts';

export interface PageOptions {
  readonly language?: ReportLanguage | undefined;
  readonly comparison?: ReportComparison | undefined;
  /** Items of each task on the page. Default 500; the JSON report has all that were kept. */
  readonly items?: number | undefined;
}
const WIDTH = 860;

/** The page. It loads nothing, and nothing of the data is markup on it. */
export function reportPage(report: Report, { language = 'en', comparison, items = 500 }: PageOptions = {}): string {
  const wording = createReportWording(language);
  const { word } = wording;
  const title = `${word('title')}: ${report.model.name}`;
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return [
    `<!doctype html><html lang="${language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">`,
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<title>${escapeXml(title)}</title><style>${chartColours(':root')}${CHART_STYLE}${PAGE_STYLE}</style>`,
    `<main><h1>${escapeXml(title)}</h1>`,
    factTiles(report, wording),
    figureTable(report, wording),
    ...overview(report, wording),
    comparison ? comparisonPart(comparison, wording) : '',
    ...report.tasks.map(task => taskPart(task, wording, items)),
    `<footer><p>${escapeXml(word('method', wording.number(report.settings.resamples)))}</p></footer>`,
    `</main><script>${PAGE_SCRIPT}</script></html>\n`,
  ].join('\n');
}

function factTiles({ model, settings, seconds, date }: Report, { word, duration }: ReportWording): string {
  const facts = [
    [word('architecture'), model.architecture],
    [word('head'), model.head],
    ...Object.entries(model.facts),
    [word('seed'), settings.seed],
    [word('limit'), settings.limit ?? word('all')],
    [word('time'), duration(seconds)],
    [word('date'), date.slice(0, 10)],
    ...Object.entries(settings.versions),
  ];
  const tile = ([name, value]: readonly unknown[]) =>
    `<div><dt>${escapeXml(String(name))}</dt><dd>${escapeXml(String(value))}</dd></div>`;
  return `<dl>${facts.map(tile).join('')}</dl>`;
}

function figureTable(report: Report, wording: ReportWording): string {
  const { word } = wording;
  const rows = report.tasks.flatMap(task =>
    task.figures.map((figure, i) => [
      i === 0 ? `<a href="#${anchor(task.task)}">${escapeXml(task.title)}</a>` : '',
      escapeXml(nameOf(figure)) + (figure.higherIsBetter ? '' : ` <small>${escapeXml(word('small'))}</small>`),
      `<b>${escapeXml(wording.value(figure.value, figure))}</b>`,
      escapeXml(wording.interval(figure)),
      wording.number(figure.count, 9),
    ]),
  );
  const groups = report.groups.flatMap(group =>
    group.figures.map(figure => [
      escapeXml(group.title),
      escapeXml(nameOf(figure)),
      `<b>${escapeXml(wording.value(figure.value, { metric: figure.metric, aggregation: 'mean' }))}</b>`,
      '',
      '',
    ]),
  );
  return table([word('task'), word('metric'), word('value'), word('interval'), word('items')], [...rows, ...groups]);
}

/** Bars for each metric that several tasks have. */
function overview({ tasks }: Report, wording: ReportWording): string[] {
  const names = [...new Set(tasks.flatMap(task => task.figures.map(nameOf)))];
  return names.flatMap(name => {
    const rows = tasks.flatMap(task =>
      task.figures.filter(figure => nameOf(figure) === name).map(figure => ({ name: task.title, figure })),
    );
    return rows.length < 2 ? [] : [bars(name, rows, wording)];
  });
}

function bars(title: string, rows: readonly { name: string; figure: NamedFigure }[], wording: ReportWording): string {
  const share = rows.every(({ figure }) => isShare(figure));
  const of = rows[0]!.figure;
  const chart = barChart({
    title,
    width: WIDTH,
    most: share ? 1 : undefined,
    tick: value => (share ? `${wording.number(100 * value, 3)} %` : wording.number(value, 3)),
    bars: rows.map(({ name, figure }) => ({
      ...{ name, value: figure.value, low: figure.low, high: figure.high },
      said: wording.value(figure.value, of),
    })),
  });
  return `<section>${chart}</section>`;
}

function comparisonPart({ a, b, figures }: ReportComparison, wording: ReportWording): string {
  const { word } = wording;
  const rows = figures.map(figure => [
    escapeXml(figure.title),
    escapeXml(nameOf(figure)),
    ...[figure.a, figure.b, figure.difference].map(value => escapeXml(wording.value(value, figure))),
    escapeXml(wording.interval(figure)),
    escapeXml(wording.chance(figure.p)),
    figure.better === null
      ? `<span class="open">${escapeXml(word('open'))}</span>`
      : `<b>${escapeXml(figure.better === 'a' ? a : b)}</b>`,
  ]);
  const head = [word('task'), word('metric'), a, b, word('difference'), word('interval'), 'p', word('better')];
  return `<h2>${escapeXml(word('comparison'))}</h2>${table(head, rows)}<p class="note">${escapeXml(word('paired'))}</p>`;
}

function taskPart(task: TaskReport, wording: ReportWording, most: number): string {
  const { word } = wording;
  const version = task.taskVersion === null ? '' : ` · ${word('version')} ${task.taskVersion}`;
  const shots = task.fewShot ? ` · ${word('examples')}: ${task.fewShot}` : '';
  return [
    `<h2 id="${anchor(task.task)}">${escapeXml(task.title)}</h2>`,
    `<p class="subtitle">${escapeXml(`${task.outputType}${version}${shots} · ${wording.duration(task.seconds)}`)}</p>`,
    ...[...new Set(task.slices.map(slice => slice.by))].map(by => slicePart(task, by, wording)),
    task.reliability ? reliabilityPart(task, wording) : '',
    itemsPart(task, wording, most),
  ].join('\n');
}

function slicePart({ slices, title }: TaskReport, by: string, wording: ReportWording): string {
  const own = slices.filter(slice => slice.by === by);
  const name = `${title} ${wording.word('by', by)}`;
  if (own.length > 1 && own.every(({ key }) => typeof key === 'number')) return lines(name, by, own, wording);
  return bars(
    name,
    own.map(({ key, figure }) => ({ name: String(key), figure })),
    wording,
  );
}

function lines(title: string, by: string, slices: readonly Slice[], wording: ReportWording): string {
  const { figure: of } = slices[0]!;
  const chart = pointChart({
    ...{ title, width: WIDTH, height: 300, xName: by, yName: nameOf(of) },
    tickX: value => wording.number(value, 6),
    tickY: value => wording.value(value, of),
    points: slices.map(({ key, figure: { value, low, high, count } }) => ({
      ...{ x: Number(key), y: value, low, high },
      said: `${by} ${key}: ${wording.value(value, of)} (${count})`,
    })),
  });
  return `<section>${chart}</section>`;
}

function reliabilityPart({ reliability }: TaskReport, wording: ReportWording): string {
  const { error, bins } = reliability!;
  const { word } = wording;
  const percent = (value: number) => `${wording.number(100 * value, 3)} %`;
  const largest = Math.max(...bins.map(({ count }) => count));
  const chart = pointChart({
    title: word('reliability'),
    ...{ width: 430, height: 330, xName: word('confidence'), yName: word('accuracy'), unit: true },
    ...{ tickX: percent, tickY: percent },
    points: bins.map(({ confidence, accuracy, count }) => ({
      ...{ x: confidence, y: accuracy, weight: count / largest },
      said: `${percent(confidence)}: ${percent(accuracy)} (${count})`,
    })),
  });
  return `<section class="half">${chart}<p class="note">${escapeXml(word('calibrationError'))}: ${wording.number(error, 3)}</p></section>`;
}

function itemsPart(task: TaskReport, wording: ReportWording, most: number): string {
  const { word } = wording;
  const first = task.figures[0];
  const key = first && figureKey(first.metric, first.filter);
  const shown = task.items.slice(0, most);
  const options = ['everything', 'rightOnes', 'wrongOnes'] as const;
  const choice = options.map((name, i) => `<option value="${['', '1', '0'][i]}">${escapeXml(word(name))}</option>`);
  return [
    `<details class="items"><summary>${escapeXml(word('items'))}</summary>`,
    `<form><input type="search" placeholder="${escapeXml(word('search'))}" aria-label="${escapeXml(word('search'))}"><select aria-label="${escapeXml(word('items'))}">${choice.join('')}</select><output></output></form>`,
    `<div class="scroll"><table><thead><tr>${['#', word('prompt'), word('target'), word('prediction'), ''].map(head => `<th>${escapeXml(head)}</th>`).join('')}</tr></thead><tbody>`,
    ...shown.map(item => itemRow(item, key, wording)),
    '</tbody></table></div>',
    shown.length < task.count ? `<p class="note">${escapeXml(word('shown', shown.length, task.count))}</p>` : '',
    '</details>',
  ].join('\n');
}

function itemRow(item: ItemReport, key: string | undefined, wording: ReportWording): string {
  const score = key === undefined ? undefined : item.scores[key];
  const right = score === 0 || score === 1 ? ` data-right="${score}"` : '';
  const said = Object.entries(item.predictions).map(([filter, text]) =>
    filter === 'none' ? text : `${filter}: ${text}`,
  );
  const numbers = Object.entries(item.scores).map(([name, value]) => `${name} ${wording.number(value, 3)}`);
  const cells = [item.id, item.prompt, item.target, said.join('\n'), numbers.join('\n')];
  return `<tr${right}>${cells.map(text => `<td>${escapeXml(String(text))}</td>`).join('')}</tr>`;
}

const anchor = (task: string) => `task-${task.replace(/[^\p{L}\p{N}-]+/gu, '-')}`;

/** Cells are markup already. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (list: readonly string[], tag: string) => list.map(text => `<${tag}>${text}</${tag}>`).join('');
  const body = rows.map(row => `<tr>${cells(row, 'td')}</tr>`).join('\n');
  return `<div class="scroll"><table class="figures"><thead><tr>${cells(head.map(escapeXml), 'th')}</tr></thead><tbody>${body}</tbody></table></div>`;
}
