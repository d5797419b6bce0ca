/** A small decoder learns from a text: tokenizer, data, model, training; and what it writes then. */
import { create, memoryFiles, trainTokenizer } from 'heed';
import { batches, causalLM, createProgressMeter, rowsOf, tokenizeRows, train } from 'heed/train';

const sentences = ['dog', 'cat', 'cow'].flatMap(who =>
  ['sees', 'hears', 'likes'].flatMap(does => ['mouse', 'bird', 'child'].map(whom => `The ${who} ${does} the ${whom}.`)),
);

const json = await trainTokenizer(sentences, { type: 'byte-bpe', vocabSize: 300, specialTokens: ['<|endoftext|>'] });
const files = memoryFiles({ 'tokenizer.json': new TextEncoder().encode(JSON.stringify(json)) });
const sizes = { n_layer: 2, n_embd: 32, n_head: 2, n_positions: 32, vocab_size: 300, bos_token_id: 0, eos_token_id: 0 };
const model = await create({ model_type: 'gpt2', ...sizes }, { tokenizer: files, seed: 1 });

const objective = causalLM({ tokenizer: model.tokenizer, length: 32 });
const data = await tokenizeRows(rowsOf(sentences.map(text => ({ text }))), objective);

const maxSteps = 150;
const meter = createProgressMeter(maxSteps);
const run = train(model, {
  batches: batches({ data, objective, batchSize: 4 }),
  ...{ maxSteps, learningRate: 1e-2, lrSchedulerType: 'cosine', warmupSteps: 10 },
});
for await (const event of run) {
  if (event.type !== 'step') continue;
  const { loss, tokensPerSecond } = meter.step({ ...event, milliseconds: event.ms });
  if (event.step % 30 === 0)
    console.log(`step ${event.step}  loss ${loss.toFixed(3)}  ${tokensPerSecond.toFixed(0)} tokens/s`);
}

let text = 'The dog';
for await (const step of model.generate(text, { maxNewTokens: 12, doSample: true, seed: 3 }))
  if (step.type === 'token') text += step.text;
console.log(text);
model.dispose();
