/** Which attention head finds the subject of a verb, on sentences whose analysis is known; and what is lost without it. */
import { load } from 'heed';
import {
  ablateHeads,
  type CorpusRow,
  probeItems,
  readConllu,
  relationHeads,
  treebankRows,
  watchPatterns,
} from 'heed/explain';
import { conlluLines } from '../kleinwelt/conllu.ts';
import { createChoices, sampleDocument } from '../kleinwelt/index.ts';

const model = await load('kleinwelt-llama');
const documents = Array.from({ length: 150 }, (_, i) =>
  sampleDocument(createChoices(5, i), { language: 'de', split: 'test' }),
);
const treebank = [...conlluLines(documents)].join('\n');
const options = { relations: ['nsubj', 'det', 'obj'], unit: 'document' } as const;
const rows = [...treebankRows(model, readConllu(treebank), options)];

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
  const wordsOf = ({ annotation }: CorpusRow) =>
    (annotation?.pairs ?? [])
      .filter(({ relation, direction }) => relation === 'nsubj' && direction === 'toDependent')
      .map(({ query }) => query);
  const items = [...probeItems(model, rows, { wordsOf })];
  const { effect, accuracyBefore } = await ablateHeads(model, [{ site, head }], items);
  console.log(
    `right words behind verbs: ${percent(accuracyBefore.value)}, without the head ${percent(effect.accuracyAfter.value)}`,
  );
}
model.dispose();
