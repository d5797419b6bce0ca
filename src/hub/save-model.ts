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
import type { ParamSpec } from '../nn/params.ts';
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
  /** What generation_config.json would say, of a model that came without such a file. */
  readonly generation?: Json | undefined;
  /** Of a sentence encoder all its files, and where its modules lie among them, the model itself first. */
  readonly modules?: { readonly files: ModelFiles; readonly paths: readonly string[] } | undefined;
}
export interface SaveOptions {
  /** Into a folder that holds a model already, in its place. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Most bytes of weights in one file. Default 5 GB, as the reference. */
  readonly maxShardBytes?: number | undefined;
  /** Stops between two pieces; nothing is changed then. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
}

const CONFIG = 'config.json';
const MODULES = 'modules.json';
const SHARD_BYTES = 5e9;
/** Weights are handed to the disk in pieces of about this many bytes. */
const PIECE_BYTES = 4 << 20;
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
    throw new ConfigError('a model with adapters is not saved as one', {
      fix: 'merge them into the model (mergeAdapter), or save them apart (saveAdapter)',
    });
  if (!origin) throw new ConfigError('the model was not loaded from files, so there is no config.json to write');
  const { maxShardBytes = SHARD_BYTES, overwrite = false, signal, onProgress } = options;
  const holds = (name: string) => name === CONFIG || name === MODULES || isWeightsFile(name);
  const { files, modules, generation } = origin;
  return writeFolder(folder, { holds, last: CONFIG, what: 'a model', overwrite }, async stage => {
    const { writeFile } = await nodeFiles();
    const [path = '', ...others] = modules?.paths ?? [];
    const own = below(stage, path);
    const metadata = { format: 'pt' };
    await writeShardedSafetensors(own, weightsOf(parts, origin), { maxShardBytes, metadata, signal, onProgress });
    await copyFiles(files, own, COMPANIONS, USUAL_COMPANIONS, signal);
    if (generation) await writeFile(`${own}/generation_config.json`, `${JSON.stringify(generation, null, 2)}\n`);
    await writeFile(`${own}/${CONFIG}`, await configText(parts, origin));
    if (!modules) return;
    await copyFiles(modules.files, stage, SENTENCE_FILES, [MODULES, 'config_sentence_transformers.json'], signal);
    for (const other of others)
      if (other !== '') await copyFiles(modules.files.folder!(other), below(stage, other), /./, MODULE_FILES, signal);
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
async function configText({ architecture, head }: ModelParts, { json, files }: ModelOrigin): Promise<string> {
  const bytes = await readFile(files, CONFIG);
  const text = bytes ? decodeUtf8(bytes, `${CONFIG} of ${files.name}`) : JSON.stringify(json, null, 2);
  const name = classOfHead({ architecture, json }, head);
  const dtypes = ['torch_dtype', 'dtype'].filter(field => typeof json[field] === 'string');
  return editJson(text, {
    ...(name && { architectures: [name] }),
    ...Object.fromEntries(dtypes.map(field => [field, 'float32'])),
    quantization_config: undefined,
  });
}

/** The parameters as the file has them. A buffer that the checkpoint lacked is made anew by loading. */
function weightsOf({ specs, params }: ModelParts, { names }: ModelOrigin): TensorToWrite[] {
  return [...specs].flatMap(([name, spec]) => {
    const tensor = nodeOf(params, name);
    if (!(tensor instanceof Tensor) || (spec.constant === 'buffer' && !names.has(name))) return [];
    return [tensorToWrite(names.get(name) ?? name, tensor, spec)];
  });
}

/** A tensor on its way into a file as float32, with its rows as columns where the declaration says so. */
export function tensorToWrite(
  name: string,
  tensor: Tensor,
  { transposed = false }: Pick<ParamSpec, 'transposed'> = {},
): TensorToWrite {
  const { shape } = tensor;
  return {
    name,
    dtype: 'F32',
    shape: transposed ? [...shape].reverse() : shape,
    async *chunks() {
      const values = await tensor.data();
      const [rows, columns] = transposed ? (shape as [number, number]) : [1, values.length];
      const at = transposed ? (i: number) => (i % rows) * columns + Math.floor(i / rows) : (i: number) => i;
      const length = PIECE_BYTES / 4;
      for (let from = 0; from < values.length; from += length) {
        const piece = new Float32Array(Math.min(length, values.length - from));
        for (let i = 0; i < piece.length; i++) piece[i] = values[at(from + i)]!;
        yield new Uint8Array(piece.buffer);
      }
    },
  };
}
