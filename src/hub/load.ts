/** Opens a checkpoint: config, weights, tokenizer and generation defaults of a folder. */
import { CheckpointError, ConfigError } from '../errors.ts';
import { openCheckpoint } from '../formats/index.ts';
import { optionsFromConfig } from '../generate/index.ts';
import type { HeadName } from '../models/architecture.ts';
import { ConfigReader } from '../models/config-reader.ts';
import { architectureOf, headOf } from '../models/index.ts';
import { type LoadProgress, loadParameters } from '../nn/load-parameters.ts';
import { listParams } from '../nn/params.ts';
import { type Backend, defaultBackend } from '../tensor/index.ts';
import { loadTokenizer } from '../tokenizers/index.ts';
import { Model } from './model.ts';

export interface LoadOptions {
  /** Where to compute. Default: the shared WebAssembly backend. */
  readonly backend?: Backend | undefined;
  /** Default: what `architectures` in config.json says. */
  readonly head?: HeadName | undefined;
  /** Keep the weights as plain matrices, so that they can be trained. Products are slower then. */
  readonly trainable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Loads a model folder in the reference's layout: `config.json`, `model.safetensors` (or its shards), and if they are
 * there `tokenizer.json` (or its relatives) and `generation_config.json`.
 * @throws ConfigError, CheckpointError, FormatError, UnsupportedError that say which file is wrong and how
 */
export async function load(folder: string, options: LoadOptions = {}): Promise<Model> {
  const json = await readJson(folder, 'config.json');
  if (!json)
    throw new CheckpointError('no config.json', {
      seen: folder,
      expected: 'a folder with config.json and model.safetensors',
    });
  const { architecture, json: full } = await architectureOf(json);
  const reader = new ConfigReader(full, `${folder}/config.json`);
  const config = architecture.config(reader);
  reader.finish();
  const head = options.head ?? headOf(json);
  const spec = architecture.heads[head].parameters(config);
  const backend = options.backend ?? (await defaultBackend());
  const [tokenizer, defaults] = await Promise.all([findTokenizer(folder), generationDefaults(folder, json)]);

  const checkpoint = await openCheckpoint(folder);
  try {
    const { params, unexpected } = await loadParameters(checkpoint, spec, backend, {
      rename: key => architecture.rename(key, config),
      plain: options.trainable,
      signal: options.signal,
      onProgress: options.onProgress,
      where: folder,
    });
    const specs = new Map(listParams(spec));
    return new Model({
      architecture,
      config,
      params,
      backend,
      head,
      type: String(json.model_type),
      specs,
      tokenizer,
      defaults,
      unexpected,
    });
  } finally {
    await checkpoint.close();
  }
}

type Json = Readonly<Record<string, unknown>>;

/** A JSON object of the folder; undefined when there is no such file. */
export async function readJson(folder: string, file: string): Promise<Json | undefined> {
  const { readFile } = await import('node:fs/promises');
  const path = `${folder}/${file}`;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw new CheckpointError(`${file} cannot be read`, { seen: (error as Error).message, where: path });
  }
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new ConfigError(`${file} is not valid JSON`, { seen: (error as Error).message, where: path });
  }
}

async function generationDefaults(folder: string, config: Json) {
  const own = await readJson(folder, 'generation_config.json');
  // Old folders keep the end token in config.json only.
  const { eos_token_id, bos_token_id, pad_token_id } = config;
  return optionsFromConfig(own ?? { eos_token_id, bos_token_id, pad_token_id });
}

/** Files that make a tokenizer, in any of its formats. */
const TOKENIZER_FILES = ['tokenizer.json', 'vocab.json', 'tokenizer.model'];

async function findTokenizer(folder: string) {
  const { access } = await import('node:fs/promises');
  for (const file of TOKENIZER_FILES) {
    const there = await access(`${folder}/${file}`).then(
      () => true,
      () => false,
    );
    if (there) return loadTokenizer(folder);
  }
  return undefined;
}
