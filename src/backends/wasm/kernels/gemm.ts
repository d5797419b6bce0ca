/**
 * C[m, n] = bias + A[m, k] B[n, k]^T with A and B at any strides or B packed in panels: the blocked loops around the
 * micro-kernel.
 *
 * The loop order is the one of Goto and van de Geijn (2008): blocks of k so that a panel of B stays in the first-level
 * cache, blocks of m so that the packed block of A stays in the second, and, for a B that is packed here, groups of
 * panels that fit into the scratch memory. Unlike there, C is read back for every block of k but the first: the tile
 * starts from it.
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
import { FEW_ROWS, forTiles, named, PANEL_TYPE_BYTES, type PanelType, panelLoad, tileColumn } from './micro-kernel.ts';
import { copyLane, packLanes } from './pack-lanes.ts';

/** How a product is cut. */
export interface Blocking {
  /** Largest block of k and of m. */
  readonly kc: number;
  readonly mc: number;
  /** Scratch memory that may be used. */
  readonly bytes: number;
}
/** A panel of 16 columns is 24 KiB, the block of A 288 KiB. */
const LARGE: Blocking = { kc: 384, mc: 192, bytes: SCRATCH_BYTES };

/** Byte offsets in the scratch memory. */
const ZEROS = 0;
const BIAS_TAIL = 64;
const C_TAIL = 128;
const A_BLOCK = 16 << 10;

const min = (x: Code, y: Code): Code => select(x, y, i32.lt(x, y));
const ceilDiv = (x: Code, y: Code): Code => i32.divu(i32.add(x, i32.sub(y, i32.const(1))), y);
/** Nearly equal blocks, multiples of `unit`, none longer than `largest` (itself one), that cover `n`: their length. */
const blockLength = (n: Local, largest: number, unit: number): Code => {
  const blocks = i32.add(i32.divu(i32.sub(n, i32.ne(n, i32.const(0))), i32.const(largest)), i32.const(1));
  return i32.mul(ceilDiv(ceilDiv(n, blocks), i32.const(unit)), i32.const(unit));
};
const advance = (pointer: Local, by: Code): Code => set(pointer, i32.add(pointer, by));
/** `for (i = 0; i == 0 || i < end; i += step) body`: once even if there is nothing, because an empty sum is the bias. */
const forBlocks = (i: Local, end: Code, step: Code, ...body: Code[]): Code => [
  set(i, i32.const(0)),
  loop(body, brIf(0, i32.lt(tee(i, i32.add(i, step)), end))),
];

/** `(a, aRow, aStep, rows, k, dst) -> ()`: packs a block of A tile after tile, each `[k][height]`. */
function packBlock(context: ModuleContext): Func {
  const pack = packLanes(context);
  return context.shared('packBlock', () => {
    const f = context.module.func('packBlock', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
    const [a, aRow, aStep, rows, k, dst] = f.params;
    return f.emit(
      forTiles(f, context.features.tile.mr, rows, height => [
        call(pack, a, aRow, height, aStep, k, dst, i32.shl(height, i32.const(2))),
        advance(a, i32.mul(height, aRow)),
        advance(dst, i32.shl(i32.mul(height, k), i32.const(2))),
      ]),
    );
  });
}

/** `(b, bLane, bStep, n, k, dst) -> ()`: packs columns of the product into panels, the last one filled up with zeros. */
function packPanels(context: ModuleContext): Func {
  const { nr } = context.features.tile;
  const pack = packLanes(context);
  return context.shared('packPanels', () => {
    const f = context.module.func('packPanels', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
    const [b, bLane, bStep, n, k, dst] = f.params;
    const [i, bytes] = f.i32s(2);
    return f.emit(
      set(bytes, i32.mul(k, i32.const(4 * nr))),
      loop(
        when(i32.lt(n, i32.const(nr)), [
          set(i, bytes),
          when(i, loop(v128.store(i32.add(dst, tee(i, i32.sub(i, i32.const(16)))), v128.zero), brIf(0, i))),
        ]),
        call(pack, b, bLane, min(n, i32.const(nr)), bStep, k, dst, i32.const(4 * nr)),
        advance(b, i32.mul(bLane, i32.const(nr))),
        advance(dst, bytes),
        brIf(0, i32.gt(tee(n, i32.sub(n, i32.const(nr))), i32.const(0))),
      ),
    );
  });
}

/**
 * `(a, b, panelBytes, c, ldc, rows, n, k, bias, first, scratch) -> ()`: a packed block of A times panels of B that lie
 * `panelBytes` apart. `bias` is 0 for none; `first` = start from the bias and not from C.
 */
function blockTimesPanels(context: ModuleContext, type: PanelType, memory: number): Func {
  const { nr } = context.features.tile;
  const column = tileColumn(context, type, memory);
  const name = named('blockTimesPanels', type, memory);
  const copy = copyLane(context);
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
    const [a, b, panelBytes, c, ldc, rows, n, k, bias, first, scratch] = f.params;
    const [init, initStride, j, tail] = f.i32s(4);
    const tailPitch = i32.const(4 * nr);
    // The panel that hangs over the edge of C: its tiles go through scratch memory.
    const columns = (...body: Code[]): Code => [
      set(j, i32.const(0)),
      loop(body, brIf(0, i32.lt(tee(j, i32.add(j, i32.const(4))), i32.shl(n, i32.const(2))))),
    ];
    const lastPanel: Code = [
      set(tail, i32.add(scratch, i32.const(C_TAIL))),
      when(
        first,
        when(bias, [
          set(init, i32.add(scratch, i32.const(BIAS_TAIL))),
          call(copy, bias, i32.const(4), n, init, i32.const(4)),
        ]),
        [
          set(init, tail),
          set(initStride, tailPitch),
          columns(call(copy, i32.add(c, j), ldc, rows, i32.add(tail, j), tailPitch)),
        ],
      ),
      call(column, a, b, tail, tailPitch, k, init, initStride, rows),
      columns(call(copy, i32.add(tail, j), tailPitch, rows, i32.add(c, j), ldc)),
    ];
    return f.emit(
      loop(
        when(first, set(init, select(bias, i32.add(scratch, i32.const(ZEROS)), bias)), [
          set(init, c),
          set(initStride, ldc),
        ]),
        when(i32.ge(n, i32.const(nr)), call(column, a, b, c, ldc, k, init, initStride, rows), lastPanel),
        advance(b, panelBytes),
        advance(c, i32.const(4 * nr)),
        when(bias, advance(bias, i32.const(4 * nr))),
        brIf(0, i32.gt(tee(n, i32.sub(n, i32.const(nr))), i32.const(0))),
      ),
    );
  });
}

