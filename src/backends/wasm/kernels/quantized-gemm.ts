/**
 * C[m, n] = bias + X[m, k] W[n, k]^T with W in quantised panels: the loops around the register tile.
 *
 * Rows of X are quantised into scratch memory, as many as stay in the second-level cache, and then meet every panel; a panel
 * that was read from memory once stays in the first- or second-level cache for all tiles of rows. k is not blocked: as bytes
 * a tile's rows and a panel are short enough.
 */
import {
  brIf,
  type Code,
  call,
  type Func,
  i32,
  type Local,
  loop,
  memory,
  ret,
  select,
  set,
  tee,
  v128,
  when,
} from '../assembler.ts';
import { type ModuleContext, SCRATCH_BYTES } from '../kernel.ts';
import { COPIED_ROWS, GEMM_PARAMS, gemm } from './gemm.ts';
import { forTiles } from './micro-kernel.ts';
import { chunkRowBytes, quantizeRows } from './quantized-activations.ts';
import {
  CHUNK,
  HALF_FORMATS,
  HALVES,
  PANEL_ROWS,
  type PanelLayout,
  panelLayout,
  QUANTIZED_FORMATS,
  tileColumns,
} from './quantized-layout.ts';
import { quantizedTile } from './quantized-tile.ts';

/** Rows of a tile. */
export const MR = 4;
/** Byte offsets in the scratch memory: a row of zeros, the bias and the tile at the edge of C, the quantised rows. */
const ZEROS = 0;
const BIAS_TAIL = 64;
const C_TAIL = 128;
const ROWS = 1024;
/** Bytes of quantised rows that are kept at once, if more than one. */
const ROWS_BYTES = 512 << 10;
/** Where panels of a bank are copied to that many rows share, and the most bytes of them: see `COPIED_ROWS`. */
const COPIED_PANELS = ROWS + ROWS_BYTES;
const COPIED_BYTES = SCRATCH_BYTES - COPIED_PANELS;
/** The longest rows, all formats alike: one has to fit into the scratch memory. */
export const LONGEST_ROW = Math.floor((SCRATCH_BYTES - ROWS) / 128) * CHUNK;

const advance = (pointer: Local, by: Code): Code => set(pointer, i32.add(pointer, by));
const min = (x: Code, y: Code): Code => select(x, y, i32.lt(x, y));
const floats = (count: Code): Code => i32.shl(count, i32.const(2));

/** Order of the parameters of a quantised product, all i32: addresses, strides in bytes, sizes; `bias` may be 0. */
export const QUANTIZED_PARAMS = ['x', 'xRow', 'w', 'panelBytes', 'c', 'ldc', 'm', 'n', 'k', 'bias', 'scratch'] as const;
type Param = (typeof QUANTIZED_PARAMS)[number];

