import { beforeEach, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import type { Backend } from './backend.ts';
import { compute, dataOfAll, setDefaultBackend } from './compute.ts';
import { cost, describe as describeGraph } from './cost.ts';
import { gradient, valueAndGrad } from './gradient.ts';
import { order } from './graph.ts';
import { gelu } from './ops/activation.ts';
import { attention } from './ops/attention.ts';
import { gather } from './ops/gather.ts';
import { linear } from './ops/matmul.ts';
import { layerNorm } from './ops/norm.ts';
import { softmax } from './ops/softmax.ts';
import { scope } from './scope.ts';
import { Tensor } from './tensor.ts';
import { replace, trace } from './trace.ts';

let backend: Backend;
let prepared: number;
beforeEach(() => {
  backend = createReferenceBackend();
  prepared = 0;
  const prepare = backend.prepare;
  backend.prepare = plan => {
    prepared++;
    return prepare(plan);
  };
  setDefaultBackend(backend);
});
const values = async (t: Tensor) => Array.from(await t.data());

describe('building a graph', () => {
  it('computes nothing and checks shapes on the line that builds the node', () => {
    const build = () =>
      scope('blocks.3', () => scope('mlp', () => Tensor.full([3, 3], 1).matmul(Tensor.full([8, 4], 1))));
    expect(build).toThrow('matmul: inner sizes differ; seen: [3,3] @ [8,4] (in blocks.3.mlp)');
    expect(() => Tensor.from([1, 2, 3]).add(Tensor.from([1, 2]))).toThrow(/do not broadcast; seen: \[3\] and \[2\]/);
    expect(() => Tensor.from([1, 2, 3], [2, 2])).toThrow(/3 elements; expected: 4 for \[2,2\]/);
    expect(() => Tensor.from([1]).add(Tensor.iota(1))).toThrow(/f32 and i32/);
    expect(() => Tensor.from([1, 2]).slice(0, 1, 3)).toThrow(/1 to 3; expected: within 0 to 2/);
    expect(() => linear(Tensor.full([2, 3], 1), Tensor.full([4, 5], 1))).toThrow(/input \[2,3\], weight \[4,5\]/);
  });
  it('leaves the scope when the body throws', () => {
    expect(() =>
      scope('a', () => {
        throw new Error('x');
      }),
    ).toThrow('x');
    expect(Tensor.from([1]).named('y').label).toBe('y');
  });
});

describe('a computed tensor', () => {
  it('drops its inputs and becomes a leaf', async () => {
    const y = Tensor.from([1, 2]).add(1).mul(3);
    expect(order([y]).length).toBeGreaterThan(3);
    expect(await values(y)).toEqual([6, 9]);
    expect(order([y])).toEqual([y]);
    expect(await values(y.add(1))).toEqual([7, 10]);
  });
  it('stays on the device when it is asked for by compute', async () => {
    const y = Tensor.from([1, 2]).mul(2);
    await compute(y);
    expect(y.storage?.kind).toBe('device');
    expect(await values(y.add(1))).toEqual([3, 5]);
    y.dispose();
    await expect(values(y.add(1))).rejects.toThrow(/disposed/);
  });
  it('goes on as a leaf when it was a composite', async () => {
    const y = gelu(Tensor.from([1, 2]));
    const before = await values(y);
    expect(await values(y.mul(2))).toEqual(before.map(v => 2 * v));
    expect(trace(y.mul(2)).names).toEqual([]);
    expect(cost(y.mul(2)).flops).toBe(2);
  });
  it('asked for twice at once is kept once', async () => {
    const y = Tensor.from([1, 2]).mul(2);
    await Promise.all([compute(y), compute(y), y.data()]);
    y.dispose();
    await expect(values(y.add(1))).rejects.toThrow(/disposed/);
  });
  it('may have no elements', async () => {
    const empty = Tensor.from(new Float32Array(0), [0, 2]);
    expect(empty.reshape(2, 0).shape).toEqual([2, 0]);
    expect(await values(empty.reshape(2, 0).add(1))).toEqual([]);
    const x = Tensor.from([1, 2]);
    const nothing = Tensor.from(new Float32Array(0)).tanh().sum(0);
    const [a, b] = await dataOfAll(x.add(nothing).add(5), x.mul(3));
    expect([Array.from(a!), Array.from(b!)]).toEqual([
      [6, 7],
      [3, 6],
    ]);
  });
  it('shares what several results have in common', async () => {
    const x = Tensor.from([1, 2, 3]);
    const twice = x.mul(2);
    const [a, b] = await dataOfAll(twice.add(1), twice.sub(1));
    expect([Array.from(a!), Array.from(b!)]).toEqual([
      [3, 5, 7],
      [1, 3, 5],
    ]);
    expect(prepared).toBe(1);
  });
  it('may be any view, constant or leaf', async () => {
    const x = Tensor.from([1, 2, 3, 4, 5, 6], [2, 3]);
    expect(await values(x.transpose())).toEqual([1, 4, 2, 5, 3, 6]);
    expect(await values(x.slice(1, 1, 2))).toEqual([2, 5]);
    expect(await values(Tensor.full([2, 2], 7))).toEqual([7, 7, 7, 7]);
    expect(await values(Tensor.constant(3))).toEqual([3]);
    expect(await values(x)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await values(Tensor.from([], [0, 3]).add(1))).toEqual([]);
    const view = x.transpose();
    await compute(view);
    expect(await values(view)).toEqual([1, 4, 2, 5, 3, 6]);
  });
});

describe('data(into)', () => {
  it('fills the array, which is never the storage of the tensor', async () => {
    const x = Tensor.from([1, 2, 3]).mul(2);
    const into = new Float32Array(3);
    expect(await x.data(into)).toBe(into);
    expect([...into]).toEqual([2, 4, 6]);
    into.fill(0);
    expect(await values(x)).toEqual([2, 4, 6]);
    expect(await x.data(into)).toBe(into);
    into.fill(0);
    expect(await values(x)).toEqual([2, 4, 6]);
  });
  it('refuses an array that does not fit', async () => {
    const x = Tensor.from([1, 2, 3]).mul(2);
    await expect(x.data(new Float32Array(4))).rejects.toThrow('the array cannot take the elements');
    await expect(x.data(new Int32Array(3))).rejects.toThrow('the array cannot take the elements');
  });
});

describe('mistakes are refused where they are made', () => {
  const f = Tensor.from([1, 2, 3, 4], [2, 2]);
  const i = Tensor.from([1, 2, 3, 4], [2, 2], 'i32');
  it.each<[string, () => Tensor, RegExp]>([
    ['matmul of integers', () => i.matmul(i), /matmul: dtype not possible; seen: i32/],
    ['linear with an integer weight', () => linear(f, i), /linear: dtype.*i32 as input 1/],
    ['sum of integers', () => i.sum(), /sum: dtype/],
    ['max of booleans', () => f.less(1).max(), /max: dtype.*bool/],
    ['softmax of integers', () => softmax(i), /softmax: dtype/],
    [
      'layerNorm with a matrix as weight',
      () => layerNorm(f, f, undefined, 1e-5),
      /layerNorm: sizes differ.*weight \[2,2\]/,
    ],
    ['gather by floats', () => gather(f, f), /gather \(ids\): dtype/],
    [
      'a reshape that does not divide',
      () => Tensor.from([1, 2, 3]).reshape(2, -1),
      /no whole length; seen: \[3\] to \[2,-1\]/,
    ],
    ['two open lengths', () => f.reshape(-1, -1), /one -1 at most/],
    ['a negative shape', () => Tensor.from([1], [-1, -1]), /not a shape/],
    ['a negative iota', () => Tensor.iota(-1), /not a shape/],
    ['half an integer', () => i.add(0.5), /whole number; seen: 0.5 as i32/],
    ['nested lists', () => Tensor.from([[1, 2]] as unknown as number[]), /a nested list/],
    ['a bias of another shape', () => attend(Tensor.from([1, 2, 3])), /attention: sizes differ.*bias \[3\]/],
  ])('%s', (_, build, message) => {
    expect(build).toThrow(message);
  });
  const attend = (bias: Tensor) => {
    const x = Tensor.full([1, 1, 2, 4], 1);
    return attention(x, x, x, { bias });
  };
});

describe('plans', () => {
  it('tell 0 from -0', async () => {
    const x = Tensor.from([1]);
    const [a, b] = await dataOfAll(x.div(0), x.div(-0));
    expect([a![0], b![0]]).toEqual([Infinity, -Infinity]);
  });
  it('are made once per structure, whatever the values', async () => {
    for (let i = 0; i < 5; i++) expect(await values(softmax(Tensor.from([i, i])).mul(2))).toEqual([1, 1]);
    expect(prepared).toBe(1);
    await values(softmax(Tensor.from([1, 2, 3])).mul(2));
    expect(prepared).toBe(2);
    await values(softmax(Tensor.from([1, 2])).mul(3));
    expect(prepared).toBe(3);
  });
  it('tell apart graphs that differ in wiring only', async () => {
    const run = (f: (a: Tensor, b: Tensor) => Tensor) => values(f(Tensor.from([5]), Tensor.from([3])));
    expect(await run((a, b) => a.sub(b))).toEqual([2]);
    expect(await run((a, b) => b.sub(a))).toEqual([-2]);
    expect(await run((a, b) => a.add(b).sub(b.add(b)))).toEqual([2]);
  });
  it('keep no leaf alive', async () => {
    const x = Tensor.from([1, 2]);
    const first = x.add(1);
    await first.data();
    // The cached plan must bind the new leaf, not the one it was made from.
    expect(await values(Tensor.from([10, 20]).add(1))).toEqual([11, 21]);
    expect(prepared).toBe(1);
  });
});

describe('trace and replace', () => {
  const build = () => {
    const x = Tensor.from(
      Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      [1, 2, 3, 4],
    );
    return scope('blocks.0', () => scope('attn', () => attention(x.named('q'), x, x, { causal: true })))
      .permute(0, 2, 1, 3)
      .named('out');
  };
  it('show names that a composite hides, and expand nothing else', async () => {
    const out = build();
    const t = trace(out);
    expect(t.names).toEqual([
      'blocks.0.attn.q',
      'blocks.0.attn.scores',
      'blocks.0.attn.pattern',
      'blocks.0.attn.z',
      'out',
    ]);
    const pattern = await values(t.get('blocks.0.attn.pattern'));
    expect(pattern.slice(0, 3)).toEqual([1, 0, 0]);
    expect(pattern.slice(3, 6).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(order([out]).some(n => n.op.name === 'attention')).toBe(true);
  });
  it('name what there is when a name is unknown', () => {
    expect(() => trace(build()).get('blocks.7.attn.pattern')).toThrow(
      /blocks.7.attn.pattern; expected: blocks.0.attn.pattern/,
    );
    expect(() => replace(build(), 'nothing', x => x)).toThrow(/no tensor of this name/);
  });
  it('edit inside a composite', async () => {
    const keepSecond = Tensor.from([0, 1], [2, 1, 1]);
    const edited = await values(replace(build(), 'blocks.0.attn.pattern', p => p.mul(keepSecond)));
    const plain = await values(build());
    edited.forEach((v, i) => {
      const head = Math.floor(i / 4) % 2;
      expect(v).toBeCloseTo(head === 0 ? 0 : plain[i]!, 12);
    });
  });
});

describe('cost and describe', () => {
  it('count a product', () => {
    const y = linear(Tensor.full([5, 8], 1), Tensor.full([3, 8], 1)).named('y');
    expect(cost(y).flops).toBe(2 * 5 * 8 * 3);
    expect(describeGraph(y).at(-1)).toMatchObject({ name: 'y', op: 'linear', shape: [5, 3] });
  });
});

describe('valueAndGrad', () => {
  it('gives gradients in the form of the parameters', async () => {
    const params = { layer: { w: Tensor.from([2, 3]) }, list: [Tensor.from([5])] };
    const { value, grad } = valueAndGrad((p: typeof params, x: Tensor) =>
      p.layer.w.mul(x).sumAll().mul(p.list[0]!).sumAll(),
    )(params, Tensor.from([1, 10]));
    expect(await value.item()).toBe(160);
    expect(await values(grad.layer.w)).toEqual([5, 50]);
    expect(await values(grad.list[0]!)).toEqual([32]);
  });
});

describe('gradients with respect to inner tensors', () => {
  it('are total derivatives', async () => {
    const x = Tensor.from([1, 2]);
    const h = x.mul(2);
    const [dx, dh] = gradient(x.add(h).sumAll(), [x, h]);
    expect([await values(dx!), await values(dh!)]).toEqual([
      [3, 3],
      [1, 1],
    ]);
  });
  it('reach through composites', async () => {
    const x = Tensor.from([0.5, -1]);
    const inner = gelu(x);
    const y = inner.mul(2);
    const [dy, dInner] = gradient(y.mul(y).sumAll(), [y, inner]);
    const expected = (await values(gelu(x))).map(v => 4 * v);
    expect(await values(dy!)).toEqual(expected);
    expect(await values(dInner!)).toEqual(expected.map(v => 2 * v));
  });
});

describe('large graphs', () => {
  it('of 200,000 nodes run without overflow', async () => {
    let y = Tensor.from([1]);
    for (let i = 0; i < 200_000; i++) y = y.add(y.neg());
    expect(order([y]).length).toBe(400_001);
    const small = (n: number) => {
      let z = Tensor.from([1]);
      for (let i = 0; i < n; i++) z = z.mul(1);
      return z;
    };
    expect(await values(small(20_000))).toEqual([1]);
  });
});
