/** An adapter (LoRA) learns beside a model that stays as it is; its folder is one that PEFT reads. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createAdapter, load, loadAdapter, saveAdapter } from 'heed';
import { type Batches, train } from 'heed/train';

const model = await load('test/golden/data/gpt2'); // random weights, 120 token ids
const adapter = await createAdapter(model, { r: 8, alpha: 16 });

/** To count: 16 numbers in a row, from somewhere on. */
const counting: Batches = {
  async *from(position = 0) {
    for (let at = Number(position); ; at++) {
      const from = [0, 23, 46, 69].map(place => (place + 7 * at) % 100);
      const ids = from.map(first => Array.from({ length: 16 }, (_, i) => first + i));
      yield { batch: { inputs: { input_ids: ids, labels: ids }, tokens: 4 * 15, examples: 4 }, next: at + 1, epoch: 0 };
    }
  },
};

const counter = model.withAdapters([{ adapter }]);
async function next(of: typeof model): Promise<string> {
  for await (const event of of.generateIds([[40, 41, 42, 43]], { maxNewTokens: 4 }))
    if (event.type === 'done') return event.sequences[0]!.ids.join(' ');
  return '';
}
console.log('before: 40 41 42 43 ->', await next(counter));
const options = { batches: counting, maxSteps: 200, learningRate: 2e-2, lrSchedulerType: 'cosine' } as const;
for await (const event of train(counter, options))
  if (event.type === 'step' && event.step % 50 === 0) console.log('step', event.step, 'loss', event.loss.toFixed(3));
console.log('after:  40 41 42 43 ->', await next(counter));

const folder = `${await mkdtemp(`${tmpdir()}/heed-`)}/counting`;
await saveAdapter(adapter, folder);
const again = model.withAdapters([{ adapter: await loadAdapter(model, folder) }]);
console.log('loaded: 40 41 42 43 ->', await next(again));
model.dispose();