/** Order of the parameters of `gemm`. */
export const GEMM_PARAMS = [
  'a',
  'aRow',
  'aStep',
  'b',
  'bLane',
  'bStep',
  'panelBytes',
  'c',
  'ldc',
  'm',
  'n',
  'k',
  'bias',
  'scratch',
] as const;
type GemmParam = (typeof GEMM_PARAMS)[number];

/**
 * Rows from which on it pays to copy a panel out of a bank: the revectoriser packs no loads of a second memory, so that many
 * rows would lose more by that than the copy costs.
 */
export const COPIED_ROWS = 32;

/** `(b, panelBytes, n, k, dst) -> ()`: k steps of panels of any type as panels of floats, which lie together. */
function widenPanels(context: ModuleContext, type: PanelType): Func {
  const { nr } = context.features.tile;
  const name = named('widenPanels', type, context.weights);
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32']);
    const [b, panelBytes, n, k, dst] = f.params;
    const [pointer, left] = f.i32s(2);
    const from = pointer.into(context.weights);
    const load = panelLoad(f, type);
    const floats = i32.mul(k, i32.const(4 * nr));
    const copied: Code = [memory.copy(dst, b.into(context.weights), floats), advance(dst, floats)];
    const widened: Code = [
      set(from, b),
      set(left, k),
      loop(
        Array.from({ length: nr / 4 }, (_, j) => v128.store(dst, load(from, 4 * PANEL_TYPE_BYTES[type] * j), 16 * j)),
        advance(from, i32.const(PANEL_TYPE_BYTES[type] * nr)),
        advance(dst, i32.const(4 * nr)),
        brIf(0, tee(left, i32.sub(left, i32.const(1)))),
      ),
    ];
    return f.emit(
      loop(
        type === 'F32' ? copied : widened,
        advance(b, panelBytes),
        brIf(0, i32.gt(tee(n, i32.sub(n, i32.const(nr))), i32.const(0))),
      ),
    );
  });
}

/** Columns for which a block of A is packed once, when B is packed too. */
export const columnsAtOnce = (nr: number, { kc, mc, bytes } = LARGE): number =>
  nr * Math.floor((bytes - A_BLOCK - 4 * mc * kc) / (4 * kc * nr));

/**
 * The function of `GEMM_PARAMS`: addresses and strides in bytes. A[i, s] is at a + i aRow + s aStep. With panelBytes = 0,
 * B[j, s] is at b + j bLane + s bStep; otherwise b is the first of panels `[k][nr]` that lie panelBytes apart. C is
 * row-major with ldc bytes between rows. `bias` is the address of n floats, or 0. `scratch` is memory of the thread's own.
 * With `adds` the product is added to C, and there is no bias. Halves (`type`) come in panels only.
 */
