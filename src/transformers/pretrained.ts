/** From the options of `from_pretrained` to those of `load`. */
import { CheckpointError, ConfigError, HeedError } from '../errors.ts';
import { modelFiles } from '../hub/load.ts';
import { readJson } from '../hub/read-json.ts';
import { type HeadName, type LoadOptions, load, type Model, type ModelFiles, type ModelProgress } from '../index.ts';
import { env, placeOfModel, warn } from './env.ts';

export interface PretrainedOptions {
  readonly revision?: string | null | undefined;
  readonly cache_dir?: string | null | undefined;
  readonly local_files_only?: boolean | undefined;
  readonly progress_callback?: ((event: ProgressEvent) => void) | null | undefined;
  /** `fp32` computes in single precision, anything else in the precision of the checkpoint. */
  readonly dtype?: string | Readonly<Record<string, string>> | null | undefined;
  /** Everything runs on the CPU, by WebAssembly. */
  readonly device?: string | Readonly<Record<string, string>> | null | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of a tokenizer: in place of the model's own. */
  readonly chat_template?: string | null | undefined;
  /** What there is only there: `subfolder`, `model_file_name`, `session_options` ... */
  readonly [option: string]: unknown;
}

/** What loading is at. Bytes are counted over all files that are fetched, so all of them are done together. */
export type ProgressEvent =
  | { readonly status: 'initiate' | 'done'; readonly name: string; readonly file: string }
  | {
      readonly status: 'progress';
      readonly name: string;
      readonly file: string;
      /** 0 to 100. */
      readonly progress: number;
      readonly loaded: number;
      readonly total: number;
    }
  | { readonly status: 'ready'; readonly task: string; readonly model: string };

const UNDERSTOOD = new Set([
  ...['revision', 'cache_dir', 'local_files_only', 'progress_callback', 'dtype', 'device', 'signal'],
]);
const CPU: readonly unknown[] = ['wasm', 'cpu', 'auto'];
const FULL: readonly unknown[] = ['fp32', 'auto'];

/** @throws nothing: says on the console what it passes over */
export function loadOptions(name: string, options: PretrainedOptions): LoadOptions {
  const { revision, cache_dir, local_files_only, progress_callback, dtype, device, signal } = options;
  for (const option of Object.keys(options))
    if (!UNDERSTOOD.has(option) && options[option] != null) warn(`the option ${option} has no meaning here`);
  if (device != null && !CPU.includes(device))
    warn(`device ${JSON.stringify(device)} is not there; everything runs on the CPU, by WebAssembly`);
  if (dtype != null && !FULL.includes(dtype))
    warn(`dtype ${JSON.stringify(dtype)} is not applied; weights are computed with as the checkpoint has them`);
  return {
    revision: revision ?? undefined,
    cacheDir: cache_dir ?? env.cacheDir,
    endpoint: env.remoteHost,
    signal,
    ...((local_files_only || !env.allowRemoteModels) && { offline: true }),
    ...(dtype === 'fp32' && { dtype: 'f32' as const }),
    ...(progress_callback && { onProgress: eventsOf(name, progress_callback) }),
  };
}

function eventsOf(name: string, tell: (event: ProgressEvent) => void): (progress: ModelProgress) => void {
  const onTheirWay = new Set<string>();
  return progress => {
    if (progress.stage !== 'download') return;
    const { file, loadedBytes: loaded, totalBytes: total } = progress;
    if (!onTheirWay.has(file)) tell({ status: 'initiate', name, file });
    onTheirWay.add(file);
    tell({ status: 'progress', name, file, loaded, total, progress: total > 0 ? (100 * loaded) / total : 100 });
    if (loaded < total) return;
    for (const done of onTheirWay) tell({ status: 'done', name, file: done });
    onTheirWay.clear();
  };
}

/** Where files are: an id, a folder, an address, or files from elsewhere. */
export type Source = string | ModelFiles;
export const nameOf = (source: Source): string => (typeof source === 'string' ? source : source.name);

/**
 * A model under a head, the one that the checkpoint names where none is said.
 * @throws what `load` throws; CheckpointError for a repository of ONNX files
 */
export async function loadPretrained(source: Source, options: PretrainedOptions, head?: HeadName): Promise<Model> {
  const name = nameOf(source);
  try {
    return await load(typeof source === 'string' ? placeOfModel(source) : source, {
      ...loadOptions(name, options),
      head,
    });
  } catch (cause) {
    if (!(cause instanceof HeedError) || !/^(Xenova|onnx-community)\//.test(name)) throw cause;
    throw new CheckpointError('this repository holds ONNX files for another engine', {
      seen: name,
      expected: 'the repository that they were made from, with safetensors, GGUF or PyTorch weights',
      fix: 'its model card names it ("base_model")',
      cause,
    });
  }
}

/** The files of a model, without its weights where they need not be fetched. */
export function filesOf(source: Source, options: PretrainedOptions): ModelFiles {
  const { onProgress: _, ...how } = loadOptions(nameOf(source), options);
  return modelFiles(typeof source === 'string' ? placeOfModel(source) : source, { ...how, weightsInPlace: true });
}

/** A file of a model as JSON. @throws ConfigError when there is none */
export async function readConfig(
  source: Source,
  options: PretrainedOptions,
  file: string,
): Promise<Readonly<Record<string, unknown>>> {
  const files = filesOf(source, options);
  const json = await readJson(files, file, options.signal);
  if (json) return json;
  throw new ConfigError(`the model has no ${file}`, { where: files.name });
}
