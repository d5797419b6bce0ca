/** The head of a model that only its adapter has: a classifier that was trained on top of a language model. */
import { type Checkpoint, type ModelFiles, viewCheckpoint } from '../formats/index.ts';
import { plainName } from './adapter-plan.ts';
import { openAdapter } from './adapters.ts';
import { newHeadFields } from './new-head.ts';

type Json = Readonly<Record<string, unknown>>;

/** The tensors that an adapter's file holds as a whole, by the reference's names. Close it. @throws what `openAdapter` throws */
export async function savedTensors(files: ModelFiles, signal?: AbortSignal): Promise<Checkpoint> {
  const checkpoint = await openAdapter(files, signal);
  const names = [...checkpoint.tensors.keys()].filter(key => !key.includes('.lora_'));
  return viewCheckpoint(checkpoint, new Map(names.map(source => [plainName(source), { source }])), files.name);
}

/** A checkpoint with the tensors of another one besides that stand for parameters which it lacks. Closing it leaves that one open. */
export function joinCheckpoints(
  checkpoint: Checkpoint,
  other: Checkpoint,
  rename: (key: string) => string | undefined,
): Checkpoint {
  const there = new Set([...checkpoint.tensors.keys()].map(rename));
  const added = new Map([...other.tensors].filter(([key]) => !there.has(rename(key))));
  return {
    format: checkpoint.format,
    metadata: checkpoint.metadata,
    tensors: new Map([...checkpoint.tensors, ...added]),
    read: (name, ...range) => (added.has(name) ? other : checkpoint).read(name, ...range),
    close: () => checkpoint.close(),
  };
}

/** What ends a classifier: a row for each class. */
const CLASSIFIER = /^(?!.*(attn|attention)\.)(.*\.)?(score|classifier|out_proj|logits_proj)\.weight$/;

/** config.json with as many labels as the classifier among the tensors has, where the model's own does not say so. */
export function withLabels(json: Json, { tensors, metadata }: Checkpoint): Json {
  const classifier = [...tensors.values()].find(({ name, shape }) => CLASSIFIER.test(name) && shape.length === 2);
  const count = classifier?.shape[0];
  const { id2label, label2id: _, ...rest } = json;
  const labels = savedLabels(metadata[LABELS]);
  if (labels && labels.length === count) return { ...rest, ...newHeadFields({ labels }) };
  if (count === undefined || (id2label && Object.keys(id2label).length === count)) return json;
  return { ...rest, num_labels: count };
}

/** PEFT's files have no place for the names of classes; the weights file's metadata has, which PEFT leaves alone. */
export const LABELS = 'labels';
function savedLabels(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    // Another program's entry of this name says nothing here.
    return undefined;
  }
  return Array.isArray(list) && list.every(label => typeof label === 'string') ? list : undefined;
}
