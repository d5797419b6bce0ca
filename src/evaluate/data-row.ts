/**
 * Rows of data sets, whatever file they came from: what the readers of `train/data` (JSONL, CSV with any delimiter) give, and
 * what a program makes itself.
 */
import { FormatError } from '../errors.ts';

export interface DataRow {
  readonly fields: Readonly<Record<string, unknown>>;
  /** For messages, such as `pairs.jsonl, line 12`. */
  readonly where: string;
}
export type DataRows = Iterable<DataRow> | AsyncIterable<DataRow>;

/** A text among the fields; undefined where there is none. @throws FormatError for another value */
export function optionalText({ fields, where }: DataRow, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  throw new FormatError(`the field ${name} is no text`, { seen: brief(value), expected: 'a string', where });
}

/** A text that has to be there. @throws FormatError */
export function neededText(row: DataRow, name: string): string {
  const text = optionalText(row, name);
  if (text !== undefined) return text;
  throw new FormatError(`a row lacks the field ${name}`, {
    seen: Object.keys(row.fields).join(', ') || 'no fields',
    where: row.where,
  });
}

/** A value as an object. @throws FormatError for what is none */
export function objectIn(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FormatError('expected an object', { seen: brief(value), where });
}
/** A value as a list. @throws FormatError for what is none */
export function listIn(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new FormatError('expected a list', { seen: brief(value), where });
}

/** A short form of any value for a message. */
export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
