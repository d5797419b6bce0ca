/**
 * The log of a run: a line of JSON for each event. A line is written in one piece and only ever at the end, so that whatever
 * ends the program, all lines are whole but perhaps the last, which is then taken away. In Node.
 */
import { FormatError } from '../../errors.ts';
import { nodeFiles } from '../../formats/index.ts';

/** One line: what kind of event, and whatever else belongs to it. */
export interface LogEntry {
  readonly type: string;
  readonly step?: number | undefined;
  readonly [field: string]: unknown;
}
export interface EventLog {
  /** Adds a line. What JSON has no number for becomes a text, `"NaN"`. @throws what the file system does */
  write(entry: LogEntry): Promise<void>;
  /** Brings what was written to the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a log to go on behind what is there.
 * @param after the run goes on behind this step: lines of later ones, which will be made again, are taken away
 * @throws FormatError when a line in the middle is no JSON object
 */
export async function openEventLog(path: string, { after }: { after?: number | undefined } = {}): Promise<EventLog> {
  const { open, truncate } = await nodeFiles();
  const kept = await linesOf(path, after ?? Number.POSITIVE_INFINITY);
  if (kept) await truncate(path, kept.bytes);
  const file = await open(path, 'a');
  return {
    async write(entry) {
      await file.appendFile(`${JSON.stringify(entry, plainNumbers)}\n`);
    },
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

/** The lines of a log; none where there is no file. @throws FormatError when one is no JSON object, except an unfinished last one */
export async function readEventLog(path: string): Promise<readonly LogEntry[]> {
  return (await linesOf(path, Number.POSITIVE_INFINITY))?.entries ?? [];
}

const plainNumbers = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

/** The entries up to a step, and how many bytes they are. */
async function linesOf(path: string, after: number): Promise<{ entries: LogEntry[]; bytes: number } | undefined> {
  const { readFile } = await nodeFiles();
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const entries: LogEntry[] = [];
  let end = 0;
  for (let next = text.indexOf('\n') + 1; next > 0; next = text.indexOf('\n', end) + 1) {
    const entry = parseLine(text.slice(end, next - 1), path, entries.length + 1);
    if ((entry.step ?? 0) > after) break;
    entries.push(entry);
    end = next;
  }
  return { entries, bytes: new TextEncoder().encode(text.slice(0, end)).length };
}

function parseLine(line: string, where: string, number: number): LogEntry {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new FormatError(`line ${number} of the log is no JSON`, { seen: line.slice(0, 60), where, cause });
  }
  const isEntry = typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
  if (!isEntry) throw new FormatError(`line ${number} of the log is no event`, { seen: line.slice(0, 60), where });
  return value as LogEntry;
}
