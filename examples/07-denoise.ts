/** Masked diffusion: hidden tokens are found a few at a time, the surest first; every state on the way is an event. */
import { load } from 'heed';

const MASK = 119;
const model = await load('test/golden/data/bert-mlm');
const prompt = [17, 27, MASK, 75];
for await (const event of model.denoise([prompt], { maskId: MASK, genLength: 8, steps: 4, suppressTokens: [MASK] }))
  if (event.type === 'step')
    console.log(`step ${event.step}:`, event.ids[0]!.map(id => (id === MASK ? '__' : String(id))).join(' '));
  else console.log('done:  ', event.sequences[0]!.ids.join(' '));
model.dispose();
