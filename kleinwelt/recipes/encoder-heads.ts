/** What the encoder is fine-tuned to: adapters on it (LoRA), each with a head of its own, so that its weights exist once. */
import {
  classification,
  contrastive,
  questionAnswering,
  tokenClassification,
} from '../../src/train/objectives/index.ts';
import type { Task } from '../tasks/index.ts';
import { ENTITY_TAGS, entityRows, questionRows, SENTIMENTS, sentimentRows, similarityRows } from '../tasks/index.ts';
import type { Recipe } from '../training/recipe.ts';
import type { RowStream } from '../training/stream.ts';
import { CONTEXT, TRAINING } from './sizes.ts';

const RANK = 8;
/** Sentences; questions have whole stories. */
const LENGTH = 64;

const rowsOf = <R extends object>(task: Task<R>): { readonly rows: RowStream; readonly heldOut: RowStream } => ({
  rows: seed => task({ seed, split: 'train' }) as Iterable<Readonly<Record<string, unknown>>>,
  heldOut: seed => task({ seed, split: 'test' }) as Iterable<Readonly<Record<string, unknown>>>,
});
const on = (labels?: readonly string[], r = RANK) => ({ base: 'kleinwelt-bert', r, labels }) as const;
const train = { ...TRAINING, optim: 'adamw', warmupSteps: 100, weightDecay: 0, learningRate: 4e-3 } as const;

export const sentiment: Recipe = {
  name: 'kleinwelt-bert-sentiment',
  title: 'Sentiment of a sentence',
  head: 'sequenceClassification',
  from: on(SENTIMENTS),
  objective: tokenizer => classification({ tokenizer, maxLength: LENGTH, labels: SENTIMENTS, padToMultipleOf: 8 }),
  ...rowsOf(sentimentRows),
  batchSize: 32,
  train: { ...train, maxSteps: 2000, learningRate: 1.5e-3 },
};
export const entities: Recipe = {
  name: 'kleinwelt-bert-entities',
  title: 'Names in a sentence',
  head: 'tokenClassification',
  from: on(ENTITY_TAGS),
  objective: tokenizer =>
    tokenClassification({ tokenizer, maxLength: LENGTH, labels: ENTITY_TAGS, padToMultipleOf: 8 }),
  ...rowsOf(entityRows),
  batchSize: 32,
  train: { ...train, maxSteps: 1000 },
};
export const answers: Recipe = {
  name: 'kleinwelt-bert-answers',
  title: 'Answers to questions about a text',
  head: 'questionAnswering',
  // To find the words of the question in a text takes more than to judge one.
  from: on(undefined, 3 * RANK),
  objective: tokenizer => questionAnswering({ tokenizer, maxLength: CONTEXT, docStride: 64, padToMultipleOf: 16 }),
  ...rowsOf(questionRows),
  batchSize: 24,
  train: { ...train, maxSteps: 6000, learningRate: 2e-3 },
};
export const sentences: Recipe = {
  name: 'kleinwelt-bert-sentences',
  title: 'Sentence vectors: what means the same lies together, in both languages',
  head: 'base',
  from: on(),
  objective: tokenizer => contrastive({ tokenizer, maxLength: LENGTH, padToMultipleOf: 8 }),
  ...rowsOf(similarityRows),
  batchSize: 48,
  train: { ...train, maxSteps: 1200 },
};
