/**
 * The innermost loop of every matrix product: one register tile, C[h, nr] = init + A[h, k] B[k, nr].
 *
 * A is packed `[k][h]`, B `[k][nr]`, of floats or of halves that become floats here. The outer-product form and the packing are those of Goto and van de Geijn, "Anatomy
 * of High-Performance Matrix Multiplication" (2008). The code is kept as plain gets and sets with offsets in the
 * instructions: V8's register allocator then holds the whole tile in registers, and its revectoriser packs each pair of
 * neighbouring vectors into one 256-bit operation, starting from the stores at the end.
 */
import { brIf, type Code, type Func, f32x4, i32, i32x4, type Local, loop, set, tee, v128, when } from '../assembler.ts';
import type { Features, ModuleContext } from '../kernel.ts';
import { SCALE_BITS, SCALE_FACTOR, scales4 } from './quantized-unpack.ts';

/** x * y + z, in one rounding where the engine can. */
export const multiplyAdd = (features: Features, x: Code, y: Code, z: Code): Code =>
  features.relaxed ? f32x4.madd(x, y, z) : f32x4.add(f32x4.mul(x, y), z);

/**
 * Steps of k that a tile of `height` rows keeps in accumulators of their own. A low tile has too few accumulators to
 * hide the latency of the addition, so it gets several sets and adds them up at the end.
 */
export function kSets(height: number, { tile }: Features): number {
  return [4, 2].find(u => height * u <= tile.mr) ?? 1;
}

/** What panels of B are made of. */
export type PanelType = 'F32' | 'F16' | 'BF16';
export const PANEL_TYPE_BYTES: Record<PanelType, number> = { F32: 4, F16: 2, BF16: 2 };

/** Four neighbours of B as f32x4, `offset` bytes from `b`. */
type PanelLoad = (b: Code, offset: number) => Code;

/** Rows up to which halves become floats in the tile; more rows need its registers, and share floats made before. */
export const FEW_ROWS = 2;
/** The highest tile. */
const highest = (type: PanelType, { tile }: Features): number =>
  type === 'F32' ? tile.mr : Math.min(FEW_ROWS, tile.mr);

/** How panels are read. Constants of F16 are locals: V8 would make them anew at each use. */
export function panelLoad(f: Func, type: PanelType): PanelLoad {
  if (type === 'F32') return v128.load;
  if (type === 'BF16') return (b, offset) => i32x4.shl(v128.load16x4u(b, offset), i32.const(16));
  const [bits, factor] = f.v128s(2);
  f.emit(set(bits, SCALE_BITS), set(factor, f32x4.const(SCALE_FACTOR)));
  return (b, offset) => f32x4.mul(scales4(b, offset, bits), factor);
}
/** Name of a function that there is one of for each type and memory of its panels. */
export const named = (name: string, type: PanelType, memory = 0): string =>
  `${name}${type === 'F32' ? '' : ` ${type}`}${memory ? ` memory ${memory}` : ''}`;

/**
 * `(a, b, c, ldc, k, init, initStride) -> ()`, strides in bytes. Row i of the tile starts from the `nr` floats at
 * `init + i * initStride`: C itself (initStride = ldc), or one row of bias or zeros for all (initStride = 0). B lies in
 * memory number `memory`.
 */
export function microKernel(context: ModuleContext, height: number, type: PanelType = 'F32', memory = 0): Func {
  const { features, module } = context;
  const vectors = features.tile.nr / 4;
  const name = named(`tile${height}`, type, memory);
  return context.shared(name, () => {
    const f = module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
    const [a, panel, c, ldc, k, init, initStride] = f.params;
    const b = panel.into(memory);
    const row = () => f.v128s(vectors);
    const unroll = kSets(height, features);
    const sets = Array.from({ length: unroll }, () => Array.from({ length: height }, row));
    const acc = sets[0]!;
    const bs = row();
    const x = f.local('v128');
    const bytes = PANEL_TYPE_BYTES[type];
    const load = panelLoad(f, type);
    const bStep = 4 * bytes * vectors;
    const ends = f.i32s(unroll);

    const step = (u: number): Code => [
      bs.map((bj, j) => set(bj, load(b, bStep * u + 4 * bytes * j))),
      sets[u]!.map((accI, i) => [
        set(x, v128.load32splat(a, 4 * (height * u + i))),
        accI.map((accIJ, j) => set(accIJ, multiplyAdd(features, x, bs[j]!, accIJ))),
      ]),
    ];

    acc.forEach((accI, i) => {
      f.emit(
        i ? set(init, i32.add(init, initStride)) : [],
        accI.map((accIJ, j) => set(accIJ, v128.load(init, 16 * j))),
      );
    });
    f.emit(
      sets.slice(1).flatMap(accs => accs.flat().map(accIJ => set(accIJ, v128.zero))),
      ends.map((end, u) => set(end, i32.add(b, i32.mul(i32.sub(k, i32.const(u)), i32.const(bStep))))),
      when(
        k,
        loop(
          Array.from({ length: unroll }, (_, u) => [u ? brIf(1, i32.eq(b, ends[u]!)) : [], step(u)]),
          set(a, i32.add(a, i32.const(4 * height * unroll))),
          set(b, i32.add(b, i32.const(bStep * unroll))),
          brIf(0, i32.ne(b, ends[0]!)),
        ),
      ),
    );
    for (let half = unroll / 2; half >= 1; half /= 2)
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
  const [tiles, low, extra, height] = f.i32s(4);
  return [
    set(extra, rows),
    set(tiles, i32.divu(i32.add(extra, i32.const(mr - 1)), i32.const(mr))),
    when(tiles, [
      set(low, i32.divu(extra, tiles)),
      set(extra, i32.sub(extra, i32.mul(low, tiles))),
      loop(
        set(height, i32.add(low, i32.gt(extra, i32.const(0)))),
        body(height),
        set(extra, i32.sub(extra, i32.const(1))),
        brIf(0, tee(tiles, i32.sub(tiles, i32.const(1)))),
      ),
    ]),
  ];
}

/**
 * `(a, b, c, ldc, k, init, initStride, rows) -> ()`: a column of tiles, `rows` rows of A (packed tile after tile) times
 * one panel of B. Each tile is a call of its own, so that it reaches the optimising compiler within the first product,
 * and goes through the table, because a tile inlined into its caller is neither revectorised nor kept in registers.
 */
export function tileColumn(context: ModuleContext, type: PanelType, memory: number): Func {
  const { module, features } = context;
  const mr = highest(type, features);
  const tiles = Array.from({ length: mr }, (_, i) => microKernel(context, i + 1, type, memory));
  const name = named('tileColumn', type, memory);
  return context.shared(name, () => {
    const [first] = tiles.map(tile => module.tableIndex(tile)) as [number];
    const f = module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
    const [a, b, c, ldc, k, init, initStride, rows] = f.params;
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
