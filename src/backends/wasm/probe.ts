/**
 * Finds out what the engine can do by trying: a tiny module for each feature, and the real register tile of the matrix
 * product, checked against plain arithmetic and timed. A version string is at most a reason to try.
 */
import { block, f32x4, i32, ModuleBuilder, v128 } from './assembler.ts';
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

const REVEC_TILE: Tile = { mr: 6, nr: 16 };
/** Tiles for relaxed SIMD, the usual one first: V8 before 13 spills the registers of the larger. */
const RELAXED_TILES: readonly Tile[] = [
  { mr: 6, nr: 8 },
  { mr: 4, nr: 8 },
];
const PLAIN_TILE: Tile = { mr: 2, nr: 16 };
/** How much faster another tile must be to be preferred to the usual one: noise does not change the choice. */
const CLEARLY_FASTER = 1.3;

export function probeFeatures({ threads, relaxed, revectorize }: ProbeOptions): Features {
  if (!relaxed || !relaxedWorks()) return { relaxed: false, revec: false, threads, tile: PLAIN_TILE };
  const revec = revectorize && setRevectorize(true);
  const tile = chooseTile(revec ? [...RELAXED_TILES, REVEC_TILE] : RELAXED_TILES);
  if (revec && tile !== REVEC_TILE) setRevectorize(false);
  return { relaxed: true, revec: tile === REVEC_TILE, threads, tile };
}

/** The first tile that gives right numbers, unless another one is clearly faster. */
function chooseTile(tiles: readonly Tile[]): Tile {
  const timed = timeTiles(tiles).filter(t => t.right);
  let best = timed[0];
  for (const t of timed) if (best && t.speed > CLEARLY_FASTER * best.speed) best = t;
  return best?.tile ?? PLAIN_TILE;
}

/** True when the engine has relaxed SIMD and its multiply-add rounds like one or like two operations, nothing else. */
function relaxedWorks(): boolean {
  const builder = new ModuleBuilder();
  const f = builder.export(builder.func('madd', ['i32']));
  const at = f.params[0]!;
  f.emit(block(v128.store(at, f32x4.madd(v128.load(at), v128.load(at, 16), v128.load(at, 32)), 48)));
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
 * Returns false where the flag does not exist: V8 would complain about it on stderr.
 */
function setRevectorize(on: boolean): boolean {
  const v8 = typeof process === 'object' ? process.getBuiltinModule?.('node:v8') : undefined;
  if (!v8 || Number.parseInt(process.versions.v8 ?? '', 10) < 13) return false;
  v8.setFlagsFromString(on ? '--experimental-wasm-revectorize' : '--no-experimental-wasm-revectorize');
  return true;
}

/** Length of the products of the timing: operands of every tile stay in the first-level cache. */
const K = 256;
/** Calls per round, and rounds: enough for V8's optimising compiler to finish in the background. */
const CALLS = 64;
const ROUNDS = 60;

interface Timed {
  readonly tile: Tile;
  /** The tile's numbers agree with plain arithmetic, before and after optimisation. */
  readonly right: boolean;
  /** Multiplications per millisecond in the fastest round. */
  readonly speed: number;
}

/** Times all tiles in turns, so that they are compiled at the same time and disturbed alike. */
export function timeTiles(tiles: readonly Tile[]): Timed[] {
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
    return { tile, right, speed: (CALLS * K * tile.mr * tile.nr) / fastest };
  });
}
