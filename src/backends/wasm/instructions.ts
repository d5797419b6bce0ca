/**
 * The instructions, as functions from operands to code: `set(sum, f32x4.add(sum, f32x4.mul(x, y)))`. Opcodes of the core
 * specification 2.0 with the threads, fixed-width SIMD and relaxed SIMD proposals. The order in which operands are written
 * is the order in which they are emitted, which V8's register allocator and its revectoriser are sensitive to.
 */
import { type Code, f32Bytes, f64Bytes, i32Bytes, Local, sleb, uleb } from './encoding.ts';

type Unary = (x: Code) => Code;
type Binary = (x: Code, y: Code) => Code;
const unary =
  (...opcode: number[]): Unary =>
  x => [x, opcode];
const binary =
  (...opcode: number[]): Binary =>
  (x, y) => [x, y, opcode];
const simd = (n: number) => [0xfd, ...uleb(n)];
const simdUnary = (n: number) => unary(...simd(n));
const simdBinary = (n: number) => binary(...simd(n));
/** Which memory an address points into: only a local knows another than the first. */
const memoryOf = (address: Code): number => (address instanceof Local ? address.memory : 0);
/** Alignment and offset of a load or store; of another memory than the first also its index (multi-memory proposal). */
const memoryArgument = (address: Code, align: number, offset: number): Code => {
  const index = memoryOf(address);
  return index ? [align | 0x40, uleb(index), uleb(offset)] : [align, uleb(offset)];
};
/** Loads take a byte offset that becomes part of the instruction; `align` is log2 of the alignment hint. */
const load =
  (opcode: readonly number[], align: number) =>
  (address: Code, offset = 0): Code => [address, opcode, memoryArgument(address, align, offset)];
const store =
  (opcode: readonly number[], align: number) =>
  (address: Code, value: Code, offset = 0): Code => [address, value, opcode, memoryArgument(address, align, offset)];
/** Loads or stores one lane of `value`. */
const laneAccess =
  (opcode: readonly number[], align: number) =>
  (address: Code, value: Code, index: number, offset = 0): Code => [
    address,
    value,
    opcode,
    memoryArgument(address, align, offset),
    index,
  ];
/** A vector constant with the same bytes in each lane. */
const constant = (bytes: readonly number[]): Code => [simd(12), Array<Code>(16 / bytes.length).fill(bytes)];
const lane =
  (n: number) =>
  (x: Code, index: number): Code => [x, simd(n), index];

export const i32 = {
  const: (n: number): Code => [0x41, sleb(n | 0)],
  load: load([0x28], 2),
  load8s: load([0x2c], 0),
  load8u: load([0x2d], 0),
  load16u: load([0x2f], 1),
  store: store([0x36], 2),
  store8: store([0x3a], 0),
  store16: store([0x3b], 1),
  eqz: unary(0x45),
  eq: binary(0x46),
  ne: binary(0x47),
  lt: binary(0x48),
  ltu: binary(0x49),
  gt: binary(0x4a),
  gtu: binary(0x4b),
  le: binary(0x4c),
  leu: binary(0x4d),
  ge: binary(0x4e),
  geu: binary(0x4f),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  div: binary(0x6d),
  divu: binary(0x6e),
  rem: binary(0x6f),
  remu: binary(0x70),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shr: binary(0x75),
  shru: binary(0x76),
  truncSatF32: unary(0xfc, 0),
  reinterpretF32: unary(0xbc),
};
export const i64 = {
  const: (n: number): Code => [0x42, sleb(n | 0)],
};
export const f32 = {
  const: (x: number): Code => [0x43, f32Bytes(x)],
  load: load([0x2a], 2),
  store: store([0x38], 2),
  eq: binary(0x5b),
  ne: binary(0x5c),
  lt: binary(0x5d),
  gt: binary(0x5e),
  le: binary(0x5f),
  ge: binary(0x60),
  abs: unary(0x8b),
  neg: unary(0x8c),
  ceil: unary(0x8d),
  floor: unary(0x8e),
  nearest: unary(0x90),
  sqrt: unary(0x91),
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  div: binary(0x95),
  min: binary(0x96),
  max: binary(0x97),
  convertI32: unary(0xb2),
  convertI32u: unary(0xb3),
  demoteF64: unary(0xb6),
  reinterpretI32: unary(0xbe),
};
export const f64 = {
  load: load([0x2b], 3),
  store: store([0x39], 3),
  promoteF32: unary(0xbb),
};
export const v128 = {
  load: load(simd(0), 2),
  load8x8s: load(simd(1), 0),
  load8x8u: load(simd(2), 0),
  load16x4s: load(simd(3), 1),
  load16x4u: load(simd(4), 1),
  load32splat: load(simd(9), 2),
  load64zero: load(simd(93), 2),
  load32zero: load(simd(92), 2),
  /** Replaces one lane of `value` by what lies in memory. */
  load16lane: laneAccess(simd(85), 1),
  load32lane: laneAccess(simd(86), 2),
  store: store(simd(11), 2),
  store16lane: laneAccess(simd(89), 1),
  store32lane: laneAccess(simd(90), 2),
  store64lane: laneAccess(simd(91), 2),
  zero: [simd(12), Array<number>(16).fill(0)] as Code,
  const: (bytes: readonly number[]): Code => [simd(12), bytes],
  not: simdUnary(77),
  and: simdBinary(78),
  andnot: simdBinary(79),
  or: simdBinary(80),
  xor: simdBinary(81),
  /** Bits of `x` where the mask is 1, of `y` where it is 0. */
  bitselect: (x: Code, y: Code, mask: Code): Code => [x, y, mask, simd(82)],
  anyTrue: simdUnary(83),
};
/** Picks 16 bytes out of the 32 of `x` and `y`. */
export const shuffle = (x: Code, y: Code, bytes: readonly number[]): Code => [x, y, simd(13), bytes];
/** Picks four 32-bit lanes out of the eight of `x` (0..3) and `y` (4..7). */
export const shuffle32 = (x: Code, y: Code, lanes: readonly [number, number, number, number]): Code =>
  shuffle(
    x,
    y,
    lanes.flatMap(l => [4 * l, 4 * l + 1, 4 * l + 2, 4 * l + 3]),
  );
