/** Rows of a file by what its name says it is. */
import { UnsupportedError } from '../../errors.ts';
import { type ByteSource, splitPath } from '../../formats/index.ts';
import { type ReadCsvOptions, readCsv } from './read-csv.ts';
import { readJsonl } from './read-jsonl.ts';
import { type ReadTextOptions, readText } from './read-text.ts';
import type { Row } from './row.ts';

export interface ReadRowsOptions extends ReadTextOptions, ReadCsvOptions {}

const READERS: Readonly<Record<string, (source: ByteSource, options: ReadRowsOptions) => AsyncGenerator<Row>>> = {
  txt: readText,
  md: readText,
  jsonl: readJsonl,
  ndjson: readJsonl,
  csv: readCsv,
  tsv: (source, options) => readCsv(source, { delimiter: '\t', ...options }),
};

/** The rows of a file, which is streamed. @throws UnsupportedError for other endings, and what the reader throws */
export function readRows(source: ByteSource, options: ReadRowsOptions = {}): AsyncGenerator<Row> {
  const [, file] = splitPath(source.name);
  const reader = READERS[file.slice(file.lastIndexOf('.') + 1).toLowerCase()];
  if (reader) return reader(source, options);
  throw new UnsupportedError('no reader for files of this kind', {
    seen: file,
    expected: Object.keys(READERS)
      .map(ending => `.${ending}`)
      .join(', '),
    fix: 'call readText, readJsonl or readCsv',
  });
}
