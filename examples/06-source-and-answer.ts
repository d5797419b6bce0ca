/** An encoder-decoder: beams from a source, and where the decoder looks in it. */
import { load } from 'heed';

const model = await load('test/golden/data/bart');
const source = [0, 21, 34, 55, 13, 2];
for await (const event of model.generateIds([source], { numBeams: 4, numReturnSequences: 2, maxNewTokens: 6 }))
  if (event.type === 'done')
    for (const { ids, score } of event.sequences) console.log(score?.toFixed(3), ids.join(' '));

// The source's keys and values are computed once; a session of steps reads them. A trace shows the same by name.
const name = 'decoder.blocks.1.cross.pattern';
const { trace } = await model.run({ input_ids: [source], decoder_input_ids: [[2, 0, 21]] }, { trace: [name] });
const pattern = await trace[name]!.data(); // [1, 2 heads, 3, 6]
for (let t = 0; t < 3; t++)
  console.log(`head 0, token ${t}:`, Array.from(pattern.slice(6 * t, 6 * t + 6), p => p.toFixed(2)).join(' '));
model.dispose();
