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
  /** Examples that the objective draws its batches from, before they are batches. */
  readonly training: Dataset;
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
  }
}

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
  const held =
    values['eval-data'].length > 0
      ? await tokenized(values['eval-data'], options)
      : drawn
        ? await tokenized(values.data, options, { shares: drawn, part: 'validation' }).catch(nothingHeldBack)
        : fraction > 0
          ? training
          : undefined;
  const shared = { objective, batchSize };
  const stride = values.stride === undefined ? {} : { stride: values.stride };
  const share = (data: Dataset, part: { from?: number; to?: number }) =>
    Math.floor(data.tokens * (part.to ?? 1)) - Math.floor(data.tokens * (part.from ?? 0));
  const inBatches = batches({
    ...{ ...shared, ...rest, ...stride, data: training, seed },
    groupByLength: values['group-by-length'],
  });
  return {
    batches: inBatches,
    validation: held && batches({ ...shared, ...whole, data: held, shuffle: false, epochs: 1 }),
    examples: (inBatches.length ?? 0) * batchSize,
    tokens: share(training, rest),
    validationTokens: held && share(held, whole),
    training,
    async close() {
      await training.close();
      if (held !== training) await held?.close();
    },
  };
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
