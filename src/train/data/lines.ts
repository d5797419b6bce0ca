/** The lines of a text file that may be larger than memory, with their numbers. UTF-8, checked; `\n` or `\r\n`. */
import { FormatError } from '../../errors.ts';
import type { ByteSource } from '../../formats/index.ts';
import { decodeUtf8 } from '../../util/bytes.ts';
import { joinBytes } from './join-bytes.ts';

export interface Line {
  /** Without its end. */
  readonly text: string;
  /** `\n`, `\r\n`, or nothing where the file ends. */
  readonly end: string;
  /** From 1. */
  readonly number: number;
}
const CHUNK_BYTES = 1 << 20;
/** What a line may have: a file without line breaks would be read into memory as a whole. */
const MOST_BYTES = 1 << 28;
const NEWLINE = 10;

/**
 * All lines, in order. A byte order mark is no part of the first; a break at the end of the file starts no line.
 * @throws FormatError for bytes that are not UTF-8, naming the line, and for a line longer than `mostBytes`
 */
export async function* lines(source: ByteSource, mostBytes = MOST_BYTES): AsyncGenerator<Line> {
  let number = 1;
  let open: Uint8Array[] = [];
  let waiting = 0;
  for (let at = 0; at < source.size; at += CHUNK_BYTES) {
    const chunk = await source.read(at, Math.min(CHUNK_BYTES, source.size - at));
    const end = at + chunk.length === source.size ? chunk.length : chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const piece = joinBytes([...open, chunk.subarray(0, end)]);
      const first = number === 1 && isMarked(piece) ? piece.subarray(MARK.length) : piece;
      for (const line of split(decoded(first, number, source.name))) yield { ...line, number: number++ };
      open = [];
      waiting = 0;
    }
    if (end < chunk.length) open.push(chunk.subarray(end));
    waiting += chunk.length - end;
    if (waiting > mostBytes)
      throw new FormatError('a line is too long', {
        seen: `no line break in ${waiting} bytes`,
        expected: `at most ${mostBytes}`,
        where: `${source.name}, line ${number}`,
      });
  }
}

const MARK = [0xef, 0xbb, 0xbf];
const isMarked = (bytes: Uint8Array) => MARK.every((byte, i) => bytes[i] === byte);

/** Whole lines as text. When they are not UTF-8, they are gone through one by one to name the first that is not. */
function decoded(bytes: Uint8Array, number: number, name: string): string {
  try {
    return decodeUtf8(bytes, name);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    for (let at = 0; at < bytes.length; number++) {
      const end = bytes.indexOf(NEWLINE, at);
      const next = end < 0 ? bytes.length : end + 1;
      try {
        decodeUtf8(bytes.subarray(at, next), name);
      } catch (cause) {
        throw new FormatError('text is not valid UTF-8', {
          fix: 'save the file as UTF-8',
          where: `${name}, line ${number}`,
          cause,
        });
      }
      at = next;
    }
    throw error;
  }
}

function* split(text: string): Generator<Omit<Line, 'number'>> {
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf('\n', at);
    const next = found < 0 ? text.length : found + 1;
    const end = found < 0 ? next : found > at && text[found - 1] === '\r' ? found - 1 : found;
    yield { text: text.slice(at, end), end: text.slice(end, next) };
    at = next;
  }
}
