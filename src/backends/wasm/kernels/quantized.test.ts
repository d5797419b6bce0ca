/**
 * Quantised weights in every format and on every kind of engine: rows back to the bit, products against a double loop over
 * the same integers. Dot products that this engine does not have are put together from exact instructions.
 */
import { setFlagsFromString } from 'node:v8';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { BLOCK_CODECS, decodeBlocks } from '../../../formats/index.ts';
import { decodeBf16, decodeF16, f32ToF16 } from '../../../util/half.ts';
import { createRng } from '../../../util/rng.ts';
import { type Code, i16x8, i32x4, shuffle32 } from '../assembler.ts';
import type { DotMeaning, Features } from '../kernel.ts';
import { type HarnessArray, KernelHarness, PLAIN } from '../kernel-harness.ts';
import { dotMeaning } from '../probe.ts';
import { EXPERT_KERNELS } from './experts.ts';
import { gather } from './gather.ts';
import { linear } from './linear.ts';
import { toRows } from './pack.ts';
import {
  blockOf,
  HALF_FORMATS,
  type KeptFormat,
  keptBytes,
  QUANTIZED_FORMATS,
  type QuantizedFormat,
} from './quantized-layout.ts';
import { packBlocks } from './quantized-pack.ts';
import { FEATURE_SETS } from './random-arrays.ts';

// The last level is compiled by the revectoriser where there is one.
if (Number.parseInt(process.versions.v8, 10) >= 13) setFlagsFromString('--experimental-wasm-revectorize');

/** Lets the relaxed dot products be put together from exact instructions, with a meaning. */
function emulateDots(meaning: DotMeaning): void {
  const [low, high] =
    meaning === 'signed'
      ? [i16x8.extendLowI8x16s, i16x8.extendHighI8x16s]
      : [i16x8.extendLowI8x16u, i16x8.extendHighI8x16u];
  const pairs = (x: Code, y: Code) =>
    [i32x4.dotI16x8(i16x8.extendLowI8x16s(x), low!(y)), i32x4.dotI16x8(i16x8.extendHighI8x16s(x), high!(y))] as const;
  const limited = (sum: Code): Code => i32x4.min(i32x4.max(sum, i32x4.const(-32768)), i32x4.const(32767));
  vi.spyOn(i16x8, 'relaxedDotI8x16').mockImplementation((x, y) => i16x8.narrowI32x4s(...pairs(x, y)));
  vi.spyOn(i32x4, 'relaxedDotI8x16').mockImplementation((x, y, z) => {
    const [a, b] = pairs(x, y).map(sum => (meaning === 'saturating' ? limited(sum) : sum)) as [Code, Code];
    return i32x4.add(z, i32x4.add(shuffle32(a, b, [0, 2, 4, 6]), shuffle32(a, b, [1, 3, 5, 7])));
  });
}

const relaxed = FEATURE_SETS.some(set => set.relaxed);
const LEVELS: readonly { name: string; features: Features; emulated: boolean }[] = [
  ...(['none', 'saturating', 'unsigned', 'signed'] as const).map(dot => ({
    name: `like ${dot}`,
    features: { ...PLAIN, dot },
    emulated: dot !== 'none',
  })),
  { name: 'like unsigned, two panels', features: { ...PLAIN, dot: 'unsigned', revec: true }, emulated: true },
  { name: 'like none, two panels', features: { ...PLAIN, revec: true }, emulated: true },
  ...(relaxed
    ? [false, true].map(revec => ({
        name: `this engine (${dotMeaning()})${revec ? ', two panels' : ''}`,
        features: { ...PLAIN, relaxed: true, dot: dotMeaning(), revec },
        emulated: false,
      }))
    : []),
];

/** Rows, times 256 values, columns. Emulated levels take some of them. */
const PRODUCTS = [
  [1, 1, 1],
  [1, 8, 16],
  [2, 2, 37],
  [3, 3, 24],
  [4, 1, 40],
  [5, 2, 9],
  [6, 1, 17],
  [7, 1, 7],
  [8, 1, 23],
  [9, 1, 33],
  [32, 2, 19],
  [130, 1, 35],
] as const;

