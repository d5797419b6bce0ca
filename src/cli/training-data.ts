/** Files as batches for a run: read once, tokenized into the run's folder, a part held back for validation. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { type ByteSource, fileSource } from '../formats/index.ts';
import type { Tokenizer } from '../tokenizers/index.ts';
import type { Batches } from '../train/batch.ts';
import {
  batches,
  type Dataset,
  dataKey,
  folderStore,
  type ReadTextOptions,
  type Row,
  readRows,
  splitRows,
  tokenizeRows,
} from '../train/data/index.ts';
import type { Objective } from '../train/objectives/index.ts';
import type { Values } from './command.ts';
import type { DATA_OPTIONS } from './training-options.ts';

type DataValues = Values<typeof DATA_OPTIONS>;

export interface TrainingData {
  readonly batches: Batches;
  readonly validation: Batches | undefined;
  readonly examples: number;
  readonly tokens: number;
  readonly validationTokens: number | undefined;
  /** All tokens that are learned from, in parts that overlap by a few. */
  trainingTexts(): AsyncIterable<ArrayLike<number>>;
  /** Tokens that are not, as many as one looks at. */
  readonly unseenText: (() => Promise<ArrayLike<number>>) | undefined;
  close(): Promise<void>;
}
export interface OpenDataOptions {
  readonly values: DataValues;
  readonly objective: Objective;
  readonly tokenizer: Tokenizer;
  readonly reading: ReadTextOptions;
  /** Folder of tokenized data. */
  readonly cache: string;
  readonly batchSize: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly rows: number; readonly examples: number }) => void;
}

export const DEFAULT_EVAL_FRACTION = 0.1;

/** @throws ConfigError for a path that is no file, better before an hour of reading the others than behind it */
export async function checkFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const entry = await stat(path).catch((cause: Error) => {
      throw new ConfigError('there is no such file', { seen: cause.message, where: path, cause });
    });
    if (entry.isDirectory())
      throw new ConfigError('this is a folder, not a file of data', {
        fix: `name its files: ${join(path, '*.txt')}`,
        where: path,
      });
    if (!READABLE.test(path))
      throw new ConfigError('data of this kind is not read', {
        seen: path,
        expected: '.txt, .md, .jsonl, .csv or .tsv',
        fix: 'give it one of these endings, if that is what it holds',
      });
  }
}
const READABLE = /\.(txt|md|jsonl|ndjson|csv|tsv)$/i;

/** The names of the columns of the first row. */
export async function columnsOf(path: string): Promise<readonly string[]> {
  const source = await fileSource(path);
  try {
    for await (const row of readRows(source)) return Object.keys(row.fields);
    return [];
  } finally {
    await source.close();
  }
}

/** @throws what reading, tokenizing and the objective throw; the signal's reason when aborted */
export async function openData(options: OpenDataOptions): Promise<TrainingData> {
  const { values, objective, batchSize, seed } = options;
  const packed = objective.blockLength !== undefined;
  const fraction = values['eval-data'].length > 0 ? 0 : (values['eval-fraction'] ?? DEFAULT_EVAL_FRACTION);
  if (fraction >= 1)
    throw new ConfigError('nothing is left to train on', {
      seen: `--eval-fraction ${fraction}`,
      expected: 'a part of the data, from 0 to below 1',
    });
  // Long texts are cut where the part begins; rows are drawn by what is in them.
  const drawn = packed || fraction === 0 ? undefined : { train: 1 - fraction, validation: fraction };
  const [rest, whole] = packed && fraction > 0 ? [{ to: 1 - fraction }, { from: 1 - fraction }] : [{}, {}];
  const training = await tokenized(values.data, options, drawn && { shares: drawn, part: 'train' });
  const held = await heldBack(options, training, drawn, fraction).catch(async (error: unknown) => {
    await training.close();
    throw error;
  });
  const shared = { objective, batchSize };
  const stride = values.stride === undefined ? {} : { stride: values.stride };
  const learned = rangeOf(training, rest);
  const unseen = held && rangeOf(held, whole);
  const inBatches = batches({
    ...{ ...shared, ...rest, ...stride, data: training, seed },
    groupByLength: values['group-by-length'],
  });
  return {
    batches: inBatches,
    validation: held && batches({ ...shared, ...whole, data: held, shuffle: false, epochs: 1 }),
    examples: (inBatches.length ?? 0) * batchSize,
    tokens: learned.to - learned.from,
    validationTokens: unseen && unseen.to - unseen.from,
    trainingTexts: () => tokensOf(training, learned),
    unseenText: unseen && (() => tokensAt(held, { ...unseen, to: Math.min(unseen.to, unseen.from + MOST_UNSEEN) })),
    async close() {
      await training.close();
      if (held !== training) await held?.close();
    },
  };
}

