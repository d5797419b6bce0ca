/**
 * Folders of Sentence Transformers: an encoder, and modules that make one vector for the text of what it finds. Reimers &
 * Gurevych 2019, "Sentence-BERT". `modules.json` lists the modules with their folders: first the encoder, then the pooling,
 * then what is done to the vectors.
 */
import { ConfigError, UnsupportedError } from '../errors.ts';
import { openCheckpointFrom } from '../formats/index.ts';
import { ConfigReader } from '../models/config-reader.ts';
import type { ModelInputs } from '../models/forward.ts';
import { activation } from '../nn/activation.ts';
import { Linear, linear } from '../nn/linear.ts';
import { disposeParameters, loadParameters } from '../nn/load-parameters.ts';
import { LayerNorm, layerNorm } from '../nn/norm.ts';
import type { Params, Spec } from '../nn/params.ts';
import { normalize, POOLINGS, type Pooling, pool } from '../nn/pooling.ts';
import { type Backend, Tensor } from '../tensor/index.ts';
import type { Tokenizer } from '../tokenizers/index.ts';
import type { ModelFiles } from './files.ts';
import { readJson, readJsonValue } from './read-json.ts';

/** What becomes of an encoder's states, and how texts get to it. */
export interface SentencePipeline {
  /** The results of several stand one after the other. */
  readonly pooling: readonly Pooling[];
  /** What is done to the vectors `[B, C]`, in this order. */
  readonly layers: readonly VectorLayer[];
  /** Most tokens of a text; longer ones are cut. Undefined = the encoder's limit. */
  readonly maxTokens: number | undefined;
  /** Texts are written in small letters first. */
  readonly lowerCase: boolean;
}
interface VectorLayer {
  readonly params: unknown;
  apply(x: Tensor): Tensor;
}
export interface EmbedOptions {
  /** Instead of the model's own way; then its layers after the pooling are left out too. Several: one after the other. */
  readonly pooling?: Pooling | readonly Pooling[] | undefined;
  /** Whether vectors have length 1. Default: as the model's own way has it, else as they come. */
  readonly normalize?: boolean | undefined;
}

/** What a model without modules does, as in the reference. */
const PLAIN: SentencePipeline = { pooling: ['mean'], layers: [], maxTokens: undefined, lowerCase: false };

/** Vectors `[B, C]` of states `[B, T, C]`; mask 1 for real tokens, 0 for padding, undefined = all real. @throws ConfigError */
export function sentenceVectors(
  states: Tensor,
  rows: ModelInputs['attention_mask'],
  options: EmbedOptions,
  own: SentencePipeline = PLAIN,
): Tensor {
  const [B, T] = states.shape as [number, number];
  const mask = rows && Tensor.from(Uint8Array.from(rows.flatMap(row => Array.from(row))), [B, T], 'bool');
  const layers = options.pooling ? [] : own.layers;
  const kept = layers.filter(layer => options.normalize !== false || layer.apply !== normalize);
  const vectors = kept.reduce((x, layer) => layer.apply(x), pool(states, mask, options.pooling ?? own.pooling));
  return options.normalize ? normalize(vectors) : vectors;
}

/** A batch of texts as the encoder reads it, padded on the right. @throws TokenizerError */
export function sentenceInputs(
  text: string | readonly string[],
  tokenizer: Tokenizer,
  contextLength: number | undefined,
  own: SentencePipeline = PLAIN,
): ModelInputs {
  const maxLength = Math.min(own.maxTokens ?? Number.POSITIVE_INFINITY, contextLength ?? Number.POSITIVE_INFINITY);
  const texts = typeof text === 'string' ? [text] : text;
  const encoded = tokenizer.encodeBatch(own.lowerCase ? texts.map(text => text.toLowerCase()) : texts, {
    ...(Number.isFinite(maxLength) && { maxLength }),
    padding: 'longest',
    padId: tokenizer.specialTokens.pad ?? 0,
  });
  return {
    input_ids: encoded.map(e => e.ids),
    attention_mask: encoded.map(e => e.attentionMask),
    token_type_ids: encoded.map(e => e.typeIds),
  };
}

