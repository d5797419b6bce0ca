/** How a checkpoint generates unless it is told otherwise. */
import { ConfigError, HeedError } from '../errors.ts';
import type { ModelFiles } from '../formats/index.ts';
import { type GenerateOptions, optionsFromConfig } from '../generate/index.ts';
import type { Architecture } from '../models/architecture.ts';
import { readJson } from './read-json.ts';

type Json = Readonly<Record<string, unknown>>;

export interface GenerationDefaults {
  readonly defaults: GenerateOptions;
  /** Why the checkpoint's settings cannot be used: the model runs all the same, but does not generate. */
  readonly defaultsProblem?: ConfigError | undefined;
}

/**
 * The settings of generation_config.json; older folders keep them in config.json, where those that a family's models have in
 * common may be left out.
 */
export async function generationDefaults(
  files: ModelFiles,
  json: Json,
  { architecture, config }: { readonly architecture: Architecture; readonly config: unknown },
  signal?: AbortSignal,
): Promise<GenerationDefaults> {
  try {
    const own = await readJson(files, 'generation_config.json', signal);
    if (own) return { defaults: optionsFromConfig(own) };
    const implied = { ...architecture.generation?.(config), ...specialTokens(config as Json, json) };
    return { defaults: { ...optionsFromConfig(implied), ...optionsFromConfig(json, 'config.json') } };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof HeedError)) throw error;
    const defaultsProblem = new ConfigError('the generation settings of this checkpoint cannot be used', {
      seen: error.message,
      fix: 'repair the file, or take it away',
      where: files.name,
      cause: error,
    });
    return { defaults: {}, defaultsProblem };
  }
}

/** What a parsed config says, its family's own defaults included, and what old files call otherwise. */
function specialTokens(config: Json, json: Json): Json {
  const names = ['bos_token_id', 'eos_token_id', 'pad_token_id', 'decoder_start_token_id'];
  const known = names.filter(name => config[name] !== undefined).map(name => [name, config[name]]);
  const begins = json.force_bos_token_to_be_generated === true;
  return { ...Object.fromEntries(known), ...(begins && { forced_bos_token_id: json.bos_token_id ?? 0 }) };
}
