/** heed behind the `ai` package: text, a stream, an object by its schema, vectors. */
import { cosineSimilarity, embedMany, generateText, Output, streamText } from 'ai';
import { heedProvider } from 'heed/ai-sdk';
import { z } from 'zod';

const heed = heedProvider();
const model = heed('kleinwelt-llama');

const { text, usage } = await generateText({ model, prompt: 'Der Hund', maxOutputTokens: 16, temperature: 0 });
console.log(text, `(${usage.totalTokens} tokens)`);

const { textStream } = streamText({ model, prompt: 'Anna', maxOutputTokens: 24, temperature: 0.7, seed: 3 });
for await (const piece of textStream) process.stdout.write(piece);
console.log();

// Held to the schema while it is written: valid, whatever the model knows.
const schema = z.object({ name: z.string().max(10), age: z.int().min(0).max(99) });
const { output } = await generateText({
  model,
  output: Output.object({ schema }),
  prompt: 'Anna',
  maxOutputTokens: 48,
});
console.log(output);

const { embeddings } = await embedMany({
  model: heed.embeddingModel('kleinwelt-bert-sentences'),
  values: ['Der Hund schläft.', 'The dog sleeps.', 'Die Suppe ist gut.'],
});
console.log(embeddings.slice(1).map(vector => cosineSimilarity(embeddings[0]!, vector).toFixed(3)));
heed.dispose();
