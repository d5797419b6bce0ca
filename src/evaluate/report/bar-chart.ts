/** Bars with their intervals, one below the other, as SVG that follows the page's light or dark. */
import { escapeXml, round } from '../../util/plot/chart-style.ts';
import { createScale } from '../../util/plot/scale.ts';

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The value in words, at the end of the line. */
  readonly said: string;
  /** A custom property of the style: `first` (default) or `second`. */
  readonly colour?: 'first' | 'second' | undefined;
}
export interface BarChart {
  readonly title: string;
  readonly bars: readonly Bar[];
  readonly width: number;
  /** Where the axis ends: 1 for shares. Default: behind the longest interval. */
  readonly most?: number | undefined;
  readonly tick: (value: number) => string;
}

const LINE = 26;
const LABEL = 210;
const SAID = 150;
const TOP = 30;
/** Names that are longer are cut, and whole in the tip. */
const NAME = 25;

/** @param chart values that are no numbers get no bar */
export function barChart({ title, bars, width, most, tick }: BarChart): string {
  const height = TOP + LINE * bars.length + 26;
  const ends = bars.flatMap(({ value, low, high }) => [value, low, high]).filter(Number.isFinite);
  const scale = createScale([0, ...(most === undefined ? ends : [most])], [LABEL, width - SAID], 5, true);
  const grid = scale.ticks.map(value => {
    const x = round(scale.place(value));
    return (
      `<line class="grid" x1="${x}" x2="${x}" y1="${TOP}" y2="${height - 22}"/>` +
      `<text x="${x}" y="${height - 6}" text-anchor="middle">${escapeXml(tick(value))}</text>`
    );
  });
  const rows = bars.map(({ name, value, low, high, said, colour = 'first' }, i) => {
    const y = TOP + LINE * i + LINE / 2;
    const label = name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name;
    const zero = scale.place(0);
    const end = scale.place(value);
    const bar = Number.isFinite(value)
      ? `<rect class="bar" x="${round(Math.min(zero, end))}" y="${y - 7}" width="${round(Math.abs(end - zero))}" height="14" rx="2" style="fill:var(--${colour})"/>`
      : '';
    return `<g><title>${escapeXml(`${name}: ${said}`)}</title><text class="mark" x="${LABEL - 10}" y="${y + 4}" text-anchor="end">${escapeXml(label)}</text>${bar}${whisker(scale.place(low), scale.place(high), y)}<text x="${width - SAID + 12}" y="${y + 4}">${escapeXml(said)}</text></g>`;
  });
  return `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(title)}"><text class="title" x="0" y="16">${escapeXml(title)}</text>${grid.join('')}${rows.join('')}</svg>`;
}

/** The interval as a line with ends. */
function whisker(from: number, to: number, y: number): string {
  if (!Number.isFinite(from) || !Number.isFinite(to)) return '';
  const [a, b] = [round(from), round(to)];
  return `<path class="whisker" d="M${a} ${y - 4}V${y + 4}M${a} ${y}H${b}M${b} ${y - 4}V${y + 4}"/>`;
}