/** The modules of a folder: where the encoder is, and how to load the rest. */
export interface SentenceModules {
  readonly encoder: ModelFiles;
  /** Where each module lies, the encoder first: a folder, or '' = beside modules.json. */
  readonly paths: readonly string[];
  /**
   * Loads what comes after the encoder. Gives an UnsupportedError, which is not thrown, for modules that are known but not
   * done: the encoder runs all the same.
   */
  load(backend: Backend, signal?: AbortSignal): Promise<SentencePipeline | UnsupportedError>;
}
interface ModuleEntry {
  /** Class name without its package. */
  readonly kind: string;
  readonly path: string;
}

/**
 * What `modules.json` says; undefined when there is none.
 * @throws ConfigError, CheckpointError for a list that is none, or that leads out of the folder
 */
export async function sentenceModules(files: ModelFiles, signal?: AbortSignal): Promise<SentenceModules | undefined> {
  const list = await readJsonValue(files, 'modules.json', signal);
  if (list === undefined) return undefined;
  const [encoder, ...rest] = entriesOf(list, files.name);
  if (encoder?.kind !== 'Transformer')
    throw new ConfigError('modules.json does not begin with the encoder', {
      seen: encoder?.kind ?? 'no module',
      expected: 'Transformer',
      where: files.name,
    });
  const own = folderOf(files, encoder.path);
  const paths = [encoder, ...rest].map(({ path }) => path);
  return { encoder: own, paths, load: (backend, signal) => loadPipeline(files, own, rest, backend, signal) };
}

function entriesOf(list: unknown, where: string): ModuleEntry[] {
  if (!Array.isArray(list)) throw new ConfigError('modules.json is no list', { seen: typeof list, where });
  return list.map((entry: { type?: unknown; path?: unknown } | null, i) => {
    const { type, path } = entry ?? {};
    if (typeof type !== 'string' || typeof path !== 'string')
      throw new ConfigError('a module has a type and a path', { seen: JSON.stringify(entry)?.slice(0, 80), where });
    const [, kind] = /^sentence_transformers\..*?(\w+)$/.exec(type) ?? [];
    return { kind: kind ?? `${type} (module ${i})`, path };
  });
}

/** The folder of a module: a plain name, or nothing for the folder itself. */
function folderOf(files: ModelFiles, path: string): ModelFiles {
  if (path === '') return files;
  if (files.folder) return files.folder(path);
  throw new ConfigError('the modules of a sentence encoder lie in folders, and these files have none', {
    seen: files.name,
    fix: 'give the files a `folder` function',
  });
}

async function loadPipeline(
  files: ModelFiles,
  encoder: ModelFiles,
  [first, ...rest]: readonly ModuleEntry[],
  backend: Backend,
  signal?: AbortSignal,
): Promise<SentencePipeline | UnsupportedError> {
  const strange = first?.kind !== 'Pooling' ? first : rest.find(({ kind }) => !Object.hasOwn(LAYERS, kind));
  if (strange || !first)
    return new UnsupportedError('the modules of this model are not supported', {
      seen: strange?.kind ?? 'an encoder alone',
      expected: `Pooling, then ${Object.keys(LAYERS).join(' or ')}`,
      fix: 'say how to pool: embed(inputs, { pooling })',
      where: files.name,
    });
  const pooling = poolingOf((await readJson(folderOf(files, first.path), 'config.json', signal)) ?? {}, files.name);
  const { max_seq_length, do_lower_case } = await encoderSettings(encoder, signal);
  const most = max_seq_length ?? (await readJson(encoder, 'tokenizer_config.json', signal))?.model_max_length;
  const layers: VectorLayer[] = [];
  try {
    for (const { kind, path } of rest) layers.push(await LAYERS[kind]!(folderOf(files, path), backend, signal));
  } catch (error) {
    disposeParameters(layers);
    throw error;
  }
  const maxTokens = Number.isSafeInteger(most) && (most as number) > 0 ? (most as number) : undefined;
  return { pooling, layers, maxTokens, lowerCase: do_lower_case === true };
}

/** The name of this file goes back to the first encoder; some folders have another's in it. */
async function encoderSettings(files: ModelFiles, signal?: AbortSignal): Promise<Json> {
  for (const name of ['bert', 'roberta', 'distilbert', 'camembert', 'albert', 'xlm-roberta', 'xlnet']) {
    const settings = await readJson(files, `sentence_${name}_config.json`, signal);
    if (settings) return settings;
  }
  return {};
}

