/**
 * What an item of data is to a model: its prompt, its choices, its target, as templates of a task say, with examples before
 * it. Field names stand for columns; white space is the reference's (lm-evaluation-harness).
 */
import { ConfigError } from '../../errors.ts';
import { createRng } from '../../util/rng.ts';
import { type CompiledTemplate, compileTemplate } from '../../util/template.ts';
import { brief } from '../data-row.ts';
import type { TaskConfig } from './task-config.ts';

/** A row of data. */
export type Doc = Readonly<Record<string, unknown>>;

/** An item, ready to be asked. */
export interface Item {
  /** Its number in the split. */
  readonly id: number;
  readonly doc: Doc;
  /** Examples and question; empty where a task has no `doc_to_text`. */
  readonly prompt: string;
  /** The question alone; a number where the choices are the prompts, a list where the model reads several texts or words. */
  readonly text: string | number | readonly unknown[];
  readonly choices: readonly string[] | undefined;
  /** A text, the number of a choice, or several of them that are all right. */
  readonly target: unknown;
}
export interface Prompts {
  /** @throws ConfigError when the row lacks a column, or the templates do not give what is needed */
  item(doc: Doc, id: number, examples: readonly Doc[]): Item;
}

/** The text that an item's target stands for. @throws ConfigError where it stands for none */
export function targetText({ target, choices, id }: Item, task: string): string {
  if (typeof target === 'number' && choices?.[target] !== undefined) return choices[target];
  if (typeof target === 'string' || typeof target === 'number') return String(target);
  throw new ConfigError('an item has no target', {
    seen: brief(target),
    expected: 'doc_to_target, a text',
    where: `${task}, item ${id}`,
  });
}

/** Reads the templates of a task. @throws FormatError when one is none */
export async function createPrompts(config: TaskConfig): Promise<Prompts> {
  const { doc_to_choice, doc_to_text, doc_to_target, description, gen_prefix, target_delimiter } = config;
  const text = await field(doc_to_text, 'doc_to_text', config);
  const target = await field(doc_to_target, 'doc_to_target', config);
  const choice = typeof doc_to_choice === 'string' ? await field(doc_to_choice, 'doc_to_choice', config) : undefined;
  const before = await field(description, 'description', config);
  const prefix = await field(gen_prefix, 'gen_prefix', config);

  const choicesOf = (doc: Doc, id: number): readonly string[] | undefined => {
    if (doc_to_choice === undefined) return undefined;
    const value = choice ? choice(doc) : Array.isArray(doc_to_choice) ? doc_to_choice : Object.values(doc_to_choice);
    const list = listOf(value);
    if (list?.length) return list.map(String);
    throw new ConfigError('doc_to_choice gives no list', { seen: brief(value), where: place(config, id) });
  };
  const chosen = (value: unknown, choices: readonly string[] | undefined, id: number): string => {
    const one = Array.isArray(value) ? value[0] : value;
    if (!choices || typeof one !== 'number') return String(one ?? '');
    const text = choices[one];
    if (text !== undefined) return text;
    throw new ConfigError('a target is no number of a choice', {
      seen: `${one}`,
      expected: `0 to ${choices.length - 1}`,
      where: place(config, id),
    });
  };
  const parts = (doc: Doc, id: number) => {
    const choices = choicesOf(doc, id);
    return { choices, text: answer(text(doc), choices) ?? '', target: answer(target(doc), choices) };
  };
  const example = (doc: Doc, id: number): string => {
    const { choices, text, target } = parts(doc, id);
    const said = chosen(target, typeof text === 'number' ? undefined : choices, id);
    const question = chosen(text, choices, id);
    const begun = String(prefix(doc) ?? '');
    if (said === '') return asked(question, begun, target_delimiter);
    const before = begun === '' ? question + target_delimiter : asked(question, begun, target_delimiter);
    return before + (begun !== '' && apart(begun, said) ? ' ' : '') + said + config.fewshot_delimiter;
  };
  return {
    item(doc, id, examples) {
      const { choices, text, target } = parts(doc, id);
      const shots = examples.map(example).join('');
      const begun = String(prefix(doc) ?? '');
      const question = typeof text === 'string' ? asked(text, begun, target_delimiter) : '';
      return { id, doc, prompt: String(before(doc) ?? '') + shots + question, text, choices, target };
    },
  };
}

/** A question, and what its answer begins with. */
const asked = (question: string, prefix: string, delimiter: string) =>
  prefix !== '' && question !== '' && apart(question, prefix) ? question + delimiter + prefix : question + prefix;
/** Whether no white space stands where two texts meet. */
const apart = (before: string, after: string) => !/\s$/.test(before) && !/^\s/.test(after);

const place = ({ task }: TaskConfig, id: number) => `${task}, item ${id}`;

/** A column by its name, or a template; a number and a list are what they are. */
async function field(
  source: string | number | readonly (string | number)[] | undefined,
  name: string,
  { task }: TaskConfig,
): Promise<(doc: Doc) => unknown> {
  if (typeof source !== 'string') return () => source;
  const where = `${name} of ${task}`;
  const options = { trimBlocks: false, keepTrailingNewline: true, missing: 'error', where } as const;
  let template: CompiledTemplate | undefined;
  // A plain word is a template too, of itself; whether it names a column shows with the data.
  if (/\{[{%#]/.test(source)) template = await compileTemplate(source, options);
  return doc => (Object.hasOwn(doc, source) ? doc[source] : template ? template.value(doc) : source);
}

/** A number where a task has choices and the text is one, as the reference reads it. */
function answer(
  value: unknown,
  choices: readonly string[] | undefined,
): string | number | readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value === 'boolean') return choices ? Number(value) : value ? 'True' : 'False';
  if (typeof value === 'number') return choices ? value : String(value);
  if (value === undefined || value === null) return undefined;
  return choices && /^\d+$/.test(String(value)) ? Number(value) : String(value);
}

/** A list, or a text that is one in JSON. */
function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string' || !value.trim().startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The examples for an item: the first, or drawn by seed and number of the item, never the item itself.
 * @throws ConfigError when there are too few
 */
export function examplesFor(
  config: TaskConfig,
  pool: readonly Doc[],
  { count, seed, id, same }: { count: number; seed: number; id: number; same: boolean },
): readonly Doc[] {
  if (count === 0) return [];
  const { samples, sampler = 'default' } = config.fewshot_config ?? {};
  const all = samples ?? pool;
  // The item's own place is stepped over: a list without it for every item would take time with the square of their number.
  const own = !samples && same && id < all.length ? id : all.length;
  const others = own < all.length ? all.length - 1 : all.length;
  const example = (i: number) => all[i < own ? i : i + 1]!;
  if (others < count)
    throw new ConfigError('too few examples', { seen: `${others}`, expected: `${count}`, where: config.task });
  if (samples || sampler === 'first_n') return Array.from({ length: count }, (_, i) => example(i));
  if (sampler !== 'default')
    throw new ConfigError('no such sampler of examples', {
      seen: sampler,
      expected: 'default, first_n',
      where: config.task,
    });
  const rng = createRng(seed, id);
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(rng.below(others));
  return [...drawn].map(example);
}
