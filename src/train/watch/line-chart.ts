/** A chart of lines over the steps of a run, as SVG that follows the light or dark of the page and answers the pointer without a script. */
import { CHART_STYLE, chartColours, escapeXml, round } from '../../util/plot/chart-style.ts';
import { createScale, type Scale } from '../../util/plot/scale.ts';
import type { Point } from './series.ts';
import type { Wording } from './wording.ts';

export interface ChartLine {
  readonly name: string;
  readonly points: readonly Point[];
  /** `faint`: what lies behind a smoothed line, without a name of its own; `dots`: few values, each to be seen. */
  readonly form?: 'line' | 'faint' | 'dots';
  /** A custom property of the style: `training`. */
  readonly colour: string;
}
export interface LineChart {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  readonly width: number;
  readonly height: number;
  /** A value to mark, with what it is. */
  readonly mark?: { readonly point: Point; readonly name: string; readonly colour: string } | undefined;
  /** The values start at 0. */
  readonly fromZero?: boolean;
  readonly wording: Wording;
  /** Brings its style along, to stand in a file of its own. */
  readonly standalone?: boolean;
}

const MARGIN = { left: 58, right: 18, top: 34, bottom: 30 };
/** Columns that answer the pointer. */
const MOST_COLUMNS = 160;

export function lineChart(chart: LineChart): string {
  const { title, lines, width, height, mark, wording, standalone = false } = chart;
  const all = lines.flatMap(line => line.points);
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const frame = (body: string) =>
    [
      `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(title)}">`,
      standalone ? `<style>${chartColours('.chart')}${CHART_STYLE}.chart{background:var(--paper)}</style>` : '',
      `<text class="title" x="0" y="16"${standalone ? ' dx="12"' : ''}>${escapeXml(title)}</text>`,
      body,
      '</svg>',
    ].join('');
  if (all.length === 0) return frame(`<text x="${MARGIN.left}" y="${height / 2}">${wording.word('noSteps')}</text>`);
  const across = createScale(
    all.map(({ step }) => step),
    [MARGIN.left, right],
    6,
  );
  const up = createScale(
    [...all.map(({ value }) => value), ...(chart.fromZero ? [0] : [])],
    [bottom, MARGIN.top],
    5,
    true,
  );
  const at = ({ step, value }: Point) => `${round(across.place(step))} ${round(up.place(value))}`;
  const grid = up.ticks.map(
    tick =>
      `<line class="grid" x1="${MARGIN.left}" x2="${right}" y1="${round(up.place(tick))}" y2="${round(up.place(tick))}"/>` +
      `<text x="${MARGIN.left - 8}" y="${round(up.place(tick) + 4)}" text-anchor="end">${wording.number(tick)}</text>`,
  );
  const steps = across.ticks.map(
    tick =>
      `<text x="${round(across.place(tick))}" y="${height - 10}" text-anchor="middle">${wording.number(tick, 9)}</text>`,
  );
  const paths = lines.map(({ points, form = 'line', colour }) => {
    const path = `<path class="line ${form}" style="stroke:var(--${colour})" d="M${points.map(at).join('L')}"/>`;
    if (points.length === 0) return '';
    if (form !== 'dots') return path;
    const dots = points.length > 60 ? [] : points.map(point => dot(at(point), 3, colour));
    return path + dots.join('');
  });
  const marked = mark
    ? `${dot(at(mark.point), 5, mark.colour)}<text class="mark" x="${round(Math.min(right - 60, across.place(mark.point.step)))}" y="${round(up.place(mark.point.value) + 20)}" text-anchor="middle">${escapeXml(mark.name)} ${wording.number(mark.point.value)}</text>`
    : '';
  return frame([...grid, ...steps, ...paths, marked, legend(chart, right), columns(chart, across, bottom)].join(''));
}

const dot = (at: string, radius: number, colour: string) => {
  const [x, y] = at.split(' ');
  return `<circle cx="${x}" cy="${y}" r="${radius}" style="fill:var(--${colour})"/>`;
};

/** The names of the lines, where the title ends. */
function legend({ lines, title, standalone }: LineChart, right: number): string {
  const named = lines.filter(({ form, points }) => form !== 'faint' && points.length > 0);
  if (named.length < 2) return '';
  let x = (standalone ? 36 : 24) + 8 * title.length;
  return named
    .map(({ name, colour }) => {
      const entry = `<rect x="${x}" y="9" width="14" height="4" rx="2" style="fill:var(--${colour})"/><text x="${x + 20}" y="16">${escapeXml(name)}</text>`;
      x = Math.min(right, x + 40 + 7.5 * name.length);
      return entry;
    })
    .join('');
}

/** What each line is worth at a step, shown while the pointer is there. */
function columns({ lines, wording }: LineChart, across: Scale, bottom: number): string {
  const named = lines.filter(({ form, points }) => form !== 'faint' && points.length > 0);
  const longest = named.reduce<readonly Point[]>(
    (most, { points }) => (points.length > most.length ? points : most),
    [],
  );
  const stride = Math.ceil(longest.length / MOST_COLUMNS);
  const chosen = longest.filter((_, i) => i % stride === 0 || i === longest.length - 1);
  const places = chosen.map(({ step }) => across.place(step));
  return chosen
    .map(({ step }, i) => {
      const from = i === 0 ? MARGIN.left : (places[i - 1]! + places[i]!) / 2;
      const to = i === chosen.length - 1 ? across.to : (places[i]! + places[i + 1]!) / 2;
      const values = named.map(({ name, points }) => `${name} ${wording.number(nearest(points, step).value)}`);
      const said = escapeXml([`${wording.word('step')} ${wording.number(Math.round(step), 9)}`, ...values].join('   '));
      const room = 7.2 * said.length;
      return (
        `<g class="at"><rect x="${round(from)}" y="${MARGIN.top}" width="${round(Math.max(0, to - from))}" height="${bottom - MARGIN.top}"/>` +
        `<line x1="${round(places[i]!)}" x2="${round(places[i]!)}" y1="${MARGIN.top}" y2="${bottom}"/>` +
        `<rect class="back" x="${round(across.to - room)}" y="2" width="${round(room)}" height="20"/>` +
        `<text x="${across.to}" y="16" text-anchor="end" xml:space="preserve">${said}</text></g>`
      );
    })
    .join('');
}

/** The last point up to a step, or the first. */
function nearest(points: readonly Point[], step: number): Point {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle]!.step <= step) low = middle;
    else high = middle - 1;
  }
  return points[low]!;
}
