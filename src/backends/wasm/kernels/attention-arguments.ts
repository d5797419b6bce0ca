/** The argument words of attention: how a call is cut into tiles, and where the parts of a tile lie in scratch memory. */
import { bytesOf } from '../../../tensor/dtype.ts';
import type { Step, View } from '../../../tensor/plan.ts';
import { type Code, type Func, f32, i32, type Local, set } from '../assembler.ts';
import { type ArgWriter, type Features, SCRATCH_BYTES } from '../kernel.ts';
import { BLOCK, SCORE_ROW, STATE } from './attention-tiles.ts';

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

// Words by name, in the order in which they are written. Addresses come with the byte strides of their axes; an address
// of 0 = not there. The last line: offsets in scratch memory.
const TENSORS = [
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
] as const;
const OPTIONAL = ['length', 'mask', 'maskB', 'maskS', 'bias', 'biasB', 'biasH', 'biasT', 'biasS'] as const;
const SIZES = [
  'batch',
  'groups',
  'heads',
  'queries',
  'slots',
  'width',
  'valueWidth',
  'outRow',
  'tiles',
  'tileRows',
] as const;
const SWITCHES = ['causal', 'window', 'few', 'touched', 'padded'] as const;
const SCRATCH = ['lanes', 'scores', 'qTile', 'outTile', 'kBlock', 'vBlock'] as const;
const FLOATS = ['scale', 'softcap'] as const;
const WHOLE = [...TENSORS, ...OPTIONAL, ...SIZES, ...SWITCHES, ...SCRATCH] as const;
type Whole = (typeof WHOLE)[number];
type Float = (typeof FLOATS)[number];

/** Locals of `f` with the words at `args`, and the code that loads them. */
export function attentionWords(f: Func, args: Local): { words: Record<Whole | Float, Local>; load: Code } {
  const locals = [...WHOLE.map(() => f.local('i32')), ...FLOATS.map(() => f.local('f32'))];
  const load = locals.map((local, i) => set(local, (local.type === 'i32' ? i32 : f32).load(args, 4 * i)));
  const names: readonly (Whole | Float)[] = [...WHOLE, ...FLOATS];
  return {
    words: Object.fromEntries(names.map((name, i) => [name, locals[i]!])) as Record<Whole | Float, Local>,
    load,
  };
}

interface Call {
  /** Key/value heads of all batches, and the rows of queries that each of them serves. */
  readonly units: number;
  readonly rows: number;
  readonly width: number;
  readonly valueWidth: number;
}
/** Undefined = not even one register tile fits into scratch memory. */
function tiling(call: Call, { threads, tile: { mr, nr } }: Features) {
  const { units, rows, width, valueWidth } = call;
  const few = rows <= FEW_ROWS && width % 4 === 0 && valueWidth % 4 === 0;
  const padded = !few && valueWidth % nr !== 0;
  const outRow = 4 * (padded ? Math.ceil(valueWidth / nr) * nr : valueWidth);
  const align = (bytes: number) => Math.ceil(bytes / 64) * 64;
  const keyBytes = few ? 0 : align(4 * BLOCK * width);
  const scoreBytes = SCORE_ROW * Math.max(mr, FEW_ROWS);
  // 256: what the alignment of the parts can add.
  const fixed = keyBytes + (padded ? BLOCK * outRow : 0) + SCORE_ROW + scoreBytes + 256;
  const room = Math.floor((SCRATCH_BYTES - fixed) / (STATE + 4 * width + outRow));
  const most = few ? FEW_ROWS : Math.floor(Math.min(TILE_ROWS, room) / mr) * mr;
  if (room < (few ? rows : mr)) return undefined;
  // Tiles of nearly the same height, in whole register tiles, and at least one for each thread.
  const wanted = Math.max(1, Math.ceil(rows / most), Math.ceil(threads / Math.max(1, units)));
  const height = Math.max(1, Math.ceil(rows / wanted));
  const tileRows = few ? height : Math.ceil(height / mr) * mr;
  const lanes = align(STATE * tileRows);
  const scores = lanes + SCORE_ROW;
  const qTile = scores + scoreBytes;
  const outTile = qTile + align(4 * width * tileRows);
  const kBlock = outTile + align(outRow * tileRows);
  const vBlock = kBlock + keyBytes;
  const tiles = Math.ceil(rows / tileRows);
  return { few, padded, outRow, tiles, tileRows, lanes, scores, qTile, outTile, kBlock, vBlock };
}
/** True when a call of these head widths fits into scratch memory on every engine. */
export const attentionFits = (width: number, valueWidth: number): boolean =>
  tiling(
    { units: 1, rows: TILE_ROWS, width, valueWidth },
    { relaxed: false, dot: 'none', revec: false, threads: 1, tile: { mr: 8, nr: 32 } },
  ) !== undefined;

export function attentionArgs({ inputs, output, attrs }: Step, out: ArgWriter, features: Features): void {
  const { causal, window, scale, softcap, ...has } = attrs as AttentionAttrs;
  const [q, k, v, ...optional] = inputs as readonly [View, View, View, ...View[]];
  const next = (present: boolean) => (present ? optional.shift() : undefined);
  const length = next(has.length);
  const mask = next(has.mask);
  const bias = next(has.bias);
  const [batch, allHeads, queries, width] = q.shape as readonly [number, number, number, number];
  const [, groups, slots, valueWidth] = v.shape as readonly [number, number, number, number];
  const heads = allHeads / groups;
  const { few, padded, ...tiles } = tiling(
    { units: batch * groups, rows: heads * queries, width, valueWidth },
    features,
  )!;
  const touched = few && 4 * batch * groups * slots * (width + valueWidth) > CACHED_BYTES;
  const [outB, outH, outT] = bytesOfStrides(output);
  const [qB, qH, qT] = bytesOfStrides(q);
  const [kB, kG, kS] = bytesOfStrides(k);
  const [vB, vG, vS] = bytesOfStrides(v);
  const [maskB, maskS] = bytesOfStrides(mask, 2);
  const [biasB, biasH, biasT, biasS] = bytesOfStrides(bias);
  const words: Record<Whole, number | boolean | View | undefined> = {
    ...{ out: output, outB, outH, outT, q, qB, qH, qT, k, kB, kG, kS, v, vB, vG, vS },
    ...{ length, mask, maskB, maskS, bias, biasB, biasH, biasT, biasS },
    ...{ batch, groups, heads, queries, slots, width, valueWidth, causal, window, few, touched, padded, ...tiles },
  };
  for (const name of WHOLE) {
    const value = words[name];
    if (typeof value === 'object') out.address(value);
    else out.i32(Number(value ?? 0));
  }
  out.f32(scale).f32(softcap);
}

/** Byte strides of a view against `rank` axes, 0 where it repeats or is not there. */
export function bytesOfStrides(view: View | undefined, rank = 4): number[] {
  return Array.from({ length: rank }, (_, d) => {
    const own = view ? d - rank + view.shape.length : -1;
    return own < 0 || view!.shape[own] === 1 ? 0 : view!.strides[own]! * bytesOf(view!.dtype);
  });
}
