/** Reads an attention pattern by name, switches that head off, and compares the predictions. */
import { load, Tensor } from 'heed';

const model = await load('test/golden/data/gpt2');
const inputs = { input_ids: [[17, 27, 82, 75, 56]] };
console.log(model.names(inputs).slice(0, 12).join(', '), '...');

const name = 'blocks.1.attn.pattern';
const plain = await model.run(inputs, { trace: [name] });
const pattern = await plain.trace[name]!.data(); // [1, 4, 5, 5]
console.log('head 0, last token looks at:', Array.from(pattern.slice(20, 25), p => p.toFixed(2)).join(' '));

const heads = Tensor.from([0, 1, 1, 1], [4, 1, 1]); // broadcasts over [B, H, T, S]
const ablated = await model.run(inputs, { replace: { [name]: p => p.mul(heads) } });
const [before, after] = [await plain.logits.data(), await ablated.logits.data()];
const change = Math.max(...Array.from(before, (x, i) => Math.abs(x - after[i]!)));
console.log('without head 0 a logit changes by up to', change.toFixed(3));
model.dispose();
