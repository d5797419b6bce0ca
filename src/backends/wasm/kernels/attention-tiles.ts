/**
 * The inner loops of attention: scores of a few queries with a block of keys, and weighted sums of a block of values.
 *
 * Two forms. With many queries, keys are transposed into panels once per block and both products are register tiles of
 * MR x NR. With few, keys are read once and straight from the cache: dot products along D, several keys side by side.
 */
import {
  brIf,
  type Code,
  type Func,
  f32x4,
  forLess,
  i32,
  type Local,
  loop,
  select,
  set,
  shuffle32,
  tee,
  v128,
  when,
} from '../assembler.ts';
import type { ModuleContext } from '../kernel.ts';

/** Keys of a block. */
export const BLOCK = 64;
/** Bytes of a row of scores. */
export const SCORE_ROW = 4 * BLOCK;
/** Bytes of the running state of a row: maximum, sum, factor for what was summed before the last block. */
export const STATE = 16;
export const FACTOR = 8;

const madd = ({ features }: ModuleContext, x: Code, y: Code, z: Code) =>
  features.relaxed ? f32x4.madd(x, y, z) : f32x4.add(f32x4.mul(x, y), z);
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
/**
 * A call that the engine cannot inline: a tile inlined into its caller loses registers. The index is a constant, so the
 * processor predicts it.
 */
export const callApart = ({ module }: ModuleContext, f: Func, ...args: Code[]): Code =>
  module.callTable(f, i32.const(module.tableIndex(f)), ...args);

/**
 * `(rows, stride, n, bytes, sink)`: reads one word of each cache line of n rows, in order, and writes one to `sink`, so
 * that the reads are not left out. The tiles for few rows walk columns, or several rows at once, which the processor does
 * not prefetch: from main memory they are twice as fast if a block is read in order first.
 */
export function touchRows({ module }: ModuleContext): Func {
  const f = module.func('attention touch', ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [rows, stride, n, bytes, sink] = f.params;
  const [at, end, seen] = f.i32s(3);
  const read = (offset: number) => set(seen, i32.or(seen, i32.load(at, offset)));
  return f.emit(
    when(i32.eq(stride, bytes), [set(bytes, i32.mul(bytes, n)), set(n, i32.const(1))]),
    loop(
      set(at, rows),
      set(end, i32.add(rows, i32.and(bytes, i32.const(-256)))),
      forLess(at, end, 256, read(0), read(64), read(128), read(192)),
      set(end, i32.add(rows, bytes)),
      forLess(at, end, 64, read(0)),
      set(rows, i32.add(rows, stride)),
      brIf(0, tee(n, i32.sub(n, i32.const(1)))),
    ),
    i32.store(sink, seen),
  );
}

/** `(queries [d][mr], keys [d][nr], scores, d)`: scores [mr][nr], rows `SCORE_ROW` apart. */
export function scoreTile(context: ModuleContext): Func {
  const { mr, nr } = context.features.tile;
  return context.shared('attention scores', () => {
    const f = context.module.func('attention scores', ['i32', 'i32', 'i32', 'i32']);
    const [a, b, out, d] = f.params;
    const acc = range(mr).map(() => f.v128s(nr / 4));
    const bs = f.v128s(nr / 4);
    const x = f.local('v128');
    return f.emit(
      loop(
        bs.map((bj, j) => set(bj, v128.load(b, 16 * j))),
        acc.map((row, i) => [
          set(x, v128.load32splat(a, 4 * i)),
          row.map((sum, j) => set(sum, madd(context, x, bs[j]!, sum))),
        ]),
        set(a, i32.add(a, i32.const(4 * mr))),
        set(b, i32.add(b, i32.const(4 * nr))),
        brIf(0, tee(d, i32.sub(d, i32.const(1)))),
      ),
      acc.map((row, i) => row.map((sum, j) => v128.store(out, sum, SCORE_ROW * i + 16 * j))),
    );
  });
}

/**
 * `(weights, values, valueStride, out, outStride, n, factors)`: out [height][4 vectors] = out * factor of the row +
 * weights [height][n] values [n][4 vectors]. Factors are `STATE` bytes apart.
 */
export function valueTile(context: ModuleContext, height: number, vectors: number): Func {
  const name = `attention values ${height}x${vectors}`;
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
    const [weights, values, valueStride, out, outStride, n, factors] = f.params;
    const acc = range(height).map(() => f.v128s(vectors));
    const bs = f.v128s(vectors);
    const x = f.local('v128');
    const row = f.local('i32');
    const rows = (body: (i: number) => Code): Code => [
      set(row, out),
      range(height).map(i => [body(i), i + 1 < height ? set(row, i32.add(row, outStride)) : []]),
    ];
    return f.emit(
      rows(i => [
        set(x, v128.load32splat(factors, STATE * i)),
        acc[i]!.map((sum, j) => set(sum, f32x4.mul(v128.load(row, 16 * j), x))),
      ]),
      loop(
        // A single row uses each vector once: held in locals, eight of them would not fit the registers.
        height === 1 ? [] : bs.map((bj, j) => set(bj, v128.load(values, 16 * j))),
        acc.map((sums, i) => [
          set(x, v128.load32splat(weights, SCORE_ROW * i)),
          sums.map((sum, j) => set(sum, madd(context, x, height === 1 ? v128.load(values, 16 * j) : bs[j]!, sum))),
        ]),
        set(weights, i32.add(weights, i32.const(4))),
        set(values, i32.add(values, valueStride)),
        brIf(0, tee(n, i32.sub(n, i32.const(1)))),
      ),
      rows(i => acc[i]!.map((sum, j) => v128.store(row, sum, 16 * j))),
    );
  });
}

