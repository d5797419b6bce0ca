/**
 * Agreement of German noun phrases as set intersection. A form fits some of sixteen cells, case by gender (all genders share one
 * plural); the words of a phrase agree when a cell is left that all of them fit. A set is a number with a bit per cell.
 */

/** A set of cells. */
export type Cells = number;

const CASES = 'NGDA';
const COLUMNS = 'mfnp';

/** The cells that a list names by case (`N`, `G`, `D`, `A`) and gender or plural (`m`, `f`, `n`, `p`): `Nm Gf Df Gp` is *der*. */
export function cellsOf(list: string): Cells {
  let cells = 0;
  for (const [, kase, column] of list.matchAll(/([NGDA])([mfnp])/g))
    cells |= 1 << (CASES.indexOf(kase!) * COLUMNS.length + COLUMNS.indexOf(column!));
  return cells;
}

const every = (cases: string, columns: string) =>
  cellsOf([...cases].flatMap(kase => [...columns].map(column => kase + column)).join(' '));

export const NOMINATIVE: Cells = every('N', COLUMNS);
export const GENITIVE: Cells = every('G', COLUMNS);
export const DATIVE: Cells = every('D', COLUMNS);
export const ACCUSATIVE: Cells = every('A', COLUMNS);
export const PLURAL: Cells = every(CASES, 'p');
export const ALL: Cells = every(CASES, COLUMNS);
export const SINGULAR: Cells = ALL & ~PLURAL;
/** All cases of a gender, in the singular. */
export const MASCULINE: Cells = every(CASES, 'm');
export const FEMININE: Cells = every(CASES, 'f');
export const NEUTER: Cells = every(CASES, 'n');

/** The cases that a set has, as cells of the plural: what *und* makes of two phrases has the cases of both. */
export const asPlural = (cells: Cells): Cells => (cells | (cells << 1) | (cells << 2) | (cells << 3)) & PLURAL;

/** The cells of all cases in the genders, or the plural, that a set has: what a relative pronoun can refer to. */
export function sameColumns(cells: Cells): Cells {
  const columns = (cells | (cells >> 4) | (cells >> 8) | (cells >> 12)) & 15;
  return columns * 0x1111;
}
