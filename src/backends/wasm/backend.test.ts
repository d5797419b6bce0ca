import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { BackendError } from '../../errors.ts';
import type { Plan } from '../../tensor/plan.ts';
import { createWasmBackend, type WasmBackend, type WasmOptions } from './index.ts';
import { step, TEST_KERNELS, view } from './test-kernels.ts';

const open: WasmBackend[] = [];
async function start(options: WasmOptions = {}): Promise<WasmBackend> {
  const backend = await createWasmBackend({ kernels: TEST_KERNELS, revectorize: false, ...options });
  open.push(backend);
  return backend;
}
afterEach(() => {
  for (const backend of open.splice(0)) backend.close();
});

const LINKS: readonly (WasmOptions & { name: string })[] = [
  { name: 'inline', threads: 0 },
  { name: 'remote', threads: 1, link: 'remote' },
  { name: 'shared, 1 thread', threads: 1 },
  { name: 'shared, 2 threads', threads: 2 },
  { name: 'shared, 3 threads', threads: 3 },
];

const N = 37;
const BYTES = 4 * N;
const leaf = view({ kind: 'leaf', index: 0 }, [N]);
const result = view({ kind: 'result', index: 0, bytes: BYTES }, [N]);
const inArena = (i: number) => view({ kind: 'arena', offset: 192 * i, bytes: BYTES }, [N]);

/** `rotate` `n` times: leaf -> arena -> arena ... -> result, each third step on one thread. */
function chain(n: number): Plan {
  const steps = Array.from({ length: n }, (_, i) =>
    step('rotate', [i ? inArena(i % 2) : leaf], i === n - 1 ? result : inArena((i + 1) % 2), { serial: i % 3 === 2 }),
  );
  return { steps, arenaBytes: 384, uploads: [], reads: [result] };
}
const expected = (n: number, from = 0) => Array.from({ length: N }, (_, i) => from + ((i + n) % N) + n);
const ramp = (from = 0) => Float32Array.from({ length: N }, (_, i) => from + i);

async function chainRunner(backend: WasmBackend, n: number) {
  const prepared = backend.prepare(chain(n));
  const x = backend.alloc(BYTES);
  const y = backend.alloc(BYTES);
  backend.write(x, ramp());
  const run = async () => (await backend.run(prepared, { leaves: [x], uploads: [], results: [y] }))[0]!;
  return { x, y, run };
}

