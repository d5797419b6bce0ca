/**
 * Rows of blocks or halves as they lie in a file into panels. All numbers stay as they are; only their bits move, to where
 * `quantized-unpack.ts` wants them.
 */
import type { View } from '../../../tensor/plan.ts';
import {
  brIf,
  type Code,
  call,
  type Func,
  f32,
  f32x4,
  i8x16,
  i16x8,
  i32,
  i32x4,
  type Local,
  loop,
  select,
  set,
  shuffle,
  tee,
  v128,
  when,
} from '../assembler.ts';
import { type Features, KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import {
  HALF_FORMATS,
  HALVES,
  type KeptFormat,
  keptBytes,
  kindOf,
  PANEL_ROWS,
  type PanelLayout,
  panelBytes,
  panelLayout,
  panelRows,
  QUANTIZED_FORMATS,
  unitsOf,
  wholeRows,
} from './quantized-layout.ts';
import { STORED_SCALE } from './quantized-unpack.ts';
import { eachRow, threadRange } from './rows.ts';

/** Attributes of a `packBlocks` step: rows `row` to `row + rows` of the weight, whose blocks are the input. */
export interface PackBlocksAttrs {
  readonly row: number;
  readonly rows: number;
}

/** Bytes 0 and 8, 1 and 9 ...: the two halves of each word of 16-bit lanes. */
const HALVES_TOGETHER = Array.from({ length: 16 }, (_, i) => (i >> 1) + 8 * (i & 1));

/** What moves the numbers of one block. `to` is the panel's block plus 4 bytes for each row before this one. */
interface BlockLocals {
  readonly src: Local;
  readonly to: Local;
  readonly halves: Local;
  readonly bytes: Local;
  readonly vector: Local;
  readonly word: Local;
  readonly temp: Local;
}

/** Halves of this magnitude and more, which is 2^7, have no room in panels, where they are 2^10 times as large. */
const TOO_LARGE = 0x5800;

/** `(half, flag) -> half`: a scale as panels hold it, 2^10 times as large. Sets the word at `flag` for one that has no room. */
function storedScale({ module, shared, weights }: ModuleContext): Func {
  return shared('storedScale', () => {
    const f = module.func('storedScale', ['i32', 'i32'], ['i32']);
    const [half, flagAt] = f.params;
    const flag = flagAt.into(weights);
    const bits = f.local('i32');
    const magnitude = i32.and(half, i32.const(0x7fff));
    // Without the exponent's bias the value is 2^-112 of what it should be; f32 has no subnormals where f16 has them.
    const scaled = f32.mul(f32.reinterpretI32(i32.shl(magnitude, i32.const(13))), f32.const(2 ** 112 * STORED_SCALE));
    return f.emit(
      when(i32.geu(magnitude, i32.const(TOO_LARGE)), i32.store(flag, i32.const(1))),
      set(bits, i32.reinterpretF32(scaled)),
      i32.or(
        select(i32.sub(i32.shru(bits, i32.const(13)), i32.const(112 << 10)), i32.const(0), bits),
        i32.and(half, i32.const(0x8000)),
      ),
    );
  });
}

/** Even bits of `x` into its low half, odd bits into the high one (Warren, "Hacker's Delight", 7-2). */
const evenBitsFirst = (x: Local, temp: Local): Code =>
  [
    [1, 0x2222_2222],
    [2, 0x0c0c_0c0c],
    [4, 0x00f0_00f0],
    [8, 0x0000_ff00],
  ].map(([by, mask]) => [
    set(temp, i32.and(i32.xor(x, i32.shru(x, i32.const(by!))), i32.const(mask!))),
    set(x, i32.xor(x, i32.xor(temp, i32.shl(temp, i32.const(by!))))),
  ]);

/** Stores the low bits of a chunk: byte i has those of values i and i + 16. */
const putLow = (layout: PanelLayout, { to, vector }: BlockLocals, at: number, low: Code): Code => [
  set(vector, low),
  layout.laneBits === 16 ? set(vector, shuffle(vector, vector, HALVES_TOGETHER)) : [],
  [0, 1, 2, 3].map(g => v128.store32lane(to, vector, g, at + layout.lowAt + 32 * g)),
];
/** Stores a fifth bit for each of the 32 values of a chunk, bit i for value i. */
const putFifth = (layout: PanelLayout, { to, word, temp }: BlockLocals, at: number, bits: Code): Code => [
  set(word, bits),
  evenBitsFirst(word, temp),
  layout.laneBits === 8 ? evenBitsFirst(word, temp) : [],
  i32.store(to, word, at + layout.highAt),
];

function packShortBlock(layout: PanelLayout, locals: BlockLocals, scale: (half: Code) => Code): Code {
  const { bits, least, headerBytes, laneBits, flipped, words } = layout;
  const { src, to, halves } = locals;
  const rest = least ? 4 : 2;
  const header = [0, ...(least ? [1] : [])].map(i =>
    i32.store16(halves, scale(i32.load16u(src, 2 * i)), 2 * PANEL_ROWS * i),
  );
  if (bits < 8)
    return [
      header,
      bits === 5 ? putFifth(layout, locals, headerBytes, i32.load(src, rest)) : [],
      putLow(layout, locals, headerBytes, v128.load(src, rest + (bits === 5 ? 4 : 0))),
    ];
  const flip = (word: Code): Code => (flipped ? i32.xor(word, i32.const(0x8080_8080)) : word);
  return [
    header,
    Array.from({ length: words }, (_, t) =>
      laneBits === 8
        ? i32.store(to, flip(i32.load(src, rest + 4 * t)), headerBytes + 32 * t)
        : i32.store16(halves, i32.load16u(src, rest + 2 * t), headerBytes + 16 * t),
    ),
  ];
}

/** Four bits of 32 neighbouring bytes, as `putLow` takes them. */
function fourBits(src: Local, at: number, high: boolean): Code {
  const [a, b] = [v128.load(src, at), v128.load(src, at + 16)];
  const [low, top] = [i8x16.const(0x0f), i8x16.const(0xf0)];
  return high
    ? v128.or(v128.and(i16x8.shru(a, i32.const(4)), low), v128.and(b, top))
    : v128.or(v128.and(a, low), v128.and(i16x8.shl(b, i32.const(4)), top));
}

/** The scale and the least value of a group, six bits each, folded into 12 bytes. */
function foldedScales(src: Local, at: number, group: number): readonly [scale: Code, least: Code] {
  const byte = (i: number): Code => i32.load8u(src, at + i);
  const six = (x: Code): Code => i32.and(x, i32.const(63));
  if (group < 4) return [six(byte(group)), six(byte(group + 4))];
  const topBits = (x: Code): Code => i32.shl(i32.shru(x, i32.const(6)), i32.const(4));
  return [
    i32.or(i32.and(byte(group + 4), i32.const(15)), topBits(byte(group - 4))),
    i32.or(i32.shru(byte(group + 4), i32.const(4)), topBits(byte(group))),
  ];
}

/** Q4_K and Q5_K. */
function packLeastBlock(layout: PanelLayout, locals: BlockLocals, scale: (half: Code) => Code): Code {
  const { bits, headerBytes, chunks, chunkBytes } = layout;
  const { src, halves, bytes } = locals;
  const [highAt, lowAt] = [16, bits === 5 ? 48 : 16];
  return [
    i32.store16(halves, scale(i32.load16u(src))),
    // The least value is subtracted in the file and added here.
    i32.store16(halves, scale(i32.xor(i32.load16u(src, 2), i32.const(0x8000))), 2 * PANEL_ROWS),
    Array.from({ length: chunks }, (_, g) => {
      const at = headerBytes + chunkBytes * g;
      const [step, least] = foldedScales(src, 4, g);
      const mask = (i: number): Code => i8x16.bitmask(i16x8.shl(v128.load(src, highAt + 16 * i), i32.const(7 - g)));
      return [
        i32.store8(bytes, step, at),
        i32.store8(bytes, least, at + PANEL_ROWS),
        bits === 5 ? putFifth(layout, locals, at, i32.or(mask(0), i32.shl(mask(1), i32.const(16)))) : [],
        putLow(layout, locals, at, fourBits(src, lowAt + 32 * (g >> 1), (g & 1) === 1)),
      ];
    }),
  ];
}

/** Q6_K. */
function packSixBits(layout: PanelLayout, locals: BlockLocals, scale: (half: Code) => Code): Code {
  const { headerBytes, chunks, chunkBytes, laneBits, highAt } = layout;
  const { src, to, halves, bytes, word, temp } = locals;
  return [
    i32.store16(halves, scale(i32.load16u(src, 208))),
    Array.from({ length: chunks }, (_, g) => {
      const at = headerBytes + chunkBytes * g;
      const [half, quarter] = [g >> 2, g & 3];
      /** Two bits of each of 16 values: bits 2s of byte e are those of value 4s + e. */
      const twoBits = (u: number): Code =>
        [0, 1, 2, 3]
          .map(s =>
            i32.shl(
              i32.and(
                i32.shru(i32.load(src, 128 + 32 * half + 16 * u + 4 * s), i32.const(2 * quarter)),
                i32.const(0x0303_0303),
              ),
              i32.const(2 * s),
            ),
          )
          .reduce((all, bits) => i32.or(all, bits));
      return [
        [0, 1].map(part => i32.store8(bytes, i32.load8u(src, 192 + 2 * g + part), at + PANEL_ROWS * part)),
        [0, 1].map(u => [
          set(word, twoBits(u)),
          laneBits === 16 ? pairsTogether(word, temp) : [],
          i32.store(to, word, at + highAt + 32 * u),
        ]),
        putLow(layout, locals, at, fourBits(src, 64 * half + 32 * (quarter & 1), quarter >= 2)),
      ];
    }),
  ];
}

/** Pairs of bits of bytes 0 and 2 in turn into the low half of a word, those of 1 and 3 into the high one. */
function pairsTogether(word: Local, temp: Local): Code {
  /** The two low bytes, one in each half, with a gap behind each pair of bits. */
  const spread = (x: Local): Code => [
    set(x, i32.or(i32.and(x, i32.const(0xff)), i32.and(i32.shl(x, i32.const(8)), i32.const(0x00ff_0000)))),
    set(x, i32.and(i32.or(x, i32.shl(x, i32.const(4))), i32.const(0x0f0f_0f0f))),
    set(x, i32.and(i32.or(x, i32.shl(x, i32.const(2))), i32.const(0x3333_3333))),
  ];
  return [
    set(temp, i32.shru(word, i32.const(16))),
    spread(temp),
    spread(word),
    set(word, i32.or(word, i32.shl(temp, i32.const(2)))),
  ];
}

/** `(src, blocks, panel, lane, flag) -> ()`: a row of blocks into its lane of a panel. */
function packRow(context: ModuleContext, layout: PanelLayout): Func {
  const scale = storedScale(context);
  const pack = layout.chunks === 1 ? packShortBlock : layout.least ? packLeastBlock : packSixBits;
  const name = `packRow ${layout.format}`;
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32']);
    const [src, blocks, panel, lane, flag] = f.params;
    const [to, halves, word, temp] = f.i32s(4);
    const vector = f.local('v128');
    const pointers = [to, halves, lane].map(pointer => pointer.into(context.weights)) as [Local, Local, Local];
    const locals = { src, to: pointers[0], halves: pointers[1], bytes: pointers[2], vector, word, temp };
    return f.emit(
      set(to, i32.add(panel, i32.shl(lane, i32.const(2)))),
      set(halves, i32.add(panel, i32.shl(lane, i32.const(1)))),
      set(lane, i32.add(panel, lane)),
      loop(
        pack(layout, locals, half => call(scale, half, flag)),
        set(src, i32.add(src, i32.const(layout.fileBytes))),
        pointers.map(pointer => set(pointer, i32.add(pointer, i32.const(layout.blockBytes)))),
        brIf(0, tee(blocks, i32.sub(blocks, i32.const(1)))),
      ),
    );
  });
}

