/** Files with one JSON object per line, as rows. */
import { FormatError } from '../../errors.ts';
import type { ByteSource } from '../../formats/index.ts';
import { lines } from './lines.ts';
import { type Row, shown } from './row.ts';

/**
 * The rows of a JSONL file, which is streamed. Empty lines are none.
 * @throws FormatError, naming the line, for one that is no JSON object, and as `lines` does
 */
export async function* readJsonl(source: ByteSource): AsyncGenerator<Row> {
  for await (const { text, number } of lines(source)) {
    if (text.trim() === '') continue;
    const where = `${source.name}, line ${number}`;
    let fields: unknown;
    try {
      fields = JSON.parse(text);
    } catch (cause) {
      throw new FormatError('a line is not JSON', { seen: shown(text), where, cause });
    }
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
      throw new FormatError('a line holds no JSON object', { seen: shown(text), expected: '{"text": ...}', where });
    yield { fields: fields as Record<string, unknown>, where };
  }
}
