/**
 * Scaled dot-product attention without the matrix of scores: blocks of keys with an online softmax, after
 * FlashAttention (Dao et al. 2022), with the query heads of a key/value head side by side (grouped-query attention).
 *
 * A unit of work is a tile of rows of one key/value head; row = query * heads of the group + head within the group, so
 * a tile sees a short range of positions and reads its keys and values once. Blocks that no row of a tile sees are
 * skipped, and within a block each group of MR rows stops at the last key that it sees.
 */
import { bytesOf } from '../../../tensor/dtype.ts';
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import {
  brIf,
  type Code,
  call,
  type Func,
  f32,
  f32x4,
  forLess,
  i32,
  type Local,
  loop,
  select,
  set,
  tee,
  v128,
  when,
} from '../assembler.ts';
import { type Features, KERNEL_PARAMS, type ModuleContext, SCRATCH_BYTES, type WasmKernel } from '../kernel.ts';
import { softmaxBlock } from './attention-softmax.ts';
import {
  BLOCK,
  callApart,
  dotRows,
  FACTOR,
  packKeys,
  SCORE_ROW,
  STATE,
  scoreTile,
  touchRows,
  valueRows,
  valueTile,
} from './attention-tiles.ts';
import { rowLoop } from './rows.ts';

export interface AttentionAttrs {
  readonly causal: boolean;
  readonly scale: number;
  /** 0 = none. */
  readonly window: number;
  /** 0 = none. */
  readonly softcap: number;
  /** Which of the optional inputs follow q, k, v, in this order. */
  readonly length: boolean;
  readonly mask: boolean;
  readonly bias: boolean;
}

/** Most rows of a tile in the register-tile form, and in the form for few rows. */
const TILE_ROWS = 64;
const FEW_ROWS = 8;
/** Keys and values above this size are taken to lie in main memory: a model has many layers of them. */
const CACHED_BYTES = 1 << 21;

/** Argument words by name, in the order in which they are written. Strides in bytes. */
const WORDS = [
  'out',
  'outB',
  'outH',
  'outT',
  'q',
  'qB',
  'qH',
  'qT',
  'k',
  'kB',
  'kG',
  'kS',
  'v',
  'vB',
  'vG',
  'vS',
  'length',
  'mask',
  'maskB',
  'maskS',
  'bias',
  'biasB',
  'biasH',
  'biasT',
  'biasS',
  'scale',
  'softcap',
  'batch',
  'groups',
  'heads',
  'queries',
  'slots',
  'width',
  'valueWidth',
  'causal',
  'window',
  'tiles',
  'tileRows',
  'few',
  'touched',
  'padded',
  'outRow',
  'lanes',
  'scores',
  'qTile',
  'outTile',
  'kBlock',
  'vBlock',
] as const;
type Word = (typeof WORDS)[number];
const word = (args: Local, name: Word): Code => i32.load(args, 4 * WORDS.indexOf(name));
const floatWord = (args: Local, name: Word): Code => f32.load(args, 4 * WORDS.indexOf(name));

const min = (x: Code, y: Code): Code => select(x, y, i32.lt(x, y));
const max = (x: Code, y: Code): Code => select(x, y, i32.gt(x, y));

