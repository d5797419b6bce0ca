/** What the commands of the tasks have in common: a model under a task, inputs from an argument or line by line, and JSON. */
import type { Model } from '../hub/model.ts';
import { type Pipeline, pipeline } from '../tasks/pipeline.ts';
import type { TaskName } from '../tasks/task-map.ts';
import { UsageError, type Values } from './command.ts';
import { jsonText } from './json-text.ts';
import { createMessages, languageOf, type Say } from './messages.ts';
import { createNumbers, type Numbers } from './numbers.ts';
import { openModel } from './open-model.ts';
import { ADAPTER_OPTION, ENGINE_OPTIONS, OUTPUT_OPTIONS } from './options.ts';
import type { Terminal } from './terminal.ts';

/** Options of every command of a task. */
export const TASK_OPTIONS = { ...ADAPTER_OPTION, ...ENGINE_OPTIONS, ...OUTPUT_OPTIONS } as const;
type TaskValues = Values<typeof TASK_OPTIONS>;

/** The end of the help of an argument that may be several texts. */
export const FROM_LINES = '- or nothing reads standard input, a text per line';

export interface TaskCall {
  /** Of the command. */
  readonly name: string;
  /** The model's folder, file or id. */
  readonly source: string;
  readonly values: TaskValues;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}
export interface TaskScene {
  readonly model: Model;
  readonly terminal: Terminal;
  readonly say: Say;
  readonly numbers: Numbers;
  readonly signal: AbortSignal;
}

/** Opens the model, lets `show` do something with it, and closes it. */
export async function withModel(
  { source, values, terminal, signal }: TaskCall,
  show: (scene: TaskScene) => Promise<void>,
): Promise<void> {
  const language = values.lang ?? languageOf(terminal.env);
  const [say, numbers] = [createMessages(language), createNumbers(language)];
  const open = await openModel(source, { engine: values, terminal, say, numbers, signal, adapters: values.adapter });
  try {
    await show({ model: open.model, terminal, say, numbers, signal });
  } finally {
    open.close();
  }
}
export const withTask = <N extends TaskName>(
  call: TaskCall,
  task: N,
  show: (pipe: Pipeline<N>, scene: TaskScene) => Promise<void>,
): Promise<void> => withModel(call, async scene => show(await pipeline(task, scene.model), scene));

/** Texts to work on. */
export interface GivenTexts {
  readonly texts: readonly string[];
  /** They came line by line: so do the results. */
  readonly isStream: boolean;
}

/**
 * The argument, or the lines of standard input that are not empty.
 * @throws UsageError when there is neither
 */
export async function textsOf(
  argument: string | undefined,
  what: string,
  { name, terminal, signal }: Pick<TaskCall, 'name' | 'terminal' | 'signal'>,
): Promise<GivenTexts> {
  if (argument !== undefined && argument !== '-') return { texts: [argument], isStream: false };
  if (argument === undefined && terminal.keyboard)
    throw new UsageError(`${what} is missing: give it in quotes, pipe it in, or write - to type it here`, name);
  const texts = (await terminal.read(signal)).split(/\r?\n/).filter(line => line.trim() !== '');
  if (texts.length === 0) throw new UsageError(`${what} is missing: standard input is empty`, name);
  return { texts, isStream: true };
}

/** Results as JSON: of an argument one value for people too, of lines one line each. */
export const jsonLines = (results: readonly unknown[], { isStream }: GivenTexts): string =>
  results.map(result => (isStream ? `${JSON.stringify(result)}\n` : `${jsonText(result)}\n`)).join('');
