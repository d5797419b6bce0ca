import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { createWasmBackend, type WasmBackend } from '../backends/wasm/index.ts';
import { cost, dataOfAll, gradient, order, setDefaultBackend, Tensor } from '../tensor/index.ts';
import { planGraph } from '../tensor/planner.ts';
import { createRng } from '../util/rng.ts';
import { listParams, mapSpec } from './params.ts';
import { CELL_NAMES, outputWidth, Recurrent, type RecurrentShape, recurrent, stateWidths } from './recurrent.ts';

const uniform = (seed: number, n: number, scale: number) => {
  const rng = createRng(seed, 0);
  return Float32Array.from({ length: n }, () => scale * (2 * rng.uniform() - 1));
};
const randomParams = (shape: RecurrentShape) => {
  let seed = 0;
  return mapSpec(Recurrent(shape), (_, { shape: dims }) =>
    Tensor.from(
      uniform(
        ++seed,
        dims.reduce((a, b) => a * b, 1),
        1 / Math.sqrt(shape.hidden),
      ),
      dims,
    ),
  );
};
const hostRows = (t: Tensor): number[][] => {
  const { data } = t.storage as { data: Float32Array };
  const width = t.dim(-1);
  return Array.from({ length: t.size / width }, (_, r) => Array.from(data.subarray(r * width, (r + 1) * width)));
};

// ---- the same with plain loops over one row of text, in double precision
const sigma = (x: number) => 1 / (1 + Math.exp(-x));
const times = (matrix: number[][], v: number[], bias?: number[]) =>
  matrix.map((row, i) => row.reduce((sum, w, k) => sum + w * v[k]!, bias?.[i] ?? 0));

/** One row x `[T][input]` with `real[t]`; outputs `[T][width]` and states as `stateWidths` lists them. */
function plain(p: Record<string, Tensor>, shape: RecurrentShape, x: number[][], real: boolean[], starts: number[][][]) {
  const { cell, hidden: U, layers, bidirectional } = shape;
  const states: number[][][] = [];
  for (let layer = 0; layer < layers; layer++) {
    const sides = (bidirectional ? ['', '_reverse'] : ['']).map(side => {
      const get = (name: string) => p[`${name}_l${layer}${side}`];
      const bias = (name: string) => get(name) && hostRows(get(name)!)[0];
      let [h, c] = starts[states.length] as [number[], number[] | undefined];
      const out = x.map(() => h.map(() => 0));
      const times_ = x.map((_, t) => (side ? x.length - 1 - t : t));
      for (const t of times_) {
        if (!real[t]) continue;
        const a = times(hostRows(get('weight_ih')!), x[t]!, bias('bias_ih'));
        const b = times(hostRows(get('weight_hh')!), h, bias('bias_hh'));
        const sum = (gate: number, u: number) => a[gate * U + u]! + b[gate * U + u]!;
        const units = Array.from({ length: U }, (_, u) => u);
        if (cell === 'rnn_tanh') h = units.map(u => Math.tanh(sum(0, u)));
        else if (cell === 'rnn_relu') h = units.map(u => Math.max(0, sum(0, u)));
        else if (cell === 'gru')
          h = units.map(u => {
            const z = sigma(sum(1, u));
            const n = Math.tanh(a[2 * U + u]! + sigma(sum(0, u)) * b[2 * U + u]!);
            return (1 - z) * n + z * h[u]!;
          });
        else {
          const before = c!;
          c = units.map(u => sigma(sum(1, u)) * before[u]! + sigma(sum(0, u)) * Math.tanh(sum(2, u)));
          h = units.map(u => sigma(sum(3, u)) * Math.tanh(c![u]!));
          if (get('weight_hr')) h = times(hostRows(get('weight_hr')!), h);
        }
        out[t] = h;
      }
      states.push(c ? [h, c] : [h]);
      return out;
    });
    x = x.map((_, t) => sides.flatMap(out => out[t]!));
  }
  return { outputs: x, states };
}

const [B, T, I, U] = [3, 7, 5, 4];
/** Padding behind, in front and in the middle. */
const REAL = [
  [1, 1, 1, 1, 0, 0, 0],
  [0, 0, 1, 1, 1, 1, 1],
  [1, 1, 0, 0, 1, 0, 1],
];
const SHAPES: [name: string, shape: RecurrentShape][] = [
  ...CELL_NAMES.map((cell): [string, RecurrentShape] => [cell, { cell, input: I, hidden: U, layers: 2 }]),
  ['gru in both directions', { cell: 'gru', input: I, hidden: U, layers: 2, bidirectional: true }],
  ['lstm in both directions', { cell: 'lstm', input: I, hidden: U, layers: 2, bidirectional: true }],
  ['lstm without bias', { cell: 'lstm', input: I, hidden: U, layers: 1, bias: false }],
  ['projected lstm', { cell: 'lstm', input: I, hidden: U, layers: 2, projection: 3 }],
  [
    'projected lstm in both directions',
    { cell: 'lstm', input: I, hidden: U, layers: 2, projection: 3, bidirectional: true },
  ],
];
const randomInput = (shape: RecurrentShape, steps = T) => ({
  x: Tensor.from(uniform(100, B * steps * I, 1), [B, steps, I]),
  states: stateWidths(shape).map((widths, i) =>
    widths.map((width, k) => Tensor.from(uniform(200 + 10 * i + k, B * width, 1), [B, width])),
  ),
});
const maskOf = (rows: number[][]) => Tensor.from(Uint8Array.from(rows.flat()), [B, T], 'bool');
const expectClose = (actual: ArrayLike<number>, expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(actual[i]!, `element ${i}`).toBeCloseTo(value, 5);
};