/** How a call is cut up, and where its parts lie in scratch memory. Undefined = does not fit. */
function tiling(shape: { rows: number; width: number; valueWidth: number }, { tile: { mr, nr } }: Features) {
  const { rows, width, valueWidth } = shape;
  const few = rows <= FEW_ROWS && width % 4 === 0 && valueWidth % 4 === 0;
  const padded = !few && valueWidth % nr !== 0;
  const outRow = 4 * (padded ? Math.ceil(valueWidth / nr) * nr : valueWidth);
  const align = (bytes: number) => Math.ceil(bytes / 64) * 64;
  const fixed = few ? 0 : align(4 * BLOCK * width) + (padded ? BLOCK * outRow : 0);
  const heads = SCORE_ROW * (1 + Math.max(mr, FEW_ROWS)) + 256;
  const room = Math.floor((SCRATCH_BYTES - fixed - heads) / (STATE + 4 * width + outRow));
  const most = few ? FEW_ROWS : Math.floor(Math.min(TILE_ROWS, room) / mr) * mr;
  if (few ? room < rows : most < mr) return undefined;
  // Tiles of nearly the same height, in whole register tiles.
  const tiles = Math.max(1, Math.ceil(rows / most));
  const tileRows = few ? Math.max(1, rows) : Math.max(mr, Math.ceil(rows / tiles / mr) * mr);
  const lanes = align(STATE * tileRows);
  const scores = lanes + SCORE_ROW;
  const qTile = scores + SCORE_ROW * Math.max(mr, FEW_ROWS);
  const outTile = qTile + align(4 * width * tileRows);
  const kBlock = outTile + align(outRow * tileRows);
  const vBlock = kBlock + align(4 * BLOCK * width);
  return {
    tiles: Math.ceil(rows / tileRows),
    tileRows,
    few,
    padded,
    outRow,
    lanes,
    scores,
    qTile,
    outTile,
    kBlock,
    vBlock,
  };
}

