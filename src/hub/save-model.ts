/** Writes a model as a folder that the reference's tools and `load` read. */
import { ConfigError } from '../errors.ts';
import {
  isWeightsFile,
  type ModelFiles,
  nodeFiles,
  type TensorToWrite,
  type WriteProgress,
  writeShardedSafetensors,
} from '../formats/index.ts';
import { classOfHead } from '../models/choose-head.ts';
import { nodeOf } from '../nn/adapter.ts';
import { type SavedDType, tensorToWrite } from '../nn/tensor-to-write.ts';
import { Tensor } from '../tensor/index.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import { editJson } from './edit-json.ts';
import type { ModelParts } from './model.ts';
import { readFile } from './read-json.ts';
import { writeFolder } from './write-folder.ts';

type Json = Readonly<Record<string, unknown>>;

/** Where a model came from. */
export interface ModelOrigin {
  /** config.json as it was read. */
  readonly json: Json;
  readonly files: ModelFiles;
  /** The checkpoint's names of the parameters that it held. */
  readonly names: ReadonlyMap<string, string>;
  /** Fields of config.json that loading changed. */
  readonly changes?: Json | undefined;
  /** What generation_config.json would say, of a model that came without such a file. */
  readonly generation?: Json | undefined;
  /** Of a sentence encoder all its files, and where its modules lie among them, the model itself first. */
  readonly modules?: { readonly files: ModelFiles; readonly paths: readonly string[] } | undefined;
}
/** Elements of a saved model, with the names that config.json and the files have for them. */
const SAVED_DTYPES = {
  f32: { config: 'float32', file: 'F32' },
  f16: { config: 'float16', file: 'F16' },
  bf16: { config: 'bfloat16', file: 'BF16' },
} as const;

export interface SaveOptions {
  /** Into a folder that holds a model already, in its place. Default false. */
  readonly overwrite?: boolean | undefined;
  /** What the weights are stored as. Default f32. */
  readonly dtype?: keyof typeof SAVED_DTYPES | undefined;
  /** Most bytes of weights in one file. Default 5 GB, as the reference. */
  readonly maxShardBytes?: number | undefined;
  /** Stops between two pieces; nothing is changed then. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
}

const CONFIG = 'config.json';
const MODULES = 'modules.json';
const SHARD_BYTES = 5e9;
/** Files that are taken over as they are: how to generate, tokenizers and their templates, what is done to images and sound. */
const COMPANIONS =
  /^(generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|preprocessor_config|processor_config)\.json$|^(merges|vocab)\.txt$|^chat_template\.jinja$|\.(model|tiktoken)$/;
const USUAL_COMPANIONS = [
  ...['generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'],
  ...['vocab.json', 'merges.txt', 'vocab.txt', 'tokenizer.model', 'preprocessor_config.json'],
];
/** Files of a sentence encoder as a whole, and of the modules behind its model. */
const SENTENCE_FILES = /^(modules|config_sentence_transformers|sentence_[\w-]+_config)\.json$/;
const MODULE_FILES = ['config.json', 'model.safetensors', 'pytorch_model.bin'];

/** See `Model.save`. */
export async function saveModel(parts: ModelParts, folder: string, options: SaveOptions): Promise<readonly string[]> {
  const { origin, adapters } = parts;
  if (adapters?.length)
    throw new ConfigError('a model with several adapters is not saved as one', {
      fix: 'merge them into the model (mergeAdapter), or save them apart (saveAdapter)',
    });
  if (!origin) throw new ConfigError('the model was not loaded from files, so there is no config.json to write');
  const { dtype = 'f32', maxShardBytes = SHARD_BYTES, overwrite = false, signal, onProgress } = options;
  const stored = savedDType(dtype);
  const holds = (name: string) => name === CONFIG || name === MODULES || isWeightsFile(name);
  const { files, modules, generation } = origin;
  return writeFolder(folder, { holds, last: CONFIG, what: 'a model', overwrite }, async stage => {
    const { writeFile } = await nodeFiles();
    const [path = '', ...others] = modules?.paths ?? [];
    const own = below(stage, path);
    const metadata = { format: 'pt' };
    await writeShardedSafetensors(own, weightsOf(parts, origin, stored.file), {
      maxShardBytes,
      metadata,
      signal,
      onProgress,
    });
    await copyFiles(files, own, COMPANIONS, USUAL_COMPANIONS, signal);
    if (generation) await writeFile(`${own}/generation_config.json`, `${JSON.stringify(generation, null, 2)}\n`);
    await writeFile(`${own}/${CONFIG}`, await configText(parts, origin, stored.config));
    if (!modules) return;
    await copyFiles(modules.files, stage, SENTENCE_FILES, [MODULES, 'config_sentence_transformers.json'], signal);
    for (const other of others)
      if (other !== '') await copyFiles(modules.files.folder!(other), below(stage, other), /./, MODULE_FILES, signal);
  });
}

/** What a dtype is called in files. @throws ConfigError for one in which nothing is saved */
export function savedDType(dtype: NonNullable<SaveOptions['dtype']>) {
  if (Object.hasOwn(SAVED_DTYPES, dtype)) return SAVED_DTYPES[dtype];
  throw new ConfigError('models are not saved in this dtype', {
    seen: String(dtype),
    expected: Object.keys(SAVED_DTYPES).join(', '),
    fix: 'quantizeModel writes blocks, into a GGUF file',
  });
}
const below = (folder: string, path: string): string => (path === '' ? folder : `${folder}/${path}`);

/** @param usual the names to try where those of all files cannot be known */
async function copyFiles(from: ModelFiles, to: string, which: RegExp, usual: readonly string[], signal?: AbortSignal) {
  const { mkdir, writeFile } = await nodeFiles();
  await mkdir(to, { recursive: true });
  const names = (await from.list?.())?.filter(name => which.test(name)) ?? usual;
  for (const name of names) {
    const bytes = await readFile(from, name, signal);
    if (bytes) await writeFile(`${to}/${name}`, bytes);
  }
}

/** The text of config.json as it was read, but for what saving changes: the class of the head, and the dtype. */
async function configText(
  { architecture, head }: ModelParts,
  { json, files, changes }: ModelOrigin,
  dtype: string,
): Promise<string> {
  const bytes = await readFile(files, CONFIG);
  const text = bytes ? decodeUtf8(bytes, `${CONFIG} of ${files.name}`) : JSON.stringify(json, null, 2);
  const name = classOfHead({ architecture, json }, head);
  const named = ['torch_dtype', 'dtype'].filter(field => typeof json[field] === 'string');
  // Of a config that names none the reference takes single precision.
  const dtypes = named.length || dtype === 'float32' ? named : ['torch_dtype'];
  return editJson(text, {
    ...changes,
    ...(name && { architectures: [name] }),
    ...Object.fromEntries(dtypes.map(field => [field, dtype])),
    quantization_config: undefined,
  });
}

/** The parameters as the file has them. A buffer that the checkpoint lacked is made anew by loading. */
function weightsOf({ specs, params }: ModelParts, { names }: ModelOrigin, dtype: SavedDType): TensorToWrite[] {
  return [...specs].flatMap(([name, spec]) => {
    const tensor = nodeOf(params, name);
    if (!(tensor instanceof Tensor) || (spec.constant === 'buffer' && !names.has(name))) return [];
    return [tensorToWrite(names.get(name) ?? name, tensor, spec, dtype)];
  });
}
