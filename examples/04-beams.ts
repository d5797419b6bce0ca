/** Beam search over a batch, with scores; several prompts of different lengths are padded for you. */
import { load } from 'heed';

const model = await load('test/golden/data/llama');
const prompts = [
  [1, 17, 27, 82],
  [1, 75, 56],
];
for await (const event of model.generateIds(prompts, { numBeams: 4, numReturnSequences: 2, maxNewTokens: 8 }))
  if (event.type === 'done')
    for (const { prompt, ids, score } of event.sequences) console.log(prompt, score?.toFixed(3), ids.join(' '));
model.dispose();
