import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { dataOfAll, setDefaultBackend } from './compute.ts';
import { gradient, valueAndGrad } from './gradient.ts';
import { gelu } from './ops/activation.ts';
import { dropout } from './ops/dropout.ts';
import { linear } from './ops/matmul.ts';
import { layerNorm } from './ops/norm.ts';
import { planGraph } from './planner.ts';
import { scopeSegments } from './recompute.ts';
import { scope } from './scope.ts';
import { Tensor } from './tensor.ts';

const backend = createReferenceBackend();
setDefaultBackend(backend);

const [WIDTH, LAYERS] = [8, 6];
const leaf = (seed: number, ...shape: number[]) =>
  Tensor.from(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + 1.7 * i)),
    shape,
  );
const parameters = Array.from({ length: LAYERS }, (_, i) => ({
  norm: leaf(i, WIDTH),
  up: leaf(i + 0.5, 4 * WIDTH, WIDTH),
  down: leaf(i + 0.2, WIDTH, 4 * WIDTH),
}));
function loss(params: typeof parameters, x: Tensor): Tensor {
  params.forEach(({ norm, up, down }, i) => {
    x = scope(`blocks.${i}`, () => {
      const hidden = scope('mlp', () => gelu(linear(layerNorm(x, norm, undefined, 1e-5), up)));
      return x.add(dropout(linear(hidden, down), 0.25, Tensor.constant(i, 'i32')).mul(0.1));
    });
  });
  return x.mul(x).sumAll();
}
const x = leaf(9, 16, WIDTH);
const all = (recompute?: ReturnType<typeof scopeSegments>) => {
  const { value, grad } = valueAndGrad(loss, { recompute })(parameters, x);
  return [value, ...grad.flatMap(g => [g.norm, g.up, g.down])];
};
const arenaBytes = (roots: readonly Tensor[]) =>
  planGraph(
    backend,
    roots.map(tensor => ({ tensor, as: 'device' })),
  ).plan.arenaBytes;

describe('recomputation', () => {
  it('changes no bit', async () => {
    const [kept, again] = [await dataOfAll(...all()), await dataOfAll(...all(scopeSegments('blocks.*')))];
    expect(again).toEqual(kept);
  });
  it('needs the memory of one segment instead of all', () => {
    expect(arenaBytes(all(scopeSegments('blocks.*')))).toBeLessThan(0.6 * arenaBytes(all()));
  });
  it('takes any segments, also such that share a border, and none', async () => {
    const kept = await dataOfAll(...all());
    const pairs = (node: Tensor) => {
      const block = /^blocks\.(\d+)/.exec(node.path)?.[1];
      return block === undefined ? undefined : `${Number(block) >> 1}`;
    };
    expect(await dataOfAll(...all(pairs))).toEqual(kept);
    expect(await dataOfAll(...all(scopeSegments('blocks.*.mlp')))).toEqual(kept);
    expect(await dataOfAll(...all(() => undefined))).toEqual(kept);
    expect(await dataOfAll(...all(() => 'everything'))).toEqual(kept);
  });
  it('gives the gradient of a tensor inside of a segment', async () => {
    let inside: Tensor | undefined;
    const f = (w: Tensor) => {
      inside = scope('blocks.0', () => x.mul(w).tanh());
      return scope('blocks.0', () => inside!.mul(inside!)).sumAll();
    };
    const w = leaf(3, WIDTH);
    const whole = f(w);
    const kept = await dataOfAll(...gradient(whole, [inside!, w]));
    const again = f(w);
    expect(await dataOfAll(...gradient(again, [inside!, w], { recompute: scopeSegments('blocks.*') }))).toEqual(kept);
  });
});

describe('scopeSegments', () => {
  it('names the part of the path that the pattern takes', () => {
    const at = (path: string) => scope(path, () => x.mul(2));
    const blocks = scopeSegments('encoder.blocks.*');
    expect(blocks(at('encoder.blocks.11.mlp'))).toBe('encoder.blocks.11');
    expect(blocks(at('encoder.blocks.3'))).toBe('encoder.blocks.3');
    for (const path of ['decoder.blocks.3', 'encoder.blocks', 'encoder', 'my.encoder.blocks.3'])
      expect(blocks(at(path))).toBeUndefined();
  });
});