export function gemm(context: ModuleContext, blocking = LARGE, adds = false, type: PanelType = 'F32'): Func {
  const { kc: KC, mc: MC, bytes } = blocking;
  const { mr, nr } = context.features.tile;
  const B_PANELS = A_BLOCK + MC * KC * 4;
  const packA = packBlock(context);
  const packB = packPanels(context);
  const multiply = blockTimesPanels(context, type, context.weights);
  const multiplyFloats = blockTimesPanels(context, 'F32', 0);
  const columnsPerGroup = columnsAtOnce(nr, blocking);
  const name = named(`gemm ${KC} ${MC} ${bytes}${adds ? ' adds' : ''}`, type, context.weights);
  return context.shared(name, () => {
    const f = context.module.func(name, new Array<'i32'>(GEMM_PARAMS.length).fill('i32'));
    const p = Object.fromEntries(GEMM_PARAMS.map((name, i) => [name, f.params[i]!])) as Record<GemmParam, Local>;
    const [n0, columns, k0, kBlock, kc, m0, mBlock, mc, panels, panelStride, block, direct] = f.i32s(12);
    const floats = (count: Code): Code => i32.shl(count, i32.const(2));
    const at = (base: Code, index: Code, stride: Code): Code => i32.add(base, i32.mul(index, stride));
    // Panels that are none yet, or of halves or in a bank (`COPIED_ROWS`) and shared by many rows.
    const inBank = context.weights > 0 && context.features.revec;
    const intoScratch =
      type !== 'F32'
        ? i32.gt(p.m, i32.const(FEW_ROWS))
        : inBank
          ? i32.ge(p.m, i32.const(COPIED_ROWS))
          : i32.eqz(p.panelBytes);
    const panelsAsTheyAre: Code = [
      set(
        panels,
        i32.add(
          at(p.b, i32.divu(n0, i32.const(nr)), p.panelBytes),
          i32.mul(k0, i32.const(PANEL_TYPE_BYTES[type] * nr)),
        ),
      ),
      set(panelStride, p.panelBytes),
    ];
    const inScratch = i32.add(p.scratch, i32.const(B_PANELS));
    const panelsInScratch: Code = [
      type === 'F32' && !inBank
        ? call(packB, at(at(p.b, n0, p.bLane), k0, p.bStep), p.bLane, p.bStep, columns, kc, inScratch)
        : [panelsAsTheyAre, call(widenPanels(context, type), panels, panelStride, columns, kc, inScratch)],
      set(panels, inScratch),
      set(panelStride, floats(i32.mul(kc, i32.const(nr)))),
    ];
    const multiplyArgs = [
      ...[block, panels, panelStride, i32.add(at(p.c, m0, p.ldc), floats(n0)), p.ldc, mc, columns, kc],
      select(i32.add(p.bias, floats(n0)), i32.const(0), p.bias),
      adds ? i32.const(0) : i32.eqz(k0),
      p.scratch,
    ];
    return f.emit(
      when(i32.or(i32.le(p.m, i32.const(0)), i32.le(p.n, i32.const(0))), ret),
      Array.from({ length: nr / 4 }, (_, i) => v128.store(p.scratch, v128.zero, ZEROS + 16 * i)),
      // One row is its own packed form, and then a panel is used only once: no blocks.
      set(direct, i32.and(i32.eq(p.m, i32.const(1)), i32.eq(p.aStep, i32.const(4)))),
      set(kBlock, select(p.k, blockLength(p.k, KC, 4), i32.and(direct, i32.ne(p.panelBytes, i32.const(0))))),
      set(mBlock, blockLength(p.m, MC, mr)),
      forBlocks(
        n0,
        p.n,
        columns,
        set(columns, i32.sub(p.n, n0)),
        when(intoScratch, set(columns, min(columns, i32.const(columnsPerGroup)))),
        forBlocks(
          k0,
          p.k,
          kBlock,
          set(kc, min(kBlock, i32.sub(p.k, k0))),
          when(intoScratch, panelsInScratch, panelsAsTheyAre),
          forBlocks(
            m0,
            p.m,
            mBlock,
            set(mc, min(mBlock, i32.sub(p.m, m0))),
            set(block, at(at(p.a, m0, p.aRow), k0, p.aStep)),
            when(i32.eqz(direct), [
              call(packA, block, p.aRow, p.aStep, mc, kc, i32.add(p.scratch, i32.const(A_BLOCK))),
              set(block, i32.add(p.scratch, i32.const(A_BLOCK))),
            ]),
            multiply === multiplyFloats
              ? call(multiply, ...multiplyArgs)
              : when(intoScratch, call(multiplyFloats, ...multiplyArgs), call(multiply, ...multiplyArgs)),
          ),
        ),
      ),
    );
  });
}