export const f32x4 = {
  const: (x: number): Code => constant(f32Bytes(x)),
  splat: simdUnary(19),
  extract: lane(31),
  replace: (x: Code, index: number, value: Code): Code => [x, value, simd(32), index],
  eq: simdBinary(65),
  ne: simdBinary(66),
  lt: simdBinary(67),
  gt: simdBinary(68),
  le: simdBinary(69),
  ge: simdBinary(70),
  ceil: simdUnary(103),
  floor: simdUnary(104),
  nearest: simdUnary(106),
  abs: simdUnary(224),
  neg: simdUnary(225),
  sqrt: simdUnary(227),
  add: simdBinary(228),
  sub: simdBinary(229),
  mul: simdBinary(230),
  div: simdBinary(231),
  min: simdBinary(232),
  max: simdBinary(233),
  /** y < x ? y : x, one machine instruction (a NaN in `y` is dropped). */
  pmin: simdBinary(234),
  pmax: simdBinary(235),
  convertI32x4: simdUnary(250),
  /** Relaxed SIMD: x * y + z in one rounding where the engine has FMA. */
  madd: (x: Code, y: Code, z: Code): Code => [x, y, z, simd(0x105)],
};
export const i32x4 = {
  const: (n: number): Code => constant(i32Bytes(n)),
  splat: simdUnary(17),
  extract: lane(27),
  replace: (x: Code, index: number, value: Code): Code => [x, value, simd(28), index],
  eq: simdBinary(55),
  ne: simdBinary(56),
  lt: simdBinary(57),
  gt: simdBinary(59),
  le: simdBinary(61),
  ge: simdBinary(63),
  shl: simdBinary(171),
  shr: simdBinary(172),
  shru: simdBinary(173),
  add: simdBinary(174),
  sub: simdBinary(177),
  mul: simdBinary(181),
  min: simdBinary(182),
  max: simdBinary(184),
  dotI16x8: simdBinary(186),
  /**
   * Relaxed SIMD: to each lane of `z` the sum of four products of bytes of `x` (signed) and `y` (0..127 everywhere; what
   * larger bytes mean is the engine's business, see `Features.dot`).
   */
  relaxedDotI8x16: (x: Code, y: Code, z: Code): Code => [x, y, z, simd(0x113)],
  truncSatF32x4: simdUnary(248),
  extendLowI16x8s: simdUnary(167),
  extendHighI16x8s: simdUnary(168),
  extendLowI16x8u: simdUnary(169),
  extendHighI16x8u: simdUnary(170),
};
export const i16x8 = {
  gt: simdBinary(49),
  const: (n: number): Code => constant([n & 255, (n >> 8) & 255]),
  /** Saturates. */
  narrowI32x4s: simdBinary(133),
  extendLowI8x16s: simdUnary(135),
  extendHighI8x16s: simdUnary(136),
  extendLowI8x16u: simdUnary(137),
  extendHighI8x16u: simdUnary(138),
  shl: simdBinary(139),
  shr: simdBinary(140),
  shru: simdBinary(141),
  add: simdBinary(142),
  /** Relaxed SIMD: the sums of two products of bytes each; see `i32x4.relaxedDotI8x16`. */
  relaxedDotI8x16: simdBinary(0x112),
};
export const i8x16 = {
  const: (n: number): Code => constant([n & 255]),
  eq: simdBinary(35),
  ne: simdBinary(36),
  /** One bit of each lane: the highest. */
  bitmask: simdUnary(100),
  /** Saturates. */
  narrowI16x8s: simdBinary(101),
  add: simdBinary(110),
  sub: simdBinary(113),
};
export const f64x2 = {
  const: (x: number): Code => constant(f64Bytes(x)),
  add: simdBinary(240),
  sub: simdBinary(241),
  mul: simdBinary(242),
  div: simdBinary(243),
  pmin: simdBinary(246),
  pmax: simdBinary(247),
  convertLowI32x4: simdUnary(254),
  promoteLowF32x4: simdUnary(95),
  /** The two results are the low lanes, the high lanes are 0. */
  demoteZeroF64x2: simdUnary(94),
};
/** Bulk memory: ranges of any length, 0 included. `copy` goes from memory to memory, as its addresses say. */
export const memory = {
  copy: (to: Code, from: Code, bytes: Code): Code => [
    to,
    from,
    bytes,
    [0xfc, 10, uleb(memoryOf(to)), uleb(memoryOf(from))],
  ],
  fill: (to: Code, byte: Code, bytes: Code): Code => [to, byte, bytes, [0xfc, 11, 0]],
};
/** Sequentially consistent atomics on 32-bit words; `wait` needs shared memory. */
export const atomic = {
  load: load([0xfe, 0x10], 2),
  store: store([0xfe, 0x17], 2),
  add: store([0xfe, 0x1e], 2),
  sub: store([0xfe, 0x25], 2),
  /** Sleeps while the word equals `expected`; `timeout` is an i64 in nanoseconds, -1 = for ever. */
  wait: (address: Code, expected: Code, timeout: Code): Code => [address, expected, timeout, [0xfe, 0x01], 2, 0],
  notify: (address: Code, count: Code): Code => [address, count, [0xfe, 0x00], 2, 0],
};