/** Eight f16 as panels hold them; see `storedScale`. */
function storedHalves(half: Local, wide: readonly [Local, Local], flag: Local): Code {
  const magnitude = v128.and(half, i16x8.const(0x7fff));
  const extend = [i32x4.extendLowI16x8u, i32x4.extendHighI16x8u];
  return [
    when(v128.anyTrue(i16x8.gt(magnitude, i16x8.const(TOO_LARGE - 1))), i32.store(flag, i32.const(1))),
    wide.map((four, i) => {
      const scaled = f32x4.mul(i32x4.shl(extend[i]!(magnitude), i32.const(13)), f32x4.const(2 ** 112 * STORED_SCALE));
      const bits = i32x4.sub(i32x4.shru(scaled, i32.const(13)), i32x4.const(112 << 10));
      return set(four, i32x4.max(bits, i32x4.const(0)));
    }),
    set(half, v128.or(i16x8.narrowI32x4s(...wide), v128.and(half, i16x8.const(0x8000)))),
  ];
}

/** `(src, k, panel, lane, flag) -> ()`: a row of halves into its lane of a panel. */
function packHalves(context: ModuleContext, type: 'F16' | 'BF16'): Func {
  const pitch = 2 * context.features.tile.nr;
  const name = `packRow ${type}`;
  return context.shared(name, () => {
    const f = context.module.func(name, ['i32', 'i32', 'i32', 'i32', 'i32']);
    const [src, k, panel, lane, flagAt] = f.params;
    const [pointer, left] = f.i32s(2);
    const [to, flag] = [pointer.into(context.weights), flagAt.into(context.weights)];
    const [halves, ...wide] = f.v128s(3);
    const steps = (count: number, load: Code): Code => [
      set(halves, load),
      type === 'F16' ? storedHalves(halves, wide, flag) : [],
      Array.from({ length: count }, (_, i) => v128.store16lane(to, halves, i, pitch * i)),
      set(src, i32.add(src, i32.const(2 * count))),
      set(to, i32.add(to, i32.const(pitch * count))),
    ];
    const repeat = (body: Code): Code => when(left, loop(body, brIf(0, tee(left, i32.sub(left, i32.const(1))))));
    return f.emit(
      set(to, i32.add(panel, i32.shl(lane, i32.const(1)))),
      set(left, i32.shru(k, i32.const(3))),
      repeat(steps(8, v128.load(src))),
      set(left, i32.and(k, i32.const(7))),
      repeat(steps(1, v128.load16lane(src, v128.zero, 0))),
    );
  });
}

