/** A row of data, whatever file it came from: fields by name, and where it stands for messages. */
import { ConfigError } from '../../errors.ts';

export interface Row {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Such as `reviews.csv, line 12`. */
  readonly where: string;
}
export type Rows = Iterable<Row> | AsyncIterable<Row>;

/** Objects in memory as rows. */
export function* rowsOf(objects: Iterable<Readonly<Record<string, unknown>>>, name = 'row'): Generator<Row> {
  let number = 0;
  for (const fields of objects) yield { fields, where: `${name} ${number++}` };
}

/** The first of the names that the row has; undefined for none. */
export const fieldOf = ({ fields }: Row, names: readonly string[]): unknown =>
  fields[names.find(name => fields[name] !== undefined && fields[name] !== null) ?? names[0]!] ?? undefined;

/** The same, which has to be there. @throws ConfigError */
export function neededField(row: Row, names: readonly string[]): unknown {
  const value = fieldOf(row, names);
  if (value !== undefined) return value;
  throw new ConfigError('a row lacks a column', {
    seen: Object.keys(row.fields).join(', ') || 'no columns',
    expected: names.join(' or '),
    fix: 'name the column in the options of the objective',
    where: row.where,
  });
}

/** A text among the fields. @throws ConfigError when there is none */
export function textField(row: Row, names: readonly string[]): string {
  const value = neededField(row, names);
  if (typeof value === 'string') return value;
  throw new ConfigError(`the column ${names.find(name => row.fields[name] !== undefined)} holds no text`, {
    seen: shown(value),
    expected: 'a string',
    where: row.where,
  });
}

/** A short form of any value for a message. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' && value !== '' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
