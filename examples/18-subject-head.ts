/** Which attention head finds the subject of a verb, on sentences whose analysis is known; and what is lost without it. */
import { load } from 'heed';
import { ablateHeads, probeItems, readConllu, relationHeads, treebankRows, watchPatterns } from 'heed/explain';
import { conlluLines } from '../kleinwelt/conllu.ts';
import { createChoices, sampleDocument } from '../kleinwelt/index.ts';

const model = await load('kleinwelt-bert');
const documents = Array.from({ length: 60 }, (_, i) => sampleDocument(createChoices(5, i), { split: 'test' }));
const treebank = [...conlluLines(documents)].join('\n');
const rows = [...treebankRows(model, readConllu(treebank), { relations: ['nsubj', 'det', 'obj'] })];

const relations = relationHeads();
await watchPatterns(model, rows, [relations]);
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const reports = relations.result();
for (const { relation, direction, head, offset, beatsOffset } of reports)
  console.log(
    `${relation} ${direction}: head ${head.layer}.${head.head} ${percent(head.accuracy.value)};`,
    `always ${offset.offset} on: ${percent(offset.accuracy.value)}${beatsOffset ? '' : ' (no proof that the head is better)'}`,
  );

// Does the model need it? Words are hidden, and found again with the head and without it.
const subject = reports.find(({ relation, direction }) => relation === 'nsubj' && direction === 'toDependent');
if (subject) {
  const { site, head } = subject.head;
  const { effect, accuracyBefore } = await ablateHeads(
    model,
    [{ site, head }],
    [...probeItems(model, rows.slice(0, 40))],
  );
  console.log(
    `hidden words found: ${percent(accuracyBefore.value)}, without it ${percent(effect.accuracyAfter.value)}`,
  );
}
model.dispose();
