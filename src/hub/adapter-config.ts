/** `adapter_config.json`: what PEFT says of an adapter. Source: huggingface/peft, `LoraConfig`. */
import { UnsupportedError } from '../errors.ts';
import type { ModelFiles } from '../formats/index.ts';
import { ConfigReader } from '../models/config-reader.ts';
import { matchesOf, translateRegex } from '../tokenizers/regex-translate.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import { readFile, readJson } from './read-json.ts';

export const ADAPTER_CONFIG = 'adapter_config.json';

type Json = Readonly<Record<string, unknown>>;

/** What has to be known besides the tensors. Which layers are adapted, these tell. */
export interface AdapterConfig {
  /** The file as it was read. */
  readonly text: string;
  /** The model that it was trained on: a folder or an id on the hub. */
  readonly base: string | undefined;
  /** Which of its revisions, where it is on the hub. */
  readonly revision: string | undefined;
  /** What the model does, `CAUSAL_LM`. */
  readonly task: string | undefined;
  readonly rank: number;
  readonly dora: boolean;
  readonly rsLora: boolean;
  /** Rank r and scale of a layer, by the reference's name of its module. */
  facts(module: string): { readonly rank: number; readonly scale: number };
}

/** Variants of LoRA that compute something else: fields that are unset, or false, in a plain adapter. */
const VARIANTS = [
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'layer_replication',
  'monteclora_config',
  'target_parameters',
  'trainable_token_indices',
  'use_bdlora',
  'use_qalora',
  'velora_config',
] as const;
/** Ways to start training that leave the base as it is. Others (PiSSA, OLoRA ...) take a part out of its weights. */
const PLAIN_STARTS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal'];

/**
 * The adapter's config among the files; undefined when there is none.
 * @throws ConfigError for fields of the wrong kind, UnsupportedError for adapters of another kind and for variants of LoRA
 */
export async function readAdapterConfig(files: ModelFiles, signal?: AbortSignal): Promise<AdapterConfig | undefined> {
  const json = await readJson(files, ADAPTER_CONFIG, signal);
  // Once more as it was written, for those who save the adapter again.
  const bytes = json && (await readFile(files, ADAPTER_CONFIG, signal));
  return bytes && adapterConfig(json, decodeUtf8(bytes, ADAPTER_CONFIG), files.name);
}

/**
 * What a parsed config says.
 * @throws what `readAdapterConfig` throws
 */
export function adapterConfig(json: Json, text: string, name: string): AdapterConfig {
  const where = `${ADAPTER_CONFIG} of ${name}`;
  const read = new ConfigReader(json, where);
  const type = read.string('peft_type');
  if (type !== 'LORA')
    throw new UnsupportedError('an adapter of a kind that heed does not have', { seen: type, expected: 'LORA', where });
  for (const field of VARIANTS)
    if (isSet(json[field]))
      throw new UnsupportedError('a variant of LoRA that heed does not have', { seen: field, where });
  if (!PLAIN_STARTS.includes(json.init_lora_weights))
    throw new UnsupportedError('the adapter was trained on changed base weights', {
      seen: `init_lora_weights ${JSON.stringify(json.init_lora_weights)}`,
      fix: 'convert it to a plain LoRA adapter: save_pretrained with path_initial_model_for_weight_conversion',
      where,
    });
  const rank = read.integer('r', 8);
  const alpha = read.number('lora_alpha', 8);
  const rsLora = read.boolean('use_rslora', false);
  const isRank = (value: number) => Number.isSafeInteger(value) && value > 0;
  const ranks = patterns(read, 'rank_pattern', isRank, 'whole numbers from 1 on');
  const alphas = patterns(read, 'alpha_pattern', value => Number.isFinite(value) && value > 0, 'numbers above 0');
  const config = {
    text,
    base: read.has('base_model_name_or_path') ? read.string('base_model_name_or_path') : undefined,
    revision: read.has('revision') ? read.string('revision') : undefined,
    task: read.has('task_type') ? read.string('task_type') : undefined,
    rank,
    dora: read.boolean('use_dora', false),
    rsLora,
    facts(module: string) {
      const r = ranks(module) ?? rank;
      const a = alphas(module) ?? alpha;
      return { rank: r, scale: a / (rsLora ? Math.sqrt(r) : r) };
    },
  };
  read.finish();
  return config;
}
const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);

/**
 * Values for modules whose names end in what a pattern matches, from a dot on; the first that does counts. A pattern is a
 * regular expression, which is as good as always a plain name.
 */
function patterns(
  read: ConfigReader,
  field: string,
  isValue: (value: number) => boolean,
  what: string,
): (module: string) => number | undefined {
  const given = read.raw(field) ?? {};
  const whole = typeof given === 'object' && !Array.isArray(given);
  const entries = whole ? Object.entries(given) : [];
  const holds = whole && entries.every(([, value]) => typeof value === 'number' && isValue(value));
  read.check(holds, `${field} is ${JSON.stringify(given)?.slice(0, 60)}, not ${what} by names of layers`);
  const made = entries.map(([pattern, value]) => [endsWith(pattern), value as number] as const);
  return module => made.find(([fits]) => fits(module))?.[1];
}
const PLAIN_NAME = /^\^?[\w.-]+$/;
function endsWith(pattern: string): (module: string) => boolean {
  const whole = pattern.startsWith('^');
  const body = whole ? pattern.slice(1) : pattern;
  if (PLAIN_NAME.test(pattern)) return module => module === body || (!whole && module.endsWith(`.${body}`));
  const translated = translateRegex(`^(?:${body})$`);
  const fits = (text: string) => !matchesOf(translated, text).next().done;
  return module => {
    const parts = module.split('.');
    return whole ? fits(module) : parts.some((_, i) => fits(parts.slice(i).join('.')));
  };
}