/** `(keys, keyStride, n, d, panels)`: a block of keys to panels [d][nr]; the last key fills up its group of four. */
export function packKeys(context: ModuleContext): Func {
  const { nr } = context.features.tile;
  const f = context.module.func('attention pack keys', ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [keys, stride, n, d, panels] = f.params;
  const [group, out, i, whole] = f.i32s(4);
  const rows = f.i32s(4);
  const [a, b, c, e, ab, ab1, ce, ce1] = f.v128s(8);
  const line = 4 * nr;
  const element = (row: Local): Code => i32.add(row, i32.shl(i, i32.const(2)));
  return f.emit(
    set(whole, i32.and(d, i32.const(-4))),
    forLess(group, n, 4, [
      set(
        out,
        i32.add(
          panels,
          i32.add(
            i32.mul(i32.and(group, i32.const(-nr)), i32.shl(d, i32.const(2))),
            i32.shl(i32.and(group, i32.const(nr - 1)), i32.const(2)),
          ),
        ),
      ),
      rows.map((row, r) => [
        set(i, i32.add(group, i32.const(r))),
        set(row, i32.add(keys, i32.mul(stride, select(i, i32.sub(n, i32.const(1)), i32.lt(i, n))))),
      ]),
      set(i, i32.const(0)),
      forLess(i, whole, 4, [
        [a, b, c, e].map((v, r) => set(v, v128.load(element(rows[r]!)))),
        set(ab, shuffle32(a, b, [0, 4, 1, 5])),
        set(ab1, shuffle32(a, b, [2, 6, 3, 7])),
        set(ce, shuffle32(c, e, [0, 4, 1, 5])),
        set(ce1, shuffle32(c, e, [2, 6, 3, 7])),
        v128.store(out, shuffle32(ab, ce, [0, 1, 4, 5])),
        v128.store(out, shuffle32(ab, ce, [2, 3, 6, 7]), line),
        v128.store(out, shuffle32(ab1, ce1, [0, 1, 4, 5]), 2 * line),
        v128.store(out, shuffle32(ab1, ce1, [2, 3, 6, 7]), 3 * line),
        set(out, i32.add(out, i32.const(4 * line))),
      ]),
      forLess(i, d, 1, [
        rows.map((row, r) => i32.store(out, i32.load(element(row)), 4 * r)),
        set(out, i32.add(out, i32.const(line))),
      ]),
    ]),
  );
}

/** Lane i = sum of the lanes of `sums[i]`, which are overwritten. */
const fourSums = ([a, b, c, d]: readonly Local[]): Code => {
  const pair = (x: Local, y: Local) => f32x4.add(shuffle32(x, y, [0, 4, 1, 5]), shuffle32(x, y, [2, 6, 3, 7]));
  return [
    set(a!, pair(a!, b!)),
    set(c!, pair(c!, d!)),
    f32x4.add(shuffle32(a!, c!, [0, 1, 4, 5]), shuffle32(a!, c!, [2, 3, 6, 7])),
  ];
};

/**
 * `(queries, keys, keyStride, bytes, scores, n)`: scores of `height` rows of queries, `bytes` = 4 D apart, D a multiple of
 * 4, with n keys. Four keys at a time; eight sums, so that a single row has two for each key.
 */
function dotTile(context: ModuleContext, height: 1 | 2): Func {
  const name = `attention dots ${height}`;
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
    const [queries, keys, stride, bytes, scores, n] = f.params;
    const [key, at, whole, last, query1] = f.i32s(5);
    const rows = f.i32s(4);
    const keyAt = f.local('i32');
    const acc = range(2).map(() => f.v128s(4));
    const qs = f.v128s(2);
    const k = f.local('v128');
    const queryAt = [queries, query1].slice(0, height);
    /** Adds `vectors` vectors of D: with one row, even vectors to the first sums and odd ones to the second. */
    const step = (vectors: number): Code =>
      height === 2
        ? range(vectors).map(u => [
            queryAt.map((query, i) => set(qs[i]!, v128.load(i32.add(query, at), 16 * u))),
            rows.map((row, j) => [
              set(k, v128.load(i32.add(row, at), 16 * u)),
              acc.map((sums, i) => set(sums[j]!, madd(context, qs[i]!, k, sums[j]!))),
            ]),
          ])
        : range(Math.ceil(vectors / 2)).map(u => {
            const pair = qs.slice(0, Math.min(2, vectors));
            return [
              pair.map((q, i) => set(q, v128.load(i32.add(queries, at), 32 * u + 16 * i))),
              rows.map((row, j) => [
                set(keyAt, i32.add(row, at)),
                pair.map((q, i) => set(acc[i]![j]!, madd(context, q, v128.load(keyAt, 32 * u + 16 * i), acc[i]![j]!))),
              ]),
            ];
          });
    return f.emit(
      set(query1, i32.add(queries, bytes)),
      set(whole, i32.and(bytes, i32.const(-64))),
      set(last, i32.add(keys, i32.mul(i32.sub(n, i32.const(1)), stride))),
      loop(
        // Beyond the end, the last key again: its scores are not looked at.
        rows.map((row, j) =>
          set(row, j === 0 ? keys : [set(row, i32.add(rows[j - 1]!, stride)), select(row, last, i32.leu(row, last))]),
        ),
        set(keys, i32.add(rows.at(-1)!, stride)),
        acc.flat().map(sum => set(sum, v128.zero)),
        set(at, i32.const(0)),
        forLess(at, whole, 64, step(4)),
        forLess(at, bytes, 16, step(1)),
        height === 2
          ? acc.map((sums, i) => v128.store(scores, fourSums(sums), SCORE_ROW * i))
          : [acc[0]!.map((sum, j) => set(sum, f32x4.add(sum, acc[1]![j]!))), v128.store(scores, fourSums(acc[0]!))],
        set(scores, i32.add(scores, i32.const(16))),
        brIf(0, i32.lt(tee(key, i32.add(key, i32.const(4))), n)),
      ),
    );
  });
}

