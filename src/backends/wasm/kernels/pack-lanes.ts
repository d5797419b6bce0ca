/**
 * The copy behind all packing: dst[s][l] = src[l * laneStride + s * stepStride], converted to f32. With lanes = rows and
 * steps = k it fills the blocks and panels of the matrix product, whichever way the source lies; with other strides it
 * unpacks panels, transposes weights and reads single rows out of them.
 */
import {
  brIf,
  type Code,
  call,
  type Func,
  f32,
  f32x4,
  f64,
  i32,
  i32x4,
  type Local,
  loop,
  set,
  shuffle32,
  tee,
  v128,
  when,
} from '../assembler.ts';
import type { ModuleContext } from '../kernel.ts';

/** Element types that weights may have in a file. */
export type SourceType = 'F32' | 'F16' | 'BF16' | 'F64';

interface Source {
  /** Four neighbouring elements as f32x4. `temp` is free to use. */
  load4(address: Code, temp: Local): Code;
  /** One element as f32x4, in lane 0. */
  load1(address: Code, temp: Local): Code;
}

const bf16 = (bits: Code): Code => i32x4.shl(bits, i32.const(16));

/**
 * Binary16 bits, sign-extended, to f32, exactly: the bits at their new places are the value times 2^-112, an f32
 * denormal if the half was subnormal. Only infinity and NaN need their exponent filled up.
 */
function f16(bits: Code, moved: Local): Code {
  const exponent = i32x4.const(0x0f80_0000);
  const value = f32x4.mul(v128.and(moved, i32x4.const(0x8fff_ffff)), f32x4.const(2 ** 112));
  const special = v128.and(i32x4.eq(v128.and(moved, exponent), exponent), i32x4.const(0x7f80_0000));
  return [set(moved, i32x4.shl(bits, i32.const(13))), v128.or(value, special)];
}
const f64At = (address: Code, offset: number): Code => f32.demoteF64(f64.load(address, offset));

const SOURCES: Record<SourceType, Source> = {
  F32: { load4: at => v128.load(at), load1: at => v128.load32zero(at) },
  F16: {
    load4: (at, temp) => f16(v128.load16x4s(at), temp),
    load1: (at, temp) => f16(i32x4.splat(i32.shr(i32.shl(i32.load16u(at), i32.const(16)), i32.const(16))), temp),
  },
  BF16: {
    load4: at => bf16(v128.load16x4u(at)),
    load1: at => bf16(i32x4.splat(i32.load16u(at))),
  },
  F64: {
    load4: at => [1, 2, 3].reduce((v, l) => f32x4.replace(v, l, f64At(at, 8 * l)), f32x4.splat(f64At(at, 0))),
    load1: at => f32x4.splat(f64At(at, 0)),
  },
};
/** In the order of the numbers that stand for them in argument words. */
export const SOURCE_TYPES = Object.keys(SOURCES) as SourceType[];
export const SOURCE_BYTES: Record<SourceType, number> = { F32: 4, F16: 2, BF16: 2, F64: 8 };

/** The memories of the source and of what is written. */
export interface Between {
  readonly src?: number;
  readonly dst?: number;
}
const between = (name: string, { src = 0, dst = 0 }: Between): string =>
  src || dst ? `${name} from memory ${src} to ${dst}` : name;

const PARAMS = ['i32', 'i32', 'i32', 'i32', 'i32'] as const;
const repeat = (count: Local, ...body: Code[]): Code =>
  when(count, loop(...body, brIf(0, tee(count, i32.sub(count, i32.const(1))))));
const advance = (pointer: Local, by: Code): Code => set(pointer, i32.add(pointer, by));

/** `(src, stepStride, steps, dst, pitch) -> ()`: one lane, any strides. */
export function copyLane(context: ModuleContext, from: SourceType = 'F32', memories: Between = {}): Func {
  const source = SOURCES[from];
  const name = between(`copyLane${from}`, memories);
  return context.shared(name, () => {
    const f = context.module.func(name, PARAMS);
    const [first, stepStride, steps, to, pitch] = f.params;
    const [src, dst] = [first.into(memories.src ?? 0), to.into(memories.dst ?? 0)];
    const temp = f.local('v128');
    return f.emit(
      repeat(steps, v128.store32lane(dst, source.load1(src, temp), 0), advance(src, stepStride), advance(dst, pitch)),
    );
  });
}

/** `(src, stepStride, steps, dst, pitch) -> ()`: `width` lanes that are neighbours in the source, which is in memory 0. */
function copyLanes(context: ModuleContext, from: SourceType, width: 4 | 8 | 16, memory: number): Func {
  const source = SOURCES[from];
  const bytes = SOURCE_BYTES[from];
  const name = between(`copyLanes${from}x${width}`, { dst: memory });
  return context.shared(name, () => {
    const f = context.module.func(name, PARAMS);
    const [src, stepStride, steps, to, pitch] = f.params;
    const dst = to.into(memory);
    const temp = f.local('v128');
    const groups = Array.from({ length: width / 4 }, (_, i) => i);
    return f.emit(
      repeat(
        steps,
        groups.map(i => v128.store(dst, source.load4(i32.add(src, i32.const(4 * i * bytes)), temp), 16 * i)),
        advance(src, stepStride),
        advance(dst, pitch),
      ),
    );
  });
}

