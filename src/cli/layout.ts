/** Text in columns: widths as a terminal shows them, wrapping, cutting, aligned tables. */

let segmenter: Intl.Segmenter | undefined;
/** What a reader takes for single characters. The segmenter takes tens of milliseconds to make: plain text does without. */
function charactersOf(text: string): string[] {
  if (isPlain(text)) return [...text];
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
const isPlain = (text: string) =>
  /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u017f\u2026\u2192\u21b5\u2500-\u259f\u25cf\u2713\u2717]*$/.test(text);
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^\p{Emoji_Presentation}|^[\u{20000}-\u{3fffd}]/u;
/** What turns a colour of a terminal on or off. */
export const COLOUR = /\x1b\[[\d;]*m/g;

/** Cells that a text takes: East Asian characters and emoji take two, colour codes none. */
export function widthOf(text: string): number {
  const plain = text.replace(COLOUR, '');
  if (isPlain(plain)) return plain.length;
  let width = 0;
  for (const segment of charactersOf(plain)) width += WIDE.test(segment) ? 2 : /^\p{M}+$/u.test(segment) ? 0 : 1;
  return width;
}

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));
export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text;

/** Code units that are looked at for each cell: far more than letters with their marks, or emoji, have. */
const MOST_UNITS = 16;

/** A text without colours, cut to `width` cells; a cut one ends in an ellipsis. */
export function cut(text: string, width: number): string {
  // The time that a segmenter takes grows faster than a long text.
  const start = text.slice(0, MOST_UNITS * (width + 1));
  if (start.length === text.length && widthOf(text) <= width) return text;
  let out = '';
  let used = 0;
  for (const segment of charactersOf(start)) {
    used += widthOf(segment);
    if (used > width - 1) break;
    out += segment;
  }
  return `${out}…`;
}

/** Breaks at spaces so that no line is longer than `width`, except for a single word that is. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width - widthOf(indent)) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${indent}`);
}

/** One column of a table. */
export interface Column {
  readonly align?: 'left' | 'right';
  /** This one gives way when the table is too wide: its texts lose their beginnings. */
  readonly shrinks?: boolean;
}

/** The end of a text, in `width` cells. */
function cutStart(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let out = '';
  for (const segment of charactersOf(text).reverse()) {
    if (widthOf(segment) + widthOf(out) > width - 1) break;
    out = segment + out;
  }
  // Half a word helps nobody: names are cut at a dot if one is near.
  const dot = out.indexOf('.');
  return `…${dot >= 0 && dot < 8 ? out.slice(dot + 1) : out}`;
}

const NARROWEST = 16;

/**
 * Rows as lines, columns two spaces apart, each as wide as its widest text, and the whole at most `width` if a column
 * shrinks. Nothing is padded at the end of a line.
 */
export function table(
  rows: readonly (readonly string[])[],
  columns: readonly Column[] = [],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((text, i) => {
      widths[i] = Math.max(widths[i] ?? 0, widthOf(text));
    });
  }
  const excess = widths.reduce((sum, w) => sum + w + 2, -2) - width;
  const shrinking = columns.findIndex(column => column.shrinks);
  if (excess > 0 && shrinking >= 0) widths[shrinking] = Math.max(NARROWEST, widths[shrinking]! - excess);
  const cell = (text: string, i: number) => {
    if (i === shrinking) text = cutStart(text, widths[i]!);
    return columns[i]?.align === 'right' ? padStart(text, widths[i]!) : padEnd(text, widths[i]!);
  };
  return rows.map(row => row.map(cell).join('  ').trimEnd());
}
