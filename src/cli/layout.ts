/** Text in columns: widths as a terminal shows them, wrapping, cutting, aligned tables. */

const segmenter = new Intl.Segmenter();
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^\p{Emoji_Presentation}|^[\u{20000}-\u{3fffd}]/u;
const COLOUR = /\x1b\[[\d;]*m/g;

/** Cells that a text takes: East Asian characters and emoji take two, colour codes none. */
export function widthOf(text: string): number {
  const plain = text.replace(COLOUR, '');
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of segmenter.segment(plain))
    width += WIDE.test(segment) ? 2 : /^\p{M}+$/u.test(segment) ? 0 : 1;
  return width;
}

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));
export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text;

/** A text without colours, cut to `width` cells; a cut one ends in an ellipsis. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let out = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
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
  /** Widest it may become; longer texts are cut. */
  readonly max?: number;
}

/** Rows as lines, columns two spaces apart, each as wide as its widest text. Nothing is padded at the end of a line. */
export function table(rows: readonly (readonly string[])[], columns: readonly Column[] = []): string[] {
  const cells = rows.map(row => row.map((text, i) => (columns[i]?.max ? cut(text, columns[i].max) : text)));
  const widths: number[] = [];
  for (const row of cells) row.forEach((text, i) => (widths[i] = Math.max(widths[i] ?? 0, widthOf(text))));
  return cells.map(row =>
    row
      .map((text, i) => (columns[i]?.align === 'right' ? padStart(text, widths[i]!) : padEnd(text, widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}