describe.each(LINKS)('a wasm backend, $name', options => {
  it('runs 10,000 dependent steps in order, all threads meeting between them', async () => {
    const backend = await start(options);
    const { run } = await chainRunner(backend, 10_000);
    expect([...(await run())]).toEqual(expected(10_000));
  });

  it('runs the same plan again and again without allocating', async () => {
    const backend = await start(options);
    const { run } = await chainRunner(backend, 5);
    await run();
    const before = { calls: backend.allocator.calls, ...backend.memory() };
    for (let i = 0; i < 1000; i++) expect((await run())[3]).toBe(expected(5)[3]);
    expect({ calls: backend.allocator.calls, ...backend.memory() }).toEqual(before);
  });

  it('answers with the arrays it is given where they fit exactly', async () => {
    const backend = await start(options);
    const { x, y } = await chainRunner(backend, 3);
    const run = async (into: Float32Array | Int32Array) =>
      (await backend.run(backend.prepare(chain(3)), { leaves: [x], uploads: [], results: [y], into: [into] }))[0]!;
    const whole = new Float32Array(N + 2).fill(-1);
    const fits = whole.subarray(1, N + 1);
    expect(await run(fits)).toBe(fits);
    expect([...whole]).toEqual([-1, ...expected(3), -1]);
    for (const other of [new Float32Array(N + 1), new Int32Array(N)]) {
      expect([...(await run(other))]).toEqual(expected(3));
      expect(other.every(value => value === 0)).toBe(true);
    }
  });

  it('keeps submissions in order and apart', async () => {
    const backend = await start(options);
    const { x, y, run } = await chainRunner(backend, 3);
    const first = run();
    backend.write(x, ramp(100));
    const second = run();
    const third = backend.read(y, 'f32', [N]);
    y.free();
    expect([...(await first)]).toEqual(expected(3));
    expect([...(await second)]).toEqual(expected(3, 100));
    expect([...(await third)]).toEqual(expected(3, 100));
    await expect(backend.read(y, 'f32', [N])).rejects.toThrow(/freed/);
  });

  it('does not mind buffers that the plan does not use', async () => {
    const backend = await start(options);
    const [x, y, spare] = [backend.alloc(BYTES), backend.alloc(BYTES), backend.alloc(BYTES)];
    backend.write(x, ramp());
    const bindings = { leaves: [x, spare], uploads: [], results: [y] };
    expect([...(await backend.run(backend.prepare(chain(2)), bindings))[0]!]).toEqual(expected(2));
    expect([...(await backend.read(y, 'f32', [N]))]).toEqual(expected(2));
    await expect(backend.run(backend.prepare(chain(2)), { ...bindings, results: [] })).rejects.toThrow(
      /too few buffers; seen: 2,0,0 leaves, uploads, results; expected: 1,0,1/,
    );
  });

  it('copies uploads at the start of a run, as they are then', async () => {
    const backend = await start(options);
    const input = view({ kind: 'upload', index: 0, offset: 192, bytes: BYTES }, [N]);
    const output = inArena(0);
    const plan: Plan = {
      steps: [step('rotate', [input], output)],
      arenaBytes: 384,
      uploads: [{ offset: 192, bytes: BYTES, dtype: 'f32' }],
      reads: [output, input],
    };
    const prepared = backend.prepare(plan);
    const data = ramp();
    const runs = [data, data, new Float64Array(ramp(7))].map(u =>
      backend.run(prepared, { leaves: [], uploads: [u], results: [] }),
    );
    data.fill(-1);
    const [first, second, third] = await Promise.all(runs);
    expect([...first![0]!]).toEqual(expected(1));
    expect([...second![0]!]).toEqual(expected(1));
    expect([...third![0]!]).toEqual(expected(1, 7));
    expect([...third![1]!]).toEqual([...ramp(7)]);
    await expect(backend.run(prepared, { leaves: [], uploads: [new Float32Array(3)], results: [] })).rejects.toThrow(
      /uploaded data does not fit.*3 elements/,
    );
    await expect(backend.run(prepared, { leaves: [], uploads: [], results: [] })).rejects.toThrow(BackendError);
  });

  it('reports a trap with the op and path of its step, and works on', async () => {
    const backend = await start(options);
    const { run } = await chainRunner(backend, 4);
    for (let thread = 0; thread < backend.link.threads; thread++) {
      const steps = [
        step('rotate', [leaf], leaf),
        step('boom', [], leaf, { thread }, 'blocks.3.mlp'),
        step('rotate', [leaf], leaf),
      ];
      const prepared = backend.prepare({ steps, arenaBytes: 0, uploads: [], reads: [] });
      const scrap = backend.alloc(BYTES);
      const failing = backend.run(prepared, { leaves: [scrap], uploads: [], results: [] });
      const queued = run();
      await expect(failing).rejects.toThrow(/a kernel failed; seen: .*unreachable.*\(in boom, blocks\.3\.mlp\)/s);
      await expect(failing).rejects.toBeInstanceOf(BackendError);
      expect([...(await queued)]).toEqual(expected(4));
    }
  });

  it('runs out of memory with an error and works on', async () => {
    const backend = await start({ ...options, memory: { maximumBytes: 12 << 20 } });
    const { run } = await chainRunner(backend, 4);
    expect(() => backend.alloc(64 << 20)).toThrow(/out of memory; seen: 64\.0 MiB wanted/);
    const big = backend.prepare({ ...chain(1), arenaBytes: 64 << 20 });
    const x = backend.alloc(BYTES);
    const y = backend.alloc(BYTES);
    await expect(backend.run(big, { leaves: [x], uploads: [], results: [y] })).rejects.toThrow(/out of memory/);
    expect([...(await run())]).toEqual(expected(4));
  });

  it('moves its arena when a plan needs more', async () => {
    const backend = await start(options);
    const { run } = await chainRunner(backend, 4);
    await run();
    const blocker = backend.alloc(1 << 20);
    const far = view({ kind: 'arena', offset: 3 << 20, bytes: BYTES }, [N]);
    const steps = [step('rotate', [leaf], far), step('rotate', [far], result)];
    const prepared = backend.prepare({ steps, arenaBytes: (3 << 20) + 192, uploads: [], reads: [result] });
    const x = backend.alloc(BYTES);
    const y = backend.alloc(BYTES);
    backend.write(x, ramp());
    const [out] = await backend.run(prepared, { leaves: [x], uploads: [], results: [y] });
    expect([...out!]).toEqual(expected(2));
    expect([...(await run())]).toEqual(expected(4));
    blocker.free();
  });

  it('grows while a run is in flight', async () => {
    const backend = await start(options);
    const prepared = backend.prepare({
      steps: [step('spin', [], leaf, { rounds: 50_000_000 }), step('rotate', [leaf], result)],
      arenaBytes: 0,
      uploads: [],
      reads: [result],
    });
    const x = backend.alloc(BYTES);
    const y = backend.alloc(BYTES);
    backend.write(x, ramp());
    const running = backend.run(prepared, { leaves: [x], uploads: [], results: [y] });
    const { reserved } = backend.memory();
    const high = backend.alloc(40 << 20);
    expect(backend.memory().reserved).toBeGreaterThan(reserved);
    backend.write(high, ramp(5), (40 << 20) - BYTES);
    expect([...(await running)[0]!]).toEqual(expected(1));
    const top = { ...leaf, offset: (40 << 20) / 4 - N };
    const again = backend.prepare({ ...prepared.plan, steps: [step('rotate', [top], result)] });
    const [out] = await backend.run(again, { leaves: [high], uploads: [], results: [y] });
    expect([...out!]).toEqual(expected(1, 5));
  });

  it('measures', async () => {
    const backend = await start({ ...options, profile: true });
    const steps = [step('spin', [], leaf, { rounds: 20_000_000 }, 'slow'), step('rotate', [leaf], leaf, {}, 'quick')];
    const prepared = backend.prepare({ steps, arenaBytes: 0, uploads: [], reads: [] });
    const x = backend.alloc(BYTES);
    await backend.run(prepared, { leaves: [x], uploads: [], results: [] });
    const { kernelMs, totalMs, steps: times } = backend.lastRun;
    expect(times!.map(t => `${t.op} ${t.path}`)).toEqual(['spin slow', 'rotate quick']);
    expect(times![0]!.ms).toBeGreaterThan(1);
    expect(kernelMs).toBeGreaterThanOrEqual(times![0]!.ms + times![1]!.ms - 0.01);
    expect(totalMs).toBeGreaterThanOrEqual(kernelMs);
  });

  it('closes: what is in flight and everything later fails', async () => {
    const backend = await start(options);
    const prepared = backend.prepare({
      steps: [step('spin', [], leaf, { rounds: 2_000_000_000 })],
      arenaBytes: 0,
      uploads: [],
      reads: [],
    });
    const x = backend.alloc(BYTES);
    const bindings = { leaves: [x], uploads: [], results: [] };
    if (options.name !== 'inline') {
      const running = backend.run(prepared, bindings);
      const queued = backend.run(prepared, bindings);
      await new Promise(resolve => setTimeout(resolve, 20));
      backend.close();
      await expect(running).rejects.toThrow(/backend is closed/);
      await expect(queued).rejects.toThrow(/backend is closed/);
    }
    backend.close();
    x.free();
    expect(() => backend.alloc(1)).toThrow(BackendError);
    await expect(backend.run(prepared, bindings)).rejects.toThrow(/backend is closed/);
    await expect(backend.read(x, 'f32', [1])).rejects.toThrow(/backend is closed/);
    expect(() => backend.prepare(chain(1))).toThrow(/backend is closed/);
    expect(backend.memory()).toMatchObject({ used: 0, reserved: 0 });
  });
});

