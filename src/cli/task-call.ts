/** What the commands of the tasks have in common: a model under a task, and results as JSON. */
import type { Model } from '../hub/model.ts';
import { type Pipeline, pipeline } from '../tasks/pipeline.ts';
import type { TaskName } from '../tasks/task-map.ts';
import type { Values } from './command.ts';
import { jsonText } from './json-text.ts';
import type { Say } from './messages.ts';
import type { Numbers } from './numbers.ts';
import { type OpenModel, openModel } from './open-model.ts';
import { ADAPTER_OPTION, ENGINE_OPTIONS, OUTPUT_OPTIONS } from './options.ts';
import type { GivenTexts } from './read-text.ts';
import type { Terminal } from './terminal.ts';
import { wordingFor } from './wording.ts';

/** Options of every command of a task. */
export const TASK_OPTIONS = { ...ADAPTER_OPTION, ...ENGINE_OPTIONS, ...OUTPUT_OPTIONS } as const;
type TaskValues = Values<typeof TASK_OPTIONS> & { readonly quiet?: boolean };

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
  readonly open: OpenModel;
  /** The one that is open. */
  readonly model: Model;
  readonly terminal: Terminal;
  readonly say: Say;
  readonly numbers: Numbers;
  readonly signal: AbortSignal;
  /** The model as one function. @throws ConfigError when it cannot do the task */
  pipeline<N extends TaskName>(task: N): Promise<Pipeline<N>>;
}

/** Opens the model, lets `show` do something with it, and closes it. */
export async function withModel(
  { source, values, terminal, signal }: TaskCall,
  show: (scene: TaskScene) => Promise<void>,
): Promise<void> {
  const { say, numbers } = wordingFor(values, terminal);
  const { quiet, adapter: adapters } = values;
  const open = await openModel(source, { engine: values, terminal, say, numbers, signal, quiet, adapters });
  const { model, backend } = open;
  try {
    await show({
      ...{ open, model, terminal, say, numbers, signal },
      // A second model that the task needs computes where the first one does.
      pipeline: task => pipeline(task, model, { backend, signal }),
    });
  } finally {
    open.close();
  }
}
export const withTask = <N extends TaskName>(
  call: TaskCall,
  task: N,
  show: (pipe: Pipeline<N>, scene: TaskScene) => Promise<void>,
): Promise<void> => withModel(call, async scene => show(await scene.pipeline(task), scene));

/** Results as JSON: of an argument one value for people too, of lines one line each. */
export const jsonLines = (results: readonly unknown[], { isStream }: GivenTexts): string =>
  results.map(result => (isStream ? `${JSON.stringify(result)}\n` : `${jsonText(result)}\n`)).join('');
