/** Texts as a batch for a head that reads them whole. */
import { ConfigError } from '../../../errors.ts';
import type { ModelInputs } from '../../../models/forward.ts';
import type { Tensor } from '../../../tensor/index.ts';
import type { Encoding } from '../../../tokenizers/index.ts';
import type { EvaluatedModel } from './output-kind.ts';

/** The inputs of encodings, padded on the right. */
export function batchOf(encodings: readonly Encoding[], padId = 0): ModelInputs {
  const longest = Math.max(...encodings.map(({ ids }) => ids.length));
  const padded = (rows: readonly (readonly number[])[], fill: number) =>
    rows.map(row => [...row, ...Array<number>(longest - row.length).fill(fill)]);
  const types = encodings.map(({ typeIds }) => typeIds);
  return {
    input_ids: padded(
      encodings.map(({ ids }) => ids),
      padId,
    ),
    attention_mask: padded(
      encodings.map(({ ids }) => ids.map(() => 1)),
      0,
    ),
    // Where all are of one segment, the model's own default is as good.
    ...(types.some(row => row.includes(1)) && { token_type_ids: padded(types, 0) }),
  };
}

/** What a head gives for a text. */
export interface TextOutputs {
  /** The row of each asked output. */
  readonly rows: readonly Float32Array[];
  /** Tokens of the row with its padding: `[tokens, ...]` where an output has something for each. */
  readonly tokens: number;
}

/**
 * The outputs of a model's head for encodings, `batchSize` at a time.
 * @throws ConfigError when the model has another head
 */
export async function outputsOf(
  model: EvaluatedModel,
  encodings: readonly Encoding[],
  names: readonly string[],
  { batchSize, signal, task }: { batchSize: number; signal: AbortSignal | undefined; task: string },
): Promise<readonly TextOutputs[]> {
  const all: TextOutputs[] = [];
  for (let from = 0; from < encodings.length; from += batchSize) {
    signal?.throwIfAborted();
    const part = encodings.slice(from, from + batchSize);
    const outputs = (await model.run?.(batchOf(part, model.tokenizer.specialTokens.pad)))?.outputs ?? {};
    const found = await Promise.all(names.map(name => dataOf(outputs[name], model, name, task)));
    const tokens = Math.max(...part.map(({ ids }) => ids.length));
    for (let b = 0; b < part.length; b++) {
      const own = (data: Float32Array) =>
        data.subarray((b * data.length) / part.length, ((b + 1) * data.length) / part.length);
      all.push({ rows: found.map(own), tokens });
    }
  }
  return all;
}

async function dataOf(tensor: Tensor | undefined, model: EvaluatedModel, name: string, task: string) {
  if (tensor) return (await tensor.data()) as Float32Array;
  throw new ConfigError(`this model gives no ${name}`, {
    seen: `the head ${model.parts.head}`,
    fix: 'load a checkpoint for this kind of task',
    where: task,
  });
}

/** @throws ConfigError when the model runs under another head */
export function checkHead({ parts: { head } }: EvaluatedModel, heads: readonly string[], task: string): void {
  if (heads.includes(head)) return;
  throw new ConfigError('this task is for another kind of model', {
    seen: head,
    expected: heads.join(', '),
    where: task,
  });
}

/** Labels by number, from the config. */
export function labelsOf({ parts }: EvaluatedModel, count: number): readonly string[] {
  const { json, changes } = parts.origin ?? {};
  const { id2label = {} } = { ...(json as object), ...(changes as object) } as {
    id2label?: Readonly<Record<string, string>>;
  };
  return Array.from({ length: count }, (_, i) => id2label[i] ?? `LABEL_${i}`);
}
