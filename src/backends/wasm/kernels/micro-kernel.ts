/**
 * The innermost loop of every matrix product: one register tile, C[h, nr] = init + A[h, k] B[k, nr].
 *
 * A is packed `[k][h]`, B `[k][nr]`. The outer-product form and the packing are those of Goto and van de Geijn, "Anatomy
 * of High-Performance Matrix Multiplication" (2008). The code is kept as plain gets and sets with offsets in the
 * instructions: V8's register allocator then holds the whole tile in registers, and its revectoriser packs each pair of
 * neighbouring vectors into one 256-bit operation, starting from the stores at the end.
 */
import { brIf, type Code, Func, f32x4, i32, type Local, loop, set, tee, v128, when } from '../assembler.ts';
import type { Features, ModuleContext } from '../kernel.ts';

/** x * y + z, in one rounding where the engine can. */
export const multiplyAdd = (features: Features, x: Code, y: Code, z: Code): Code =>
  features.relaxed ? f32x4.madd(x, y, z) : f32x4.add(f32x4.mul(x, y), z);

/**
 * Steps of k that a tile of `height` rows keeps in accumulators of their own. A low tile has too few accumulators to
 * hide the latency of the addition, so it gets several sets and adds them up at the end.
 */
export function kUnroll(height: number, { tile }: Features): number {
  return [4, 2].find(u => height * u <= tile.mr) ?? 1;
}

/**
 * `(a, b, c, ldc, k, init, initStride) -> ()`, strides in bytes. Row i of the tile starts from the `nr` floats at
 * `init + i * initStride`: C itself (initStride = ldc), or one row of bias or zeros for all (initStride = 0).
 */
export function microKernel(context: ModuleContext, height: number): Func {
  const { features, module } = context;
  const vectors = features.tile.nr / 4;
  const unroll = Math.max(kUnroll(height, features), Number(process.env.UNR ?? 1));
  return context.shared(`tile${height}`, () => {
    const f = module.add(new Func(`tile${height}`, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']));
    const [a, b, c, ldc, k, init, initStride] = f.params as [Local, Local, Local, Local, Local, Local, Local];
    const row = () => f.v128s(vectors);
    const ownSets = kUnroll(height, features);
    const own = Array.from({ length: ownSets }, () => Array.from({ length: height }, row));
    const sets = Array.from({ length: unroll }, (_, i) => own[i % ownSets]!);
    const acc = sets[0]!;
    const bs = row();
    const x = f.local('v128');
    const rest = unroll > 1 ? f.local('i32') : k;

    const step = (u: number, into: Local[][]): Code => [
      bs.map((bj, j) => set(bj, v128.load(b, 16 * (u * vectors + j)))),
      into.map((accI, i) => [
        set(x, v128.load32splat(a, 4 * (u * height + i))),
        accI.map((accIJ, j) => set(accIJ, multiplyAdd(features, x, bs[j]!, accIJ))),
      ]),
    ];
    const kLoop = (count: Local, steps: Local[][][]): Code =>
      when(
        count,
        loop(
          steps.map((into, u) => step(u, into)),
          set(a, i32.add(a, i32.const(4 * height * steps.length))),
          set(b, i32.add(b, i32.const(16 * vectors * steps.length))),
          brIf(0, tee(count, i32.add(count, i32.const(-1)))),
        ),
      );

    for (const accI of acc) {
      accI.forEach((accIJ, j) => {
        f.emit(set(accIJ, v128.load(init, 16 * j)));
      });
      if (accI !== acc.at(-1)) f.emit(set(init, i32.add(init, initStride)));
    }
    if (unroll > 1) {
      for (const accIJ of own.slice(1).flat(2)) f.emit(set(accIJ, v128.zero));
      f.emit(set(rest, i32.and(k, i32.const(unroll - 1))), set(k, i32.shru(k, i32.const(Math.log2(unroll)))));
      f.emit(kLoop(k, sets));
    }
    f.emit(kLoop(rest, [acc]));
    for (let half = ownSets / 2; half >= 1; half /= 2)
      for (let u = 0; u < half; u++)
        sets[u]!.forEach((accI, i) => {
          accI.forEach((accIJ, j) => {
            f.emit(set(accIJ, f32x4.add(accIJ, sets[u + half]![i]![j]!)));
          });
        });
    for (const accI of acc) {
      accI.forEach((accIJ, j) => {
        f.emit(v128.store(c, accIJ, 16 * j));
      });
      if (accI !== acc.at(-1)) f.emit(set(c, i32.add(c, ldc)));
    }
    return f;
  });
}

/**
 * Walks `rows` rows in tiles of nearly equal height, none above mr: 8 rows are 4 + 4, not 6 + 2, because a low tile
 * waits for its additions. `body` sees the height of the tile in `height`.
 */
export function forTiles(f: Func, mr: number, rows: Code, body: (height: Local) => Code): Code {
  const [tiles, low, extra, height] = f.i32s(4) as [Local, Local, Local, Local];
  return [
    set(extra, rows),
    set(tiles, i32.divu(i32.add(extra, i32.const(mr - 1)), i32.const(mr))),
    when(
      tiles,
      [
        set(low, i32.divu(extra, tiles)),
        set(extra, i32.sub(extra, i32.mul(low, tiles))),
        loop(
          set(height, i32.add(low, i32.gt(extra, i32.const(0)))),
          body(height),
          set(extra, i32.sub(extra, i32.const(1))),
          brIf(0, tee(tiles, i32.sub(tiles, i32.const(1)))),
        ),
      ],
    ),
  ];
}

/**
 * `(a, b, c, ldc, k, init, initStride, rows) -> ()`: a column of tiles, `rows` rows of A (packed tile after tile) times
 * one panel of B. Each tile is a call of its own, so that it reaches the optimising compiler within the first product,
 * and goes through the table, because a tile inlined into its caller is neither revectorised nor kept in registers.
 */
export function tileColumn(context: ModuleContext): Func {
  const { module, features } = context;
  const { mr } = features.tile;
  const tiles = Array.from({ length: mr }, (_, i) => microKernel(context, i + 1));
  return context.shared('tileColumn', () => {
    const [first] = tiles.map(tile => module.tableIndex(tile)) as [number];
    const f = module.add(new Func('tileColumn', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']));
    const [a, b, c, ldc, k, init, initStride, rows] = f.params as [
      Local, Local, Local, Local, Local, Local, Local, Local,
    ];
    return f.emit(
      forTiles(f, mr, rows, height => [
        module.callTable(tiles[0]!, i32.add(height, i32.const(first - 1)), a, b, c, ldc, k, init, initStride),
        set(a, i32.add(a, i32.shl(i32.mul(height, k), i32.const(2)))),
        set(c, i32.add(c, i32.mul(height, ldc))),
        set(init, i32.add(init, i32.mul(height, initStride))),
      ]),
    );
  });
}
