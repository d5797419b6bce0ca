/** Opens a checkpoint: config, weights, tokenizer and generation defaults, from wherever their files are. */
import { CheckpointError, HeedError, TokenizerError } from '../errors.ts';
import { type Checkpoint, openCheckpointFrom } from '../formats/index.ts';
import { optionsFromConfig } from '../generate/index.ts';
import type { HeadName } from '../models/architecture.ts';
import { chooseHead } from '../models/choose-head.ts';
import { ConfigReader } from '../models/config-reader.ts';
import { headOf } from '../models/forward.ts';
import { architectureOf } from '../models/index.ts';
import { disposeParameters, type LoadProgress, loadParameters } from '../nn/load-parameters.ts';
import { listParams } from '../nn/params.ts';
import { type Backend, defaultBackend } from '../tensor/index.ts';
import { loadTokenizerFrom } from '../tokenizers/index.ts';
import { folderFiles, type ModelFiles, urlFiles } from './files.ts';
import { Model, type ModelParts } from './model.ts';
import { readFile, readJson } from './read-json.ts';
import { sentenceModules } from './sentence-transformers.ts';

export interface LoadOptions {
  /** Where to compute. Default: the shared WebAssembly backend. */
  readonly backend?: Backend | undefined;
  /** Default: what `architectures` in config.json says, or what the weights are enough for. */
  readonly head?: HeadName | undefined;
  /** Keep the weights as plain matrices, so that they can be trained. Products are slower then. */
  readonly trainable?: boolean | undefined;
  /** Aborting stops requests and reading; `load` throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Loads a model in the reference's layout: `config.json`, weights (`openCheckpointFrom` says which), and if they are there
 * `tokenizer.json` (or its relatives) and `generation_config.json`; or an encoder with modules after it, `modules.json`.
 * @param source a folder or a weights file (in Node), an http(s) address of either, or files from elsewhere
 * @throws ConfigError, CheckpointError, FormatError, UnsupportedError that say which file is wrong and how
 */
export async function load(source: string | ModelFiles, options: LoadOptions = {}): Promise<Model> {
  const files = modelFiles(source);
  try {
    return await loadFrom(files, options);
  } catch (error) {
    // Errors on the way may have been told as those of a file.
    options.signal?.throwIfAborted();
    throw error;
  }
}

/** The files that a string stands for. @throws ConfigError for an address that is none */
export function modelFiles(source: string | ModelFiles): ModelFiles {
  if (typeof source !== 'string') return source;
  return /^https?:/i.test(source) ? urlFiles(source) : folderFiles(source);
}

async function loadFrom(given: ModelFiles, options: LoadOptions): Promise<Model> {
  const { signal } = options;
  signal?.throwIfAborted();
  const modules = await sentenceModules(given, signal);
  const files = modules?.encoder ?? given;
  const json = await readJson(files, 'config.json', signal);
  if (!json)
    throw new CheckpointError('no config.json', {
      seen: files.name,
      expected: 'config.json beside the weights',
    });
  const { architecture, json: full } = await architectureOf(json);
  const reader = new ConfigReader(full, `config.json of ${files.name}`);
  const config = architecture.config(reader);
  reader.finish();
  const backend = options.backend ?? (await defaultBackend());
  const [read, defaults] = await Promise.all([readTokenizer(files, signal), generationDefaults(files, json, signal)]);

  const sentence = await modules?.load(backend, signal);
  let checkpoint: Checkpoint | undefined;
  try {
    checkpoint = await openCheckpointFrom(files, signal);
    const head = chooseHead({ architecture, config, json, tensors: checkpoint.tensors.keys() }, options.head);
    const spec = headOf({ architecture, head }).parameters(config);
    const { params, unexpected } = await loadParameters(checkpoint, spec, backend, {
      rename: key => architecture.rename(key, config),
      plain: options.trainable,
      signal,
      onProgress: options.onProgress,
      where: files.name,
    });
    const specs = new Map(listParams(spec));
    const type = String(json.model_type);
    return new Model({
      architecture,
      config,
      params,
      backend,
      head,
      type,
      specs,
      ...read,
      defaults,
      unexpected,
      sentence,
    });
  } catch (error) {
    disposeParameters(sentence);
    throw error;
  } finally {
    await checkpoint?.close();
  }
}

type Json = Readonly<Record<string, unknown>>;

async function generationDefaults(files: ModelFiles, config: Json, signal?: AbortSignal) {
  const own = await readJson(files, 'generation_config.json', signal);
  // Old folders keep these settings in config.json only.
  return own ? optionsFromConfig(own) : optionsFromConfig(config, 'config.json');
}

/** The tokenizer, or what is wrong with it: the model can be run on token ids all the same. */
async function readTokenizer(
  files: ModelFiles,
  signal?: AbortSignal,
): Promise<Pick<ModelParts, 'tokenizer' | 'tokenizerProblem'>> {
  try {
    return { tokenizer: await loadTokenizerFrom(file => readFile(files, file, signal), await files.list?.()) };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof HeedError)) throw error;
    const tokenizerProblem = new TokenizerError('the tokenizer of this model cannot be used', {
      seen: error.message,
      fix: 'run the model on token ids, or repair the file',
      where: files.name,
      cause: error,
    });
    return { tokenizer: undefined, tokenizerProblem };
  }
}