/** Older files have a yes or no for each way. */
const FLAGS: Readonly<Record<Pooling, string>> = {
  cls: 'pooling_mode_cls_token',
  max: 'pooling_mode_max_tokens',
  mean: 'pooling_mode_mean_tokens',
  mean_sqrt_len_tokens: 'pooling_mode_mean_sqrt_len_tokens',
  weightedmean: 'pooling_mode_weightedmean_tokens',
  lasttoken: 'pooling_mode_lasttoken',
};
function poolingOf(config: Json, where: string): readonly Pooling[] {
  const { pooling_mode: named } = config;
  const all = Object.keys(POOLINGS) as Pooling[];
  const ways = named === undefined ? all.filter(way => config[FLAGS[way]] === true) : [named].flat();
  const unknown = ways.find(way => !all.includes(way as Pooling));
  if (unknown !== undefined)
    throw new ConfigError('no such pooling', { seen: String(unknown), expected: all.join(', '), where });
  return ways.length ? (ways as Pooling[]) : ['mean'];
}
type Json = Readonly<Record<string, unknown>>;

type LoadLayer = (files: ModelFiles, backend: Backend, signal?: AbortSignal) => Promise<VectorLayer>;
/** What may come after the pooling. Dropout does nothing outside of training. */
const LAYERS: Readonly<Record<string, LoadLayer>> = {
  Normalize: async () => ({ params: undefined, apply: normalize }),
  Dropout: async () => ({ params: undefined, apply: x => x }),
  Dense: loadDense,
  LayerNorm: loadLayerNorm,
};

/** act(linear(x)), and in some the input or a projection of it added. */
async function loadDense(files: ModelFiles, backend: Backend, signal?: AbortSignal): Promise<VectorLayer> {
  const read = await moduleConfig(files, signal);
  const [from, to] = [read.integer('in_features'), read.integer('out_features')];
  const bias = read.boolean('bias', true);
  const residual = read.boolean('use_residual', false);
  const act = read.string('activation_function', 'torch.nn.modules.activation.Tanh').split('.').at(-1)!.toLowerCase();
  read.check(act === 'identity' || ACTIVATIONS.has(act), `activation_function ${act} is not supported`);
  read.finish();
  const spec = {
    linear: Linear(from, to, { bias }),
    residual: residual && from !== to ? Linear(from, to, { bias: false }) : undefined,
  };
  const params: Params<typeof spec> = await loadModule(files, spec, backend, signal);
  const activate = act === 'identity' ? (x: Tensor) => x : activation(act);
  return {
    params,
    apply(x) {
      const y = activate(linear(params.linear, x));
      if (!residual) return y;
      return y.add(params.residual ? linear(params.residual, x) : x);
    },
  };
}
/** Those of PyTorch's classes that are called here as there, in small letters. */
const ACTIVATIONS: ReadonlySet<string> = new Set(['gelu', 'relu', 'sigmoid', 'silu', 'tanh']);

async function loadLayerNorm(files: ModelFiles, backend: Backend, signal?: AbortSignal): Promise<VectorLayer> {
  const read = await moduleConfig(files, signal);
  const spec = { norm: LayerNorm(read.integer('dimension')) };
  read.finish();
  const params: Params<typeof spec> = await loadModule(files, spec, backend, signal);
  return { params, apply: x => layerNorm(params.norm, x, NORM_EPSILON) };
}
/** PyTorch's default. */
const NORM_EPSILON = 1e-5;

async function moduleConfig(files: ModelFiles, signal?: AbortSignal): Promise<ConfigReader> {
  const read = new ConfigReader((await readJson(files, 'config.json', signal)) ?? {}, `config.json of ${files.name}`);
  const reads = read.string('module_input_name', 'sentence_embedding');
  read.check(
    reads === 'sentence_embedding',
    `module_input_name ${reads} is not supported: it has to be the pooled vector`,
  );
  return read;
}
async function loadModule<S extends Spec>(
  files: ModelFiles,
  spec: S,
  backend: Backend,
  signal?: AbortSignal,
): Promise<Params<S>> {
  const checkpoint = await openCheckpointFrom(files, signal);
  try {
    const rename = (key: string) => key;
    return (await loadParameters(checkpoint, spec, backend, { rename, signal, where: files.name })).params;
  } finally {
    await checkpoint.close();
  }
}