let wasm: WasmBackend;
beforeAll(async () => {
  wasm = await createWasmBackend();
});
afterAll(() => wasm.close());

describe.each(['reference', 'wasm'])('on the %s backend', name => {
  beforeAll(() => setDefaultBackend(name === 'wasm' ? wasm : createReferenceBackend()));

  it.each(SHAPES)('%s is what plain loops give', async (_, shape) => {
    const params = randomParams(shape);
    const { x, states } = randomInput(shape);
    for (const mask of [undefined, maskOf(REAL)]) {
      const result = recurrent(params, shape, x, { states, mask });
      expect(result.outputs.shape).toEqual([B, T, outputWidth(shape)]);
      const [outputs, ...after] = await dataOfAll(result.outputs, ...result.states.flat());
      const rows = Array.from({ length: B }, (_, b) =>
        plain(
          params,
          shape,
          hostRows(x).slice(b * T, (b + 1) * T),
          REAL[b]!.map(r => !mask || r === 1),
          states.map(layer => layer.map(s => hostRows(s)[b]!)),
        ),
      );
      expectClose(
        outputs!,
        rows.flatMap(row => row.outputs.flat()),
      );
      rows[0]!.states.flat().forEach((_, k) => {
        expectClose(
          after[k]!,
          rows.flatMap(row => row.states.flat()[k]!),
        );
      });
    }
  });
  it.each(SHAPES.filter(([, { bidirectional }]) => !bidirectional))('%s goes on from its state', async (_, shape) => {
    const params = randomParams(shape);
    const { x, states } = randomInput(shape);
    const mask = maskOf(REAL);
    const whole = recurrent(params, shape, x, { states, mask });
    let state: readonly (readonly Tensor[])[] = states;
    const pieces: Tensor[] = [];
    for (const [from, to] of [
      [0, 3],
      [3, 4],
      [4, 7],
    ] as const) {
      const part = recurrent(params, shape, x.slice(1, from, to), { states: state, mask: mask.slice(1, from, to) });
      pieces.push(part.outputs);
      state = part.states;
    }
    const [outputs, ...rest] = await dataOfAll(whole.outputs, ...whole.states.flat(), ...pieces, ...state.flat());
    const after = rest.splice(0, states.flat().length);
    const P = outputWidth(shape);
    let at = 0;
    for (const piece of rest.splice(0, pieces.length)) {
      const steps = piece.length / B / P;
      for (let b = 0; b < B; b++)
        expectClose(
          piece.subarray(b * steps * P, (b + 1) * steps * P),
          Array.from(outputs!.subarray((b * T + at) * P, (b * T + at + steps) * P)),
        );
      at += steps;
    }
    after.forEach((expected, k) => {
      expectClose(rest[k]!, Array.from(expected));
    });
  });
  it.each(SHAPES)('%s has the gradient that differences show', async (_, shape) => {
    const { x, states } = randomInput(shape);
    const inputs = new Map<string, Tensor>([['x', x], ...Object.entries(randomParams(shape))]);
    const loss = (leaves: ReadonlyMap<string, Tensor>) => {
      const { outputs, states: after } = recurrent(Object.fromEntries(leaves), shape, leaves.get('x')!, {
        states,
        mask: maskOf(REAL),
      });
      return [outputs, ...after.flat()].map(t => t.mul(t).sumAll()).reduce((a, b) => a.add(b));
    };
    const leaves = [...inputs.values()];
    const gradients = await dataOfAll(...gradient(loss(inputs), leaves));
    // Along one random direction of all inputs at once.
    const directions = leaves.map((leaf, i) => uniform(300 + i, leaf.size, 1));
    const moved = async (h: number) => {
      const shifted = [...inputs].map(([key, leaf], i) => {
        const data = (leaf.storage as { data: Float32Array }).data.map((v, k) => v + h * directions[i]![k]!);
        return [key, Tensor.from(data, leaf.shape)] as const;
      });
      return loss(new Map(shifted)).item();
    };
    const slope = ((await moved(2e-3)) - (await moved(-2e-3))) / 4e-3;
    const expected = gradients.reduce(
      (sum, g, i) => sum + Array.from(g).reduce((n, v, k) => n + v * directions[i]![k]!, 0),
      0,
    );
    expect(Math.abs(slope - expected)).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected)));
  });
});

