/**
 * Finds out what the engine can do by trying: a tiny module for each feature, and the real register tile of the matrix
 * product, checked against plain arithmetic and timed. A version string is at most a reason to try.
 */
import { f32x4, ModuleBuilder, v128 } from './assembler.ts';
import type { Features } from './kernel.ts';
import { chooseTile, timeTiles } from './tile.ts';

/** What the caller allows. */
export interface ProbeOptions {
  readonly threads: number;
  readonly relaxed: boolean;
  readonly revectorize: boolean;
}

/** How much faster the wide tile must be: it is 1.4 times where the vectoriser works and 0.65 times where it does not. */
const CLEARLY_FASTER = 1.15;

export function probeFeatures({ threads, relaxed, revectorize }: ProbeOptions): Features {
  const level = { relaxed: relaxed && relaxedWorks(), revec: false };
  if (level.relaxed && revectorize && setRevectorize(true)) level.revec = revecWorks() || setRevectorize(false);
  return { ...level, threads, tile: chooseTile(level) };
}

/** True when the wide tile gives right numbers and is so much faster that its operations must have been packed. */
function revecWorks(): boolean {
  const tiles = [chooseTile({ relaxed: true, revec: false }), chooseTile({ relaxed: true, revec: true })];
  const [usual, wide] = timeTiles(tiles, { relaxed: true, revec: true });
  return wide!.right && wide!.speed > CLEARLY_FASTER * usual!.speed;
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
