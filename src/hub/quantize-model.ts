/** A model as a GGUF file of another precision: tensor by tensor from whatever form it has, with what is lost on the way. */
import { createReferenceBackend } from '../backends/reference/index.ts';
import { CheckpointError, ConfigError, HeedError, UnsupportedError } from '../errors.ts';
import {
  arrangedRows,
  type Checkpoint,
  GGUF_WEIGHTS,
  type GgufCheckpoint,
  type GgufValueToWrite,
  type GgufWeights,
  metadataToWrite,
  nodeFiles,
  openCheckpointFrom,
  type RoundingError,
  roundedTensor,
  splitPath,
  storedAs,
  storedBytes,
  type TensorDType,
  type TensorToWrite,
  tensorBytes,
  type WriteProgress,
  writeGguf,
} from '../formats/index.ts';
import { chooseHead } from '../models/choose-head.ts';
import { ConfigReader } from '../models/config-reader.ts';
import { exportGguf, type GgufTensorPlan } from '../models/gguf-export.ts';
import { architectureOf } from '../models/index.ts';
import { disposeParameters } from '../nn/load-parameters.ts';
import { ggufVocabulary, NO_VOCABULARY, tokenizerFileNames } from '../tokenizers/index.ts';
import type { HubFilesOptions, ModelFiles } from './files.ts';
import { openGgufFile, poolingType } from './gguf.ts';
import { modelFiles } from './load.ts';
import { readFile, readJson } from './read-json.ts';
import { type SentenceModules, sentenceModules } from './sentence-transformers.ts';

export interface QuantizeOptions extends Omit<HubFilesOptions, 'onProgress'> {
  /** What the weights become. Small tensors and those where every bit matters stay in single precision. */
  readonly type: GgufWeights;
  /** In the place of a file that is there. Default false. */
  readonly overwrite?: boolean | undefined;
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
}

/** What became of a tensor. */
export interface QuantizedTensor extends RoundingError {
  /** Its name in the file that was written. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly from: TensorDType;
  readonly to: TensorDType;
  /** The type asked for has blocks that the rows do not divide into, and another one stands in. */
  readonly fallback: boolean;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}
export interface QuantizeReport {
  readonly tensors: readonly QuantizedTensor[];
  /** Bytes of all tensors. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Tensors of the source that such a file has no place for. */
  readonly leftOut: readonly string[];
  /** Texts that the file's vocabulary cuts otherwise than the model's own tokenizer. */
  readonly differentlyCut: readonly string[];
}

/** What is to be written, whatever it came from. */
interface Plan {
  readonly checkpoint: Checkpoint;
  readonly metadata: ReadonlyMap<string, GgufValueToWrite>;
  readonly tensors: readonly GgufTensorPlan[];
  readonly leftOut: readonly string[];
  readonly differentlyCut: readonly string[];
}

/**
 * Writes a model as a GGUF file that `load`, and llama.cpp and its kin, read: its metadata, tokenizer, chat template, and its
 * weights in the type asked for. In Node. The file is there when it is complete; at any time a piece of one tensor is in memory.
 * @param source as in `load`: a folder with safetensors or PyTorch weights, a GGUF file, a model on the hub
 * @param target where the file is to be, with the ending `.gguf`
 * @throws ConfigError for a target that is there already or has no folder, UnsupportedError for a model or tokenizer that GGUF files cannot say;
 * what `load` throws for files that are damaged
 */
export async function quantizeModel(
  source: string | ModelFiles,
  target: string,
  { type, overwrite = false, onProgress, ...hub }: QuantizeOptions,
): Promise<QuantizeReport> {
  await checkTarget(target, overwrite);
  const { checkpoint, metadata, tensors, leftOut, differentlyCut } = await planOf(modelFiles(source, hub), hub.signal);
  try {
    const errors = new Map<string, RoundingError>();
    const stored = tensors.map(plan => ({ plan, ...storedAs(plan.name, plan.shape, type) }));
    const written = stored.map(({ plan, dtype }) =>
      tensorOf(checkpoint, plan, dtype, error => errors.set(plan.name, error)),
    );
    const about = new Map(metadata)
      .set('general.quantization_version', number(2))
      .set('general.file_type', number(GGUF_WEIGHTS[type].fileType));
    await writeGguf(target, written, about, { signal: hub.signal, onProgress });
    const rows = stored.map(({ plan, dtype, fallback }): QuantizedTensor => {
      const { name, shape, from } = plan;
      const sources = 'sources' in from ? from.sources.map(source => checkpoint.tensors.get(source)!) : [];
      const bytesBefore = sources.reduce((n, { byteLength }) => n + byteLength, 0);
      const bytesAfter = tensorBytes(dtype, shape)!;
      const own = { name, shape, from: sources[0]?.dtype ?? dtype, to: dtype, fallback };
      return { ...own, bytesBefore, bytesAfter, ...errors.get(name)! };
    });
    const sum = (pick: (row: QuantizedTensor) => number) => rows.reduce((n, row) => n + pick(row), 0);
    return {
      tensors: rows,
      bytesBefore: sum(row => row.bytesBefore),
      bytesAfter: sum(row => row.bytesAfter),
      leftOut,
      differentlyCut,
    };
  } finally {
    await checkpoint.close();
  }
}

const number = (value: number) => ({ type: 'U32', value }) as const;
const NO_ERROR: RoundingError = { relativeRms: 0, max: 0 };

