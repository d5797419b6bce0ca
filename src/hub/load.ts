/** Opens a checkpoint: config, weights, tokenizer and generation defaults, from wherever their files are. */
import { CheckpointError, ConfigError, HeedError, TokenizerError } from '../errors.ts';
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
import { hasVocabulary, loadTokenizerFrom, tokenizerFromGguf } from '../tokenizers/index.ts';
import { readAdapterConfig } from './adapter-config.ts';
import { joinCheckpoints, savedTensors, withLabels } from './adapter-head.ts';
import { type Adapter, baseOf, headOfTask, type LoadAdapterOptions, loadAdapterFrom } from './adapters.ts';
import { bundledAddress } from './bundled.ts';
import {
  type DownloadProgress,
  folderFiles,
  type HubFilesOptions,
  hubFiles,
  type ModelFiles,
  urlFiles,
} from './files.ts';
import { deviations } from './first-values.ts';
import { generationDefaults } from './generation-defaults.ts';
import { ggufSentence, type OpenGguf, openGgufModel } from './gguf.ts';
import { parseHubId } from './hub-id.ts';
import type { HubOptions } from './hub-settings.ts';
import { Model, type ModelParts } from './model.ts';
import { belongsToHead, type NewHead, newHeadFields, withHead } from './new-head.ts';
import { readFile, readJson } from './read-json.ts';
import { referenceNames } from './reference-names.ts';
import { sentenceModules } from './sentence-transformers.ts';

/** What loading is at: files on their way from the hub, then weights on their way into the backend. */
export type ModelProgress =
  | ({ readonly stage: 'download' } & DownloadProgress)
  | ({ readonly stage: 'load' } & LoadProgress);

const LOAD_DTYPES = ['auto', 'f32'] as const;
/** What weights are computed with. */
export type LoadDType = (typeof LOAD_DTYPES)[number];

