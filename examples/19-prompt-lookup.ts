/** Drafts from the text itself: several tokens are checked at a time, and what is written stays the same. */
import { load } from 'heed';

const model = await load('kleinwelt-llama');
const prompt = 'Der Hund jagt die Katze. Die Katze schläft im Haus. Der Hund jagt die';
const options = { maxNewTokens: 48, temperature: 0 };

const texts: string[] = [];
for (const draft of [undefined, { promptLookup: { ngram: 2, tokens: 6 } }])
  for await (const event of model.generate(prompt, { ...options, draft })) {
    if (event.type !== 'done') continue;
    const { newTokens, generationMs, draft: drafted } = event.stats;
    texts.push(event.sequences[0]!.text);
    console.log(`${newTokens} tokens in ${generationMs.toFixed(0)} ms`, drafted ? 'with drafts' : 'one by one');
    if (drafted) {
      const share = drafted.accepted / Math.max(1, drafted.proposed);
      console.log(`${drafted.accepted} of ${drafted.proposed} proposed tokens stayed: ${(100 * share).toFixed(0)} %`);
    }
  }
console.log(texts[0] === texts[1] ? 'the same text:' : 'two texts:', texts[0]);
model.dispose();
