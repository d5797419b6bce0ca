/**
 * Transfer learning: the pretrained encoder, fine-tuned as a whole on few sentences with their sentiment, against the same encoder from
 * random parameters. Several draws of the sentences each; accuracy on the same held-out ones.
 */
import { join } from 'node:path';
import { create, load, type Model } from '../../src/index.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import { batches, rowsOf, tokenizeRows } from '../../src/train/data/index.ts';
import { train } from '../../src/train/index.ts';
import { classification } from '../../src/train/objectives/index.ts';
import { bootstrap, meanStatistic } from '../../src/util/statistics/index.ts';
import { encoder } from '../recipes/encoder.ts';
import { SENTIMENTS, sentimentRows } from '../tasks/index.ts';
import { first } from '../tasks/task.ts';
import type { ComparedPoint } from './comparison-chart.ts';

const SIZES = [50, 200, 1000] as const;
const [DRAWS, HELD_OUT, LENGTH, SEED] = [3, 400, 64, 506];
/** Enough for both to come to rest on a thousand sentences. */
const STEPS = { 50: 60, 200: 150, 1000: 300 } as const;

export interface TransferResult {
  readonly pretrained: readonly ComparedPoint[];
  readonly scratch: readonly ComparedPoint[];
}

/** @param models the folder `models/` with the pretrained encoder */
export async function transfer(models: string, onRun?: (text: string) => void): Promise<TransferResult> {
  const result = { pretrained: [] as ComparedPoint[], scratch: [] as ComparedPoint[] };
  for (const size of SIZES)
    for (const kind of ['pretrained', 'scratch'] as const) {
      const right: number[] = [];
      for (let draw = 0; draw < DRAWS; draw++) {
        const model = kind === 'pretrained' ? await pretrained(models, draw) : await fromScratch(models, draw);
        right.push(...(await learned(model, size, draw)));
        model.dispose();
      }
      const { value, low, high } = bootstrap(right, meanStatistic);
      result[kind].push({ x: size, value, low, high });
      onRun?.(`${size} sentences, ${kind}: ${(100 * value).toFixed(1)} % right`);
    }
  return result;
}

const pretrained = (models: string, seed: number): Promise<Model> =>
  load(join(models, 'kleinwelt-bert'), {
    ...{ head: 'sequenceClassification', trainable: true, newHead: { labels: SENTIMENTS, seed } },
  });
function fromScratch(models: string, seed: number): Promise<Model> {
  if (!('config' in encoder.from)) throw new TypeError('the encoder begins with a config');
  const labels = {
    id2label: Object.fromEntries(SENTIMENTS.map((label, i) => [i, label])),
    label2id: Object.fromEntries(SENTIMENTS.map((label, i) => [label, i])),
  };
  const config = { ...encoder.from.config, ...labels, architectures: ['BertForSequenceClassification'] };
  return create(config, { head: 'sequenceClassification', tokenizer: join(models, 'kleinwelt-bert'), seed });
}

/** For each held-out sentence 1 if it is judged right. */
async function learned(model: Model, size: (typeof SIZES)[number], draw: number): Promise<number[]> {
  const objective = classification({
    tokenizer: model.tokenizer,
    maxLength: LENGTH,
    labels: SENTIMENTS,
    padToMultipleOf: 8,
  });
  const rows = first(sentimentRows({ seed: SEED + draw, split: 'train' }), size);
  const data = await tokenizeRows(rowsOf(rows as unknown as Readonly<Record<string, unknown>>[]), objective);
  const order = batches({ data, objective, batchSize: 25, seed: draw });
  const options = { batches: order, maxSteps: STEPS[size], learningRate: 1e-3, warmupRatio: 0.1, seed: draw };
  for await (const event of train(model, options)) if (event.type === 'warning') throw new Error(event.message);
  const held = first(sentimentRows({ seed: SEED, split: 'test' }), HELD_OUT);
  const found = await (await pipeline('text-classification', model))(held.map(({ text }) => text));
  return held.map(({ label }, i) => Number(found[i]![0]!.label === label));
}
