/**
 * Finds out what the engine can do by trying: a tiny module for each feature, and the real register tile of the matrix
 * product, checked against plain arithmetic and timed. A version string is at most a reason to try.
 */
import { f32x4, ModuleBuilder, v128 } from './assembler.ts';
import type { Features, WasmKernel } from './kernel.ts';
import { microKernel } from './kernels/micro-kernel.ts';
import { buildModule } from './module.ts';

type Tile = Features['tile'];

/** What the caller allows. */
export interface ProbeOptions {
  readonly threads: number;
  readonly relaxed: boolean;
  readonly revectorize: boolean;
}

/** Fits the 16 vector registers of x64 with 128 bits each; without multiply-add, a wide row hides more of its latency. */
const PLAIN_TILE: Tile = { mr: 2, nr: 16 };
const RELAXED_TILE: Tile = { mr: 6, nr: 8 };
/** Fits the same registers with 256 bits each. */
const REVEC_TILE: Tile = { mr: 6, nr: 16 };
/** How much faster the revectorised tile must be: it is 1.4 times where it works and 0.65 times where it does not. */
const CLEARLY_FASTER = 1.15;

export function probeFeatures({ threads, relaxed, revectorize }: ProbeOptions): Features {
  if (!relaxed || !relaxedWorks()) return { relaxed: false, revec: false, threads, tile: PLAIN_TILE };
  const revec = revectorize && setRevectorize(true) && (revecWorks() || setRevectorize(false));
  return { relaxed: true, revec, threads, tile: revec ? REVEC_TILE : RELAXED_TILE };
}

/** True when the wide tile gives right numbers and is so much faster that its operations must have been packed. */
function revecWorks(): boolean {
  const [usual, wide] = timeTiles([RELAXED_TILE, REVEC_TILE]) as [Timed, Timed];
  return wide.right && wide.speed > CLEARLY_FASTER * usual.speed;
}

/** True when the engine has relaxed SIMD and its multiply-add rounds like one or like two operations, nothing else. */
function relaxedWorks(): boolean {
  const builder = new ModuleBuilder();
  const f = builder.export(builder.func('madd', ['i32']));
  const at = f.params[0]!;
  f.emit(v128.store(at, f32x4.madd(v128.load(at), v128.load(at, 16), v128.load(at, 32)), 48));
  const bytes = builder.bytes({ shared: false, initial: 1, maximum: 1 });
  if (!WebAssembly.validate(bytes)) return false;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { madd } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
  const x = [1.5, 1 / 3, -7, 1e30];
  const y = [2, 3, 0.1, 1e-30];
  const z = [0.25, -1, 1e6, Infinity];
  const values = new Float32Array(memory.buffer, 0, 16);
  values.set([...x, ...y, ...z]);
  (madd as (at: number) => void)(0);
  const [a, b, c] = [0, 4, 8].map(i => [...values.subarray(i, i + 4)]) as [number[], number[], number[]];
  return a.every((_, i) => {
    const separate = Math.fround(Math.fround(a[i]! * b[i]!) + c[i]!);
    const fused = Math.fround(a[i]! * b[i]! + c[i]!);
    return values[12 + i] === separate || values[12 + i] === fused;
  });
}

/**
 * Lets V8 pack pairs of 128-bit operations of modules compiled from now on. Only in Node, where flags can be set.
 * V8 would complain on stderr about a flag that it does not know. Returns whether the flag is on now.
 */
function setRevectorize(on: boolean): boolean {
  const v8 = typeof process === 'object' ? process.getBuiltinModule?.('node:v8') : undefined;
  if (!v8 || Number.parseInt(process.versions.v8 ?? '', 10) < 13) return false;
  v8.setFlagsFromString(on ? '--experimental-wasm-revectorize' : '--no-experimental-wasm-revectorize');
  return on;
}

/** Length of the products of the timing: operands of every tile stay in the first-level cache. */
const K = 256;
/** Calls per round, and rounds: enough for V8's optimising compiler to finish in the background. */
const CALLS = 64;
const ROUNDS = 60;

interface Timed {
  /** The tile's numbers agree with plain arithmetic, before and after optimisation. */
  readonly right: boolean;
  /** Multiplications per millisecond in the fastest round. */
  readonly speed: number;
}

/** Times all tiles in turns, so that they are compiled at the same time and disturbed alike. */
function timeTiles(tiles: readonly Tile[]): Timed[] {
  const [a, b, c, zeros] = [1024, 16384, 49152, 0] as const;
  const runs = tiles.map(tile => {
    const kernel: WasmKernel = {
      name: 'tile',
      emit: context => microKernel(context, tile.mr),
      args() {},
    };
    const features = { relaxed: true, revec: true, threads: 1, tile };
    const { bytes } = buildModule([kernel], features, { shared: false, initial: 1, maximum: 1 });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    const multiply = instance.exports[`tile${tile.mr}`] as (...args: number[]) => void;
    const f32 = new Float32Array(memory.buffer);
    for (let i = 0; i < K * tile.mr; i++) f32[a / 4 + i] = ((i * 7919) % 1000) / 1000 - 0.5;
    for (let i = 0; i < K * tile.nr; i++) f32[b / 4 + i] = ((i * 104729) % 997) / 997 - 0.5;
    return { tile, f32, once: () => multiply(a, b, c, 4 * tile.nr, K, zeros, 0), fastest: Infinity };
  });
  for (let round = 0; round < ROUNDS; round++)
    for (const run of runs) {
      const began = performance.now();
      for (let i = 0; i < CALLS; i++) run.once();
      run.fastest = Math.min(run.fastest, performance.now() - began);
    }
  return runs.map(({ tile, f32, fastest }) => {
    let right = true;
    for (let i = 0; i < tile.mr; i++)
      for (let j = 0; j < tile.nr; j++) {
        let sum = 0;
        for (let k = 0; k < K; k++) sum += f32[a / 4 + k * tile.mr + i]! * f32[b / 4 + k * tile.nr + j]!;
        right &&= Math.abs(sum - f32[c / 4 + i * tile.nr + j]!) < 1e-4;
      }
    return { right, speed: (CALLS * K * tile.mr * tile.nr) / fastest };
  });
}