describe('buffers', () => {
  it('are freed once, and belong to one backend', async () => {
    const a = await start({ threads: 0 });
    const b = await start({ threads: 0 });
    const { used } = a.memory();
    const buffer = a.alloc(1000);
    expect(a.memory().used).toBe(used + 1024);
    buffer.free();
    buffer.free();
    expect(buffer.freed).toBe(true);
    expect(a.memory().used).toBe(used);
    expect(() => a.write(buffer, ramp())).toThrow(/freed/);
    expect(() => b.write(a.alloc(64), new Uint8Array(1))).toThrow(/another backend/);
    expect(() => a.write(a.alloc(64), new Uint8Array(60), 5)).toThrow(/beyond the end/);
    await expect(a.read(a.alloc(64), 'f32', [17])).rejects.toThrow(/beyond the end/);
  });

  it('hold any dtype', async () => {
    const backend = await start({ threads: 0 });
    const buffer = backend.alloc(12);
    backend.write(buffer, new Int32Array([1, -2, 3]));
    expect(await backend.read(buffer, 'i32', [3])).toEqual(new Int32Array([1, -2, 3]));
    backend.write(buffer, new Float64Array([0.5]), 4);
    expect(await backend.read(buffer, 'f32', [2])).toEqual(
      new Float32Array([new Float32Array(new Int32Array([1]).buffer)[0]!, 0.5]),
    );
    backend.write(buffer, new Uint8Array([1, 0, 1]));
    expect(await backend.read(buffer, 'bool', [3])).toEqual(new Uint8Array([1, 0, 1]));
    expect(await backend.read(buffer, 'f32', [0])).toEqual(new Float32Array());
  });

  it('come back when they become unreachable', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const backend = await start({ threads: 0 });
    const { used } = backend.memory();
    for (let i = 0; i < 10; i++) backend.alloc(1000);
    for (let i = 0; i < 20 && backend.memory().used > used; i++) {
      gc();
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    expect(backend.memory().used).toBe(used);
  });
});

