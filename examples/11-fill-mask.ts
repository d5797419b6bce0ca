/** What stands behind a mask: the likeliest words of all, and how a few given ones compare. */
import { pipeline } from 'heed';

const fill = await pipeline('fill-mask', 'kleinwelt-bert');
const texts = ['Der Hund [MASK] die Katze.', 'The dogs [MASK] in the house.'];
for (const [i, words] of (await fill(texts, { topK: 4 })).entries()) {
  console.log(texts[i]);
  for (const { tokenStr, score } of words) console.log(`${(100 * score).toFixed(1).padStart(7)} %  ${tokenStr}`);
}

// Scores stay those among all tokens: what is missing to 100 % is for the words that were not asked about.
const articles = await fill('[MASK] kleine Hund schläft.', { targets: ['Der', 'Die', 'Das'] });
console.log(articles.map(({ sequence, score }) => `${sequence} ${(100 * score).toFixed(1)} %`).join('\n'));
fill.dispose();
