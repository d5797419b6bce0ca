/** Generation settings as checkpoints hold them: `generation_config.json`, in older ones `config.json`. */
import { ConfigError } from '../errors.ts';
import { CHECKS, type GenerateOptions, show, typeOf } from './options.ts';

/** Fields under a name or in a form that is not just snake_case. */
const FROM_CONFIG: { readonly [name: string]: (value: unknown) => unknown } = {
  sequence_bias: value => (Array.isArray(value) ? value.map(entry => ({ ids: entry?.[0], bias: entry?.[1] })) : value),
};
/** Options that say something about one call, not about a checkpoint. */
const NOT_IN_CONFIG = new Set([
  'encoderIds',
  'constraint',
  'tokenTexts',
  'draft',
  'draftTokens',
  'cache',
  'processors',
  'order',
  'stopWhen',
  'signal',
  'seed',
  'logprobs',
  'topLogprobs',
  'overflow',
  'maxTimeMs',
  'stopIds',
]);
/** Settings that change what is generated and that heed does not have, with the values that leave them off. */
const UNSUPPORTED: { readonly [name: string]: readonly unknown[] } = {
  num_beam_groups: [1],
  diversity_penalty: [0],
  penalty_alpha: [0],
  dola_layers: [],
  constraints: [],
  force_words_ids: [],
  guidance_scale: [1],
};

/**
 * The options in the parsed JSON of a generation_config.json. Fields that are null or that heed does not know are passed
 * over, and so are token ids below 0, which some files write for none.
 * @throws ConfigError that lists every field with a value that cannot be, and every setting that would change the result and
 * is not supported
 */
export function optionsFromConfig(config: unknown, where = 'generation_config.json'): GenerateOptions {
  if (typeOf(config) !== 'object' || config === null) {
    throw new ConfigError('generation settings must be a JSON object', { seen: show(config), where });
  }
  const fields = config as Record<string, unknown>;
  const options: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, test] of Object.entries(CHECKS)) {
    if (NOT_IN_CONFIG.has(name)) continue;
    const key = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
    const raw = Object.hasOwn(fields, key) ? withoutNegativeIds(key, fields[key]) : undefined;
    if (raw === undefined || raw === null) continue;
    const value = FROM_CONFIG[key] ? FROM_CONFIG[key](raw) : raw;
    const expected = test(value);
    if (expected) problems.push(`"${key}": ${show(raw)} is not ${expected}`);
    else options[name] = value;
  }
  for (const [key, off] of Object.entries(UNSUPPORTED))
    if (Object.hasOwn(fields, key) && fields[key] !== null && !off.includes(fields[key]))
      problems.push(`"${key}": ${show(fields[key])} is not supported`);
  if (problems.length > 0) throw new ConfigError(`generation settings: ${problems.join('; ')}`, { where });
  return options;
}

/** `-1` stands for no token in some files, also within lists, and for no limit in `top_k`. */
function withoutNegativeIds(key: string, value: unknown): unknown {
  if (!/_token_id$|_tokens$|^top_k$/.test(key)) return value;
  if (Array.isArray(value)) return value.filter(id => !(Number.isInteger(id) && id < 0));
  return Number.isInteger(value) && (value as number) < 0 ? undefined : value;
}
