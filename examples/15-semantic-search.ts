/** Search by meaning: sentences as vectors, and the nearest ones to a question, in whichever language they are. */
import { load } from 'heed';

const model = await load('kleinwelt-bert-sentences');
const sentences = [
  'Der Hund jagt die Katze.',
  'Anna schläft im Haus.',
  'The child eats the bread.',
  'Die Suppe ist nicht gut.',
  'The bird sings in the garden.',
];

/** Rows of length 1, so that their products are cosines. */
async function vectorsOf(texts: readonly string[]): Promise<Float32Array[]> {
  const tensor = await model.embed(texts, { normalize: true }); // [texts, C]
  const data = (await tensor.data()) as Float32Array;
  const width = tensor.dim(1);
  return texts.map((_, i) => data.slice(i * width, (i + 1) * width));
}
const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

const index = await vectorsOf(sentences); // once; keep it in a file or a database
for (const query of ['The dog chases the cat.', 'Das Kind isst das Brot.']) {
  const [vector] = await vectorsOf([query]);
  const found = sentences
    .map((text, i) => ({ text, score: cosine(vector!, index[i]!) }))
    .sort((a, b) => b.score - a.score);
  console.log(query);
  for (const { text, score } of found.slice(0, 2)) console.log(`  ${score.toFixed(3)}  ${text}`);
}
model.dispose();
