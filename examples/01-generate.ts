/** Streams the continuation of a prompt. `npx tsx examples/01-generate.ts FOLDER "Once upon a time"` */
import { load } from 'heed';

const [folder = 'test/golden/data/gpt2', prompt = ''] = process.argv.slice(2);
const model = await load(folder);
const options = { maxNewTokens: 24, temperature: 0.8, topK: 40, seed: 7 };

if (prompt) {
  for await (const step of model.generate(prompt, options)) process.stdout.write(step.text);
  console.log();
} else {
  // The model of the repository has no tokenizer: it speaks in token numbers.
  for await (const step of model.generateIds([[17, 27, 82]], options)) {
    if (step.type === 'token') process.stdout.write(`${step.id} `);
    if (step.type === 'done')
      console.log(`\n${step.stats.newTokens} tokens in ${step.stats.generationMs.toFixed(1)} ms`);
  }
}
model.dispose();
