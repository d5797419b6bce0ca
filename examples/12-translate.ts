/** An encoder-decoder translates: a batch, a stream, and the best few of a beam search. */
import { pipeline } from 'heed';

const translate = await pipeline('translation', 'kleinwelt-marian');
const toEnglish = { srcLang: 'de', tgtLang: 'en' };
const german = ['Der Hund jagt die Katze.', 'Anna sieht den kleinen Vogel.'];
for (const [i, [best]] of (await translate(german, toEnglish)).entries())
  console.log(german[i], '->', best?.translationText);

for await (const event of translate.stream('The bird sleeps in the house.', { srcLang: 'en', tgtLang: 'de' }))
  process.stdout.write(event.text);
console.log();

const several = { ...toEnglish, numBeams: 4, numReturnSequences: 3 };
for (const { translationText } of await translate('Das Kind hebt den Ball auf.', several))
  console.log('*', translationText);
translate.dispose();