/** `(args, scratch, batch, group, first row, rows)`: one unit. */
function attentionUnit(context: ModuleContext): Func {
  const { features, module } = context;
  const { mr, nr } = features.tile;
  const pack = packKeys(context);
  const touch = touchRows(context);
  const softmax = softmaxBlock(context);
  const [scoresOf, valuesOf] = [scoreTile(context), valueTile(context, mr, nr / 4)];
  const [fewScores, fewValues] = [dotRows(context), valueRows(context)];
  const f = module.func('attention unit', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [args, scratch, batch, group, firstRow, rows] = f.params;
  const [length, heads, width, outRow, lanes, scores, qTile, outTile, kBlock, few, causal, window] = f.i32s(12);
  const [k, kS, v, vS, mask, bias, low, high, block, n, row, groupRows] = f.i32s(12);
  const [i, end, at, to, t, head, position, groupLow, groupHigh, values, valueStride, stride] = f.i32s(12);
  const x = f.local('v128');
  const w = (name: Word) => word(args, name);
  const plus = (...terms: Code[]): Code => terms.reduce((sum, term) => i32.add(sum, term));
  const times = i32.mul;
  const place = (base: Local, name: Word): Code => set(base, i32.add(scratch, w(name)));
  /** Query, head and position of a row of this unit. */
  const locate = (index: Code): Code => [
    set(head, i32.add(firstRow, index)),
    set(t, i32.divu(head, heads)),
    set(head, i32.add(times(group, heads), i32.remu(head, heads))),
    set(position, plus(i32.sub(length, w('queries')), t)),
  ];
  /** First key that a query at `position` sees, and the one after the last. */
  const firstKey = select(max(i32.const(0), i32.add(i32.sub(position, window), i32.const(1))), i32.const(0), window);
  const lastKey = select(
    min(length, i32.add(position, i32.const(1))),
    select(min(length, i32.add(position, window)), length, window),
    causal,
  );
  const state = (index: Code): Code => i32.add(scratch, times(index, i32.const(STATE)));
  const inBlock = (key: Code): Code => max(i32.const(0), min(n, i32.sub(key, block)));

  const prepare: Code = [
    (
      [
        ['lanes', lanes],
        ['scores', scores],
        ['qTile', qTile],
        ['outTile', outTile],
        ['kBlock', kBlock],
      ] as const
    ).map(([name, base]) => place(base, name)),
    (
      [
        ['heads', heads],
        ['width', width],
        ['outRow', outRow],
        ['few', few],
        ['causal', causal],
        ['window', window],
      ] as const
    ).map(([name, local]) => set(local, w(name))),
    [
      set(kS, w('kS')),
      set(vS, w('vS')),
      set(k, plus(w('k'), times(batch, w('kB')), times(group, w('kG')))),
      set(v, plus(w('v'), times(batch, w('vB')), times(group, w('vG')))),
    ],
    set(length, w('slots')),
    when(w('length'), [set(i, i32.load(w('length'))), set(length, max(i32.const(0), min(i, length)))]),
    // Running state: maximum -inf, sum 0, factor 0.
    set(i, i32.const(0)),
    forLess(i, w('tileRows'), 1, v128.store(state(i), f32x4.replace(v128.zero, 0, f32.const(-Infinity)))),
    set(i, outTile),
    set(end, i32.add(outTile, times(outRow, w('tileRows')))),
    forLess(i, end, 16, v128.store(i, v128.zero)),
  ];
  /** Scaled queries: rows for few, else `[d][mr]` groups with rows of zeros at the end. */
  const loadQueries: Code = [
    set(i, i32.const(0)),
    set(end, i32.shl(width, i32.const(2))),
    forLess(i, w('tileRows'), 1, [
      locate(i),
      set(at, plus(w('q'), times(batch, w('qB')), times(head, w('qH')), times(t, w('qT')))),
      when(
        few,
        [
          set(to, i32.add(qTile, times(i, end))),
          rowLoop(row, end, 1, access =>
            access.store(to, f32x4.mul(access.load(at), f32x4.splat(floatWord(args, 'scale')))),
          ),
        ],
        [
          set(to, i32.remu(i, i32.const(mr))),
          set(to, plus(qTile, times(i32.sub(i, to), end), i32.shl(to, i32.const(2)))),
          set(row, i32.const(0)),
          when(
            i32.lt(i, rows),
            forLess(row, end, 4, [
              f32.store(to, f32.mul(f32.load(i32.add(at, row)), floatWord(args, 'scale'))),
              set(to, i32.add(to, i32.const(4 * mr))),
            ]),
            forLess(row, end, 4, [f32.store(to, f32.const(0)), set(to, i32.add(to, i32.const(4 * mr)))]),
          ),
        ],
      ),
    ]),
  ];
  /** Keys that the first and the last row see. */
  const limits: Code = [
    locate(i32.const(0)),
    set(low, firstKey),
    locate(i32.sub(rows, i32.const(1))),
    set(high, lastKey),
  ];
  const loadMask: Code = when(w('mask'), [
    set(mask, lanes),
    set(stride, w('maskS')),
    set(at, plus(w('mask'), times(batch, w('maskB')), times(block, stride))),
    set(i, i32.const(0)),
    forLess(i, n, 1, [
      i32.store(i32.add(lanes, i32.shl(i, i32.const(2))), i32.load8u(at)),
      set(at, i32.add(at, stride)),
    ]),
  ]);
  const loadBlock: Code = [
    set(values, i32.add(v, times(block, vS))),
    set(valueStride, vS),
    when(w('touched'), [
      call(touch, i32.add(k, times(block, kS)), kS, n, i32.shl(width, i32.const(2)), scores),
      call(touch, values, vS, n, outRow, scores),
    ]),
    when(i32.eqz(few), [
      call(pack, i32.add(k, times(block, kS)), kS, n, width, kBlock),
      // Rows of values that do not fill the last register are copied to where zeros follow them.
      when(w('padded'), [
        set(to, i32.add(scratch, w('vBlock'))),
        set(at, to),
        set(end, i32.add(to, times(n, outRow))),
        forLess(at, end, 16, v128.store(at, v128.zero)),
        set(at, values),
        set(values, to),
        set(i, i32.const(0)),
        set(end, i32.shl(w('valueWidth'), i32.const(2))),
        forLess(i, n, 1, [
          rowLoop(row, end, 1, access => access.store(to, access.load(at))),
          set(at, i32.add(at, vS)),
          set(to, i32.add(to, outRow)),
        ]),
        set(valueStride, outRow),
      ]),
    ]),
  ];
  const scoresOfGroup: Code = when(
    few,
    call(fewScores, qTile, i32.add(k, times(block, kS)), kS, i32.shl(width, i32.const(2)), scores, groupHigh, rows),
    [
      set(i, i32.const(0)),
      set(at, i32.add(qTile, times(row, i32.shl(width, i32.const(2))))),
      set(to, kBlock),
      set(end, scores),
      forLess(i, groupHigh, nr, [
        callApart(context, scoresOf, at, to, end, width),
        set(to, i32.add(to, times(width, i32.const(4 * nr)))),
        set(end, i32.add(end, i32.const(4 * nr))),
      ]),
    ],
  );
  const softmaxOfGroup: Code = [
    set(i, i32.const(0)),
    forLess(i, groupRows, 1, [
      locate(i32.add(row, i)),
      when(
        w('bias'),
        set(
          bias,
          plus(
            w('bias'),
            plus(times(batch, w('biasB')), times(head, w('biasH'))),
            plus(times(t, w('biasT')), times(block, w('biasS'))),
          ),
        ),
      ),
      call(
        softmax,
        i32.add(scores, times(i, i32.const(SCORE_ROW))),
        groupHigh,
        max(i32.const(0), i32.sub(firstKey, block)),
        min(groupHigh, i32.sub(lastKey, block)),
        mask,
        bias,
        w('biasS'),
        floatWord(args, 'softcap'),
        state(i32.add(row, i)),
      ),
    ]),
  ];
  const valuesOfGroup: Code = [
    set(to, i32.add(outTile, times(row, outRow))),
    set(at, i32.add(state(row), i32.const(FACTOR))),
    when(few, call(fewValues, scores, values, valueStride, to, outRow, groupHigh, at, rows), [
      set(i, i32.const(0)),
      forLess(i, outRow, 4 * nr, [
        callApart(
          context,
          valuesOf,
          ...[scores, i32.add(values, i), valueStride, i32.add(to, i), outRow, groupHigh, at],
        ),
      ]),
    ]),
  ];
  const finish: Code = [
    set(i, i32.const(0)),
    set(end, i32.shl(w('valueWidth'), i32.const(2))),
    forLess(i, rows, 1, [
      locate(i),
      set(at, i32.add(outTile, times(i, outRow))),
      set(to, plus(w('out'), times(batch, w('outB')), times(head, w('outH')), times(t, w('outT')))),
      // A query that sees nothing has the sum 0: its row stays 0.
      set(x, v128.load32splat(state(i), 4)),
      set(x, v128.andnot(f32x4.div(f32x4.const(1), x), f32x4.eq(x, v128.zero))),
      rowLoop(row, end, 1, access => access.store(to, f32x4.mul(access.load(at), x))),
    ]),
  ];
  return f.emit(
    prepare,
    loadQueries,
    limits,
    set(block, low),
    forLess(block, high, BLOCK, [
      set(n, min(i32.const(BLOCK), i32.sub(high, block))),
      loadMask,
      loadBlock,
      set(row, i32.const(0)),
      loop(
        set(groupRows, i32.sub(rows, row)),
        when(i32.eqz(few), set(groupRows, min(groupRows, i32.const(mr)))),
        locate(row),
        set(groupLow, inBlock(firstKey)),
        locate(plus(row, groupRows, i32.const(-1))),
        set(groupHigh, inBlock(lastKey)),
        when(i32.lt(groupLow, groupHigh), [scoresOfGroup, softmaxOfGroup, valuesOfGroup]),
        brIf(0, i32.lt(tee(row, i32.add(row, groupRows)), rows)),
      ),
    ]),
    finish,
  );
}

const attention: WasmKernel = {
  name: 'attention',
  access: ['rows', 'rows', 'rows', 'strided'],
  outputOrder: [0, 2, 1, 3],
  accepts([q, k, v], _, output) {
    const [, heads, , width] = q!.shape as readonly [number, number, number, number];
    const groups = k!.shape[1]!;
    // The smallest tile of every engine must fit.
    const shape = { rows: TILE_ROWS, width, valueWidth: v!.shape[3]! };
    const widest = { relaxed: false, revec: false, threads: 1, tile: { mr: 8, nr: 32 } };
    return output.dtype === 'f32' && heads % groups === 0 && tiling(shape, widest) !== undefined;
  },
  emit(context) {
    const unit = attentionUnit(context);
    const f = context.module.func('attention', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [units, base, turn, index, tiles, pair, row, scratch] = f.i32s(8);
    const w = (name: Word) => word(args, name);
    return f.emit(
      set(scratch, context.scratch(thread)),
      set(tiles, w('tiles')),
      set(units, i32.mul(i32.mul(w('batch'), w('groups')), tiles)),
      set(turn, thread),
      // To and fro over the threads: late tiles of a causal call see more keys than early ones.
      forLess(base, units, 0, [
        set(index, i32.add(base, turn)),
        when(i32.lt(index, units), [
          set(pair, i32.divu(index, tiles)),
          set(row, i32.mul(i32.remu(index, tiles), w('tileRows'))),
          call(
            unit,
            args,
            scratch,
            i32.divu(pair, w('groups')),
            i32.remu(pair, w('groups')),
            row,
            min(w('tileRows'), i32.sub(i32.mul(w('heads'), w('queries')), row)),
          ),
        ]),
        set(turn, i32.sub(i32.sub(threads, i32.const(1)), turn)),
        set(base, i32.add(base, threads)),
      ]),
    );
  },
  args({ inputs, output, attrs }, out, features) {
    const { causal, scale, window, softcap, ...has } = attrs as AttentionAttrs;
    const [q, k, v, ...optional] = inputs as readonly [View, View, View, ...View[]];
    const [length, mask, bias] = [has.length, has.mask, has.bias].map(present =>
      present ? optional.shift() : undefined,
    );
    const [batch, allHeads, queries, width] = q.shape as readonly [number, number, number, number];
    const [, groups, slots] = k.shape as readonly [number, number, number, number];
    const valueWidth = v.shape[3]!;
    const heads = allHeads / groups;
    const bytes = 4 * batch * groups * slots * (width + valueWidth);
    const { few, padded, ...tiles } = tiling({ rows: heads * queries, width, valueWidth }, features)!;
    const [outB, outH, outT] = output.strides.map(s => 4 * s);
    const [qB, qH, qT] = q.strides.map(s => 4 * s);
    const [kB, kG, kS] = k.strides.map(s => 4 * s);
    const [vB, vG, vS] = v.strides.map(s => 4 * s);
    const [maskB, maskS] = broadcastStrides(mask, 2);
    const [biasB, biasH, biasT, biasS] = broadcastStrides(bias, 4);
    const words: Record<Word, number | View | undefined> = {
      ...{ out: output, outB, outH, outT, q, qB, qH, qT, k, kB, kG, kS, v, vB, vG, vS, length },
      ...{ mask, maskB, maskS, bias, biasB, biasH, biasT, biasS, scale, softcap },
      ...{ batch, groups, heads, queries, slots, width, valueWidth, window, causal: Number(causal) },
      ...{ few: Number(few), touched: Number(few && bytes > CACHED_BYTES), padded: Number(padded), ...tiles },
    };
    for (const name of WORDS) {
      const value = words[name];
      if (typeof value === 'object') out.address(value);
      else if (name === 'scale' || name === 'softcap') out.f32(value!);
      else out.i32(value ?? 0);
    }
  },
  work: ({ inputs: [q, k, v] }) => (sizeOf(q!.shape) / q!.shape[3]!) * k!.shape[2]! * (q!.shape[3]! + v!.shape[3]!),
};

/** Byte strides of an optional input against `rank` axes, 0 where it repeats. */
function broadcastStrides(view: View | undefined, rank: number): number[] {
  return Array.from({ length: rank }, (_, d) => {
    const own = view ? d - rank + view.shape.length : -1;
    return own < 0 || view!.shape[own] === 1 ? 0 : view!.strides[own]! * bytesOf(view!.dtype);
  });
}

export const ATTENTION_KERNELS: readonly WasmKernel[] = [attention];
