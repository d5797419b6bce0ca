/** What a model folder says about itself, from its headers and JSON files: no weights are read. */
import { KEPT_DTYPES } from '../backends/wasm/index.ts';
import { CheckpointError, UnsupportedError } from '../errors.ts';
import { type Checkpoint, type GgufCheckpoint, openCheckpointFrom, type TensorEntry } from '../formats/index.ts';
import { folderFiles, type ModelFiles } from '../hub/files.ts';
import { openGgufModel } from '../hub/gguf.ts';
import { readFile, readJson } from '../hub/read-json.ts';
import { GENERATES, type HeadName } from '../models/architecture.ts';
import { chooseHead } from '../models/choose-head.ts';
import { ConfigReader } from '../models/config-reader.ts';
import { headOf, type LoadedModel } from '../models/forward.ts';
import { architectureOf } from '../models/index.ts';
import { countParams, listParams } from '../nn/params.ts';
import { sizeOf } from '../tensor/index.ts';
import { hasVocabulary, loadTokenizerFrom, type Tokenizer, tokenizerFromGguf } from '../tokenizers/index.ts';
import type { Message } from './messages.ts';
import { groupParameters, type ParameterGroup } from './parameter-tree.ts';

type Json = Readonly<Record<string, unknown>>;

export interface ModelFacts {
  readonly type: string;
  /** Undefined when heed has no model file for the type. */
  readonly head: HeadName | undefined;
  /** The numbers that matter, whatever the family calls them. */
  readonly config: readonly {
    readonly message: Message;
    readonly field: string;
    readonly value: number | string | boolean;
  }[];
  readonly parameters: readonly ParameterGroup[];
  /** Of the model: a copy of a tied matrix in the file does not count. */
  readonly parameterCount: number;
  readonly diskBytes: number;
  readonly memory: MemoryFacts | undefined;
  readonly tokenizer: TokenizerFacts | undefined;
}
export interface MemoryFacts {
  readonly weightBytes: number;
  readonly cacheBytesPerToken: number;
  readonly contextLength: number | undefined;
}
export interface TokenizerFacts {
  readonly kind: string;
  readonly vocabSize: number;
  /** Role -> id and token. */
  readonly special: Readonly<Record<string, { readonly id: number; readonly token: string | undefined }>>;
  readonly chatTemplate: boolean;
}
export interface FileFacts {
  readonly format: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly parameters: readonly ParameterGroup[];
  readonly parameterCount: number;
  readonly diskBytes: number;
}

/** Fields of config.json that mean the same, in the words of different families. */
const CONFIG_FIELDS: readonly (readonly [message: Message, ...fields: string[]])[] = [
  ['layers', 'n_layer', 'num_hidden_layers', 'num_layers', 'n_layers', 'n_blocks'],
  ['encoderLayers', 'encoder_layers'],
  ['decoderLayers', 'decoder_layers', 'num_decoder_layers'],
  ['experts', 'num_local_experts'],
  ['expertsPerToken', 'num_experts_per_tok'],
  ['width', 'n_embd', 'hidden_size', 'd_model', 'dim', 'hidden_dim'],
  ['heads', 'n_head', 'num_attention_heads', 'num_heads', 'n_heads', 'encoder_attention_heads'],
  ['keyValueHeads', 'num_key_value_heads'],
  ['headWidth', 'head_dim', 'd_kv'],
  ['feedForward', 'n_inner', 'intermediate_size', 'd_ff', 'ffn_dim', 'encoder_ffn_dim', 'mlp_hidden_size'],
  ['activation', 'activation_function', 'hidden_act', 'hidden_activation', 'feed_forward_proj'],
  ['normEpsilon', 'layer_norm_epsilon', 'rms_norm_eps', 'layer_norm_eps'],
  ['ropeBase', 'rope_theta'],
  ['slidingWindow', 'sliding_window'],
  ['contextLength', 'n_positions', 'max_position_embeddings', 'n_ctx', 'max_target_positions', 'max_sequence_length'],
  ['imageSize', 'image_size'],
  ['patchSize', 'patch_size'],
  ['melBins', 'num_mel_bins'],
  ['vocabulary', 'vocab_size'],
  ['tiedHead', 'tie_word_embeddings'],
];

const BYTES_IN_MEMORY = 4;

/**
 * @param source the folder of a model, a GGUF file, or files from elsewhere
 * @throws CheckpointError when the folder has no config.json, and what reading its files throws
 */
