/** `pipeline`: a task and a model as one function. */
/// <reference lib="esnext.disposable" preserve="true" />
import { ConfigError, HeedError } from '../errors.ts';
import { show } from '../generate/options.ts';
import type { ModelFiles } from '../hub/files.ts';
import { type LoadOptions, load } from '../hub/load.ts';
import { Model } from '../hub/model.ts';
import { DEFAULT_MODELS } from './default-models.ts';
import { headFor, taskNamed, tasksOf } from './index.ts';
import { checkOptions } from './option-checks.ts';
import type { AnyTask, CallOptions, StreamOptions } from './task.ts';
import type { TaskAliases, TaskMap, TaskName, TaskOf } from './task-map.ts';

type Source = Model | string | ModelFiles;

/** How models are loaded, where they are not given. */
export interface PipelineOptions extends LoadOptions {
  /** Of `text-editing`: what writes. Default: the folder `generator` in the model's. */
  readonly generator?: Source | undefined;
}

interface PipelineParts {
  readonly task: TaskName;
  readonly model: Model;
  /** Frees the model, unless it was given as one. */
  dispose(): void;
  [Symbol.dispose](): void;
}
/** A task with its model: call it with an input or a list of inputs. */
export type Pipeline<N extends TaskName | keyof TaskAliases = TaskName> = TaskMap[TaskOf<N>] & PipelineParts;

/**
 * A task as a function: `const fill = await pipeline('fill-mask', './bert'); await fill('The [MASK] barks.')`. One input gives its
 * result, a list of inputs a list of results; tasks that write have a `stream`.
 * @param model a loaded model, or what `load` takes: a folder, an address, an id on the hub. Default: see default-models.ts
 * @throws ConfigError for a task that there is not, or a model that cannot do it; what `load` throws
 */
export async function pipeline<N extends TaskName | keyof TaskAliases>(
  name: N,
  model?: Source,
  options: PipelineOptions = {},
): Promise<Pipeline<N>> {
  const { task, defaults, name: taskName } = await taskNamed(name);
  const { generator, ...how } = options;
  const own: Model[] = [];
  const opened = async (from: Source): Promise<Model> => {
    if (from instanceof Model) return from;
    const loaded = await load(from, how);
    own.push(loaded);
    return loaded;
  };
  let isOpen = true;
  const dispose = () => {
    isOpen = false;
    for (const loaded of own) loaded.dispose();
  };

  try {
    const first = await opened(model ?? DEFAULT_MODELS[taskName]);
    const running = await underTask(first, task, task.heads);
    const { partner } = task;
    const second = partner && (await opened(generator ?? besideIt(first, partner.name)));
    const writing = second && (await underTask(second, task, partner.heads));
    const parts = { task: taskName, model: first, dispose, [Symbol.dispose]: dispose };
    return tied({ task, defaults, model: running, partner: writing, isOpen: () => isOpen }, parts) as Pipeline<N>;
  } catch (error) {
    dispose();
    throw error;
  }
}

/** The files in a folder of a model's. */
function besideIt(model: Model, folder: string): ModelFiles {
  const files = model.parts.origin?.files;
  if (files?.folder) return files.folder(folder);
  throw new ConfigError('this task needs a second model', { fix: `pipeline(TASK, MODEL, { ${folder}: MODEL })` });
}

/** The model under a head of the task. @throws ConfigError when it has none, with what it can do */
async function underTask(model: Model, task: AnyTask, heads: AnyTask['heads']): Promise<Model> {
  const head = headFor(model, { heads, modality: task.modality });
  if (head === model.parts.head) return model;
  if (head) return new Model({ ...model.parts, head });
  throw new ConfigError(`this model cannot do ${task.name}`, {
    seen: `${model.parts.type} with the head ${model.parts.head}`,
    expected: heads === 'any' ? `a model of ${task.modality}` : heads.join(' or '),
    fix: `it can do ${(await tasksOf(model)).join(', ') || 'none of the tasks'}`,
  });
}

interface Tied {
  readonly task: AnyTask;
  readonly defaults: object;
  readonly model: Model;
  readonly partner: Model | undefined;
  isOpen(): boolean;
}
/** The calls of a task on a model. */
function tied({ task, defaults, model, partner, isOpen }: Tied, parts: PipelineParts): PipelineParts {
  const checked = <O extends object>(options: O | undefined): O => {
    if (!isOpen()) throw new HeedError('the pipeline is closed', { fix: 'make it again' });
    checkOptions(task.name, options, task.options as Parameters<typeof checkOptions>[2], task.generates);
    return { ...defaults, ...options } as O;
  };
  const call = async (input: unknown, options?: CallOptions) => {
    const all = checked(options);
    all.signal?.throwIfAborted();
    const isOne = task.isInput(input);
    const inputs = checkInputs(isOne ? [input] : input, task);
    const results = await task.run(model, inputs, all, partner);
    return isOne ? results[0] : results;
  };
  const stream = (input: unknown, options?: StreamOptions<CallOptions>) => {
    const all = checked(options);
    return task.stream!(model, checkInputs([input], task)[0], all, partner);
  };
  return Object.assign(call, parts, task.stream && { stream });
}

/** @throws ConfigError for what is no list of inputs of the task */
function checkInputs(inputs: unknown, task: AnyTask): readonly unknown[] {
  if (!Array.isArray(inputs) || inputs.length === 0) throw notAnInput(inputs, task);
  for (const [i, input] of inputs.entries()) {
    const where = inputs.length > 1 ? `input ${i}` : undefined;
    if (!task.isInput(input)) throw notAnInput(input, task, where);
    if (input === '' && !task.mayBeEmpty)
      throw new ConfigError(`${task.name}: an empty text`, { expected: task.expects, where });
  }
  return inputs;
}

const notAnInput = (seen: unknown, task: AnyTask, where?: string): ConfigError =>
  new ConfigError(`${task.name}: not an input`, {
    seen: show(seen),
    expected: `${task.expects}; or a list of at least one`,
    where,
  });
