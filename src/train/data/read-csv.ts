/** Tables as text: comma-separated values as RFC 4180 has them, or with tabs. All fields are strings. */
import { ConfigError, FormatError } from '../../errors.ts';
import type { ByteSource } from '../../formats/index.ts';
import { lines } from './lines.ts';
import type { Row } from './row.ts';

export interface ReadCsvOptions {
  /** Default: a comma. */
  readonly delimiter?: string | undefined;
  /** Names of the columns where the file does not begin with them. */
  readonly columns?: readonly string[] | undefined;
  /** Whether quotes enclose fields. Default true; without, they are characters like others, as in many files with tabs. */
  readonly quotes?: boolean | undefined;
}
/** Characters that a record may have: after a quote that is never closed the whole file would be read into memory. */
const MOST_CHARACTERS = 1 << 26;

/**
 * The rows of a table, which is streamed. Quoted fields may hold delimiters, line breaks and doubled quotes. Empty lines are
 * none.
 * @throws FormatError, naming the line, for records with more or fewer fields than columns and quotes that are not closed or
 * stand inside an unquoted field; ConfigError for options that cannot be
 */
export async function* readCsv(source: ByteSource, options: ReadCsvOptions = {}): AsyncGenerator<Row> {
  const { delimiter = ',', columns, quotes = true } = options;
  if (delimiter.length !== 1 || /["\r\n]/.test(delimiter))
    throw new ConfigError('a delimiter is one character', { seen: JSON.stringify(delimiter) });
  let names = columns && checkedNames(columns, 'options');
  for await (const { values, line } of records(source, delimiter, quotes)) {
    const where = `${source.name}, line ${line}`;
    if (!names) {
      names = checkedNames(values, where);
      continue;
    }
    if (values.length !== names.length)
      throw new FormatError('a record has another number of fields than there are columns', {
        seen: `${values.length}`,
        expected: `${names.length}: ${names.join(', ')}`,
        fix: 'quote fields that hold the delimiter',
        where,
      });
    yield { fields: Object.fromEntries(names.map((name, i) => [name, values[i]])), where };
  }
}

/** Names of columns; one without a name, as of row numbers, is called as the reference's loader does. */
function checkedNames(given: readonly string[], where: string): readonly string[] {
  const names = given.map((name, i) => (name.trim() === '' ? `Unnamed: ${i}` : name));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return names;
  throw new FormatError('columns need different names', {
    seen: `${twice} twice`,
    fix: 'give the names in `columns`',
    where,
  });
}

interface CsvRecord {
  readonly values: string[];
  readonly line: number;
}
async function* records(source: ByteSource, delimiter: string, quotes: boolean): AsyncGenerator<CsvRecord> {
  let open: { readonly values: string[]; text: string; readonly line: number } | undefined;
  for await (const { text, end, number } of lines(source)) {
    if (!open) {
      if (text === '') continue;
      if (!quotes || !text.includes('"')) {
        yield { values: text.split(delimiter), line: number };
        continue;
      }
    }
    const where = `${source.name}, line ${number}`;
    const values: string[] = open?.values ?? [];
    const line: number = open?.line ?? number;
    const rest = readFields(text, { values, delimiter, where, quoted: open?.text });
    if (rest === undefined) {
      open = undefined;
      yield { values, line };
      continue;
    }
    open = { values, text: rest + end, line };
    if (open.text.length > MOST_CHARACTERS) throw unclosed(open.line, source.name);
  }
  if (open) throw unclosed(open.line, source.name);
}

/**
 * Adds the fields of a line. `quoted`: what a quoted field that began earlier has so far.
 * @returns undefined, or what a quoted field has that goes on in the next line
 */
function readFields(
  line: string,
  {
    values,
    delimiter,
    where,
    quoted,
  }: { values: string[]; delimiter: string; where: string; quoted?: string | undefined },
): string | undefined {
  for (let at = 0; ; ) {
    if (quoted === undefined && line[at] === '"') {
      quoted = '';
      at++;
    }
    if (quoted === undefined) {
      const next = line.indexOf(delimiter, at);
      const value = line.slice(at, next < 0 ? line.length : next);
      if (value.includes('"'))
        throw new FormatError('a quote inside an unquoted field', {
          seen: value.slice(0, 60),
          fix: 'quote the field and double the quotes in it, or read with quotes: false',
          where,
        });
      values.push(value);
      if (next < 0) return undefined;
      at = next + 1;
      continue;
    }
    const end = line.indexOf('"', at);
    if (end < 0) return quoted + line.slice(at);
    quoted += line.slice(at, end);
    at = end + 1;
    if (line[at] === '"') {
      quoted += '"';
      at++;
      continue;
    }
    values.push(quoted);
    quoted = undefined;
    if (at === line.length) return undefined;
    if (line[at] !== delimiter)
      throw new FormatError('text behind a closing quote', {
        seen: line.slice(at, at + 60),
        fix: 'double quotes that are part of a field',
        where,
      });
    at++;
  }
}

const unclosed = (line: number, name: string) =>
  new FormatError('a quote is not closed', {
    fix: 'close it, or read with quotes: false',
    where: `${name}, record that starts in line ${line}`,
  });