/** `(queries, keys, keyStride, bytes, scores, n, rows)`: `dotTile` for any number of rows. */
export function dotRows(context: ModuleContext): Func {
  const [pair, single] = [dotTile(context, 2), dotTile(context, 1)];
  const f = context.module.func('attention dots', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [queries, keys, stride, bytes, scores, n, rows] = f.params;
  const all = [queries, keys, stride, bytes, scores, n];
  return f.emit(
    when(
      i32.ge(rows, i32.const(2)),
      loop(
        callApart(context, pair, ...all),
        set(queries, i32.add(queries, i32.shl(bytes, i32.const(1)))),
        set(scores, i32.add(scores, i32.const(2 * SCORE_ROW))),
        brIf(0, i32.ge(tee(rows, i32.sub(rows, i32.const(2))), i32.const(2))),
      ),
    ),
    when(rows, callApart(context, single, ...all)),
  );
}

/** Row heights into which a few rows are cut, and how many vectors of values each takes at a time. */
const HEIGHTS = [
  [4, 2],
  [2, 4],
  [1, 8],
] as const;

/** `(weights, values, valueStride, out, outStride, n, factors, rows)`: `valueTile` for any number of rows. */
export function valueRows(context: ModuleContext): Func {
  const tiles = HEIGHTS.map(([height, vectors]) => ({
    height,
    width: 16 * vectors,
    wide: valueTile(context, height, vectors),
    narrow: valueTile(context, height, 1),
  }));
  const f = context.module.func('attention values', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [weights, values, valueStride, out, outStride, n, factors, rows] = f.params;
  const column = f.local('i32');
  const tile = (which: Func): Code =>
    callApart(
      context,
      which,
      ...[weights, i32.add(values, column), valueStride, i32.add(out, column), outStride, n, factors],
    );
  return f.emit(
    tiles.map(({ height, width, wide, narrow }) => {
      const whole = i32.le(i32.add(column, i32.const(width)), outStride);
      return when(
        i32.ge(rows, i32.const(height)),
        loop(
          set(column, i32.const(0)),
          when(whole, loop(tile(wide), set(column, i32.add(column, i32.const(width))), brIf(0, whole))),
          forLess(column, outStride, 16, tile(narrow)),
          set(weights, i32.add(weights, i32.const(SCORE_ROW * height))),
          set(out, i32.add(out, i32.mul(outStride, i32.const(height)))),
          set(factors, i32.add(factors, i32.const(STATE * height))),
          brIf(0, i32.ge(tee(rows, i32.sub(rows, i32.const(height))), i32.const(height))),
        ),
      );
    }),
  );
}
