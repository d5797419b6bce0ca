/** Vectors of texts: how alike two are, and which of many is the other's. */
import { ConfigError } from '../../../errors.ts';
import { argmax } from '../../../util/softmax.ts';
import { brief } from '../../data-row.ts';
import { targetText } from '../prompts.ts';
import type { TaskConfig } from '../task-config.ts';
import { defineKind, type EvaluatedModel } from './output-kind.ts';

/** `doc_to_text` is a list of two texts, `doc_to_target` how alike they are: semantic textual similarity. */
export const similarity = defineKind<{ readonly truth: number; readonly cosine: number }>({
  type: 'similarity',
  defaults: ['spearman', 'pearson'],
  metrics: {
    spearman: ({ truth, cosine }) => [truth, cosine],
    pearson: ({ truth, cosine }) => [truth, cosine],
  },
  async ask(model, items, { config, signal, batchSize }) {
    const pairs = items.map(({ text, id }) => {
      if (Array.isArray(text) && text.length === 2) return text.map(String) as [string, string];
      throw new ConfigError('an item is no pair of texts', {
        seen: brief(text),
        expected: 'doc_to_text: "{{[a, b]}}"',
        where: `${config.task}, item ${id}`,
      });
    });
    const vectors = await vectorsOf(model, pairs.flat(), { batchSize, signal, task: config.task });
    return items.map(({ target, id }, i) => {
      const cosine = dot(vectors[2 * i]!, vectors[2 * i + 1]!);
      const truth = typeof target === 'string' && target.trim() === '' ? Number.NaN : Number(target);
      if (!Number.isFinite(truth))
        throw new ConfigError('how alike two texts are is a number', {
          seen: brief(target),
          expected: 'doc_to_target, such as 4.2',
          where: `${config.task}, item ${id}`,
        });
      const facts = { truth, cosine };
      return { target: String(target), answers: [{ filter: 'none', prediction: cosine.toFixed(3), facts }] };
    });
  },
});

/** Among how many the right one is looked for, unless the task says `metadata: { among: N }` or has fewer items. */
const AMONG = 100;
/** @throws ConfigError for what is no number of items */
function amongOf({ metadata, task }: TaskConfig): number {
  const among = metadata?.among ?? AMONG;
  if (Number.isInteger(among) && (among as number) >= 2) return among as number;
  throw new ConfigError('among how many to look is a whole number from 2 on', {
    seen: brief(among),
    where: `${task}, metadata.among`,
  });
}
/** `doc_to_text` finds its `doc_to_target` among those of the items around it, such as a sentence its translation. */
export const retrieval = defineKind<{ readonly rank: number }>({
  type: 'retrieval',
  defaults: ['acc', 'top5', 'mrr'],
  metrics: {
    acc: ({ rank }) => (rank === 0 ? 1 : 0),
    top5: ({ rank }) => (rank < 5 ? 1 : 0),
    mrr: ({ rank }) => 1 / (rank + 1),
  },
  together: amongOf,
  async ask(model, items, { config, signal, batchSize }) {
    const options = { batchSize, signal, task: config.task };
    const targets = items.map(item => targetText(item, config.task));
    const [queries, documents] = [
      await vectorsOf(
        model,
        items.map(({ prompt }) => prompt),
        options,
      ),
      await vectorsOf(model, targets, options),
    ];
    const among = amongOf(config);
    return items.map((_, i) => {
      // As many for each item: where more are together, those around it.
      const from = Math.max(0, Math.min(i - (among >> 1), documents.length - among));
      const scores = documents.slice(from, from + among).map(document => dot(queries[i]!, document));
      const found = from + argmax(scores);
      const rank = scores.filter(score => score > scores[i - from]!).length;
      const facts = { rank };
      return { target: targets[i]!, answers: [{ filter: 'none', prediction: targets[found]!, facts }], details: facts };
    });
  },
});

/** A vector of length 1 for each text. */
async function vectorsOf(
  model: EvaluatedModel,
  texts: readonly string[],
  { batchSize, signal, task }: { batchSize: number; signal: AbortSignal | undefined; task: string },
): Promise<Float64Array[]> {
  if (!model.embed) throw new ConfigError('this model gives texts no vectors', { where: task });
  const vectors: Float64Array[] = [];
  for (let from = 0; from < texts.length; from += batchSize) {
    signal?.throwIfAborted();
    const tensor = await model.embed(texts.slice(from, from + batchSize));
    const [data, width] = [await tensor.data(), tensor.dim(1)];
    for (let at = 0; at < data.length; at += width) {
      const vector = Float64Array.from(data.subarray(at, at + width));
      const length = Math.sqrt(dot(vector, vector)) || 1;
      vectors.push(vector.map(x => x / length));
    }
  }
  return vectors;
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