describe('a long text', () => {
  const shape: RecurrentShape = { cell: 'lstm', input: I, hidden: U, layers: 1 };
  const lossOf = (steps: number, params = randomParams(shape)) => {
    const { x, states } = randomInput(shape, steps);
    const { outputs } = recurrent(params, shape, x, { states });
    const loss = outputs.mul(outputs).sumAll();
    return { loss, gradients: gradient(loss, [x, ...Object.values(params)]), params, x, states };
  };
  it.each(CELL_NAMES)('costs in proportion to its steps (%s)', cell => {
    const sizes = [20, 200, 2000].map(steps => {
      const other = { ...shape, cell };
      const { x } = randomInput(other, steps);
      const params = randomParams(other);
      const { outputs } = recurrent(params, other, x);
      const loss = outputs.mul(outputs).sumAll();
      const roots = [loss, ...gradient(loss, [x, ...Object.values(params)])];
      const { flops, bytes } = cost(...roots);
      const { arenaBytes, steps: calls } = planGraph(
        wasm,
        roots.map(tensor => ({ tensor, as: 'host' })),
      ).plan;
      return { nodes: order(roots).length, flops, bytes, arenaBytes, calls: calls.length };
    });
    for (const key of ['nodes', 'flops', 'bytes', 'arenaBytes', 'calls'] as const) {
      expect(sizes[1]![key] / sizes[0]![key], key).toBeLessThan(10.1);
      expect(sizes[2]![key] / sizes[1]![key], key).toBeLessThan(10.1);
    }
    expect(sizes[2]!.nodes).toBeLessThan(2000 * 60);
  });
  it('of 3,000 steps is run forward and backward', async () => {
    setDefaultBackend(wasm);
    const { loss, gradients, params, x, states } = lossOf(3000);
    const [value, dx] = await dataOfAll(loss, ...gradients);
    const rows = Array.from({ length: B }, (_, b) => {
      const tokens = hostRows(x).slice(b * 3000, (b + 1) * 3000);
      const real = tokens.map(() => true);
      return plain(
        params,
        shape,
        tokens,
        real,
        states.map(layer => layer.map(s => hostRows(s)[b]!)),
      ).outputs.flat();
    });
    const expected = rows.flat().reduce((sum, h) => sum + h * h, 0);
    expect(Math.abs(value![0]! - expected)).toBeLessThan(1e-5 * expected);
    expect(dx!.every(Number.isFinite)).toBe(true);
    expect(dx!.slice(-I).some(g => g !== 0)).toBe(true);
  }, 30_000);
  it('takes no memory that it keeps', async () => {
    setDefaultBackend(wasm);
    const params = randomParams(shape);
    const step = async () => {
      const { loss, gradients } = lossOf(6, params);
      await dataOfAll(loss, ...gradients);
    };
    await step();
    const { used } = wasm.memory();
    for (let i = 0; i < 1000; i++) await step();
    expect(wasm.memory().used).toBe(used);
  });
});

describe('what does not fit is refused', () => {
  const shape: RecurrentShape = { cell: 'gru', input: I, hidden: U, layers: 1 };
  it('a projection of a GRU', () => {
    expect(() => Recurrent({ ...shape, projection: 2 })).toThrow(/only an LSTM/);
  });
  it('a state of another size', () => {
    const states = [[Tensor.full([B, U + 1], 0)]];
    expect(() => recurrent(randomParams(shape), shape, randomInput(shape).x, { states })).toThrow(/\[3,5\].*\[3,4\]/);
  });
  it('a mask of another length', () => {
    const mask = maskOf(REAL).slice(1, 0, 2);
    expect(() => recurrent(randomParams(shape), shape, randomInput(shape).x, { mask })).toThrow(/\[3,2\].*\[3, 7\]/);
  });
});

it('declares what the reference names', () => {
  const names = (shape: RecurrentShape) => listParams(Recurrent(shape)).map(([name, { shape: s }]) => `${name} ${s}`);
  expect(names({ cell: 'lstm', input: 5, hidden: 4, layers: 1, projection: 3, bidirectional: true })).toEqual([
    'weight_ih_l0 16,5',
    'weight_hh_l0 16,3',
    'bias_ih_l0 16',
    'bias_hh_l0 16',
    'weight_hr_l0 3,4',
    'weight_ih_l0_reverse 16,5',
    'weight_hh_l0_reverse 16,3',
    'bias_ih_l0_reverse 16',
    'bias_hh_l0_reverse 16',
    'weight_hr_l0_reverse 3,4',
  ]);
  expect(names({ cell: 'gru', input: 5, hidden: 4, layers: 2, bias: false })).toEqual([
    'weight_ih_l0 12,5',
    'weight_hh_l0 12,4',
    'weight_ih_l1 12,4',
    'weight_hh_l1 12,4',
  ]);
});