export async function modelFacts(source: string | ModelFiles): Promise<ModelFacts> {
  const files = typeof source === 'string' ? folderFiles(source) : source;
  const gguf = await openGgufModel(files);
  const json = gguf?.json ?? (await readJson(files, 'config.json'));
  if (!json)
    throw new CheckpointError('no config.json', {
      seen: files.name,
      expected: 'a folder with config.json, or a weights file',
    });
  const checkpoint = gguf?.checkpoint ?? (await openCheckpointFrom(files));
  try {
    const known = await runnable(json, files.name, checkpoint);
    const file = fileFacts(checkpoint);
    const parameterCount = known ? countParams(headOf(known).parameters(known.config)) : file.parameterCount;
    const cache = known && GENERATES.has(known.head) ? known.architecture.cache?.(known.config) : undefined;
    return {
      type: String(json.model_type ?? 'unknown'),
      head: known?.head,
      config: configFacts({ ...json, ...(known?.config as Json | undefined) }),
      parameters: file.parameters,
      parameterCount,
      diskBytes: file.diskBytes,
      memory: known && {
        weightBytes: weightBytes(known, checkpoint, gguf !== undefined),
        cacheBytesPerToken: cache ? 2 * cache.layers * cache.heads * cache.headDim * BYTES_IN_MEMORY : 0,
        contextLength: known.architecture.contextLength(known.config),
      },
      tokenizer: gguf ? ggufTokenizerFacts(gguf.file) : await tokenizerFacts(files),
    };
  } finally {
    await checkpoint.close();
  }
}

/** Bytes of the weights once they are loaded: matrices stay in a dtype that products are computed with. */
function weightBytes(
  model: Pick<LoadedModel, 'architecture' | 'config' | 'head'>,
  checkpoint: Checkpoint,
  outputRows: boolean,
): number {
  const { architecture, config } = model;
  const entries = new Map<string | undefined, TensorEntry>();
  for (const entry of checkpoint.tensors.values()) entries.set(architecture.rename(entry.name, config), entry);
  return listParams(headOf(model).parameters(config)).reduce((n, [name, { shape, matrix, transposed, constant }]) => {
    const entry = entries.get(name);
    if (constant === 'buffer') return n;
    const kept = matrix && (outputRows || !transposed) && entry && KEPT_DTYPES.has(entry.dtype);
    return n + (kept ? entry.byteLength : BYTES_IN_MEMORY * sizeOf(shape));
  }, 0);
}

/** What a weights file by itself says. */
export function fileFacts({ format, metadata, tensors }: Checkpoint): FileFacts {
  const entries = [...tensors.values()];
  const parameters = groupParameters(entries);
  return {
    format,
    metadata,
    parameters,
    parameterCount: parameters.reduce((n, { count }) => n + count, 0),
    diskBytes: entries.reduce((n, { byteLength }) => n + byteLength, 0),
  };
}

/** The architecture and its checked config; undefined for families without a model file. */
async function runnable(json: Json, folder: string, { tensors }: Checkpoint) {
  const found = await architectureOf(json).catch((error: unknown) => {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  });
  if (!found) return undefined;
  const reader = new ConfigReader(found.json, `${folder}/config.json`);
  const config = found.architecture.config(reader);
  reader.finish();
  const { architecture } = found;
  return { architecture, config, head: chooseHead({ architecture, config, json, tensors: tensors.keys() }) };
}

function configFacts(config: Json): ModelFacts['config'] {
  // Where each side has a number of its own, the reference's common one says nothing.
  const fields = CONFIG_FIELDS.filter(([message]) => message !== 'layers' || config.encoder_layers === undefined);
  return fields.flatMap(([message, ...fields]) => {
    const field = fields.find(
      name => ['number', 'string', 'boolean'].includes(typeof config[name]) && config[name] !== 0,
    );
    return field === undefined ? [] : [{ message, field, value: config[field] as number | string | boolean }];
  });
}

async function tokenizerFacts(files: ModelFiles): Promise<TokenizerFacts | undefined> {
  const names = (await files.list?.()) ?? [];
  const tokenizer = await loadTokenizerFrom(file => readFile(files, file), names);
  if (!tokenizer) return undefined;
  const settings = await readJson(files, 'tokenizer_config.json');
  const chatTemplate =
    settings?.chat_template !== undefined ||
    names.includes('chat_template.jinja') ||
    names.includes('chat_template.json');
  return { ...factsOfTokenizer(tokenizer), chatTemplate };
}

function ggufTokenizerFacts({ head }: GgufCheckpoint): TokenizerFacts | undefined {
  if (!hasVocabulary(head)) return undefined;
  return { ...factsOfTokenizer(tokenizerFromGguf(head)), chatTemplate: head.values.has('tokenizer.chat_template') };
}

const factsOfTokenizer = (tokenizer: Tokenizer): Omit<TokenizerFacts, 'chatTemplate'> => ({
  kind: tokenizer.model.type,
  vocabSize: tokenizer.vocabSize,
  special: Object.fromEntries(
    Object.entries(tokenizer.specialTokens).map(([role, id]: [string, number]) => [
      role,
      { id, token: tokenizer.idToToken(id) },
    ]),
  ),
});