/** The options of the hub are for models that are named by their id on it. */
export interface LoadOptions extends HubOptions {
  /** Where to compute. Default: the shared WebAssembly backend. */
  readonly backend?: Backend | undefined;
  /** Default: what `architectures` in config.json says, or what the weights are enough for. */
  readonly head?: HeadName | undefined;
  /**
   * `auto` (default): matrices are computed with in the file's own dtype, where the backend knows it: blocks of GGUF files, half
   * precision. `f32`: all weights become single precision, which takes up to seven times the memory.
   */
  readonly dtype?: LoadDType | undefined;
  /** Keep the weights as plain matrices, so that they can be trained, in single precision. Products are slower then. */
  readonly trainable?: boolean | undefined;
  /** The head's own parameters begin at random where the checkpoint has none that fit, to be trained. `head` says which head. */
  readonly newHead?: NewHead | undefined;
  /** Aborting stops requests and reading; `load` throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ModelProgress) => void) | undefined;
}

/**
 * Loads a model in the reference's layout: `config.json`, weights (`openCheckpointFrom` says which), and if they are there
 * `tokenizer.json` (or its relatives) and `generation_config.json`; or an encoder with modules after it, `modules.json`; or a
 * GGUF file, which holds all of that; or an adapter (PEFT), together with the model that it names.
 * @param source a folder or a weights file (in Node), an http(s) address of either, the id of a model on the hub (`org/name`,
 * `org/name@revision`, `org/name/file.gguf`) where there is no such folder, the name of a model that comes with heed
 * (`kleinwelt-llama`; see BUNDLED), or files from elsewhere
 * @throws ConfigError, CheckpointError, FormatError, UnsupportedError that say which file is wrong and how
 */
export async function load(source: string | ModelFiles, options: LoadOptions = {}): Promise<Model> {
  return loadWith(source, options);
}

/** @param saved tensors of an adapter, some of which the model may lack */
async function loadWith(source: string | ModelFiles, options: LoadOptions, saved?: Checkpoint): Promise<Model> {
  const { onProgress } = options;
  const files = modelFiles(source, {
    ...options,
    onProgress: onProgress && (progress => onProgress({ stage: 'download', ...progress })),
  });
  try {
    return await loadFrom(files, options, saved);
  } catch (error) {
    // Errors on the way may have been told as those of a file.
    options.signal?.throwIfAborted();
    throw error;
  }
}

/** The files that a string stands for. @throws ConfigError for an address that is none */
export function modelFiles(source: string | ModelFiles, options: HubFilesOptions = {}): ModelFiles {
  if (typeof source !== 'string') return source;
  const address = placeOf(source);
  if (/^https?:/i.test(address)) return urlFiles(address);
  return isHubId(address) ? hubFiles(address, options) : folderFiles(address);
}

/** What a name stands for: the place of a model that comes with heed, unless something on the disk is called so; else itself. */
export const placeOf = (source: string): string => (onDisk(source) ? undefined : bundledAddress(source)) ?? source;

/** Whether a text names a model on the hub: it can be an id, and nothing on the disk is called so. */
export function isHubId(source: string): boolean {
  return parseHubId(source) !== undefined && !onDisk(source) && bundledAddress(source) === undefined;
}
const onDisk = (path: string): boolean => globalThis.process?.getBuiltinModule?.('node:fs')?.existsSync(path) === true;

async function loadFrom(given: ModelFiles, options: LoadOptions, saved?: Checkpoint): Promise<Model> {
  const { signal, onProgress, dtype = 'auto' } = options;
  signal?.throwIfAborted();
  if (!LOAD_DTYPES.includes(dtype))
    throw new ConfigError('weights are not loaded as this dtype', {
      seen: String(dtype),
      expected: LOAD_DTYPES.join(' or '),
    });
  const modules = await sentenceModules(given, signal);
  const files = modules?.encoder ?? given;
  const gguf = await openGgufModel(files, signal);
  let checkpoint: Checkpoint | undefined = gguf?.checkpoint;
  let sentence: ModelParts['sentence'];
  try {
    const found = gguf?.json ?? (await readJson(files, 'config.json', signal));
    if (!found && saved)
      throw new CheckpointError('the model of an adapter is no model', {
        seen: files.name,
        expected: 'a folder with config.json',
      });
    if (!found) return await loadAdapted(files, options);
    const changes = options.newHead && newHeadFields(options.newHead);
    const json = { ...(saved ? withLabels(found, saved) : found), ...changes };
    const { architecture, json: full } = await architectureOf(json);
    const reader = new ConfigReader(full, `${gguf ? 'metadata' : 'config.json'} of ${files.name}`);
    const config = architecture.config(reader);
    const draw = options.newHead && {
      seed: options.newHead.seed ?? 0,
      deviation: deviations(architecture, config, reader),
    };
    reader.finish();
    const backend = options.backend ?? (await defaultBackend());
    const [read, settings] = await Promise.all([
      readTokenizer(files, gguf, signal),
      gguf
        ? { defaults: optionsFromConfig(gguf.generation, files.name) }
        : generationDefaults(files, json, { architecture, config }, signal),
    ]);
    sentence = gguf ? ggufSentence(gguf.file) : await modules?.load(backend, signal);
    checkpoint ??= await openCheckpointFrom(files, signal);
    if (saved) checkpoint = joinCheckpoints(checkpoint, saved, key => architecture.rename(key, config));
    const fresh = options.newHead && belongsToHead(architecture, config, options.head);
    const head =
      (fresh && options.head) ??
      chooseHead({ architecture, config, json, tensors: checkpoint.tensors.keys() }, options.head);
    const spec = headOf({ architecture, head }).parameters(config);
    const { params, names, unexpected } = await loadParameters(checkpoint, spec, backend, {
      rename: key => architecture.rename(key, config),
      plain: options.trainable,
      keep: dtype === 'auto',
      outputRows: gguf !== undefined,
      fresh,
      draw,
      signal,
      onProgress: onProgress && (progress => onProgress({ stage: 'load', ...progress })),
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
      ...settings,
      unexpected,
      sentence,
      origin: {
        ...{ json, files, generation: gguf?.generation, changes },
        names: fresh
          ? withHead(names, [...specs.keys()].filter(fresh), referenceNames(architecture, config, head))
          : names,
        modules: modules && { files: given, paths: modules.paths },
      },
    });
  } catch (error) {
    disposeParameters(sentence);
    throw error;
  } finally {
    await checkpoint?.close();
  }
}

/** A folder without config.json may be an adapter's: then the model that it names, with it. */
async function loadAdapted(files: ModelFiles, options: LoadOptions): Promise<Model> {
  const found = await readAdapterConfig(files, options.signal);
  if (!found)
    throw new CheckpointError('no config.json', { seen: files.name, expected: 'config.json beside the weights' });
  const head = options.head ?? headOfTask(found.task);
  const { revision } = found;
  const saved = await savedTensors(files, options.signal);
  let base: Model;
  try {
    base = await loadWith(baseOf(found, files), { ...options, head, revision, weights: undefined }, saved);
  } finally {
    await saved.close();
  }
  try {
    const adapter = await loadAdapterFrom(base.parts, files, options);
    const onDispose = () => {
      adapter.dispose();
      base.dispose();
    };
    return new Model({ ...base.withAdapters([{ adapter }]).parts, onDispose });
  } catch (error) {
    base.dispose();
    throw error;
  }
}

/**
 * Loads an adapter in PEFT's layout, `adapter_config.json` and `adapter_model.safetensors` (or `.bin`), for a model that is there
 * already; `model.withAdapters([{ adapter }])` runs with it.
 * @param source as in `load`
 * @throws what `loadAdapterFrom` throws
 */
export async function loadAdapter(
  model: Model,
  source: string | ModelFiles,
  options: LoadAdapterOptions = {},
): Promise<Adapter> {
  return loadAdapterFrom(model.parts, modelFiles(source, options), options);
}

/** The tokenizer, or what is wrong with it: the model can be run on token ids all the same. */
export async function readTokenizer(
  files: ModelFiles,
  gguf?: OpenGguf,
  signal?: AbortSignal,
): Promise<Pick<ModelParts, 'tokenizer' | 'tokenizerProblem'>> {
  try {
    if (gguf && hasVocabulary(gguf.file.head)) return { tokenizer: tokenizerFromGguf(gguf.file.head) };
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
