/**
 * Scaled dot-product attention without the matrix of scores: blocks of keys with an online softmax, after
 * FlashAttention (Dao et al. 2022), with the query heads of a key/value head side by side (grouped-query attention).
 *
 * A unit of work is a tile of rows of one key/value head; row = query * heads of the group + head within the group, so
 * a tile sees a short range of positions and reads its keys and values once. Blocks that no row of a tile sees are
 * skipped, and within a block each group of MR rows stops at the last key that it sees.
 */
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
  loop,
  select,
  set,
  tee,
  v128,
  when,
} from '../assembler.ts';
import { KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import { attentionArgs, attentionFits, attentionWords } from './attention-arguments.ts';
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

const min = (x: Code, y: Code): Code => select(x, y, i32.lt(x, y));
const max = (x: Code, y: Code): Code => select(x, y, i32.gt(x, y));
const plus = (...terms: Code[]): Code => terms.reduce((sum, term) => i32.add(sum, term));
const times = i32.mul;

/** `(args, scratch, batch, group, first row, rows)`: one unit. */
function attentionUnit(context: ModuleContext): Func {
  const { mr, nr } = context.features.tile;
  const pack = packKeys(context);
  const touch = touchRows(context);
  const softmax = softmaxBlock(context);
  const [scoresOf, valuesOf] = [scoreTile(context), valueTile(context, mr, nr / 4)];
  const [fewScores, fewValues] = [dotRows(context), valueRows(context)];
  const f = context.module.func('attention unit', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [args, scratch, batch, group, firstRow, rows] = f.params;
  const { words: w, load } = attentionWords(f, args);
  const [low, high, block, n, row, groupRows, groupLow, groupHigh] = f.i32s(8);
  const [keys, values, valueStride, mask, bias] = f.i32s(5);
  const [i, end, at, to, t, head, position] = f.i32s(7);
  const x = f.local('v128');
  const fourBytes = (count: Code): Code => i32.shl(count, i32.const(2));
  /** Query, head and position of a row of this unit. */
  const locate = (index: Code): Code => [
    set(head, i32.add(firstRow, index)),
    set(t, i32.divu(head, w.heads)),
    set(head, i32.add(times(group, w.heads), i32.remu(head, w.heads))),
    set(position, plus(i32.sub(w.slots, w.queries), t)),
  ];
  /** First key that a query at `position` sees, and the one after the last. */
  const firstKey = select(max(i32.const(0), plus(i32.sub(position, w.window), i32.const(1))), i32.const(0), w.window);
  const lastKey = select(
    min(w.slots, i32.add(position, i32.const(1))),
    select(min(w.slots, i32.add(position, w.window)), w.slots, w.window),
    w.causal,
  );
  const state = (index: Code): Code => i32.add(scratch, times(index, i32.const(STATE)));
  const inBlock = (key: Code): Code => max(i32.const(0), min(n, i32.sub(key, block)));

  const prepare: Code = [
    load,
    [w.lanes, w.scores, w.qTile, w.outTile, w.kBlock, w.vBlock].map(part => set(part, i32.add(scratch, part))),
    set(w.k, plus(w.k, times(batch, w.kB), times(group, w.kG))),
    set(w.v, plus(w.v, times(batch, w.vB), times(group, w.vG))),
    // From here on, slots = the ones that are filled.
    when(w.length, [set(i, i32.load(w.length)), set(w.slots, max(i32.const(0), min(i, w.slots)))]),
    // Running state: maximum -inf, sum 0, factor 0.
    set(i, i32.const(0)),
    forLess(i, w.tileRows, 1, v128.store(state(i), f32x4.replace(v128.zero, 0, f32.const(-Infinity)))),
    set(at, w.outTile),
    set(end, i32.add(w.outTile, times(w.outRow, w.tileRows))),
    forLess(at, end, 16, v128.store(at, v128.zero)),
  ];
  /** Scaled queries: rows for few, else `[d][mr]` groups with rows of zeros at the end. */
  const loadQueries: Code = [
    set(i, i32.const(0)),
    set(end, fourBytes(w.width)),
    forLess(i, select(rows, w.tileRows, w.few), 1, [
      locate(i),
      set(at, plus(w.q, times(batch, w.qB), times(head, w.qH), times(t, w.qT))),
      when(
        w.few,
        [
          set(to, i32.add(w.qTile, times(i, end))),
          rowLoop(row, end, 1, access => access.store(to, f32x4.mul(access.load(at), f32x4.splat(w.scale)))),
        ],
        [
          set(to, i32.remu(i, i32.const(mr))),
          set(to, plus(w.qTile, times(i32.sub(i, to), end), fourBytes(to))),
          set(row, i32.const(0)),
          forLess(row, end, 4, [
            f32.store(to, f32.const(0)),
            when(i32.lt(i, rows), f32.store(to, f32.mul(f32.load(i32.add(at, row)), w.scale))),
            set(to, i32.add(to, i32.const(4 * mr))),
          ]),
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
  const loadMask: Code = when(w.mask, [
    set(mask, w.lanes),
    set(at, plus(w.mask, times(batch, w.maskB), times(block, w.maskS))),
    set(i, i32.const(0)),
    forLess(i, n, 1, [i32.store(i32.add(w.lanes, fourBytes(i)), i32.load8u(at)), set(at, i32.add(at, w.maskS))]),
  ]);
  const loadBlock: Code = [
    set(keys, i32.add(w.k, times(block, w.kS))),
    set(values, i32.add(w.v, times(block, w.vS))),
    set(valueStride, w.vS),
    when(w.touched, [
      call(touch, keys, w.kS, n, fourBytes(w.width), w.scores),
      call(touch, values, w.vS, n, w.outRow, w.scores),
    ]),
    when(i32.eqz(w.few), call(pack, keys, w.kS, n, w.width, w.kBlock)),
    // Rows of values that do not fill the last register are copied to where zeros follow them.
    when(w.padded, [
      set(to, w.vBlock),
      set(at, to),
      set(end, i32.add(to, times(n, w.outRow))),
      forLess(at, end, 16, v128.store(at, v128.zero)),
      set(at, values),
      set(values, to),
      set(valueStride, w.outRow),
      set(i, i32.const(0)),
      set(end, fourBytes(w.valueWidth)),
      forLess(i, n, 1, [
        rowLoop(row, end, 1, access => access.store(to, access.load(at))),
        set(at, i32.add(at, w.vS)),
        set(to, i32.add(to, w.outRow)),
      ]),
    ]),
  ];
  const scoresOfGroup: Code = when(
    w.few,
    call(fewScores, w.qTile, keys, w.kS, fourBytes(w.width), w.scores, groupHigh, rows),
    [
      set(i, i32.const(0)),
      set(at, i32.add(w.qTile, times(row, fourBytes(w.width)))),
      set(to, w.kBlock),
      forLess(i, groupHigh, nr, [
        callApart(context, scoresOf, at, to, i32.add(w.scores, fourBytes(i)), w.width),
        set(to, i32.add(to, times(w.width, i32.const(4 * nr)))),
      ]),
    ],
  );
  const softmaxOfGroup: Code = [
    set(i, i32.const(0)),
    forLess(i, groupRows, 1, [
      locate(i32.add(row, i)),
      when(w.bias, [
        set(bias, plus(w.bias, times(batch, w.biasB), times(head, w.biasH), times(t, w.biasT))),
        set(bias, i32.add(bias, times(block, w.biasS))),
      ]),
      call(
        softmax,
        i32.add(w.scores, times(i, i32.const(SCORE_ROW))),
        groupHigh,
        max(i32.const(0), i32.sub(firstKey, block)),
        min(groupHigh, i32.sub(lastKey, block)),
        mask,
        bias,
        w.biasS,
        w.softcap,
        state(i32.add(row, i)),
      ),
    ]),
  ];
  const valuesOfGroup: Code = [
    set(to, i32.add(w.outTile, times(row, w.outRow))),
    set(at, i32.add(state(row), i32.const(FACTOR))),
    when(w.few, call(fewValues, w.scores, values, valueStride, to, w.outRow, groupHigh, at, rows), [
      set(end, i32.add(to, w.outRow)),
      set(i, values),
      forLess(to, end, 4 * nr, [
        callApart(context, valuesOf, w.scores, i, valueStride, to, w.outRow, groupHigh, at),
        set(i, i32.add(i, i32.const(4 * nr))),
      ]),
    ]),
  ];
  const finish: Code = [
    set(i, i32.const(0)),
    set(end, fourBytes(w.valueWidth)),
    forLess(i, rows, 1, [
      locate(i),
      set(at, i32.add(w.outTile, times(i, w.outRow))),
      set(to, plus(w.out, times(batch, w.outB), times(head, w.outH), times(t, w.outT))),
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
        when(i32.eqz(w.few), set(groupRows, min(groupRows, i32.const(mr)))),
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
  accepts: ([q, k, v]) => q!.shape[1]! % k!.shape[1]! === 0 && attentionFits(q!.shape[3]!, v!.shape[3]!),
  emit(context) {
    const unit = attentionUnit(context);
    const f = context.module.func('attention', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const { words: w, load } = attentionWords(f, args);
    const [units, base, turn, index, pair, row, rows] = f.i32s(7);
    return f.emit(
      load,
      set(units, times(times(w.batch, w.groups), w.tiles)),
      set(rows, times(w.heads, w.queries)),
      set(turn, thread),
      // To and fro over the threads: late tiles of a causal call see more keys than early ones.
      forLess(base, units, 0, [
        set(index, i32.add(base, turn)),
        when(i32.lt(index, units), [
          set(pair, i32.divu(index, w.tiles)),
          set(row, times(i32.remu(index, w.tiles), w.tileRows)),
          call(
            unit,
            args,
            context.scratch(thread),
            i32.divu(pair, w.groups),
            i32.remu(pair, w.groups),
            row,
            min(w.tileRows, i32.sub(rows, row)),
          ),
        ]),
        set(turn, i32.sub(i32.sub(threads, i32.const(1)), turn)),
        set(base, i32.add(base, threads)),
      ]),
    );
  },
  args: attentionArgs,
  // About eight multiply-adds in a nanosecond.
  work: ({ inputs: [q, k, v] }) =>
    ((sizeOf(q!.shape) / q!.shape[3]!) * k!.shape[2]! * (q!.shape[3]! + v!.shape[3]!)) / 8,
};

export const ATTENTION_KERNELS: readonly WasmKernel[] = [attention];
