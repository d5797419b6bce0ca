/** Points with intervals over a number: a score by distance, or how often a model is right by how sure it is. */
import { escapeXml, round } from '../../util/plot/chart-style.ts';
import { createScale } from '../../util/plot/scale.ts';

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  /** What the tip says. */
  readonly said: string;
  /** Share of the largest dot's area. Default: all dots alike. */
  readonly weight?: number | undefined;
}
export interface PointChart {
  readonly title: string;
  readonly points: readonly ChartPoint[];
  readonly width: number;
  readonly height: number;
  readonly xName: string;
  readonly yName: string;
  /** Both axes from 0 to 1, with the diagonal on which confidence is what it says. */
  readonly unit?: boolean | undefined;
  readonly tickX: (value: number) => string;
  readonly tickY: (value: number) => string;
}
const MARGIN = { left: 62, right: 30, top: 34, bottom: 44 };

/** @param chart points that are no numbers are left out, and so are intervals */
export function pointChart(chart: PointChart): string {
  const { title, width, height, unit, xName, yName } = chart;
  const points = chart.points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  const values = points.flatMap(({ y, low = y, high = y }) => [y, low, high]).filter(Number.isFinite);
  const across = createScale(
    unit ? [0, 1] : chart.points.map(({ x }) => x).filter(Number.isFinite),
    [MARGIN.left, right],
    6,
    true,
  );
  const up = createScale(unit ? [0, 1] : [0, ...values], [bottom, MARGIN.top], 5, true);
  const [left, base] = [MARGIN.left, round(bottom)];
  const grid = [
    ...up.ticks.map(tick => {
      const y = round(up.place(tick));
      return `<line class="grid" x1="${left}" x2="${right}" y1="${y}" y2="${y}"/><text x="${left - 8}" y="${y + 4}" text-anchor="end">${escapeXml(chart.tickY(tick))}</text>`;
    }),
    ...across.ticks.map(
      tick =>
        `<text x="${round(across.place(tick))}" y="${base + 18}" text-anchor="middle">${escapeXml(chart.tickX(tick))}</text>`,
    ),
    `<text x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">${escapeXml(xName)}</text>`,
    `<text x="${right}" y="16" text-anchor="end">${escapeXml(yName)}</text>`,
  ];
  const diagonal = unit ? `<path class="diagonal" d="M${left} ${base}L${right} ${MARGIN.top}"/>` : '';
  const place = ({ x, y }: ChartPoint) => `${round(across.place(x))} ${round(up.place(y))}`;
  const line =
    points.length > 1 && !unit
      ? `<path class="line" style="stroke:var(--first)" d="M${points.map(place).join('L')}"/>`
      : '';
  const dots = points.map(point => {
    const [x, y] = place(point).split(' ');
    const { low = Number.NaN, high = Number.NaN, weight = 0.25 } = point;
    const bar =
      !Number.isFinite(low) || !Number.isFinite(high)
        ? ''
        : `<path class="whisker" d="M${x} ${round(up.place(low))}V${round(up.place(high))}"/>`;
    return `<g><title>${escapeXml(point.said)}</title>${bar}<circle cx="${x}" cy="${y}" r="${round(2 + 6 * Math.sqrt(weight))}" style="fill:var(--first)"/></g>`;
  });
  return `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(title)}"><text class="title" x="0" y="16">${escapeXml(title)}</text>${grid.join('')}${diagonal}${line}${dots.join('')}</svg>`;
}
