/**
 * A step of training in jax-js: loss and gradients of a GPT-2, compiled, without an optimizer. Waits for messages; each runs
 * a step and is answered with its milliseconds. Arguments: layers, width, heads, context, batch, vocabulary.
 */
import { blockUntilReady, init, jit, nn, numpy as np, random, tree, valueAndGrad } from '@jax-js/jax';

const [L, C, H, T, B, V] = process.argv.slice(2).map(Number);

let seed = 0;
const normal = (...shape) => random.normal(random.key(seed++), shape).mul(0.02);
const block = () => ({
  norm1: { weight: np.ones([C]), bias: np.zeros([C]) },
  qkv: { weight: normal(C, 3 * C), bias: np.zeros([3 * C]) },
  project: { weight: normal(C, C), bias: np.zeros([C]) },
  norm2: { weight: np.ones([C]), bias: np.zeros([C]) },
  up: { weight: normal(C, 4 * C), bias: np.zeros([4 * C]) },
  down: { weight: normal(4 * C, C), bias: np.zeros([C]) },
});

// Every use of an array but its last goes through `.ref`: the library counts its owners.
const linear = ({ weight, bias }, x) => np.matmul(x, weight).add(bias);
const norm = ({ weight, bias }, x) => nn.standardize(x, -1).mul(weight).add(bias);
// Spelled out, because its own attention does not run on Node 20.
function attend(p, x) {
  const qkv = np.transpose(linear(p.qkv, x).reshape([B, T, 3, H, C / H]), [2, 0, 3, 1, 4]); // [3, B, H, T, D]
  const part = i => (i < 2 ? qkv.ref : qkv).slice(i);
  const scores = np.matmul(part(0), np.transpose(part(1), [0, 1, 3, 2])).mul(1 / Math.sqrt(C / H));
  const seen = np.tri(T, T, 0, { dtype: np.bool });
  const z = np.matmul(nn.softmax(np.where(seen, scores, -1e30), -1), part(2));
  return linear(p.project, np.transpose(z, [0, 2, 1, 3]).reshape([B, T, C]));
}
function layer(p, x) {
  x = x.ref.add(attend(p, norm(p.norm1, x)));
  return x.ref.add(linear(p.down, nn.gelu(linear(p.up, norm(p.norm2, x)))));
}
function loss({ tokens, positions, blocks, last }, ids, labels) {
  let x = np.matmul(nn.oneHot(ids, V), tokens.ref).add(positions);
  for (const p of blocks) x = layer(p, x);
  const logits = np.matmul(norm(last, x), np.transpose(tokens));
  return nn.logSoftmax(logits, -1).mul(nn.oneHot(labels, V)).sum().mul(-1 / (B * T));
}

await init('wasm');
const params = {
  tokens: normal(V, C),
  positions: normal(T, C),
  blocks: Array.from({ length: L }, block),
  last: { weight: np.ones([C]), bias: np.zeros([C]) },
};
const ids = shift =>
  np.array(Int32Array.from({ length: B * T }, (_, i) => ((i + shift) * 7919) % V)).reshape([B, T]);
const [inputs, labels] = [ids(0), ids(1)];
const step = jit(valueAndGrad(loss));

process.on('message', async () => {
  const start = performance.now();
  const [value, gradients] = step(tree.ref(params), inputs.ref, labels.ref);
  await blockUntilReady(gradients);
  const seen = (await value.data())[0];
  const ms = performance.now() - start;
  tree.dispose(gradients);
  process.send({ ms, loss: seen });
});
process.send('ready');