/** `(src, laneStride, steps, dst, pitch) -> ()`: 2 or 4 lanes whose steps are neighbours in the source, 4 steps at once. */
function transposeLanes(context: ModuleContext, from: SourceType, lanes: 2 | 4, memories: Between): Func {
  const source = SOURCES[from];
  const bytes = SOURCE_BYTES[from];
  const one = copyLane(context, from, memories);
  const name = between(`transposeLanes${from}x${lanes}`, memories);
  return context.shared(name, () => {
    const f = context.module.func(name, PARAMS);
    const [src, laneStride, steps, dst, pitch] = f.params;
    const [fours, pointer] = f.i32s(2);
    const [at, to] = [pointer.into(memories.src ?? 0), pointer.into(memories.dst ?? 0)];
    const temp = f.local('v128');
    const [r0, r1, r2, r3, low] = f.v128s(5);
    const rows = [r0, r1, r2, r3].slice(0, lanes);
    /** Writes one step: four lanes, or the two lanes in a half of `value`. */
    const put = (value: Code, half = 0): Code => [
      lanes === 4 ? v128.store(to, value) : v128.store64lane(to, value, half),
      advance(at, pitch),
    ];
    const putTwo: Code = [
      [set(low, shuffle32(r0, r1, [0, 4, 1, 5])), put(low, 0), put(low, 1)],
      [set(low, shuffle32(r0, r1, [2, 6, 3, 7])), put(low, 0), put(low, 1)],
    ];
    const putFour: Code = [
      set(low, shuffle32(r0, r1, [0, 4, 1, 5])),
      set(r0, shuffle32(r0, r1, [2, 6, 3, 7])),
      set(r1, shuffle32(r2, r3, [0, 4, 1, 5])),
      set(r2, shuffle32(r2, r3, [2, 6, 3, 7])),
      put(shuffle32(low, r1, [0, 1, 4, 5])),
      put(shuffle32(low, r1, [2, 3, 6, 7])),
      put(shuffle32(r0, r2, [0, 1, 4, 5])),
      put(shuffle32(r0, r2, [2, 3, 6, 7])),
    ];
    f.emit(
      set(fours, i32.shru(steps, i32.const(2))),
      set(steps, i32.and(steps, i32.const(3))),
      repeat(
        fours,
        set(at, src),
        rows.map((row, i) => [set(row, source.load4(at, temp)), i < lanes - 1 ? advance(at, laneStride) : []]),
        set(at, dst),
        lanes === 4 ? putFour : putTwo,
        set(dst, at),
        advance(src, i32.const(4 * bytes)),
      ),
    );
    for (let i = 0; i < lanes; i++) {
      f.emit(call(one, src, i32.const(bytes), steps, i32.add(dst, i32.const(4 * i)), pitch));
      if (i < lanes - 1) f.emit(advance(src, laneStride));
    }
    return f;
  });
}

/**
 * `(src, laneStride, lanes, stepStride, steps, dst, pitch) -> ()`, all strides in bytes: writes lanes 0..lanes-1 of
 * `steps` rows of `dst`, which lie `pitch` apart. Whole vectors are used when either stride is that of neighbours (in the
 * source only where it is in memory 0).
 */
export function packLanes(context: ModuleContext, from: SourceType = 'F32', memories: Between = {}): Func {
  const bytes = SOURCE_BYTES[from];
  const one = copyLane(context, from, memories);
  const widths = memories.src ? [] : ([16, 8, 4] as const);
  const wide = widths.map(width => [width, copyLanes(context, from, width, memories.dst ?? 0)] as const);
  const across = ([4, 2] as const).map(width => [width, transposeLanes(context, from, width, memories)] as const);
  const name = between(`packLanes${from}`, memories);
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', ...PARAMS, 'i32']);
    const [src, laneStride, lanes, stepStride, steps, dst, pitch] = f.params;
    const group = (width: number, copy: Func, stride: Local): Code =>
      when(
        i32.ge(lanes, i32.const(width)),
        loop(
          call(copy, src, stride, steps, dst, pitch),
          advance(src, i32.mul(laneStride, i32.const(width))),
          advance(dst, i32.const(4 * width)),
          brIf(0, i32.ge(tee(lanes, i32.sub(lanes, i32.const(width))), i32.const(width))),
        ),
      );
    return f.emit(
      when(i32.eq(stepStride, i32.const(bytes)), [across.map(([width, copy]) => group(width, copy, laneStride))]),
      when(i32.eq(laneStride, i32.const(bytes)), [wide.map(([width, copy]) => group(width, copy, stepStride))]),
      group(1, one, stepStride),
    );
  });
}
