/** The curves of a run to look at: the losses as an SVG file, and all of them on a page that needs nothing else. */
import { CHART_STYLE, chartColours, escapeXml } from '../../util/plot/chart-style.ts';
import { type LineChart, lineChart } from './line-chart.ts';
import type { OverfittingReport } from './overfitting.ts';
import type { RunCurves } from './run-curves.ts';
import { type Point, smoothedAround } from './series.ts';
import { createWording, type WatchLanguage, type Wording } from './wording.ts';

export interface CurvesSvgOptions {
  readonly language?: WatchLanguage | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}
export interface CurvesPageOptions {
  readonly language?: WatchLanguage | undefined;
  /** What the run is called. */
  readonly title: string;
  /** A line about it: the model, the data. */
  readonly subtitle?: string | undefined;
  /** Numbers that matter, with their names. */
  readonly facts?: readonly (readonly [name: string, value: string])[] | undefined;
  /** What the detector says. */
  readonly report?: OverfittingReport | undefined;
  /** Small print, such as how the energy was estimated. */
  readonly notes?: readonly string[] | undefined;
}

/** The losses on training and validation data, as an SVG file for a report. */
export function curvesSvg(
  curves: RunCurves,
  { language = 'en', width = 880, height = 360 }: CurvesSvgOptions = {},
): string {
  return lineChart({ ...lossChart(curves, createWording(language)), width, height, standalone: true });
}

/** A page with all curves, light or dark as its reader's screen is. It loads nothing and runs no script. */
export function curvesPage(curves: RunCurves, options: CurvesPageOptions): string {
  const { language = 'en', title, subtitle, facts = [], report, notes = [] } = options;
  const wording = createWording(language);
  const half = { width: 430, height: 220 };
  const tiles = facts.map(([name, value]) => `<div><dt>${escapeXml(name)}</dt><dd>${escapeXml(value)}</dd></div>`);
  return [
    `<!doctype html><html lang="${language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">`,
    `<title>${escapeXml(title)}</title><style>${chartColours(':root')}${CHART_STYLE}${PAGE_STYLE}</style>`,
    `<main><h1>${escapeXml(title)}</h1>`,
    subtitle ? `<p class="subtitle">${escapeXml(subtitle)}</p>` : '',
    tiles.length ? `<dl>${tiles.join('')}</dl>` : '',
    report ? verdict(report, wording) : '',
    `<section class="wide">${lineChart({ ...lossChart(curves, wording), width: 880, height: 360 })}</section>`,
    '<div class="pair">',
    `<section>${lineChart({ ...half, ...rateChart(curves, wording) })}</section>`,
    `<section>${lineChart({ ...half, ...normChart(curves, wording) })}</section>`,
    '</div>',
    notes.length ? `<footer>${notes.map(note => `<p>${escapeXml(note)}</p>`).join('')}</footer>` : '',
    '</main></html>\n',
  ].join('\n');
}

const PAGE_STYLE = [
  'body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}',
  'main{max-width:880px;margin:0 auto;padding:2.5rem 1.25rem}h1{font-size:1.5rem;line-height:1.25;margin:0;overflow-wrap:anywhere}',
  '.subtitle{color:var(--muted);margin:.25rem 0 0;overflow-wrap:anywhere}',
  'dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1rem 1.5rem;margin:1.75rem 0}',
  'dt{color:var(--muted);font-size:.8rem}dd{margin:0;font-size:1.2rem;font-variant-numeric:tabular-nums}',
  '.verdict{border-left:3px solid var(--training);padding:.1rem 0 .1rem 1rem;margin:1.75rem 0}.verdict.bad{border-color:var(--validation)}',
  '.verdict p{margin:0;font-weight:600}.verdict ul{margin:.35rem 0 0;padding-left:1.1rem}',
  'section{margin:2rem 0 0;overflow-x:auto}.wide .chart{min-width:36rem}.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:0 1.25rem}',
  'footer{color:var(--muted);font-size:.8rem;margin-top:2rem;border-top:1px solid var(--grid)}footer p{margin:.75rem 0 0}',
].join('');

type Chart = Omit<LineChart, 'width' | 'height'>;

/** Points without their noise, as much as there are points for: sixty stand for themselves. */
const calm = (points: readonly Point[]) => smoothedAround(points, 1 - Math.min(1, 60 / points.length));

function lossChart({ training, validation }: RunCurves, wording: Wording): Chart {
  const [steps, checks] = [training.points(), validation.points()];
  const best = checks.reduce<Point | undefined>((a, b) => (a && a.value <= b.value ? a : b), undefined);
  return {
    title: wording.word('loss'),
    lines: [
      { name: '', points: steps, form: 'faint', colour: 'training' },
      { name: wording.word('training'), points: calm(steps), colour: 'training' },
      { name: wording.word('validation'), points: checks, form: 'dots', colour: 'validation' },
    ],
    mark: best && { point: best, name: wording.word('best'), colour: 'validation' },
    wording,
  };
}

function rateChart({ learningRate }: RunCurves, wording: Wording): Chart {
  const title = wording.word('learningRate');
  return { title, lines: [{ name: title, points: learningRate.points(), colour: 'rate' }], fromZero: true, wording };
}

function normChart({ gradientNorm }: RunCurves, wording: Wording): Chart {
  const [title, points] = [wording.word('gradientNorm'), gradientNorm.points()];
  const behind = { name: '', points, form: 'faint', colour: 'norm' } as const;
  return { title, lines: [behind, { name: title, points: calm(points), colour: 'norm' }], fromZero: true, wording };
}

function verdict({ state, advice }: OverfittingReport, wording: Wording): string {
  const items = advice.map(each => `<li>${escapeXml(wording.advice(each))}</li>`);
  const list = items.length ? `<ul>${items.join('')}</ul>` : '';
  return `<div class="verdict${items.length ? ' bad' : ''}"><p>${escapeXml(wording.state(state))}</p>${list}</div>`;
}