/** Tokens `[from, to)` of data laid end to end. */
interface Range {
  readonly from: number;
  readonly to: number;
}
/** @param part as shares of the data */
const rangeOf = ({ tokens }: Dataset, { from = 0, to = 1 }: { from?: number; to?: number }): Range => ({
  from: Math.floor(tokens * from),
  to: Math.floor(tokens * to),
});

const MOST_UNSEEN = 1 << 16;
const PART_TOKENS = 1 << 16;
/** More than n-grams that one looks for have. */
const OVERLAP = 64;

const tokensAt = async (data: Dataset, { from, to }: Range) => Object.values(await data.slice(from, to))[0]!;

async function* tokensOf(data: Dataset, { from, to }: Range): AsyncGenerator<ArrayLike<number>> {
  for (let at = from; at < to; at += PART_TOKENS)
    yield tokensAt(data, { from: at, to: Math.min(to, at + PART_TOKENS + OVERLAP) });
}

/** What validations read: files of its own, rows that were drawn, or the end of the training text, which is cut later. */
async function heldBack(
  options: OpenDataOptions,
  training: Dataset,
  shares: Split['shares'] | undefined,
  fraction: number,
): Promise<Dataset | undefined> {
  const { data, 'eval-data': own } = options.values;
  if (own.length > 0) return tokenized(own, options);
  if (shares) return tokenized(data, options, { shares, part: 'validation' }).catch(nothingHeldBack);
  if (fraction === 0) return undefined;
  const { from, to } = rangeOf(training, { from: 1 - fraction });
  if (to - from >= 2) return training;
  throw new ConfigError('the data is too little to hold a part of it back', {
    seen: `${training.tokens} tokens`,
    fix: 'more data, a larger --eval-fraction, or --eval-fraction 0 for no validation',
  });
}

/** Little data may have nothing to hold back. */
function nothingHeldBack(cause: unknown): never {
  if (!(cause instanceof ConfigError)) throw cause;
  throw new ConfigError('no example was drawn for validation', {
    seen: cause.message,
    fix: 'a larger --eval-fraction, files of its own (--eval-data), or --eval-fraction 0 for none',
    cause,
  });
}

interface Split {
  readonly shares: Readonly<Record<string, number>>;
  readonly part: string;
}

async function tokenized(paths: readonly string[], options: OpenDataOptions, split?: Split): Promise<Dataset> {
  const { objective, tokenizer, reading, cache, seed, signal, onProgress } = options;
  const sources = await Promise.all(paths.map(path => fileSource(path)));
  try {
    const key = await dataKey(sources, tokenizer, objective, [reading, split ?? null, seed]);
    const rows = () =>
      split ? splitRows(rowsOf(sources, reading), split.part, { ...split, seed }) : rowsOf(sources, reading);
    return await tokenizeRows(rows, objective, { store: folderStore(cache), key, signal, onProgress });
  } finally {
    for (const source of sources) await source.close();
  }
}

async function* rowsOf(sources: readonly ByteSource[], reading: ReadTextOptions): AsyncGenerator<Row> {
  for (const source of sources) yield* readRows(source, reading);
}
