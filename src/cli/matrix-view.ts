/** Matrices in a terminal: numbers where they fit, else shades. */
import { cut, padEnd, padStart, widthOf } from './layout.ts';
import { element } from './numbers.ts';
import type { Paint } from './terminal.ts';

/** Row-major numbers `[rows, columns]`. */
export interface Matrix {
  readonly data: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
}

const LABEL = 14;
const SHADES = ' ░▒▓█';

/** A share from 0 to 1 as a block; anything above 1 % shows. */
export function shade(share: number): string {
  const level = Math.round(share * (SHADES.length - 1));
  return SHADES[Math.min(SHADES.length - 1, Math.max(share > 0.01 ? 1 : 0, level))]!;
}

/**
 * Lines of an attention pattern, a label before each row. Shares are percent where `width` has room for them, else shades.
 * @param labels of the keys; the queries are the last ones of them
 */
export function patternLines(
  matrix: Matrix,
  labels: readonly string[],
  width: number,
  paint: Paint,
): { lines: string[]; asNumbers: boolean } {
  const label = Math.min(LABEL, Math.max(...labels.map(widthOf)));
  const cell = Math.floor((width - label - 2) / matrix.columns);
  const asNumbers = cell >= 4;
  const cellWidth = asNumbers ? Math.min(6, cell) : cell >= 2 ? 2 : 1;
  const shown = Math.min(matrix.columns, Math.floor((width - label - 2) / cellWidth));
  const rowLabels = labels.slice(-matrix.rows);
  const lines = Array.from({ length: matrix.rows }, (_, r) => {
    const cells = Array.from({ length: shown }, (_, c) => {
      const share = matrix.data[r * matrix.columns + c]!;
      if (!asNumbers) return shade(share).repeat(cellWidth);
      const percent = padStart(share >= 0.005 ? String(Math.round(100 * share)) : '·', cellWidth);
      return share >= 0.5 ? paint.bold(paint.cyan(percent)) : share >= 0.1 ? paint.cyan(percent) : paint.dim(percent);
    });
    return `${padStart(cut(rowLabels[r]!, label), label)}  ${cells.join('')}`.trimEnd();
  });
  if (asNumbers) {
    const heads = labels.slice(0, shown).map(text => padStart(cut(bare(text), cellWidth - 1), cellWidth));
    lines.unshift(paint.dim(`${' '.repeat(label)}  ${heads.join('')}`.trimEnd()));
  }
  return { lines, asNumbers };
}

/** The text of a quoted label, which is short of room: without quotes and the space in front. */
const bare = (label: string) => label.replace(/^"\s*(.*?)"$/, '$1');

/** Lines of numbers, a label before each row; columns that do not fit are left out, which `complete` tells. */
export function numberLines(
  matrix: Matrix,
  labels: readonly string[],
  width: number,
  paint: Paint,
): { lines: string[]; complete: boolean } {
  const label = Math.min(LABEL, Math.max(0, ...labels.map(widthOf)));
  const cellWidth = 10;
  const shown = Math.max(1, Math.min(matrix.columns, Math.floor((width - label - 3) / cellWidth)));
  const complete = shown === matrix.columns;
  const lines = Array.from({ length: matrix.rows }, (_, r) => {
    const cells = Array.from({ length: shown }, (_, c) =>
      element(matrix.data[r * matrix.columns + c]!).padStart(cellWidth),
    );
    return `${padEnd(cut(labels[r] ?? '', label), label)}${cells.join('')}${complete ? '' : ' …'}`;
  });
  const head = Array.from({ length: shown }, (_, c) => String(c).padStart(cellWidth)).join('');
  return { lines: [paint.dim(`${' '.repeat(label)}${head}`), ...lines], complete };
}
