/**
 * `npx tsx bench/shakespeare.ts [--steps N] [--data FILE]`: the recipe of nanoGPT (karpathy/nanoGPT, `README.md`) for a CPU, on
 * Shakespeare by characters: 4 layers, 4 heads, 128 wide, context 64, batches of 12, 2,000 steps, no dropout. Its author's run
 * ends at a validation loss of 1.88.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { create } from '../src/hub/create.ts';
import '../src/index.ts';
import { defaultBackend } from '../src/tensor/index.ts';
import { type Batches, type TrainBatch, train } from '../src/train/index.ts';
import { createRng } from '../src/util/rng.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '2000' },
    data: { type: 'string', default: '../shared/datasets/tinyshakespeare/input.txt' },
  },
});
const [STEPS, CONTEXT, BATCH, EVAL_BATCHES] = [Number(values.steps), 64, 12, 200];

const text = await readFile(values.data, 'utf8').catch(() => undefined);
if (text === undefined) {
  console.log(`no ${values.data}: give the text with --data`);
  process.exit(0);
}
const vocabulary = [...new Set(text)].sort();
const idOf = new Map(vocabulary.map((character, id) => [character, id]));
const ids = Uint16Array.from(text, character => idOf.get(character)!);
const cut = Math.floor(0.9 * ids.length);

/** Batches of random pieces of a text, drawn from the seed and the number of the batch. */
const randomPieces = (from: Uint16Array, seed: number, length?: number): Batches => ({
  length,
  async *from(position = 0) {
    for (let i = position as number; ; i++) {
      const rng = createRng(seed, i);
      const rows = Array.from({ length: BATCH }, () => {
        const start = rng.below(from.length - CONTEXT);
        return from.subarray(start, start + CONTEXT + 1);
      });
      yield { batch: nextCharacters(rows), next: i + 1, epoch: length ? Math.floor(i / length) : 0 };
    }
  },
});
/** The model reads CONTEXT characters and learns the one after each: labels are shifted by the loss, so the last has none here. */
function nextCharacters(rows: readonly Uint16Array[]): TrainBatch {
  const input_ids = rows.map(row => Array.from(row));
  return { inputs: { input_ids, labels: input_ids }, tokens: BATCH * CONTEXT, examples: BATCH };
}

const model = await create(
  { model_type: 'gpt2', vocab_size: vocabulary.length, n_positions: CONTEXT + 1, n_embd: 128, n_layer: 4, n_head: 4 },
  { seed: 1337, head: 'causalLM' },
);
const run = train(model, {
  batches: randomPieces(ids.subarray(0, cut), 1),
  validation: randomPieces(ids.subarray(cut), 2, EVAL_BATCHES),
  evalSteps: 250,
  maxSteps: STEPS,
  learningRate: 1e-3,
  lrSchedulerType: 'cosine',
  minLrRatio: 0.1,
  warmupSteps: 100,
  adamBeta2: 0.99,
  weightDecay: 0.1,
  // nanoGPT's model has no biases: they are 0 and stay so.
  trainable: name => !name.endsWith('.bias'),
});
const started = performance.now();
let tokens = 0;
let last = 0;
for await (const event of run) {
  if (event.type === 'start') console.log(`${event.trainable} parameters, ${vocabulary.length} characters`);
  if (event.type === 'step') tokens += event.tokens;
  if (event.type === 'step' && event.step % 100 === 0)
    console.log(`step ${event.step}  loss ${event.loss.toFixed(4)}  ${Math.round(event.tokensPerSecond)} tokens/s`);
  if (event.type === 'validation') {
    last = event.loss;
    console.log(`step ${event.step}  validation loss ${event.loss.toFixed(4)}`);
  }
}
const seconds = (performance.now() - started) / 1000;
console.log(`${tokens} tokens in ${seconds.toFixed(1)} s (${Math.round(tokens / seconds)}/s, validation included)`);
console.log(`validation loss ${last.toFixed(4)}; published: 1.88`);
model.dispose();
(await defaultBackend()).close();
