/** Tasks and their data from files: YAML, what it includes, and the rows that it names, which stay below one folder. */
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, normalize } from 'node:path';
import { ConfigError, FormatError } from '../errors.ts';
import {
  type Doc,
  type EvaluationTask,
  type GroupConfig,
  readTask,
  type TaskConfig,
  taskConfig,
} from '../evaluate/index.ts';
import { conllDocs, jsonDocs, parallelDocs, squadDocs, stereoSetDocs } from '../evaluate/tasks/documents.ts';
import { type ByteSource, fileSource, readWhole } from '../formats/index.ts';
import { readRows, readText } from '../train/data/index.ts';
import { decodeUtf8 } from '../util/bytes.ts';

/** A file that is read as a whole has at most so many bytes. */
const MOST_BYTES = 1 << 28;
type Settings = Readonly<Record<string, unknown>>;
/** `dataset_kwargs` of a task. */
interface DataSettings {
  readonly format?: string;
  readonly columns?: readonly string[];
  readonly delimiter?: string;
  readonly quotes?: boolean;
  readonly field?: string;
  readonly sample_by?: 'line' | 'paragraph' | 'document';
  readonly token_column?: number;
  readonly tag_column?: number;
}

export interface TasksFromFiles {
  readonly tasks: readonly EvaluationTask[];
  readonly groups: readonly GroupConfig[];
}

/** Reads task files. @param dataDir default: the folder of each file. @throws ConfigError, FormatError, UnsupportedError */
export async function readTasks(files: readonly string[], dataDir: string | undefined): Promise<TasksFromFiles> {
  const tasks: EvaluationTask[] = [];
  const groups: GroupConfig[] = [];
  for (const file of files) {
    const folder = dirname(file);
    const beside = (name: string) => textOf(below(folder, name, file), 'task file');
    const found = await readTask(await textOf(file, 'task file'), { where: basename(file), beside });
    const group = found.group?.group;
    if (found.group) groups.push(found.group);
    for (const config of found.tasks)
      tasks.push({ config, group, docs: split => docsOf(config, split, dataDir ?? folder) });
  }
  return { tasks, groups };
}

/** A text as one item, whose tokens are foretold one after the other. */
export function textTask(file: string, masked: boolean): EvaluationTask {
  const config = taskConfig(
    {
      task: basename(file),
      output_type: masked ? 'pseudo_loglikelihood' : 'loglikelihood_rolling',
      doc_to_target: '{{text}}',
      ...(!masked && {
        metric_list: ['token_perplexity', 'word_perplexity', 'byte_perplexity', 'bits_per_byte'].map(metric => ({
          metric,
        })),
      }),
    },
    file,
  );
  // A masked model reads sentences, others the text as it is.
  return { config, docs: () => rowsOf(file, { sample_by: masked ? 'line' : 'document' }) };
}

/** Pairs of sentences in BLiMP's form. */
export function pairsTask(file: string): EvaluationTask {
  const config = taskConfig(
    {
      task: basename(file),
      output_type: 'minimal_pairs',
      doc_to_choice: '{{[sentence_good, sentence_bad]}}',
      metadata: { by: 'UID' },
    },
    file,
  );
  return { config, docs: () => rowsOf(file, {}) };
}

/** A bias test by the form of its file: CrowS-Pairs (CSV), StereoSet, WEAT (JSON). */
export async function biasTask(file: string): Promise<EvaluationTask> {
  const task = basename(file);
  if (extname(file) === '.csv') {
    const config = taskConfig({ task, output_type: 'crows_pairs', metadata: { by: 'bias_type' } }, file);
    return { config, docs: () => rowsOf(file, {}) };
  }
  const json = await jsonOf(file, 'bias test');
  if (typeof json === 'object' && json !== null && 'targ1' in json)
    return { config: taskConfig({ task, output_type: 'weat' }, file), docs: () => jsonDocs(json, task) };
  const docs = stereoSetDocs(json, task);
  return {
    config: taskConfig({ task, output_type: 'stereoset', metadata: { by: 'biasType' } }, file),
    docs: () => docs,
  };
}

