/** transformers.js's names and heed's: snake_case and camelCase of the same words, and the few that differ. */
import { UnsupportedError } from '../errors.ts';

/** `maxNewTokens` as `max_new_tokens`. */
export type Snake<S> = S extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${Snake<Rest>}`
    : `_${Lowercase<First>}${Snake<Rest>}`
  : S;
/** An object under snake_case names; what the fields hold stays as it is. */
export type SnakeKeys<O> = O extends readonly (infer E)[]
  ? SnakeKeys<E>[]
  : O extends object
    ? { [K in keyof O as Snake<K>]: O[K] }
    : O;
export type Options = Readonly<Record<string, unknown>>;

/** Options that mean something else than their name in camelCase, or are in other units. */
const RENAMED: Readonly<Record<string, (value: unknown) => readonly [name: string, value: unknown]>> = {
  max_time: seconds => ['maxTimeMs', Number(seconds) * 1000],
  tokenizer_encode_kwargs: values => ['chatTemplateArgs', values],
};
/** Options without a counterpart, and the values of them that ask for nothing. */
const REFUSED: Readonly<Record<string, readonly unknown[]>> = {
  ...{ past_key_values: [], logits_processor: [], prefix_allowed_tokens_fn: [] },
  ...{ return_dict_in_generate: [false], output_scores: [false], output_attentions: [false] },
  ...{
    output_hidden_states: [false],
    guidance_scale: [1],
    penalty_alpha: [0],
    num_beam_groups: [1],
    quantize: [false],
  },
};
/** Options about how things are computed there. */
const PASSED_OVER = new Set(['use_cache', 'chunk_length_s', 'stride_length_s', 'force_full_sequences', 'num_frames']);

/**
 * Options by heed's names. null stands for the default there, as undefined does here.
 * @throws UnsupportedError for those that would change the result and that heed does not have
 */
export function camelOptions(options: Options): Record<string, unknown> {
  const entries = Object.entries(options).flatMap(([name, value]) => {
    if (PASSED_OVER.has(name) || value === undefined) return [];
    if (Object.hasOwn(REFUSED, name)) {
      if (value === null || REFUSED[name]!.includes(value)) return [];
      throw new UnsupportedError(`heed has no ${name}`, { fix: 'leave it out', where: 'options' });
    }
    if (value === null) return [];
    return [Object.hasOwn(RENAMED, name) ? RENAMED[name]!(value) : ([camel(name), value] as const)];
  });
  return Object.fromEntries(entries);
}
const camel = (name: string) => name.replace(/(?<=.)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const snake = (name: string) => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

/** A result by transformers.js's names: lists of objects, at any depth of lists. */
export function snakeResult<T>(value: T): SnakeKeys<T> {
  if (Array.isArray(value)) return value.map(snakeResult) as SnakeKeys<T>;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value as SnakeKeys<T>;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [snake(name), field])) as SnakeKeys<T>;
}
