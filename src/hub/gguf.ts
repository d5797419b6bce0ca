/** Models in GGUF files: what a folder says in several files, these say in one. */
import {
  type Checkpoint,
  type GgufCheckpoint,
  ggufNames,
  isGguf,
  isWeightsFile,
  openCheckpointFrom,
  viewCheckpoint,
} from '../formats/index.ts';
import { ggufModel } from '../models/gguf-model.ts';
import type { Pooling } from '../nn/pooling.ts';
import type { ModelFiles } from './files.ts';
import type { SentencePipeline } from './sentence-transformers.ts';

type Json = Readonly<Record<string, unknown>>;

export interface OpenGguf {
  /** What config.json would hold. */
  readonly json: Json;
  /** What generation_config.json would hold. */
  readonly generation: Json;
  /** The tensors by the names of other checkpoints; the caller closes it. */
  readonly checkpoint: Checkpoint;
  /** The file itself. */
  readonly file: GgufCheckpoint;
}

/**
 * Opens a model's GGUF file, if that is what the weights are: the file that was chosen, or the only weights of a folder.
 * @throws FormatError, CheckpointError, UnsupportedError for an architecture that is not known
 */
export async function openGgufModel(files: ModelFiles, signal?: AbortSignal): Promise<OpenGguf | undefined> {
  const file = await openGgufFile(files, signal);
  if (!file) return undefined;
  try {
    const { json, generation, views } = await ggufModel(file, files.name);
    return { json, generation, checkpoint: viewCheckpoint(file, views, files.name), file };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The GGUF file that is a model's weights, whatever it holds; undefined when they are of another form. */
export async function openGgufFile(files: ModelFiles, signal?: AbortSignal): Promise<GgufCheckpoint | undefined> {
  if (!(await isGgufModel(files))) return undefined;
  const file = await openCheckpointFrom(files, signal);
  if (isGguf(file)) return file;
  // The name is that of a GGUF file, the content is another checkpoint's.
  await file.close();
  return undefined;
}

async function isGgufModel(files: ModelFiles): Promise<boolean> {
  if (files.weights !== undefined) return files.weights.endsWith('.gguf');
  const names = (await files.list?.()) ?? [];
  const others = names.filter(name => isWeightsFile(name) && !name.endsWith('.gguf'));
  return others.length === 0 && ggufNames(names).length > 0;
}

/** How the vectors of an encoder are pooled, by the number that files give it. */
const POOLINGS: Readonly<Record<number, Pooling>> = { 1: 'mean', 2: 'cls', 3: 'lasttoken' };

/** The number of a way of pooling; undefined where files have none for it. */
export const poolingType = (pooling: Pooling): number | undefined => {
  const found = Object.entries(POOLINGS).find(([, name]) => name === pooling);
  return found && Number(found[0]);
};

/** What becomes of an encoder's states, where the file says. */
export function ggufSentence({ head }: GgufCheckpoint): SentencePipeline | undefined {
  const type = head.values.get(`${head.values.get('general.architecture')}.pooling_type`);
  const pooling = typeof type === 'number' ? POOLINGS[type] : undefined;
  return pooling && { pooling: [pooling], layers: [], maxTokens: undefined, lowerCase: false };
}
