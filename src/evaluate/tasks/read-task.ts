/**
 * Task files: YAML as lm-evaluation-harness has it, with `include` and groups. A file says what to ask and how to score; code
 * in it (`!function`) is never run. `yaml` is loaded when the first file is read.
 */
import { ConfigError, FormatError, HeedError, UnsupportedError } from '../../errors.ts';
import { type GroupConfig, groupConfig, type TaskConfig, taskConfig } from './task-config.ts';

/** Gives the text of a file beside the task's: `include: base.yaml`, the tasks of a group. Throws where there is none. */
export type ReadBeside = (name: string) => Promise<string>;
export interface ReadTaskOptions {
  /** The file's name, for messages. */
  readonly where?: string | undefined;
  /** Reads the files that this one names. Without it a file stands alone. */
  readonly beside?: ReadBeside | undefined;
}
export interface TaskFile {
  readonly tasks: readonly TaskConfig[];
  /** What the file says about all of them, if it is a group. */
  readonly group?: GroupConfig | undefined;
}
type Fields = Readonly<Record<string, unknown>>;

const MOST_CHARACTERS = 1_000_000;
const MOST_TASKS = 1_000;
const DEEPEST = 8;

/**
 * The tasks of a file: one, or those of a group.
 * @throws FormatError for what is no YAML, ConfigError for what is no task, UnsupportedError for code
 */
export async function readTask(source: string, options: ReadTaskOptions = {}): Promise<TaskFile> {
  const { where = 'task', beside } = options;
  return fileOf(await fieldsOf(source, { where, beside }, 0), { where, beside }, 0);
}

interface Place {
  readonly where: string;
  readonly beside: ReadBeside | undefined;
}

async function fileOf(fields: Fields, place: Place, depth: number): Promise<TaskFile> {
  if (!Array.isArray(fields.task)) return { tasks: [taskConfig(fields, place.where)] };
  const { where } = place;
  if (typeof fields.group !== 'string')
    throw new ConfigError('a list of tasks needs a name', { expected: 'group: NAME', where });
  const group = groupConfig(fields, where);
  const tasks: TaskConfig[] = [];
  for (const entry of group.task) {
    if (typeof entry === 'string') {
      const file = /\.ya?ml$/.test(entry) ? entry : `${entry}.yaml`;
      tasks.push(...(await fileOf(await included(file, place, depth), { ...place, where: file }, depth + 1)).tasks);
    } else tasks.push(...(await fileOf(await withIncluded(entry, place, depth), place, depth + 1)).tasks);
    if (tasks.length > MOST_TASKS)
      throw new ConfigError('a group has too many tasks', { expected: `at most ${MOST_TASKS}`, where });
  }
  return { tasks, group };
}

async function included(name: string, { where, beside }: Place, depth: number): Promise<Fields> {
  if (depth >= DEEPEST)
    throw new ConfigError('task files that include each other too deeply', {
      seen: name,
      expected: `${DEEPEST}`,
      where,
    });
  if (!beside)
    throw new ConfigError('a task names another file', { seen: name, fix: 'give `beside`, which reads it', where });
  return fieldsOf(await beside(name), { where: name, beside }, depth + 1);
}

async function fieldsOf(source: string, place: Place, depth: number): Promise<Fields> {
  const fields = await yamlFields(source, place.where);
  return withIncluded(fields, place, depth);
}

/** What a file includes comes first; its own fields replace it. */
async function withIncluded(fields: Fields, place: Place, depth: number): Promise<Fields> {
  const { include, ...own } = fields;
  const names = include === undefined ? [] : Array.isArray(include) ? include : [include];
  let all: Fields = {};
  for (const name of names) all = { ...all, ...(await included(String(name), place, depth)) };
  return { ...all, ...own };
}

async function yamlFields(source: string, where: string): Promise<Fields> {
  if (source.length > MOST_CHARACTERS)
    throw new FormatError('the task file is too long', {
      seen: `${source.length} characters`,
      expected: `at most ${MOST_CHARACTERS}`,
      where,
    });
  const { parseDocument } = await import('yaml');
  try {
    const document = parseDocument(source, { logLevel: 'error', merge: true });
    const code = document.warnings.find(({ message }) => message.includes('!'));
    if (code)
      throw new UnsupportedError('the task file has values of a kind of their own', {
        seen: code.message.split('\n')[0],
        fix: 'code of a file is not run here: say it with templates, metric_list and filter_list',
        where,
      });
    const [problem] = document.errors;
    if (problem) throw problem;
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  } catch (cause) {
    if (cause instanceof HeedError) throw cause;
    const seen = cause instanceof RangeError ? 'it is nested too deeply' : (cause as Error).message.split('\n')[0];
    throw new FormatError('the task file is no YAML', { seen, where, cause });
  }
  throw new FormatError('the task file holds no fields', { expected: 'task: NAME, and others', where });
}