const rng = createRng(5);
/** Rows of random blocks with plausible scales of both signs, some of them subnormal or 0, and their values. */
function randomBlocks(format: QuantizedFormat, rows: number, k: number) {
  const { dtype, elements, fileBytes, scalesAt } = blockOf(format);
  const bytes = Uint8Array.from({ length: (rows * k * fileBytes) / elements }, () => rng.below(256));
  for (let at = 0; at < bytes.length; at += fileBytes)
    for (const offset of scalesAt) {
      const size = 2 ** -(4 + rng.below(5));
      const half = [f32ToF16(size * (1 + rng.uniform())), rng.below(1024), 0][[0, 0, 0, 0, 0, 1, 2][rng.below(7)]!]!;
      const bits = half | (rng.below(2) << 15);
      bytes[at + offset] = bits & 255;
      bytes[at + offset + 1] = bits >> 8;
    }
  return { bytes, values: decodeBlocks(bytes, dtype) };
}

/** What an activation is quantised to, operation by operation: each row of k values, in chunks of 32. */
function quantized(x: Float32Array): Float64Array {
  const { fround } = Math;
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += 32) {
    const chunk = x.subarray(at, at + 32);
    const most = chunk.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const inverse = most < 2 ** -100 ? 0 : fround(127 / most);
    const scale = fround(most * fround(1 / 127));
    const rounded = (value: number) => fround(fround(value * inverse) + 12582912) - 12582912;
    chunk.forEach((value, i) => {
      out[at + i] = rounded(value) * scale;
    });
  }
  return out;
}

function product(x: ArrayLike<number>, w: ArrayLike<number>, bias: ArrayLike<number>, m: number, n: number, k: number) {
  return Float64Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = bias[j] ?? 0;
    for (let s = 0; s < k; s++) sum += x[i * k + s]! * w[j * k + s]!;
    return sum;
  });
}
const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
/** Largest difference in parts of the largest value; NaN counts as infinite. */
function difference(seen: ArrayLike<number>, wanted: ArrayLike<number>): number {
  const parts = Array.from(wanted, (value, i) => Math.abs(value - seen[i]!));
  return parts.every(Number.isFinite) ? largest(parts) / (largest(wanted) || 1) : Number.POSITIVE_INFINITY;
}
/**
 * How far products are from those of the values before they were quantised, in parts of what the terms of a sum add up to
 * with random signs. A chunk of 32 normal values has a step of about 2.2 / 127 deviations, so this is near 0.5 %.
 */
function noise(seen: ArrayLike<number>, x: ArrayLike<number>, w: ArrayLike<number>, m: number, n: number, k: number) {
  const [exact, terms] = [product(x, w, [], m, n, k), product(squares(x), squares(w), [], m, n, k)];
  const sum = exact.reduce((all, value, i) => all + (terms[i] ? (value - seen[i]!) ** 2 / terms[i] : 0), 0);
  return Math.sqrt(sum / exact.length);
}
const squares = (values: ArrayLike<number>) => Float64Array.from(values, value => value * value);

