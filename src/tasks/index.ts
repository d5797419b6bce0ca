/** All tasks: one line each, loaded when it is asked for. */
import { ConfigError } from '../errors.ts';
import type { Model } from '../hub/model.ts';
import { listParams } from '../nn/params.ts';
import { nearest } from '../util/nearest.ts';
import type { AnyTask } from './task.ts';
import type { TaskName } from './task-map.ts';

interface TaskEntry {
  readonly name: TaskName;
  readonly aliases?: readonly string[];
  readonly load: () => Promise<{ readonly task: AnyTask }>;
}

const TASKS: readonly TaskEntry[] = [
  { name: 'text-generation', load: () => import('./text-generation.ts') },
  { name: 'fill-mask', load: () => import('./fill-mask.ts') },
  { name: 'text-classification', aliases: ['sentiment-analysis'], load: () => import('./text-classification.ts') },
  { name: 'token-classification', aliases: ['ner'], load: () => import('./token-classification.ts') },
  { name: 'question-answering', load: () => import('./question-answering.ts') },
  { name: 'summarization', load: () => import('./summarization.ts') },
  { name: 'translation', load: () => import('./translation.ts') },
  { name: 'text2text-generation', load: () => import('./text2text-generation.ts') },
  { name: 'feature-extraction', load: () => import('./feature-extraction.ts') },
  { name: 'sentence-similarity', load: () => import('./sentence-similarity.ts') },
  { name: 'reranking', aliases: ['text-ranking'], load: () => import('./reranking.ts') },
  { name: 'zero-shot-classification', load: () => import('./zero-shot-classification.ts') },
  { name: 'image-classification', load: () => import('./image-classification.ts') },
  { name: 'automatic-speech-recognition', load: () => import('./automatic-speech-recognition.ts') },
  { name: 'denoise', load: () => import('./denoising.ts') },
  { name: 'text-editing', load: () => import('./text-editing.ts') },
];

/** The names of all tasks. */
export const taskNames = (): TaskName[] => TASKS.map(({ name }) => name);

export interface FoundTask {
  readonly name: TaskName;
  readonly task: AnyTask;
  /** Options that the name itself says: the languages of `translation_en_to_de`. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

/** The task of a name or another name for it. @throws ConfigError for one that there is not, with the one that was meant */
export async function taskNamed(name: string): Promise<FoundTask> {
  const [, srcLang, tgtLang] = /^translation_(.+)_to_(.+)$/.exec(name) ?? [];
  const known = srcLang === undefined ? name : 'translation';
  const entry = TASKS.find(task => task.name === known || task.aliases?.includes(known));
  if (entry) return { name: entry.name, ...(await entry.load()), defaults: srcLang ? { srcLang, tgtLang } : {} };
  const names = TASKS.flatMap(task => [task.name, ...(task.aliases ?? [])]);
  const meant = nearest(name, names);
  throw new ConfigError('no such task', {
    seen: name,
    expected: meant ?? taskNames().join(', '),
    ...(meant && { fix: `pipeline('${meant}')` }),
  });
}

/** The tasks that a model can do by itself. */
export async function tasksOf(model: Model): Promise<TaskName[]> {
  const all = await Promise.all(TASKS.map(async ({ name, load }) => ({ name, ...(await load()) })));
  return all.filter(({ task }) => !task.partner && headFor(model, task) !== undefined).map(({ name }) => name);
}

/**
 * The head under which a model does a task: its own, or another for which it has all parameters, as one that was trained with two heads has
 * those of each. Undefined when there is none.
 */
export function headFor(
  model: Model,
  { heads, modality }: Pick<AnyTask, 'heads' | 'modality'>,
): Model['parts']['head'] | undefined {
  const { architecture, config, head, specs } = model.parts;
  if ((architecture.modality ?? 'text') !== modality) return undefined;
  if (heads === 'any' || heads.includes(head)) return head;
  return heads.find(name => {
    const other = architecture.heads[name];
    return other && listParams(other.parameters(config)).every(([parameter]) => specs.has(parameter));
  });
}
