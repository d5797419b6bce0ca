/** One encoder, two adapters: how a sentence judges, and which names are in it. */
import { pipeline } from 'heed';

const texts = ['Anna Berger findet die Suppe nicht gut.', 'The soup in Seedorf is very good.', 'Der Hund schläft.'];

const classify = await pipeline('sentiment-analysis', 'kleinwelt-bert-sentiment');
const judgements = await classify(texts);
const find = await pipeline('ner', 'kleinwelt-bert-entities');
const entities = await find(texts, { aggregationStrategy: 'simple' });

for (const [i, text] of texts.entries()) {
  const [best] = judgements[i]!;
  console.log(text, `${best?.label} ${(100 * best!.score).toFixed(0)} %`);
  for (const { entityGroup, start, end } of entities[i]!) console.log(' ', entityGroup, text.slice(start, end));
}
classify.dispose();
find.dispose();
