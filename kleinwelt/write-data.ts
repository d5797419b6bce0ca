/** Kleinwelt as files: texts, rows for each task, and analysed sentences, for those who train or measure elsewhere. */

import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConfigError } from '../src/errors.ts';
import { conlluLines } from './conllu.ts';
import { sampleDocument } from './document.ts';
import type { KleinweltDocument } from './sentence.ts';
import { TASKS, type TaskName } from './tasks/index.ts';
import { createChoices } from './world/choices.ts';
import type { Language } from './world/frame.ts';
import type { Split } from './world/split.ts';

export interface WriteDataOptions {
  /** The folder, which is made where it is missing. */
  readonly out: string;
  readonly seed: number;
  /** Default `train`. */
  readonly split?: Split | undefined;
  /** How many documents of each language, and rows of each task. Default 1000. */
  readonly rows?: number | undefined;
  /** Default: all. */
  readonly tasks?: readonly TaskName[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onFile?: ((path: string) => void) | undefined;
}

/** Tells documents from what else has their seed. */
const STREAM = 72;
const LANGUAGES: readonly Language[] = ['de', 'en'];

/**
 * Writes `texts.de.txt` and `texts.en.txt` (a document a line), the same documents as `texts.de.conllu` and `texts.en.conllu`, and
 * `<task>.jsonl` for each task; equal options give equal files. Gives their paths. Throws `ConfigError` for a number of rows that is
 * no positive whole number, and for a task that there is not.
 */
export async function writeData(options: WriteDataOptions): Promise<string[]> {
  const { out, seed, split = 'train', rows = 1000, tasks = Object.keys(TASKS) as TaskName[], signal, onFile } = options;
  if (!(Number.isSafeInteger(rows) && rows > 0))
    throw new ConfigError('the number of rows is a whole number', { seen: `${rows}`, expected: 'at least 1' });
  const unknown = tasks.find(task => !Object.hasOwn(TASKS, task));
  if (unknown !== undefined)
    throw new ConfigError('no such task', { seen: unknown, expected: Object.keys(TASKS).join(', ') });
  await mkdir(out, { recursive: true });
  const written: string[] = [];
  const write = async (name: string, lines: Iterable<string>) => {
    const path = join(out, name);
    await pipeline(Readable.from(ended(lines)), createWriteStream(path), { signal });
    written.push(path);
    onFile?.(path);
  };
  for (const language of LANGUAGES) {
    const documents = () => documentsOf(seed, rows, split, language);
    await write(`texts.${language}.txt`, textsOf(documents()));
    await write(`texts.${language}.conllu`, conlluLines(documents(), `kleinwelt-${split}`));
  }
  for (const task of tasks) await write(`${task}.jsonl`, jsonLines(TASKS[task]({ seed, split }), rows));
  return written;
}

/** Documents of one language, each from random numbers of its own. */
function* documentsOf(seed: number, count: number, split: Split, language: Language): Generator<KleinweltDocument> {
  for (let i = 0; i < count; i++) yield sampleDocument(createChoices(seed, STREAM, i), { split, language });
}
function* textsOf(documents: Iterable<KleinweltDocument>): Generator<string> {
  for (const { text } of documents) yield text;
}
function* jsonLines(rows: Generator<object>, count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield JSON.stringify(rows.next().value);
}
function* ended(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`;
}
