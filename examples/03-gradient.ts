/** The loss of a sequence and its gradient for every parameter, from the same model file that runs it. */
import { compute, leavesOf, load, valueAndGrad } from 'heed';

const model = await load('test/golden/data/gpt2', { trainable: true });
const ids = [[17, 27, 82, 75, 56, 56, 95, 63]];
const loss = (params: unknown) => model.graph({ input_ids: ids, labels: ids }, params).loss!;

const { value, grad } = valueAndGrad(loss)(model.parts.params);
const gradients = leavesOf(grad);
await compute(value, ...gradients.map(([, g]) => g)); // one pass for all
console.log('loss', (await value.item()).toFixed(4));
for (const [name, g] of gradients.slice(0, 6)) {
  const norm = Math.hypot(...(await g.data()));
  console.log(name.padEnd(24), `[${g.shape}]`.padEnd(12), norm.toExponential(3));
}
model.dispose();