async function checkTarget(target: string, overwrite: boolean): Promise<void> {
  if (!target.endsWith('.gguf'))
    throw new ConfigError('the file to write has another ending', {
      seen: target,
      expected: 'a name that ends in .gguf',
    });
  const { stat } = await nodeFiles();
  const look = (path: string) =>
    stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
  const there = await look(target);
  if (there && !overwrite)
    throw new ConfigError('there is such a file already', {
      fix: 'choose another name, or overwrite: true',
      where: target,
    });
  if (there?.isDirectory()) throw new ConfigError('the file to write is a folder', { where: target });
  const [folder] = splitPath(target);
  if (folder && !(await look(folder))?.isDirectory())
    throw new ConfigError('there is no such folder to write into', {
      seen: folder,
      fix: 'create it first',
      where: target,
    });
}

async function planOf(given: ModelFiles, signal?: AbortSignal): Promise<Plan> {
  const modules = await sentenceModules(given, signal);
  const files = modules?.encoder ?? given;
  const gguf = await openGgufFile(files, signal);
  if (gguf) return againOf(gguf);
  const found = await readJson(files, 'config.json', signal);
  if (!found)
    throw new CheckpointError('no config.json', {
      seen: files.name,
      expected: 'a GGUF file, or a folder with config.json beside the weights',
    });
  const { architecture, json } = await architectureOf(found);
  const reader = new ConfigReader(json, `config.json of ${files.name}`);
  const config = architecture.config(reader);
  reader.finish();
  const checkpoint = await openCheckpointFrom(files, signal);
  try {
    const { tensors } = checkpoint;
    const head = chooseHead({ architecture, config, json, tensors: tensors.keys() });
    const model = { architecture, config, json, head, tensors, where: files.name };
    const { metadata, tensors: plans, leftOut } = await exportGguf(model);
    const vocabulary = await vocabularyOf(files, architecture.vocabSize(config), found, signal);
    const pooled = modules && (await poolingOf(modules, given.name, signal));
    const name = given.name.replace(/[/\\]+$/, '').replace(/^.*[/\\]/, '');
    return {
      checkpoint,
      tensors: plans,
      metadata: new Map([
        ...Object.entries(metadata),
        ...(pooled ? [[`${metadata['general.architecture']}.pooling_type`, number(pooled.type)] as const] : []),
        ['general.name', name],
        ...Object.entries<GgufValueToWrite>(vocabulary.metadata),
      ]),
      leftOut: [...leftOut, ...(pooled?.leftOut ?? [])],
      differentlyCut: vocabulary.differing,
    };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** How a sentence encoder pools, by the number that files have for it, and what of its modules they do not say. */
async function poolingOf(modules: SentenceModules, where: string, signal?: AbortSignal) {
  const pipeline = await modules.load(createReferenceBackend(), signal);
  if (pipeline instanceof HeedError) throw pipeline;
  const { pooling, layers } = pipeline;
  disposeParameters(layers);
  const [only, ...more] = pooling;
  const type = only && more.length === 0 ? poolingType(only) : undefined;
  const learned = layers.some(({ params }) => params !== undefined);
  if (type === undefined || learned)
    throw new UnsupportedError('a GGUF file cannot say what becomes of this encoder’s states', {
      seen: `${pooling.join(', ')}${learned ? ', then layers with weights' : ''}`,
      expected: 'mean, cls or lasttoken',
      where,
    });
  // Readers scale vectors to length 1 if they are asked to.
  return { type, leftOut: layers.length ? ['Normalize'] : [] };
}

/** A GGUF file once more, whose parts become one. */
function againOf(checkpoint: GgufCheckpoint): Plan {
  const kept = [...metadataToWrite(checkpoint.head)].filter(([key]) => !key.startsWith('split.'));
  const tensors = [...checkpoint.tensors.values()].map(({ name, shape }) => ({
    name,
    shape,
    from: { sources: [name] },
  }));
  return { checkpoint, metadata: new Map(kept), tensors, leftOut: [], differentlyCut: [] };
}

type Json = Readonly<Record<string, unknown>>;

/** The tokenizer among the files; what stands for none where there is none. */
async function vocabularyOf(files: ModelFiles, size: number, config: Json, signal?: AbortSignal) {
  const names = (await files.list?.()) ?? ['tokenizer.json', 'tokenizer_config.json'];
  const found: Record<string, Uint8Array> = {};
  for (const name of [...tokenizerFileNames(names), 'chat_template.jinja']) {
    const bytes = await readFile(files, name, signal);
    if (bytes) found[name] = bytes;
  }
  if (tokenizerFileNames(Object.keys(found)).length === 0)
    return { metadata: { 'tokenizer.ggml.model': NO_VOCABULARY }, differing: [] };
  const { eos_token_id: ends } = { ...config, ...(await readJson(files, 'generation_config.json', signal)) };
  return ggufVocabulary(
    found,
    size,
    [ends].flat().filter((id): id is number => typeof id === 'number'),
  );
}

function tensorOf(
  checkpoint: Checkpoint,
  { name, shape, from }: GgufTensorPlan,
  dtype: TensorDType,
  measured: (error: RoundingError) => void,
): TensorToWrite {
  if (from instanceof Float32Array)
    return roundedTensor(
      { name, shape, dtype },
      async function* () {
        yield from;
      },
      measured,
    );
  const [source = ''] = from.sources;
  const moved = from.sources.length > 1 || from.transposed || from.interleaved || from.plus;
  // Blocks that are made once more from their own values need not come out the same.
  if (!moved && checkpoint.tensors.get(source)!.dtype === dtype) {
    measured(NO_ERROR);
    return { name, shape, dtype, chunks: () => storedBytes(checkpoint, source) };
  }
  return roundedTensor({ name, shape, dtype }, () => arrangedRows(checkpoint, from), measured);
}
