/**
 * What a task is: the fields of lm-evaluation-harness (Gao et al.; its task guide), under the same names, and output types
 * of our own in the same shape for models that are no language models.
 */
import { ConfigError, UnsupportedError } from '../../errors.ts';
import { nearest } from '../../util/nearest.ts';
import { brief } from '../data-row.ts';

/** How items become requests to a model, and what comes back. */
export const OUTPUT_TYPES = [
  'multiple_choice',
  'loglikelihood',
  'loglikelihood_rolling',
  'generate_until',
  // Of our own.
  'pseudo_loglikelihood',
  'minimal_pairs',
  'fill_mask',
  'classification',
  'token_classification',
  'question_answering',
  'similarity',
  'retrieval',
  'crows_pairs',
  'stereoset',
  'weat',
] as const;
export type OutputType = (typeof OUTPUT_TYPES)[number];

export interface MetricConfig {
  readonly metric: string;
  readonly aggregation?: string | undefined;
  readonly higher_is_better?: boolean | undefined;
  /** Settings of the metric itself, such as `ignore_case`. */
  readonly [setting: string]: unknown;
}
export interface FilterStep {
  readonly function: string;
  readonly [setting: string]: unknown;
}
export interface FilterConfig {
  readonly name: string;
  readonly filter: readonly FilterStep[];
}
export interface FewShotConfig {
  /** `default` draws at random, `first_n` takes the first. */
  readonly sampler?: string | undefined;
  readonly samples?: readonly Readonly<Record<string, unknown>>[] | undefined;
}
/** A task as its file says it. */
export interface TaskConfig {
  readonly task: string;
  readonly task_alias?: string | undefined;
  /** A kind of file (`json`, `csv`, `tsv`, `text`, `squad`, `conll`, `parallel`) or a file below the folder of data. */
  readonly dataset_path?: string | undefined;
  readonly dataset_name?: string | undefined;
  readonly dataset_kwargs?: Readonly<Record<string, unknown>> | undefined;
  readonly training_split?: string | undefined;
  readonly validation_split?: string | undefined;
  readonly test_split?: string | undefined;
  readonly fewshot_split?: string | undefined;
  readonly fewshot_config?: FewShotConfig | undefined;
  readonly output_type: OutputType;
  readonly description: string;
  readonly doc_to_text?: string | number | undefined;
  readonly doc_to_target?: string | number | readonly (string | number)[] | undefined;
  readonly doc_to_choice?: string | readonly string[] | Readonly<Record<string, string>> | undefined;
  readonly gen_prefix?: string | undefined;
  readonly target_delimiter: string;
  readonly fewshot_delimiter: string;
  readonly num_fewshot: number;
  readonly generation_kwargs?: Readonly<Record<string, unknown>> | undefined;
  readonly repeats: number;
  readonly filter_list?: readonly FilterConfig[] | undefined;
  readonly metric_list?: readonly MetricConfig[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}
/** Several tasks under one name. */
export interface GroupConfig {
  readonly group: string;
  readonly group_alias?: string | undefined;
  /** Names of task files, or tasks. */
  readonly task: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly aggregate_metric_list?: readonly {
    readonly metric: string;
    readonly weight_by_size?: boolean | undefined;
    readonly filter_list?: readonly string[] | string | undefined;
  }[];
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

type Check = (value: unknown) => boolean;
const text: Check = value => typeof value === 'string';
const count: Check = value => Number.isInteger(value) && (value as number) >= 0;
const object: Check = value => typeof value === 'object' && value !== null && !Array.isArray(value);
const list =
  (of: Check): Check =>
  value =>
    Array.isArray(value) && value.every(of);
const either =
  (...checks: readonly Check[]): Check =>
  value =>
    checks.some(check => check(value));
const number: Check = value => typeof value === 'number';
const named =
  (key: string): Check =>
  value =>
    object(value) && text((value as Record<string, unknown>)[key]);

/** What each field may be, in words, and how it is checked. */
const FIELDS: Readonly<Record<string, readonly [expected: string, check: Check]>> = {
  task: ['a name', text],
  task_alias: ['a name', text],
  dataset_path: ['a kind of file, or a file', text],
  dataset_name: ['a name', text],
  dataset_kwargs: ['settings: { data_files: ... }', object],
  training_split: ['the name of a split', text],
  validation_split: ['the name of a split', text],
  test_split: ['the name of a split', text],
  fewshot_split: ['the name of a split', text],
  fewshot_config: ['settings: { sampler: first_n }', object],
  output_type: [OUTPUT_TYPES.join(', '), value => (OUTPUT_TYPES as readonly unknown[]).includes(value)],
  description: ['a text', text],
  doc_to_text: ['a template or the name of a column', either(text, number)],
  doc_to_target: ['a template, the name of a column, or a number', either(text, number, list(either(text, number)))],
  doc_to_choice: ['a template, the name of a column, or a list of texts', either(text, list(text), object)],
  gen_prefix: ['a text', text],
  target_delimiter: ['a text', text],
  fewshot_delimiter: ['a text', text],
  num_fewshot: ['a whole number', count],
  generation_kwargs: ['settings: { until: [...], max_gen_toks: 256 }', object],
  repeats: ['a whole number from 1 on', value => count(value) && value !== 0],
  filter_list: [
    'a list of { name, filter: [{ function: ... }] }',
    list(value => named('name')(value) && list(named('function'))((value as Readonly<Record<string, unknown>>).filter)),
  ],
  metric_list: ['a list of { metric: name }', list(named('metric'))],
  metadata: ['settings: { version: 1.0 }', object],
};
const GROUP_FIELDS: typeof FIELDS = {
  group: ['a name', text],
  group_alias: ['a name', text],
  task: ['a list of names of files, and of tasks', list(either(text, object))],
  aggregate_metric_list: ['a list of { metric: name }', list(named('metric'))],
  metadata: ['settings: { version: 1.0 }', object],
};
const POOLED_FIELDS: typeof FIELDS = {
  metric: ['a name', text],
  filter_list: ['a name, or a list of names', either(text, list(text))],
  weight_by_size: ['true or false', value => typeof value === 'boolean'],
  aggregation: ['mean', value => value === 'mean'],
};
/** Fields of the reference that change nothing here. */
const WITHOUT_EFFECT = ['tag', 'should_decontaminate', 'doc_to_decontamination_query', 'include', 'group'];
/** Fields of the reference that are code, or media. */
const REFUSED: Readonly<Record<string, string>> = {
  process_docs: 'write the columns as they are needed into the file of data',
  process_results: 'use metric_list and filter_list',
  custom_dataset: 'write the data into a file',
  use_prompt: 'write the prompt into doc_to_text',
  doc_to_image: 'tasks here are about text',
  doc_to_audio: 'tasks here are about text',
  unsafe_code: 'code that a model writes is not run here',
};

/**
 * A task from the fields of its file, checked, with what the reference takes where a field is left out.
 * @throws ConfigError naming the field; UnsupportedError for fields that would be code
 */
export function taskConfig(fields: Readonly<Record<string, unknown>>, where: string): TaskConfig {
  for (const [name, value] of Object.entries(fields))
    if (!FIELDS[name] && REFUSED[name] && value !== null)
      throw new UnsupportedError(`a task with ${name}`, { seen: brief(value), fix: REFUSED[name], where });
  const present = checkedFields(fields, FIELDS, 'a task', where);
  for (const name of ['task', 'output_type'].filter(needed => present[needed] === undefined))
    throw new ConfigError('a task lacks a field', { seen: Object.keys(present).join(', '), expected: name, where });
  const { task } = present;
  return {
    description: '',
    target_delimiter: ' ',
    fewshot_delimiter: '\n\n',
    num_fewshot: 0,
    repeats: 1,
    ...present,
    task,
  } as TaskConfig;
}

/** A group from the fields of its file, checked. @throws ConfigError naming the field */
export function groupConfig(fields: Readonly<Record<string, unknown>>, where: string): GroupConfig {
  const group = checkedFields(fields, GROUP_FIELDS, 'a group', where) as unknown as GroupConfig;
  for (const entry of group.aggregate_metric_list ?? [])
    checkedFields({ ...entry }, POOLED_FIELDS, 'aggregate_metric_list', where);
  return group;
}

/** The fields that are given. @throws ConfigError for one that there is none of, and for one that is something else */
function checkedFields(
  fields: Readonly<Record<string, unknown>>,
  known: typeof FIELDS,
  what: string,
  where: string,
): Readonly<Record<string, unknown>> {
  const present = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  for (const [name, value] of present) {
    const field = known[name];
    if (!field && WITHOUT_EFFECT.includes(name)) continue;
    if (!field) {
      const guess = nearest(name, Object.keys(known));
      throw new ConfigError(`${what} has no such field`, {
        seen: name,
        fix: guess ? `did you mean ${guess}?` : 'remove it',
        where,
      });
    }
    const [expected, check] = field;
    if (!check(value))
      throw new ConfigError(`${name} of ${what} is something else`, { seen: brief(value), expected, where });
  }
  return Object.fromEntries(present);
}

/** The split that is asked, as the reference chooses it. */
export const evaluatedSplit = (config: TaskConfig): string =>
  config.test_split ?? config.validation_split ?? config.training_split ?? 'test';
/** The split that examples come from. */
export const fewShotSplit = (config: TaskConfig): string =>
  config.fewshot_split ?? config.training_split ?? config.validation_split ?? evaluatedSplit(config);

/** The version that a task gives itself. */
export function versionOf({ metadata }: Pick<TaskConfig, 'metadata'>): string | undefined {
  const version = metadata?.version;
  return version === undefined || version === null ? undefined : String(version);
}
