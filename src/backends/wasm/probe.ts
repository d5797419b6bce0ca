/**
 * Finds out what the engine can do by trying: a tiny module for each feature, and the real register tile of the matrix
 * product, checked against plain arithmetic and timed. A version string is at most a reason to try.
 */
import { type Code, f32x4, i32x4, ModuleBuilder, v128 } from './assembler.ts';
import type { DotMeaning, Features } from './kernel.ts';
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
  return { ...level, dot: level.relaxed ? dotMeaning() : 'none', threads, tile: chooseTile(level) };
}

/** True when the wide tile gives right numbers and is so much faster that its operations must have been packed. */
function revecWorks(): boolean {
  const tiles = [chooseTile({ relaxed: true, revec: false }), chooseTile({ relaxed: true, revec: true })];
  const [usual, wide] = timeTiles(tiles, { relaxed: true, revec: true });
  return wide!.right && wide!.speed > CLEARLY_FASTER * usual!.speed;
}

/**
 * A function of three vectors, run on the first 48 bytes of a memory; its result lies behind them. Undefined = the engine
 * does not know the instruction.
 */
function vectorFunction(of: (x: Code, y: Code, z: Code) => Code): { memory: ArrayBuffer; run(): void } | undefined {
  const builder = new ModuleBuilder();
  const f = builder.export(builder.func('f', ['i32']));
  const at = f.params[0]!;
  f.emit(v128.store(at, of(v128.load(at), v128.load(at, 16), v128.load(at, 32)), 48));
  const bytes = builder.bytes({ shared: false, initial: 1, maximum: 1 });
  if (!WebAssembly.validate(bytes)) return undefined;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return { memory: memory.buffer, run: () => (exports.f as (at: number) => void)(0) };
}

/** True when the engine has relaxed SIMD and its multiply-add rounds like one or like two operations, nothing else. */
function relaxedWorks(): boolean {
  const madd = vectorFunction(f32x4.madd);
  if (!madd) return false;
  const x = [1.5, 1 / 3, -7, 1e30];
  const y = [2, 3, 0.1, 1e-30];
  const z = [0.25, -1, 1e6, Infinity];
  const values = new Float32Array(madd.memory, 0, 16);
  values.set([...x, ...y, ...z]);
  madd.run();
  const [a, b, c] = [0, 4, 8].map(i => [...values.subarray(i, i + 4)]) as [number[], number[], number[]];
  return a.every((_, i) => {
    const separate = Math.fround(Math.fround(a[i]! * b[i]!) + c[i]!);
    const fused = Math.fround(a[i]! * b[i]! + c[i]!);
    return values[12 + i] === separate || values[12 + i] === fused;
  });
}

/** True when a function can work in two memories at once, of the kind that is asked for. */
export function severalMemoriesWork(shared: boolean): boolean {
  const builder = new ModuleBuilder();
  const f = builder.export(builder.func('f', ['i32']));
  const at = f.params[0]!;
  f.emit(v128.store(at, v128.load(at.into(1), 16), 32));
  const bytes = builder.bytes({ shared, initial: 1, maximum: 1 }, true);
  if (!WebAssembly.validate(bytes)) return false;
  const [memory, bank] = [0, 1].map(() => new WebAssembly.Memory({ initial: 1, maximum: 1, shared }));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory: memory!, bank: bank! },
  });
  new Uint8Array(memory!.buffer).fill(1);
  new Uint8Array(bank!.buffer).fill(2);
  (exports.f as (at: number) => void)(64);
  const [before, after] = [64 + 16, 64 + 32].map(i => new Uint8Array(memory!.buffer, i, 16));
  return before!.every(byte => byte === 1) && after!.every(byte => byte === 2);
}

/** What each meaning makes of four times 127 * (byte -1). */
const DOT_MEANINGS = new Map<number, DotMeaning>([
  [4 * 127 * 255, 'unsigned'],
  [2 * 32767, 'saturating'],
  [4 * -127, 'signed'],
]);

/** What the dot product of bytes means here; `none` also where it is wrong on the bytes that all engines must agree on. */
export function dotMeaning(): DotMeaning {
  const dot = vectorFunction(i32x4.relaxedDotI8x16);
  if (!dot) return 'none';
  const bytes = new Int8Array(dot.memory, 0, 32);
  const sums = new Int32Array(dot.memory, 32, 8);
  const right = [
    [-128, 127],
    [127, 127],
    [-1, 1],
    [77, 0],
  ].every(([x, y]) => {
    bytes.fill(x!, 0, 16);
    bytes.fill(y!, 16, 32);
    sums.fill(-5);
    dot.run();
    return sums.subarray(4).every(sum => sum === 4 * x! * y! - 5);
  });
  if (!right) return 'none';
  bytes.fill(127, 0, 16);
  bytes.fill(-1, 16, 32);
  sums.fill(0);
  dot.run();
  return DOT_MEANINGS.get(sums[4]!) ?? 'none';
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
