/** Two or more lines with intervals over a number, as an SVG file. */
import { CHART_STYLE, chartColours, escapeXml, round } from '../../src/util/plot/chart-style.ts';
import { createScale } from '../../src/util/plot/scale.ts';

export interface ComparedPoint {
  readonly x: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}
export interface ComparisonChart {
  readonly title: string;
  readonly xName: string;
  readonly lines: readonly { readonly name: string; readonly points: readonly ComparedPoint[] }[];
  /** Equal steps from one x to the next, for numbers that grow by factors. */
  readonly even?: boolean | undefined;
}
const [WIDTH, HEIGHT] = [720, 360];
const EDGE = { left: 58, right: 118, top: 40, bottom: 46 };
const COLOURS = ['training', 'validation', 'rate', 'norm'];

/** Shares from 0 to 1. */
export function comparisonChart({ title, xName, lines, even = false }: ComparisonChart): string {
  const places = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const across = createScale(even ? places.map((_, i) => i) : places, [EDGE.left + 8, WIDTH - EDGE.right], 6);
  const up = createScale([0, 1], [HEIGHT - EDGE.bottom, EDGE.top], 5, true);
  const x = (value: number) => round(across.place(even ? places.indexOf(value) : value));
  const y = (value: number) => round(up.place(value));
  const grid = up.ticks.map(
    tick =>
      `<line class="grid" x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
      `<text x="${EDGE.left - 8}" y="${y(tick) + 4}" text-anchor="end">${Math.round(100 * tick)} %</text>`,
  );
  const ticks = (even ? places : across.ticks).map(
    tick =>
      `<text x="${even ? x(tick) : round(across.place(tick))}" y="${HEIGHT - 24}" text-anchor="middle">${tick}</text>`,
  );
  const drawn = lines.map(({ name, points }, i) => {
    const colour = `style="stroke:var(--${COLOURS[i % COLOURS.length]});fill:none"`;
    const path = `<path class="line" ${colour} d="M${points.map(p => `${x(p.x)} ${y(p.value)}`).join('L')}"/>`;
    const bars = points.map(p => `<path ${colour} d="M${x(p.x)} ${y(p.low)}V${y(p.high)}"/>`);
    const last = points.at(-1)!;
    return `${path}${bars.join('')}<text class="mark" x="${x(last.x) + 10}" y="${y(last.value) + 4}">${escapeXml(name)}</text>`;
  });
  return [
    `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeXml(title)}">`,
    `<style>${chartColours('.chart')}${CHART_STYLE}.chart{background:var(--paper)}</style>`,
    `<text class="title" x="12" y="20">${escapeXml(title)}</text>`,
    ...[...grid, ...ticks, ...drawn],
    `<text x="${(WIDTH - EDGE.right + EDGE.left) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeXml(xName)}</text></svg>\n`,
  ].join('');
}
