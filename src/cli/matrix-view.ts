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

const labelWidth = (labels: readonly string[]) => Math.min(LABEL, Math.max(0, ...labels.map(widthOf)));
const rowStart = (label: string, width: number) => `${padStart(cut(label, width), width)}  `;

/** Names of the rows and the columns. Where there are fewer rows than names, they are the last of them. */
export interface MatrixLabels {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
}

/** Lines of an attention pattern, a label before each row: percent where `width` has room for them, else shades. */
export function patternLines(
  matrix: Matrix,
  labels: MatrixLabels,
  width: number,
  paint: Paint,
): { lines: string[]; asNumbers: boolean } {
  const queries = rowNames(matrix, labels.rows);
  const label = labelWidth(queries);
  const cell = Math.min(6, Math.floor((width - label - 2) / matrix.columns));
  if (cell < 4) return { lines: shadeLines(matrix, labels.rows, width), asNumbers: false };
  const keys = Array.from({ length: matrix.columns }, (_, c) => labels.columns[c] ?? '');
  const heads = keys.map(text => padStart(cut(bare(text), cell - 1), cell));
  const lines = queries.map((query, r) => {
    const cells = keys.map((_, c) => {
      const share = matrix.data[r * matrix.columns + c]!;
      const percent = padStart(share >= 0.005 ? String(Math.round(100 * share)) : '·', cell);
      return share >= 0.5 ? paint.bold(paint.cyan(percent)) : share >= 0.1 ? paint.cyan(percent) : paint.dim(percent);
    });
    return rowStart(query, label) + cells.join('');
  });
  return { lines: [paint.dim(' '.repeat(label + 2) + heads.join('')), ...lines], asNumbers: true };
}

/** A name for every row, be it empty. */
const rowNames = ({ rows }: Matrix, labels: readonly string[]): string[] => {
  const named = labels.slice(-rows);
  return Array.from({ length: rows }, (_, r) => named[r] ?? '');
};

/** The same as blocks, darker for more; the last keys are left out where even blocks do not fit. */
export function shadeLines(matrix: Matrix, labels: readonly string[], width: number): string[] {
  const queries = rowNames(matrix, labels);
  const label = labelWidth(queries);
  const room = width - label - 4;
  const cell = 2 * matrix.columns <= room ? 2 : 1;
  const shown = Math.min(matrix.columns, Math.floor(room / cell));
  return queries.map((query, r) => {
    const blocks = Array.from({ length: shown }, (_, c) => shade(matrix.data[r * matrix.columns + c]!).repeat(cell));
    return (rowStart(query, label) + blocks.join('')).trimEnd();
  });
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
  const label = labelWidth(labels);
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
