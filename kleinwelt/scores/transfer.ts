/**
 * Transfer learning: the pretrained encoder, fine-tuned as a whole on few sentences, against the same encoder from random parameters.
 * Several draws of the sentences each; accuracy on the same held-out ones. Two tasks, as it depends on the task whether what finds
 * hidden words helps: that *Anna* is a person follows from where such words stand; whether *wonderful* is praise does not, as
 * *terrible* stands in the same places.
 */
import { join } from 'node:path';
import { create, load, type Model } from '../../src/index.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import { batches, rowsOf, tokenizeRows } from '../../src/train/data/index.ts';
import { train } from '../../src/train/index.ts';
import { bootstrap, meanStatistic } from '../../src/util/statistics/index.ts';
import { encoder } from '../recipes/encoder.ts';
import { entities, sentiment } from '../recipes/encoder-heads.ts';
import { ENTITY_TAGS, SENTIMENTS, sentimentRows } from '../tasks/index.ts';
import { first } from '../tasks/task.ts';
import type { Recipe } from '../training/recipe.ts';
import type { ComparedPoint } from './comparison-chart.ts';
import { sentencesWithNames, tagged } from './encoder.ts';

const SIZES = [50, 200, 1000] as const;
const [DRAWS, HELD_OUT, SEED] = [3, 400, 506];
/** Enough for both to come to rest on a thousand sentences. */
const STEPS = { 50: 60, 200: 150, 1000: 300 } as const;
const test = { seed: SEED, split: 'test' } as const;

interface TransferTask {
  readonly recipe: Recipe;
  readonly labels: readonly string[];
  /** For each held-out sentence 1 if it is judged right. */
  readonly right: (model: Model) => Promise<number[]>;
}
export const TRANSFER = {
  entities: {
    recipe: entities,
    labels: ENTITY_TAGS,
    async right(model) {
      const find = await pipeline('token-classification', model);
      const right: number[] = [];
      for (const sentence of first(sentencesWithNames(test), HELD_OUT)) {
        const [guess, truth] = await tagged(find, sentence);
        right.push(Number(guess.every((tag, i) => tag === truth[i])));
      }
      return right;
    },
  },
  sentiment: {
    recipe: sentiment,
    labels: SENTIMENTS,
    async right(model) {
      const held = first(sentimentRows(test), HELD_OUT);
      const found = await (await pipeline('text-classification', model))(held.map(({ text }) => text));
      return held.map(({ label }, i) => Number(found[i]![0]!.label === label));
    },
  },
} as const satisfies Readonly<Record<string, TransferTask>>;

export interface TransferResult {
  readonly pretrained: readonly ComparedPoint[];
  readonly scratch: readonly ComparedPoint[];
}

/** @param models the folder `models/` with the pretrained encoder */
export async function transfer(
  models: string,
  task: TransferTask,
  onRun?: (text: string) => void,
): Promise<TransferResult> {
  const result = { pretrained: [] as ComparedPoint[], scratch: [] as ComparedPoint[] };
  for (const size of SIZES)
    for (const kind of ['pretrained', 'scratch'] as const) {
      const right: number[] = [];
      for (let draw = 0; draw < DRAWS; draw++) {
        const model = await (kind === 'pretrained' ? pretrained : fromScratch)(models, task, draw);
        await learn(model, task, size, draw);
        right.push(...(await task.right(model)));
        model.dispose();
      }
      const { value, low, high } = bootstrap(right, meanStatistic);
      result[kind].push({ x: size, value, low, high });
      onRun?.(`${size} sentences, ${kind}: ${(100 * value).toFixed(1)} % right`);
    }
  return result;
}

const pretrained = (models: string, { recipe, labels }: TransferTask, seed: number): Promise<Model> =>
  load(join(models, 'kleinwelt-bert'), { head: recipe.head, trainable: true, newHead: { labels, seed } });
function fromScratch(models: string, { recipe, labels }: TransferTask, seed: number): Promise<Model> {
  if (!('config' in encoder.from)) throw new TypeError('the encoder begins with a config');
  const { architectures: _, ...config } = encoder.from.config;
  const named = {
    id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
  };
  return create({ ...config, ...named }, { head: recipe.head, tokenizer: join(models, 'kleinwelt-bert'), seed });
}

async function learn(model: Model, { recipe }: TransferTask, size: (typeof SIZES)[number], draw: number) {
  const objective = recipe.objective(model.tokenizer);
  const rows: Readonly<Record<string, unknown>>[] = [];
  for (const row of recipe.rows(SEED + draw)) {
    rows.push(row);
    if (rows.length === size) break;
  }
  const data = await tokenizeRows(rowsOf(rows), objective);
  const order = batches({ data, objective, batchSize: 25, seed: draw });
  const options = { batches: order, maxSteps: STEPS[size], learningRate: 1e-3, warmupRatio: 0.1, seed: draw };
  for await (const event of train(model, options)) if (event.type === 'warning') throw new Error(event.message);
}