export const set = (local: Local, value: Code): Code => [value, 0x21, uleb(local.index)];
export const tee = (local: Local, value: Code): Code => [value, 0x22, uleb(local.index)];
export const drop = (x: Code): Code => [x, 0x1a];
export const select = (ifTrue: Code, ifFalse: Code, condition: Code): Code => [ifTrue, ifFalse, condition, 0x1b];
export const ret: Code = [0x0f];
/** `if (condition) { then } else { otherwise }`, no value. Counts as one level for `br`. */
export const when = (condition: Code, then: Code, otherwise?: Code): Code => [
  condition,
  0x04,
  0x40,
  then,
  otherwise === undefined ? [] : [0x05, otherwise],
  0x0b,
];
/** A block that `br(depth)` leaves. */
export const block = (...body: Code[]): Code => [0x02, 0x40, body, 0x0b];
/** A loop that `br(depth)` starts again. */
export const loop = (...body: Code[]): Code => [0x03, 0x40, body, 0x0b];
export const br = (depth: number): Code => [0x0c, uleb(depth)];
export const brIf = (depth: number, condition: Code): Code => [condition, 0x0d, uleb(depth)];

/** `do { body; i += step } while (i < end)`: runs at least once, `i` must be set before. Signed comparison. */
export const doWhileLess = (i: Local, end: Code, step: number, ...body: Code[]): Code =>
  loop(...body, brIf(0, i32.lt(tee(i, i32.add(i, i32.const(step))), end)));
/** `for (; i < end; i += step) body`: `i` must be set before. Signed comparison. */
export const forLess = (i: Local, end: Code, step: number, ...body: Code[]): Code =>
  when(i32.lt(i, end), doWhileLess(i, end, step, ...body));