/** The rows of a split, as the task names them. */
function docsOf(
  { dataset_path, dataset_kwargs = {}, task }: TaskConfig,
  split: string,
  folder: string,
): AsyncIterable<Doc> {
  const { data_files, ...settings } = dataset_kwargs;
  if (dataset_path === undefined)
    throw new ConfigError('a task names no data', {
      expected: 'dataset_path: FILE, or dataset_path: json with dataset_kwargs: { data_files: ... }',
      where: task,
    });
  const kind = KINDS.includes(dataset_path) ? dataset_path : undefined;
  const named = kind ? data_files : dataset_path;
  const bySplit = typeof named === 'object' && named !== null && !Array.isArray(named);
  const own = bySplit ? (named as Settings)[split] : named;
  const files = (Array.isArray(own) ? own : own === undefined ? [] : [own]).map(name =>
    below(folder, String(name), task),
  );
  if (files.length === 0)
    throw new ConfigError('a task has no file for this part of its data', {
      seen: bySplit ? Object.keys(named as Settings).join(', ') : 'no data_files',
      expected: split,
      where: task,
    });
  return filesAsRows(files, { ...settings, ...(kind && { format: kind }) });
}
const KINDS: readonly string[] = ['json', 'csv', 'tsv', 'text', 'squad', 'conll', 'parallel', 'stereoset'];

async function* filesAsRows(files: readonly string[], settings: Settings): AsyncGenerator<Doc> {
  if (settings.format === 'parallel') {
    const [source, target] = files;
    if (!source || !target) throw new ConfigError('parallel data are two files', { seen: files.join(', ') });
    yield* parallelDocs(linesOf(source), linesOf(target), `${source}, ${target}`);
    return;
  }
  for (const file of files) yield* rowsOf(file, settings);
}

async function* rowsOf(file: string, settings: Settings): AsyncGenerator<Doc> {
  const { columns, delimiter, quotes, field, sample_by, token_column, tag_column } = settings as DataSettings;
  const format = String(settings.format ?? formatOf(file));
  if (format === 'conll') {
    yield* conllDocs(linesOf(file), file, { tokenColumn: token_column, tagColumn: tag_column });
    return;
  }
  if (/^(squad|stereoset)$/.test(format) || (format === 'json' && !/\.(jsonl|ndjson)$/.test(file))) {
    const json = await jsonOf(file, 'data file');
    if (format === 'squad') yield* squadDocs(json, file);
    else yield* format === 'stereoset' ? stereoSetDocs(json, file) : jsonDocs(json, file, field);
    return;
  }
  const source = await openFile(file, 'data file');
  try {
    // The ending says how to read it, where the task does not.
    const as = format === 'json' ? 'jsonl' : format === 'text' ? 'txt' : format;
    const read: ByteSource = { ...source, name: formatOf(file) === format ? file : `${file}.${as}` };
    const options = {
      ...(columns && { columns }),
      ...(delimiter && { delimiter }),
      ...(quotes !== undefined && { quotes }),
      ...(sample_by && { sampleBy: sample_by }),
    };
    for await (const { fields } of readRows(read, options)) yield fields;
  } finally {
    await source.close();
  }
}

const formatOf = (file: string) => extname(file).slice(1).toLowerCase();

async function* linesOf(file: string): AsyncGenerator<string> {
  const source = await openFile(file, 'data file');
  try {
    for await (const { fields } of readText(source)) yield String(fields.text);
  } finally {
    await source.close();
  }
}

export async function textOf(file: string, what: string): Promise<string> {
  const source = await openFile(file, what);
  try {
    return decodeUtf8(await readWhole(source, MOST_BYTES), file);
  } finally {
    await source.close();
  }
}

async function jsonOf(file: string, what: string): Promise<unknown> {
  try {
    return JSON.parse(await textOf(file, what));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new FormatError(`a ${what} is not JSON`, {
      seen: cause.message,
      where: file,
      cause,
    });
  }
}

async function openFile(file: string, what: string): Promise<ByteSource> {
  await checkFile(file, what);
  return fileSource(file);
}

/** @throws ConfigError for a path without a file */
export async function checkFile(file: string, what: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile()) return;
  throw new ConfigError(`there is no such ${what}`, {
    seen: file,
    fix: what === 'data file' ? 'say where the data are: --data-dir FOLDER' : 'give the path of a file that exists',
  });
}

/** A file that a task names, inside of a folder. @throws ConfigError for a path that leads out of it */
function below(folder: string, name: string, where: string): string {
  if (!isAbsolute(name) && !normalize(name).startsWith('..')) return join(folder, name);
  throw new ConfigError('a task names a file outside of its folder', {
    seen: name,
    expected: `a path below ${folder}`,
    fix: 'give that folder: --data-dir FOLDER',
    where,
  });
}