/** The function of `QUANTIZED_PARAMS`. `w` is the first of panels that lie `panelBytes` apart, whole tiles of them. */
function quantizedGemm(context: ModuleContext, layout: PanelLayout): Func {
  const { module, features } = context;
  const columns = tileColumns(features);
  const quantize = quantizeRows(context, layout);
  const tilesOf = (panels: number, memory: number = context.weights): Func[] =>
    Array.from({ length: MR }, (_, i) => quantizedTile(context, layout, i + 1, panels, memory));
  const narrowTiles = tilesOf(1);
  const tiles = tilesOf(columns / PANEL_ROWS);
  const copies = context.weights > 0 && features.revec;
  const tilesForCopies = copies ? tilesOf(columns / PANEL_ROWS, 0) : tiles;
  const name = `gemm ${layout.format}`;
  return context.shared(name, () => {
    const [firstNarrow] = narrowTiles.map(tile => module.tableIndex(tile)) as [number];
    const [first] = tiles.map(tile => module.tableIndex(tile)) as [number];
    const [firstForCopies] = tilesForCopies.map(tile => module.tableIndex(tile)) as [number];
    const f = module.func(name, new Array<'i32'>(QUANTIZED_PARAMS.length).fill('i32'));
    const p = Object.fromEntries(QUANTIZED_PARAMS.map((param, i) => [param, f.params[i]!])) as Record<Param, Local>;
    const [chunks, blocks, rowBytes, mBlock, mc, a, w, c, init, n, out, row, bytes] = f.i32s(13);
    /** Columns of a tile, and the table index of the tile of one row. */
    const [width, lowest] = f.i32s(2);
    // One tile of rows waits for memory, where one stream is much faster than two.
    const few = i32.le(p.m, i32.const(MR));
    /** The panels of the tile, where they may be a copy. */
    const copied = copies ? f.local('i32') : undefined;
    const tileBytes = i32.mul(p.panelBytes, i32.const(columns / PANEL_ROWS));
    const tail = i32.add(p.scratch, i32.const(C_TAIL));
    const biasTail = i32.add(p.scratch, i32.const(BIAS_TAIL));
    const rowsAt = i32.add(p.scratch, i32.const(ROWS));
    const tile = (height: Local, to: Code, pitch: Code): Code =>
      module.callTable(
        tiles[0]!,
        i32.add(i32.sub(height, i32.const(1)), lowest),
        ...[copied ?? w, p.panelBytes, a, blocks, to, pitch, init],
      );
    const quantizeBlock: Code = [
      set(a, rowsAt),
      forTiles(f, MR, mc, height => [
        call(quantize, p.x, p.xRow, height, chunks, a),
        advance(p.x, i32.mul(height, p.xRow)),
        advance(a, i32.mul(height, rowBytes)),
      ]),
    ];
    const manyRows = i32.and(i32.ge(mc, i32.const(COPIED_ROWS)), i32.leu(tileBytes, i32.const(COPIED_BYTES)));
    const copyPanels: Code = !copied
      ? []
      : [
          set(copied, w),
          when(manyRows, [
            set(copied, i32.add(p.scratch, i32.const(COPIED_PANELS))),
            memory.copy(copied, w.into(context.weights), tileBytes),
          ]),
        ];
    /** What a block of rows finds the tiles by, unless it has few. */
    const lowestOfBlock = select(i32.const(firstForCopies), i32.const(first), manyRows);
    const nextTile = (height: Local): Code => [
      advance(a, i32.mul(height, rowBytes)),
      advance(out, i32.mul(height, p.ldc)),
    ];
    const whole = forTiles(f, MR, mc, height => [tile(height, out, p.ldc), nextTile(height)]);
    // The tile that hangs over the edge of C goes through scratch memory.
    const edge = [
      set(bytes, floats(n)),
      when(p.bias, [memory.copy(biasTail, init, bytes), set(init, biasTail)]),
      forTiles(f, MR, mc, height => [
        tile(height, tail, i32.const(4 * columns)),
        set(row, i32.const(0)),
        loop(
          memory.copy(i32.add(out, i32.mul(row, p.ldc)), i32.add(tail, i32.mul(row, i32.const(4 * columns))), bytes),
          brIf(0, i32.lt(tee(row, i32.add(row, i32.const(1))), height)),
        ),
        nextTile(height),
      ]),
    ];
    return f.emit(
      when(i32.or(i32.le(p.m, i32.const(0)), i32.le(p.n, i32.const(0))), ret),
      Array.from({ length: columns / 4 }, (_, i) => v128.store(p.scratch, v128.zero, ZEROS + 16 * i)),
      set(chunks, i32.divu(p.k, i32.const(CHUNK))),
      set(blocks, i32.divu(p.k, i32.const(layout.elements))),
      set(rowBytes, i32.mul(chunks, i32.const(chunkRowBytes(layout)))),
      set(width, select(i32.const(PANEL_ROWS), i32.const(columns), few)),
      set(lowest, select(i32.const(firstNarrow), i32.const(first), few)),
      set(mBlock, i32.divu(i32.const(ROWS_BYTES), rowBytes)),
      set(mBlock, select(i32.and(mBlock, i32.const(-MR)), i32.const(1), i32.ge(mBlock, i32.const(MR)))),
      loop(
        set(mc, min(p.m, mBlock)),
        quantizeBlock,
        copies ? when(i32.eq(width, i32.const(columns)), set(lowest, lowestOfBlock)) : [],
        set(w, p.w),
        set(c, p.c),
        set(n, p.n),
        set(init, select(p.bias, i32.add(p.scratch, i32.const(ZEROS)), p.bias)),
        loop(
          set(a, rowsAt),
          set(out, c),
          copyPanels,
          when(i32.ge(n, width), whole, edge),
          advance(w, i32.mul(p.panelBytes, i32.divu(width, i32.const(PANEL_ROWS)))),
          advance(c, floats(width)),
          when(p.bias, advance(init, floats(width))),
          brIf(0, i32.gt(tee(n, i32.sub(n, width)), i32.const(0))),
        ),
        advance(p.c, i32.mul(mc, p.ldc)),
        brIf(0, tee(p.m, i32.sub(p.m, mc))),
      ),
    );
  });
}

/** The same function for halves, which are multiplied as floats. */
function halfGemm(context: ModuleContext, type: 'F16' | 'BF16'): Func {
  const multiply = gemm(context, undefined, false, type);
  const name = `product ${type}`;
  return context.shared(name, () => {
    const f = context.module.func(name, new Array<'i32'>(QUANTIZED_PARAMS.length).fill('i32'));
    const p = Object.fromEntries(QUANTIZED_PARAMS.map((param, i) => [param, f.params[i]!])) as Record<Param, Local>;
    const none = i32.const(0);
    const { x: a, xRow: aRow, w: b, ...rest } = p;
    const args: Record<(typeof GEMM_PARAMS)[number], Code> = {
      ...{ ...rest, a, aRow, b, aStep: i32.const(4), bLane: none, bStep: none },
    };
    return f.emit(call(multiply, ...GEMM_PARAMS.map(param => args[param])));
  });
}

/** Calls the product of the kept format whose number is `kind`, not 0. */
export function callKept(context: ModuleContext, kind: Code, args: Record<Param, Code>): Code {
  const { module, features } = context;
  const products = [
    ...QUANTIZED_FORMATS.map(format => quantizedGemm(context, panelLayout(format, features))),
    ...HALF_FORMATS.map(format => halfGemm(context, HALVES[format])),
  ];
  const [first] = products.map(product => module.tableIndex(product)) as [number];
  return module.callTable(
    products[0]!,
    i32.add(kind, i32.const(first - 1)),
    ...QUANTIZED_PARAMS.map(name => args[name]),
  );
}
