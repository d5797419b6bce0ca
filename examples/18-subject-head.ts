/** Which attention head finds the subject of a verb, on sentences whose analysis is known; and what is lost without it. */
import { load } from 'heed';
import { ablateHeads, probeItems, readConllu, relationHeads, treebankRows, watchPatterns } from 'heed/explain';
import { conlluLines } from '../kleinwelt/conllu.ts';
import { createChoices, sampleDocument } from '../kleinwelt/index.ts';

const model = await load('kleinwelt-llama');
const texts = { language: 'de', split: 'test' } as const;
const documents = Array.from({ length: 150 }, (_, i) => sampleDocument(createChoices(5, i), texts));
const treebank = readConllu([...conlluLines(documents)].join('\n'));
const rows = [...treebankRows(model, treebank, { relations: ['nsubj', 'obj'], unit: 'document' })];

const relations = relationHeads();
await watchPatterns(model, rows, [relations]);
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const reports = relations.result();
for (const { relation, direction, head, offset, beatsOffset } of reports)
  console.log(
    `${relation} ${direction}: head ${head.layer}.${head.head} ${percent(head.accuracy.value)};`,
    `always ${offset.offset} on: ${percent(offset.accuracy.value)}${beatsOffset ? '' : ' (no proof that the head is better)'}`,
  );

// Does the model need it? What follows each verb is predicted with the head and without it.
const subject = reports.find(({ relation, direction }) => relation === 'nsubj' && direction === 'toDependent');
if (subject) {
  const { site, head } = subject.head;
  const items = probeItems(model, rows, {
    wordsOf: ({ annotation }) =>
      (annotation?.pairs ?? [])
        .filter(pair => pair.relation === 'nsubj' && pair.direction === 'toDependent')
        .map(({ query }) => query),
  });
  const { effect, accuracyBefore } = await ablateHeads(model, [{ site, head }], [...items]);
  const [before, after] = [accuracyBefore, effect.accuracyAfter].map(({ value }) => percent(value));
  console.log(`right words behind verbs: ${before}, without the head ${after}`);
}
model.dispose();