describe('memory above 2 GiB', () => {
  it('works like the rest', async ({ skip }) => {
    const backend = await start({ threads: 2 });
    if (backend.link.limit < 2 ** 32 - 2 ** 17) return skip(`the engine grants ${backend.link.limit} bytes`);
    // Untouched pages cost nothing.
    const low = backend.alloc(2 ** 31);
    const middle = backend.alloc(2 ** 30);
    const high = backend.alloc(2 ** 29);
    const { run, x } = await chainRunner(backend, 4);
    expect((x as unknown as { address: number }).address).toBeGreaterThan(2 ** 31 + 2 ** 30);
    expect([...(await run())]).toEqual(expected(4));
    expect(() => backend.alloc(2 ** 30)).toThrow(/out of memory/);
    for (const buffer of [low, middle, high]) buffer.free();
    expect([...(await run())]).toEqual(expected(4));
  });
});

describe('options', () => {
  it('are checked', async () => {
    await expect(start({ threads: -1 })).rejects.toThrow(/threads/);
    await expect(start({ threads: 1.5 })).rejects.toThrow(/threads/);
    await expect(start({ memory: { maximumBytes: 0 } })).rejects.toThrow(/maximumBytes/);
  });
  it('name the op that has no kernel', async () => {
    const backend = await start({ threads: 0 });
    expect(() => backend.prepare({ ...chain(1), steps: [step('fly', [leaf], result, {}, 'wing')] })).toThrow(
      /no kernel for fly.*\(in wing\)/,
    );
  });
});
