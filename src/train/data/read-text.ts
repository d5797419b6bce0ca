/** Text files as rows `{ text }`. Option names: the reference's text loader. */
import { ConfigError, FormatError } from '../../errors.ts';
import type { ByteSource } from '../../formats/index.ts';
import { lines } from './lines.ts';
import type { Row } from './row.ts';

export interface ReadTextOptions {
  /** What a row is: a line, the lines between empty ones, or the whole file. Default line. */
  readonly sampleBy?: 'line' | 'paragraph' | 'document' | undefined;
  /** Lines keep their breaks, so that all rows together are the file again. Default false; inside a row breaks always stay. */
  readonly keepLinebreaks?: boolean | undefined;
}
/** Characters that a row of several lines may have. */
const MOST_CHARACTERS = 1 << 28;

/**
 * The rows of a text file, which is streamed.
 * @throws ConfigError for another `sampleBy`, FormatError as `lines` does, and for a row too long to be held
 */
export async function* readText(
  source: ByteSource,
  { sampleBy = 'line', keepLinebreaks = false }: ReadTextOptions = {},
): AsyncGenerator<Row> {
  if (!['line', 'paragraph', 'document'].includes(sampleBy))
    throw new ConfigError('no such sampleBy', { seen: `${sampleBy}`, expected: 'line, paragraph or document' });
  const row = (text: string, line: number): Row => ({
    fields: { text: keepLinebreaks ? text : withoutLastBreaks(text) },
    where: `${source.name}, line ${line}`,
  });
  let [text, start] = ['', 1];
  // Where breaks are kept, the empty lines behind a paragraph belong to it.
  let closed = false;
  for await (const line of lines(source)) {
    if (sampleBy === 'line') {
      yield row(line.text + line.end, line.number);
      continue;
    }
    const blank = sampleBy === 'paragraph' && line.text.trim() === '';
    if (closed && !blank) {
      yield row(text, start);
      [text, start, closed] = ['', line.number, false];
    }
    if (text === '' && blank && !keepLinebreaks) {
      start = line.number + 1;
      continue;
    }
    if (blank) closed = true;
    if (!blank || keepLinebreaks) text += line.text + line.end;
    if (text.length > MOST_CHARACTERS)
      throw new FormatError(`a ${sampleBy} is too long to be one row`, {
        seen: `more than ${MOST_CHARACTERS} characters`,
        fix: "read the file with sampleBy 'line'",
        where: `${source.name}, line ${start}`,
      });
  }
  if (text !== '') yield row(text, start);
}

/** Without the breaks at its end, found from there: a regular expression tries each run of breaks inside, at each of its places. */
function withoutLastBreaks(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === '\n' || text[end - 1] === '\r')) end--;
  return text.slice(0, end);
}
