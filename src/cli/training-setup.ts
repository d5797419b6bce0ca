/** What `heed train` and `heed finetune` do before and around the loop: options from files, the folder, the data, the objective. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigError } from '../errors.ts';
import type { Model } from '../hub/model.ts';
import type { TrainOptions } from '../train/index.ts';
import { type Command, type OptionTable, UsageError, type Values } from './command.ts';
import { createMessages, type Language } from './messages.ts';
import { createNumbers } from './numbers.ts';
import type { OpenBackend } from './open-model.ts';
import { readSettings, type Settings, settingsOf, withSettings } from './settings-file.ts';
import type { Terminal } from './terminal.ts';
import { checkFiles, columnsOf, openData } from './training-data.ts';
import { RUN_FILES } from './training-files.ts';
import {
  checkObjective,
  OBJECTIVE_NAMES,
  type ObjectiveName,
  objectiveNamed,
  usualObjective,
} from './training-objectives.ts';
import {
  type DATA_OPTIONS,
  type FOLDER_OPTIONS,
  LEARNING_OPTIONS,
  type RUN_OUTPUT_OPTIONS,
} from './training-options.ts';
import { runTraining } from './training-run.ts';
import { workingLine } from './working-line.ts';

export const OBJECTIVE_OPTION = {
  objective: {
    kind: 'text',
    value: 'NAME',
    choices: OBJECTIVE_NAMES,
    group: 'Data',
    help: `what is learned (default: what the model is for): ${OBJECTIVE_NAMES.join(', ')}`,
  },
} as const;

type SharedTable = typeof FOLDER_OPTIONS &
  typeof DATA_OPTIONS &
  typeof OBJECTIVE_OPTION &
  typeof LEARNING_OPTIONS &
  typeof RUN_OUTPUT_OPTIONS;
export type SharedValues = Values<SharedTable>;

/** Options that are not those of the run, but of how it is called. */
const NOT_KEPT = ['out', 'force', 'resume', 'settings', 'json', 'quiet', 'verbose', 'lang'];
/** Options that name files, or may. */
const PATHS = ['data', 'eval-data', 'tokenizer', 'config', 'model'];

export interface ResolvedRun<V> {
  readonly values: V;
  readonly out: string;
  readonly resume: boolean;
  /** To be asked for again. */
  readonly settings: Settings;
}

/**
 * Puts options of files below those of the command line, and looks at the folder.
 * @throws UsageError, ConfigError
 */
export async function resolveRun<T extends OptionTable & SharedTable>(
  command: Pick<Command, 'name'> & { readonly options: T },
  given: Values<T>,
): Promise<ResolvedRun<Values<T>>> {
  const typed = given as SharedValues;
  const { resume, settings: file } = typed;
  if (resume !== undefined && file !== undefined)
    throw new UsageError('--resume has its own settings: leave --settings out', command.name);
  const path = resume === undefined ? file : join(resume, RUN_FILES.settings);
  if (resume !== undefined && !existsSync(path!))
    throw new ConfigError('there is no run in this folder to go on with', {
      expected: `${RUN_FILES.settings}, which a run writes when it begins`,
      where: resume,
    });
  const values = path === undefined ? given : withSettings(command, given, await readSettings(path), path);
  const { data, 'eval-data': evalData, out = resume, force } = values as SharedValues;
  if (out === undefined) throw new UsageError('--out is missing: which folder does the model go to?', command.name);
  if (data.length === 0) throw new UsageError('--data is missing: which files are to be learned from?', command.name);
  if (resume !== undefined && resolve(out) !== resolve(resume))
    throw new UsageError('a run goes on in its own folder: leave --out out', command.name);
  await checkFiles([...data, ...evalData]);
  if (resume === undefined) await prepareFolder(out, force);
  const kept = Object.entries(values).map(([name, value]) => [
    name,
    PATHS.includes(name) && value ? (Array.isArray(value) ? value.map(each => resolve(each)) : absolute(value)) : value,
  ]);
  return { values, out, resume: resume !== undefined, settings: settingsOf(Object.fromEntries(kept), NOT_KEPT) };
}

/** A name on the hub is none of a file. */
const absolute = (path: unknown) => (typeof path === 'string' && existsSync(path) ? resolve(path) : path);