describe.each(LEVELS)('quantised, $name', ({ features, emulated }) => {
  let harness: KernelHarness;
  beforeAll(() => {
    if (emulated) emulateDots(features.dot);
    harness = new KernelHarness([linear, toRows, gather, packBlocks, ...EXPERT_KERNELS], features);
    vi.restoreAllMocks();
  });

  /** A weight packed `rowsAtOnce` rows at a time, at an odd address, as a file may have it. */
  function packed(format: KeptFormat, n: number, k: number, bytes: Uint8Array, rowsAtOnce = n, threads = 1) {
    const elements = keptBytes([n, k], format, features) / 4 + 1;
    const weight = harness.array([n, k], 'f32', undefined, { elements, format });
    const rowBytes = bytes.length / n;
    for (let row = 0; row < n; row += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, n - row);
      const piece = bytes.subarray(row * rowBytes, (row + rows) * rowBytes);
      const staging = harness.array([piece.length], 'u8', [0, ...piece], { offset: 1 });
      harness.run('packBlocks', { row, rows }, [staging], weight, threads);
    }
    return weight;
  }
  const nothing = (size: number) => new Float32Array(size + 1).fill(Number.NaN);

  describe.each(QUANTIZED_FORMATS)('%s', format => {
    const { elements, fileBytes, scalesAt, dtype } = blockOf(format);
    it('is the block that the files have', () => {
      expect(BLOCK_CODECS[dtype]).toMatchObject({ elements, bytes: fileBytes });
      const inMemory = keptBytes([64, 1024], format, features) / ((64 * 1024 * fileBytes) / elements);
      expect(inMemory).toBeGreaterThanOrEqual(1);
      expect(inMemory).toBeLessThan(1.03);
    });

    it('gives rows back to the bit', () => {
      for (const [n, blocks, rowsAtOnce, threads] of [
        [1, 1, 1, 1],
        [8, 2, 3, 2],
        [37, 3, 5, 3],
        [50, 1, 50, 5],
      ] as const) {
        const k = blocks * elements;
        const { bytes, values } = randomBlocks(format, n, k);
        const weight = packed(format, n, k, bytes, rowsAtOnce, threads);
        const rows = harness.run('toRows', undefined, [weight], harness.array([n, k], 'f32', nothing(n * k)), threads);
        expect(rows.subarray(0, n * k)).toEqual(values);
        expect(rows[n * k]).toBeNaN();
        const ids = [n - 1, 0, -1, n, n >> 1];
        const wanted = ids.flatMap(id =>
          Array.from({ length: k }, (_, i) => (id >= 0 && id < n ? values[id * k + i]! : 0)),
        );
        const out = harness.array([ids.length, k], 'f32', nothing(wanted.length));
        const seen = harness.run('gather', undefined, [weight, harness.array([ids.length], 'i32', ids)], out, threads);
        expect([...seen.subarray(0, wanted.length)]).toEqual(wanted);
        expect(seen[wanted.length]).toBeNaN();
      }
    });

    it.each(emulated ? PRODUCTS.filter(([m]) => [1, 5, 130].includes(m)) : PRODUCTS)(
      'linear, %i rows, %i times 256, %i columns',
      (m, blocks, n) => {
        const k = 256 * blocks;
        const { bytes, values } = randomBlocks(format, n, k);
        const weight = packed(format, n, k, bytes);
        // Rows of very different sizes, as activations have them.
        const xs = Float32Array.from({ length: m * k }, (_, i) => rng.normal() * 10 ** ((i >> 5) % 4));
        const bias = Float32Array.from({ length: n }, () => rng.normal());
        const x = harness.array([m, k], 'f32', xs);
        const b = harness.array([n], 'f32', bias);
        const wanted = product(quantized(xs), values, bias, m, n, k);
        const run = (threads: number, ...inputs: HarnessArray[]) => {
          const out = harness.array([m, n], 'f32', nothing(m * n));
          const seen = harness.run('linear', undefined, inputs, out, threads);
          expect(seen[m * n]).toBeNaN();
          return seen.slice(0, m * n);
        };
        const seen = run(1, x, weight, b);
        expect(difference(seen, wanted)).toBeLessThan(1e-5);
        // Rows may meet in other tiles, where nothing else is added up in another order.
        for (const threads of [2, 3, 4, 5]) expect(difference(run(threads, x, weight, b), seen)).toBeLessThan(1e-6);
        const unbiased = run(2, x, weight);
        expect(
          difference(
            unbiased,
            wanted.map((value, i) => value - bias[i % n]!),
          ),
        ).toBeLessThan(1e-5);
        expect(noise(unbiased, xs, values, m, n, k)).toBeLessThan(0.02);
      },
    );

    it('adds up the largest numbers there are', () => {
      const [n, k] = [8, 512];
      for (const byte of [0, 0x7f, 0x80, 0xff])
        for (const sign of [1, -1]) {
          const bytes = new Uint8Array((n * k * fileBytes) / elements).fill(byte);
          for (let at = 0; at < bytes.length; at += fileBytes)
            for (const offset of scalesAt) bytes.set([0, 0x2c], at + offset);
          const values = decodeBlocks(bytes, dtype);
          const xs = new Float32Array(k).fill(sign);
          const weight = packed(format, n, k, bytes);
          const inputs = [harness.array([1, k], 'f32', xs), weight];
          const seen = harness.run('linear', undefined, inputs, harness.array([1, n]));
          expect(difference(seen, product(xs, values, [], 1, n, k))).toBeLessThan(1e-5);
        }
    });

    it('makes NaN of rows that are not finite, zeros of zeros, and nothing of nothing', () => {
      const [n, k] = [11, 256];
      const { bytes } = randomBlocks(format, n, k);
      const weight = packed(format, n, k, bytes);
      const row = (at: number, value: number) => Array.from({ length: k }, (_, i) => (i === at ? value : i % 7));
      const xs = [
        row(3, Number.NaN),
        row(40, Number.POSITIVE_INFINITY),
        new Array<number>(k).fill(0),
        row(250, Number.NEGATIVE_INFINITY),
        new Array<number>(k).fill(2 ** -120),
        row(0, 1e9),
      ];
      const x = harness.array([6, k], 'f32', xs.flat());
      const seen = harness.run('linear', undefined, [x, weight], harness.array([6, n]));
      for (const [i, wanted] of [Number.NaN, Number.NaN, 0, Number.NaN, 0].entries())
        expect([...seen.subarray(i * n, (i + 1) * n)].map(value => value + 0)).toEqual(new Array(n).fill(wanted));
      expect(seen.subarray(5 * n).every(Number.isFinite)).toBe(true);
      const none = harness.array([0, k]);
      expect(() => harness.run('linear', undefined, [none, weight], harness.array([0, n]))).not.toThrow();
    });
  });

  describe.each(HALF_FORMATS)('%s', format => {
    const decode = format === 'f16' ? decodeF16 : decodeBf16;
    /** Halves of all sizes that a weight may have, subnormal ones too. */
    function randomHalves(size: number) {
      const bits = Uint16Array.from({ length: size }, () =>
        format === 'f16' ? rng.below(0x5800) | (rng.below(2) << 15) : 0x3c00 + rng.below(0x400) + (rng.below(2) << 15),
      );
      return { bytes: new Uint8Array(bits.buffer), values: decode(bits) };
    }
    it.each([
      [1, 1, 1],
      [1, 130, 37],
      [2, 7, 16],
      [5, 800, 9],
      [9, 33, 40],
      [130, 400, 50],
    ])('%i rows of %i, %i columns', (m, k, n) => {
      const { bytes, values } = randomHalves(n * k);
      const weight = packed(format, n, k, bytes, 5, 3);
      const rows = harness.run('toRows', undefined, [weight], harness.array([n, k], 'f32', nothing(n * k)), 2);
      expect(rows.subarray(0, n * k)).toEqual(values);
      expect(rows[n * k]).toBeNaN();
      const ids = harness.array([3], 'i32', [n - 1, n, 0]);
      const looked = harness.run('gather', undefined, [weight, ids], harness.array([3, k]), 2);
      expect(looked).toEqual(
        Float32Array.of(...values.subarray(-k), ...new Array(k).fill(0), ...values.subarray(0, k)),
      );
      const xs = Float32Array.from({ length: m * k }, () => rng.normal());
      const bias = Float32Array.from({ length: n }, () => rng.normal());
      const inputs = [harness.array([m, k], 'f32', xs), weight, harness.array([n], 'f32', bias)];
      const wanted = product(xs, values, bias, m, n, k);
      for (const threads of [1, 2, 3, 5]) {
        const out = harness.array([m, n], 'f32', nothing(m * n));
        const seen = harness.run('linear', undefined, inputs, out, threads);
        expect(difference(seen, wanted)).toBeLessThan(1e-5);
        expect(seen[m * n]).toBeNaN();
      }
    });
  });

  it('expertLinear takes weights of any format together', () => {
    const [n, k] = [21, 256];
    const expert = [0, 0, 1, 2, 2, 2, -1, 9, 3, 1, 4, 4];
    const formats = ['q4_k', 'q8_0', 'q4_0'] as const;
    const halves = Uint16Array.from({ length: n * k }, () => 0x3000 + rng.below(0x800));
    const blocks = formats.map(format => randomBlocks(format, n, k));
    const floats = Float32Array.from({ length: n * k }, () => rng.normal());
    const weights = [
      ...blocks.map((b, i) => packed(formats[i]!, n, k, b.bytes)),
      harness.array([n, k], 'f32', floats),
      packed('f16', n, k, new Uint8Array(halves.buffer)),
    ];
    const xs = Float32Array.from({ length: expert.length * k }, () => rng.normal());
    const rounded = quantized(xs);
    const wanted = expert.flatMap((e, r) => {
      const values = [...blocks.map(b => b.values), floats, decodeF16(halves)][e];
      const row = (e < 3 ? rounded : xs).subarray(r * k, (r + 1) * k);
      return values ? [...product(row, values, [], 1, n, k)] : new Array<number>(n).fill(0);
    });
    const inputs = [harness.array([expert.length, k], 'f32', xs), harness.array([expert.length], 'i32', expert)];
    for (const threads of [1, 2, 3, 5]) {
      const out = harness.array([expert.length, n], 'f32', nothing(wanted.length));
      const seen = harness.run('expertLinear', undefined, [...inputs, ...weights], out, threads);
      expect(difference(seen, wanted)).toBeLessThan(1e-5);
      expect(seen[wanted.length]).toBeNaN();
    }
  });
});
