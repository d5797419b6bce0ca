/** What the encoder and its adapters know of held-out sentences. */

import { classificationReport, sequenceReport } from '../../src/evaluate/scores/index.ts';
import type { Model } from '../../src/index.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import type { Sentence } from '../sentence.ts';
import { entityRow } from '../tasks/entities.ts';
import { fillMaskRows, questionRows, sentimentRows } from '../tasks/index.ts';
import { similarityRows } from '../tasks/similarity.ts';
import { first, rowsFrom, type TaskOptions } from '../tasks/task.ts';
import { figure, share } from './intervals.ts';
import type { Score } from './score.ts';

const SEED = 502;
const test = { seed: SEED, split: 'test' } as const;

/** Words that the rest of the sentence determines; those of several tokens cannot stand in the place of one mask. */
export async function fillMaskScores(model: Model): Promise<Score[]> {
  const fill = await pipeline('fill-mask', model);
  const scores: Score[] = [];
  for (const [scope, count, what] of [
    ['vocabulary', 1000, 'the only word that makes the sentence grammatical is the first guess among all tokens'],
    ['class', 1000, 'of the forms of a word, the only grammatical one is the most probable'],
    ['recall', 500, 'the last word of a fact that the first sentence of the story states is the first guess'],
  ] as const) {
    const ids = (word: string) => model.tokenizer.encodeIds(word, { addSpecialTokens: false });
    const all = fillMaskRows({ ...test, scope });
    const rows = first(
      withOneToken(all, word => ids(word).length === 1),
      count,
    );
    const right: boolean[] = [];
    for (const { text, answer, options } of rows) {
      const own = options.filter(word => ids(word).length === 1);
      const [best] = await fill(text, scope === 'class' && own.length > 1 ? { targets: own, topK: 1 } : { topK: 1 });
      right.push(best!.tokenStr.trim().toLowerCase() === answer.toLowerCase());
    }
    scores.push(share({ name: `fill-mask-${scope}`, what, goal: scope === 'vocabulary' ? 0.95 : undefined }, right));
  }
  return scores;
}
function* withOneToken<R extends { readonly answer: string }>(rows: Iterable<R>, isOne: (word: string) => boolean) {
  for (const row of rows) if (isOne(row.answer)) yield row;
}

export async function sentimentScores(model: Model): Promise<Score[]> {
  const classify = await pipeline('text-classification', model);
  const rows = first(sentimentRows(test), 1000);
  const found = await classify(rows.map(({ text }) => text));
  const pairs = rows.map(({ label }, i) => [found[i]![0]!.label, label] as const);
  const macroF1 = (sample: readonly (readonly [string, string])[]) =>
    classificationReport(
      sample.map(([guess]) => guess),
      sample.map(([, truth]) => truth),
    ).macro.f1;
  const what = 'macro F1 of positive, negative and neutral sentences, with negations and reversals';
  return [figure({ name: 'sentiment-f1', what, goal: 0.95 }, 'share', pairs, macroF1)];
}

export async function entityScores(model: Model): Promise<Score[]> {
  const find = await pipeline('token-classification', model);
  const items: TaggedSentence[] = [];
  for (const sentence of first(sentencesWithNames(test), 1000)) items.push(await tagged(find, sentence));
  const f1 = (sample: readonly TaggedSentence[]) =>
    sequenceReport(
      sample.map(([guess]) => guess),
      sample.map(([, truth]) => truth),
    ).micro.f1;
  const what = 'F1 of whole names (seqeval), of people, places, organisations and animals';
  return [figure({ name: 'entities-f1', what, goal: 0.95 }, 'share', items, f1)];
}
/** The tags that a model gives to the words of a sentence, and the true ones. */
type TaggedSentence = readonly [guess: readonly string[], truth: readonly string[]];
export async function tagged(
  find: Awaited<ReturnType<typeof pipeline<'token-classification'>>>,
  sentence: Sentence,
): Promise<TaggedSentence> {
  const groups = await find(sentence.text, { aggregationStrategy: 'first' });
  const tags = sentence.words.map(({ start, end }) => {
    const group = groups.find(g => g.start < end && start < g.end);
    return group ? `${group.start >= start ? 'B' : 'I'}-${group.entityGroup}` : 'O';
  });
  return [tags, entityRow(sentence).ner_tags];
}
export function* sentencesWithNames(options: TaskOptions): Generator<Sentence> {
  for (const { sentence } of rowsFrom(options, ({ sentence }) => ({ sentence: sentence() })))
    if (sentence.words.some(({ entity }) => entity)) yield sentence;
}

export async function answerScores(model: Model): Promise<Score[]> {
  const answer = await pipeline('question-answering', model);
  const rows = first(questionRows(test), 1000);
  const found = await answer(rows.map(({ question, context }) => ({ question, context })));
  const right = rows.map(({ answers }, i) => answers.text.includes(found[i]!.answer));
  return [
    share({ name: 'answers-exact', what: 'exact answers to questions about 1 to 10 sentences', goal: 0.95 }, right),
  ];
}

/** Of a hundred sentences of the other language the nearest is the translation. */
export async function vectorScores(model: Model): Promise<Score[]> {
  const [AMONG, GROUPS] = [100, 5];
  const translations = (function* () {
    for (const row of similarityRows(test)) if (row.kind === 'translation') yield row;
  })();
  const right: boolean[] = [];
  const rows = first(translations, AMONG * GROUPS);
  for (let group = 0; group < GROUPS; group++) {
    const own = rows.slice(group * AMONG, (group + 1) * AMONG);
    const [a, b] = await Promise.all(
      [own.map(r => r.sentence1), own.map(r => r.sentence2)].map(texts => vectors(model, texts)),
    );
    for (const [i, text] of a!.entries()) {
      const cosines = b!.map(other => other.reduce((sum, x, j) => sum + x * text[j]!, 0));
      right.push(cosines.indexOf(Math.max(...cosines)) === i);
    }
  }
  const what = `the translation is the nearest of ${AMONG} sentences`;
  return [share({ name: 'retrieval', what, goal: 0.9 }, right)];
}
async function vectors(model: Model, texts: readonly string[]): Promise<number[][]> {
  const tensor = await model.embed(texts, { normalize: true });
  const [B, C] = tensor.shape as [number, number];
  const data = await tensor.data();
  return Array.from({ length: B }, (_, i) => Array.from(data.slice(i * C, (i + 1) * C), Number));
}