/** @throws ConfigError for a folder that holds a model or a run, unless it may be replaced */
async function prepareFolder(out: string, force: boolean): Promise<void> {
  const held = [RUN_FILES.settings, 'config.json', 'adapter_config.json'].find(name => existsSync(join(out, name)));
  if (held !== undefined && !force)
    throw new ConfigError('the folder holds a run or a model already', {
      seen: held,
      fix: `go on with it (--resume ${out}), choose another --out, or begin anew with --force`,
      where: out,
    });
  for (const name of [RUN_FILES.checkpoints, RUN_FILES.log, RUN_FILES.tensorboard])
    await rm(join(out, name), { recursive: true, force: true });
}

/** The objective that was asked for, or the usual one for the head and the columns of the data. @throws ConfigError */
export async function objectiveFor(model: Model, values: SharedValues): Promise<ObjectiveName> {
  const name = values.objective ?? usualObjective(model.parts.head, await columnsOf(values.data[0]!));
  checkObjective(name, model.parts.head);
  return name;
}

export interface TrainCall extends ResolvedRun<SharedValues> {
  readonly command: 'train' | 'finetune';
  readonly model: Model;
  readonly save: (folder: string) => Promise<unknown>;
  readonly open: OpenBackend;
  /** Of this command, below what is asked for. */
  readonly defaults: Partial<TrainOptions>;
  /** What is trained of the model. */
  readonly trainable?: TrainOptions['trainable'] | undefined;
  readonly language: Language;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Longest example where no one says how long: more costs much and rarely helps. */
const USUAL_LENGTH = 512;
const USUAL_BATCH = 8;

/** Reads the data and trains. @throws what these throw, `signal.reason` when the user stopped it */
export async function trainModel(call: TrainCall): Promise<void> {
  const { model, values, out, terminal, language, signal } = call;
  const options = { ...call.defaults, ...learningOptions(values) };
  const name = await objectiveFor(model, values);
  const length = values.length ?? Math.min(model.contextLength ?? USUAL_LENGTH, USUAL_LENGTH);
  const batchSize = values['batch-size'] ?? USUAL_BATCH;
  const sampleBy = values['sample-by'] ?? (name === 'causal-lm' ? 'paragraph' : 'line');
  const continuous = name === 'causal-lm' && sampleBy === 'paragraph';
  const { tokenizer } = model;
  const objective = objectiveNamed(name).create({
    ...{ tokenizer, length, continuous, columns: columnNames(values.column) },
    labels: labelsOf(model),
  });
  const [say, numbers] = [createMessages(language), createNumbers(language)];
  const line = workingLine(terminal, values.quiet || values.json);
  const data = await openData({
    ...{ values, objective, tokenizer, batchSize, signal, seed: options.seed ?? 42 },
    reading: { sampleBy, keepLinebreaks: continuous },
    cache: join(out, RUN_FILES.tokens),
    onProgress: ({ rows }) => line.show(`${say('tokenizing')} ${numbers.count(rows)}`),
  }).finally(line.clear);
  try {
    const tokensPerBatch = batchSize * length;
    const trainable = call.trainable && { trainable: call.trainable };
    await runTraining({ ...call, objective, data, tokensPerBatch, options: { ...options, ...trainable } });
  } finally {
    await data.close();
  }
}

/** What `train` takes as it was typed. */
function learningOptions(values: SharedValues): Partial<TrainOptions> {
  return Object.fromEntries(
    Object.entries(LEARNING_OPTIONS).flatMap(([name, { sets }]) => {
      const value = values[name as keyof typeof LEARNING_OPTIONS];
      return value === undefined || value === false ? [] : [[sets, value]];
    }),
  );
}

/** `text=review` @throws UsageError */
export function columnNames(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`--column is ${JSON.stringify(pair)}, but must be like text=review`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** The classes that the model's config names, where it names any. */
function labelsOf({ parts }: Model): readonly string[] | undefined {
  const { id2label } = (parts.origin?.json ?? {}) as { id2label?: Readonly<Record<string, string>> };
  return id2label && Object.keys(id2label).map((_, i) => String(id2label[i]));
}
