/** Elementwise kernels as data: per op the operand types it takes and its vector code. `broadcast.ts` does the rest. */
import type { DType } from '../../../tensor/dtype.ts';
import { type Code, f32x4, i8x16, i32x4, v128 } from '../assembler.ts';
import type { WasmKernel } from '../kernel.ts';
import { type ElementwiseOp, elementwiseKernel, type Form, type Kind } from './broadcast.ts';
import type { VectorMath } from './math.ts';

type Vector1 = (m: VectorMath, x: Code) => Code;
type Vector2 = (x: Code, y: Code, m: VectorMath) => Code;

const unary = (name: string, code: Vector1, work = 1): ElementwiseOp => ({
  name,
  work,
  forms: [{ from: ['f32'], to: 'f32', kinds: ['word'], result: 'word', code }],
});
const word2 = (dtype: DType, code: Vector2): Form => ({
  from: [dtype, dtype],
  to: dtype,
  kinds: ['word', 'word'],
  result: 'word',
  code: (m, x, y) => code(x, y, m),
});
const compare = (dtype: DType, code: Vector2): Form => ({ ...word2(dtype, code), to: 'bool', result: 'mask' });
const logical = (name: string, code: Vector2): ElementwiseOp => ({
  name,
  forms: [
    {
      from: ['bool', 'bool'],
      to: 'bool',
      kinds: ['bytes', 'bytes'],
      result: 'bytes',
      code: (m, x, y) => code(x, y, m),
    },
  ],
});
/** One division by 1 + exp(-z): x / (1 + e^-z) = x sigmoid(z) without cancellation, 0 far below and x far above. */
const gate = (m: VectorMath, x: Code, minusZ: Code) => f32x4.div(x, f32x4.add(m.f32(1), m.exp(minusZ)));

const UNARY: readonly ElementwiseOp[] = [
  unary('neg', (_, x) => f32x4.neg(x)),
  unary('abs', (_, x) => f32x4.abs(x)),
  unary('sqrt', (_, x) => f32x4.sqrt(x), 2),
  unary('rsqrt', (m, x) => f32x4.div(m.f32(1), f32x4.sqrt(x)), 4),
  unary('reciprocal', (m, x) => f32x4.div(m.f32(1), x), 2),
  unary('relu', (m, x) => f32x4.pmax(x, m.f32(0))),
  unary('exp', (m, x) => m.exp(x), 6),
  unary('log', (m, x) => m.log(x), 8),
  unary('tanh', (m, x) => m.tanh(x), 8),
  unary('erf', (m, x) => m.erf(x), 10),
  unary('sin', (m, x) => m.sin(x), 12),
  unary('cos', (m, x) => m.cos(x), 12),
  unary('sigmoid', (m, x) => m.sigmoid(x), 8),
  unary('silu', (m, x) => gate(m, x, f32x4.neg(x)), 8),
  unary('quickGelu', (m, x) => gate(m, x, f32x4.mul(x, m.f32(-1.702))), 8),
  unary('gelu', (m, x) => m.gelu(x), 10),
  // 0.5 x (1 + tanh u) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
  unary(
    'geluTanh',
    (m, x) => {
      const scale = -2 * Math.sqrt(2 / Math.PI);
      return gate(m, x, f32x4.mul(x, m.madd(f32x4.mul(x, x), m.f32(scale * 0.044715), m.f32(scale))));
    },
    8,
  ),
];

const BINARY: readonly ElementwiseOp[] = [
  { name: 'add', forms: [word2('f32', f32x4.add), word2('i32', i32x4.add)] },
  { name: 'sub', forms: [word2('f32', f32x4.sub), word2('i32', i32x4.sub)] },
  { name: 'mul', forms: [word2('f32', f32x4.mul), word2('i32', i32x4.mul)] },
  { name: 'div', forms: [word2('f32', f32x4.div)], work: 2 },
  { name: 'minimum', forms: [word2('f32', f32x4.min)] },
  { name: 'maximum', forms: [word2('f32', f32x4.max)] },
  { name: 'pow', forms: [word2('f32', (x, y, m) => m.pow(x, y))], work: 30 },
  { name: 'less', forms: [compare('f32', f32x4.lt), compare('i32', i32x4.lt)] },
  { name: 'lessEqual', forms: [compare('f32', f32x4.le), compare('i32', i32x4.le)] },
  { name: 'equal', forms: [compare('f32', f32x4.eq), compare('i32', i32x4.eq)] },
  logical('and', v128.and),
  logical('or', v128.or),
];

const whereForm = (dtype: DType, kinds: readonly Kind[], result: Kind, mask: (condition: Code) => Code): Form => ({
  from: ['bool', dtype, dtype],
  to: dtype,
  kinds,
  result,
  code: (_, condition, x, y) => v128.bitselect(x, y, mask(condition)),
});
const negative = (x: Code) => i8x16.sub(v128.zero, x);
const SELECT: readonly ElementwiseOp[] = [
  {
    name: 'not',
    forms: [
      {
        from: ['bool'],
        to: 'bool',
        kinds: ['bytes'],
        result: 'bytes',
        code: (m, x) => v128.xor(x, m.i32(0x01010101)),
      },
    ],
  },
  {
    name: 'where',
    forms: [
      ...(['f32', 'i32'] as const).map(t => whereForm(t, ['mask', 'word', 'word'], 'word', c => c)),
      ...(['u8', 'bool'] as const).map(t => whereForm(t, ['bytes', 'bytes', 'bytes'], 'bytes', negative)),
    ],
  },
];

const cast = (from: DType, to: DType, kind: Kind, result: Kind, code: Vector1): Form => ({
  from: [from],
  to,
  kinds: [kind],
  result,
  code,
});
const same: Vector1 = (_, x) => x;
const isSet: Vector1 = (_, x) => i32x4.ne(x, v128.zero);
/** Floats are cut towards zero and held in the range of i32; u8 keeps the low byte. */
const CAST: ElementwiseOp = {
  name: 'cast',
  forms: [
    cast('f32', 'f32', 'word', 'word', same),
    cast('i32', 'i32', 'word', 'word', same),
    cast('f32', 'i32', 'word', 'word', (_, x) => i32x4.truncSatF32x4(x)),
    cast('i32', 'f32', 'word', 'word', (_, x) => f32x4.convertI32x4(x)),
    cast('f32', 'u8', 'word', 'byte', (_, x) => i32x4.truncSatF32x4(x)),
    cast('i32', 'u8', 'word', 'byte', same),
    cast('f32', 'bool', 'word', 'mask', (_, x) => f32x4.ne(x, v128.zero)),
    cast('i32', 'bool', 'word', 'mask', isSet),
    cast('u8', 'bool', 'byte', 'mask', isSet),
    ...(['u8', 'bool'] as const).flatMap(from => [
      cast(from, 'f32', 'byte', 'word', (_, x) => f32x4.convertI32x4(x)),
      cast(from, 'i32', 'byte', 'word', same),
    ]),
    cast('bool', 'u8', 'bytes', 'bytes', same),
    cast('u8', 'u8', 'bytes', 'bytes', same),
    cast('bool', 'bool', 'bytes', 'bytes', same),
  ],
};

export const ELEMENTWISE_KERNELS: readonly WasmKernel[] = [...UNARY, ...BINARY, ...SELECT, CAST].map(elementwiseKernel);