const WORDS = ['kind', 'src', 'dst', 'panelRows', 'panelBytes', 'row', 'rows', 'units', 'rowBytes', 'flag'] as const;

/** Where a kept weight says, by a word that is not 0, that a scale or a half was too large to be kept: behind its panels. */
export function flagOf(weight: View, features: Features): View {
  const offset = keptBytes(weight.shape, weight.format as KeptFormat, features) / 4;
  return { slot: weight.slot, offset, shape: [1], strides: [1], dtype: 'i32' };
}

/** packBlocks [rows u8] -> rows attrs.row .. attrs.row + attrs.rows of a weight that keeps them. Threads split the panels. */
export const packBlocks: WasmKernel = {
  name: 'packBlocks',
  banked: true,
  emit(context) {
    const { module, features } = context;
    const packs = [
      ...QUANTIZED_FORMATS.map(format => packRow(context, panelLayout(format, features))),
      ...HALF_FORMATS.map(format => packHalves(context, HALVES[format])),
    ];
    const [first] = packs.map(pack => module.tableIndex(pack)) as [number];
    const f = module.func('packBlocks', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const w = Object.fromEntries(WORDS.map(name => [name, f.local('i32')])) as Record<(typeof WORDS)[number], Local>;
    const [skip, at, end, dst] = f.i32s(4);
    // Rows are counted from the first row of the first panel that has any of them.
    const total = i32.add(skip, w.rows);
    const rowAt = i32.add(w.src, i32.mul(i32.sub(at, skip), w.rowBytes));
    const lane = i32.remu(at, w.panelRows);
    return f.emit(
      WORDS.map((name, i) => set(w[name], i32.load(args, 4 * i))),
      set(skip, i32.remu(w.row, w.panelRows)),
      threadRange(total, thread, threads, wholeRows(features), at, end),
      when(i32.lt(at, skip), set(at, skip)),
      eachRow(
        at,
        end,
        set(dst, i32.add(w.dst, i32.mul(i32.divu(i32.add(i32.sub(w.row, skip), at), w.panelRows), w.panelBytes))),
        module.callTable(packs[0]!, i32.add(w.kind, i32.const(first - 1)), rowAt, w.units, dst, lane, w.flag),
      ),
    );
  },
  args({ inputs: [source], output, attrs }, out, features: Features) {
    const { row, rows } = attrs as PackBlocksAttrs;
    const format = output.format as KeptFormat;
    const k = output.shape[1]!;
    const { count, bytes } = unitsOf(k, format);
    out.i32(kindOf(format)).address(source!).address(output);
    out.i32(panelRows(format, features)).i32(panelBytes(k, format, features));
    out.i32(row).i32(rows).i32(count).i32(bytes).address(flagOf(output, features));
  },
  work: ({ inputs: [bytes] }) => bytes!.shape[0]!,
};
