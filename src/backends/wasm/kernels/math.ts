/**
 * Elementary functions on four floats at a time, as code builders that are inlined where they are used.
 *
 * Range reductions after Cody and Waite, "Software Manual for the Elementary Functions" (1980); polynomials and
 * rationals are our own minimax fits. Errors against double precision stand at each function; results below 2^-125.5
 * are flushed to 0 by `exp`. A NaN stays a NaN.
 */
import { type Code, type Func, f32x4, f64x2, i32, i32x4, type Local, set, shuffle32, v128 } from '../assembler.ts';

type Map1 = (x: Code) => Code;

/** The functions of `vectorMath`, bound to the function under construction. */
export interface VectorMath {
  /** A v128 constant, set once at the start of the function. */
  f32(x: number): Code;
  i32(x: number): Code;
  /** A v128 of its own for a value that is used more than once. */
  local(): Local;
  /** x * y + z, fused where the engine has relaxed SIMD. */
  madd(x: Code, y: Code, z: Code): Code;
  exp: Map1;
  log: Map1;
  tanh: Map1;
  erf: Map1;
  sin: Map1;
  cos: Map1;
  sigmoid: Map1;
  gelu: Map1;
  pow(x: Code, y: Code): Code;
}

// Added and subtracted again, these round to an integer, whose bits then stand at the low end of the mantissa.
const ROUND = 1.5 * 2 ** 23;
const ROUND_F64 = 1.5 * 2 ** 52;
// ln 2 in two parts; the first has so few bits that its product with an exponent is exact.
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;
const SIGN = -0x80000000;

/** (exp(r) - 1 - r) / r^2 on |r| <= ln 2 / 2. */
const EXP = [0.4999999403953552, 0.1666651964187622, 0.041668396443128586, 0.008368796668946743, 0.0013814433477818966];
/** The same with the least error relative to exp(r) - 1. */
const EXPM1 = [
  0.4999999701976776, 0.1666654348373413, 0.04166720062494278, 0.008366595953702927, 0.0013882507337257266,
];
/** (2^f - 1) / f on |f| <= 1/2. */
const EXP2 = [
  0.6931471824645996, 0.24022647738456726, 0.055503323674201965, 0.009618437848985195, 0.0013398900628089905,
  0.00015353341586887836,
];
/** (2 atanh(s) / s - 2) / z with z = s^2, |s| <= 0.172. */
const LOG = [0.6666677594184875, 0.399774432182312, 0.2987459599971771];
const LOG_F64 = [
  0.6666666666658868, 0.4000000005294296, 0.28571416932460564, 0.22223388531283358, 0.18123057725846378,
  0.16827026408198686,
];
/** (sin(r) / r - 1) / z and (cos(r) - 1 + z / 2) / z^2 with z = r^2, |r| <= pi / 4. */
const SIN = [-0.16666655242443085, 0.008332176133990288, -0.00019517051987349987];
const COS = [0.04166664555668831, -0.0013887365348637104, 2.443817356834188e-5];
/** erf(x) / x in x^2 for |x| < 0.8, and log(1 - erf(a)) in a for 0.8 <= a <= 4. */
const ERF_SMALL = [
  1.1283791065216064, -0.3761260211467743, 0.11283113062381744, -0.02682080864906311, 0.005085134878754616,
  -0.000653526047244668,
];
const ERF_TAIL = [
  -5.684805364580825e-5, -1.1282713413238525, -0.6361421346664429, -0.10487639158964157, 0.02269737608730793,
  -0.003164890455082059, 0.0002086993627017364,
];
/** exp(a^2 / 2) (1 - Phi(a)) = numerator / denominator for a >= 0, Phi the normal distribution. */
const TAIL_NUMERATOR = [0.5000001788139343, 0.19376689195632935, 0.0366901159286499, -0.00011207820352865383];
const TAIL_DENOMINATOR = [1, 1.1854283809661865, 0.519137442111969, 0.08750482648611069];

/** Builders for the body of `f`. */
export function vectorMath(f: Func, relaxed: boolean): VectorMath {
  // The engine would rebuild a constant from general registers in each iteration, so they are locals, set up front.
  const constants = (make: (x: number) => Code) => {
    const known = new Map<number, Local>();
    return (x: number): Local => {
      let local = known.get(x);
      if (!local) {
        known.set(x, (local = f.local('v128')));
        f.emitFirst(set(local, make(x)));
      }
      return local;
    };
  };
  const c = constants(f32x4.const);
  const n = constants(i32x4.const);
  const d = constants(f64x2.const);
  const madd = (x: Code, y: Code, z: Code) => (relaxed ? f32x4.madd(x, y, z) : f32x4.add(f32x4.mul(x, y), z));
  const polynomial = (x: Local, coefficients: readonly number[]): Code =>
    coefficients.slice(0, -1).reduceRight<Code>((sum, k) => madd(sum, x, c(k)), c(coefficients.at(-1)!));
  const copySign = (magnitude: Code, sign: Code) => v128.bitselect(magnitude, sign, n(0x7fffffff));

  /** x = n ln 2 + r: leaves n + ROUND in `rounded` and r in `r`. */
  const reduceExp = (x: Local, rounded: Local, r: Local): Code => {
    const whole = f.local('v128');
    return [
      set(rounded, madd(x, c(Math.LOG2E), c(ROUND))),
      set(whole, f32x4.sub(rounded, c(ROUND))),
      set(r, madd(whole, c(-LN2_LOW), madd(whole, c(-LN2_HIGH), x))),
    ];
  };
  /** Error <= 1.1e-7 relative. */
  const exp: Map1 = x => {
    const [v, rounded, r] = f.v128s(3);
    return [
      set(v, f32x4.pmax(f32x4.pmin(x, c(89)), c(-87.5))),
      reduceExp(v, rounded, r),
      set(v, f32x4.add(madd(polynomial(r, EXP), f32x4.mul(r, r), r), c(1))),
      // 2^(n-1), then doubled: n = 128 has no bits of its own, n = -126 becomes 0.
      set(v, f32x4.mul(v, i32x4.add(i32x4.shl(rounded, i32.const(23)), n(126 << 23)))),
      f32x4.add(v, v),
    ];
  };
  /** x = 2^exponent * mantissa, mantissa in [sqrt(1/2), sqrt(2)), exponent as float; x > 0 and finite. */
  const split = (x: Local, exponent: Local, mantissa: Local): Code => {
    const tiny = f.local('v128');
    return [
      set(tiny, f32x4.lt(x, c(2 ** -126))),
      set(mantissa, v128.bitselect(f32x4.mul(x, c(2 ** 23)), x, tiny)),
      set(exponent, i32x4.shr(i32x4.sub(mantissa, n(0x3f3504f3)), i32.const(23))),
      set(mantissa, i32x4.sub(mantissa, i32x4.shl(exponent, i32.const(23)))),
      set(exponent, f32x4.sub(f32x4.convertI32x4(exponent), v128.and(tiny, c(23)))),
    ];
  };
  /** Error <= 1e-7 relative. log(0) = -inf, log(x < 0) = NaN. */
  const log: Map1 = input => {
    const [x, k, m, s, z, half] = f.v128s(6);
    return [
      set(x, input),
      split(x, k, m),
      set(m, f32x4.sub(m, c(1))),
      set(s, f32x4.div(m, f32x4.add(m, c(2)))),
      set(z, f32x4.mul(s, s)),
      set(half, f32x4.mul(f32x4.mul(m, m), c(0.5))),
      set(z, f32x4.mul(z, polynomial(z, LOG))),
      set(s, madd(s, f32x4.add(half, z), f32x4.mul(k, c(LN2_LOW)))),
      set(s, madd(k, c(LN2_HIGH), f32x4.sub(m, f32x4.sub(half, s)))),
      set(s, v128.bitselect(s, x, f32x4.lt(x, c(Infinity)))),
      v128.bitselect(v128.bitselect(c(-Infinity), c(Number.NaN), f32x4.eq(x, c(0))), s, f32x4.le(x, c(0))),
    ];
  };
  /** (e^2a - 1) / (e^2a + 1) with e^2a - 1 computed as such, so that small values keep their relative accuracy. */
  const tanh: Map1 = input => {
    const [x, a, rounded, r, scale] = f.v128s(5);
    return [
      set(x, input),
      set(a, f32x4.abs(x)),
      set(a, f32x4.pmin(f32x4.add(a, a), c(18.5))),
      reduceExp(a, rounded, r),
      set(r, madd(polynomial(r, EXPM1), f32x4.mul(r, r), r)),
      set(scale, i32x4.add(i32x4.shl(rounded, i32.const(23)), n(127 << 23))),
      set(r, madd(r, scale, f32x4.sub(scale, c(1)))),
      copySign(f32x4.div(r, f32x4.add(r, c(2))), x),
    ];
  };
  const erf: Map1 = input => {
    const [x, a, z, tail] = f.v128s(4);
    return [
      set(x, input),
      set(a, f32x4.pmin(f32x4.abs(x), c(4))),
      set(tail, f32x4.sub(c(1), exp(polynomial(a, ERF_TAIL)))),
      set(z, f32x4.mul(a, a)),
      v128.bitselect(f32x4.mul(x, polynomial(z, ERF_SMALL)), copySign(tail, x), f32x4.lt(a, c(0.8))),
    ];
  };
  /** relu(x) - |x| (1 - Phi(|x|)): no cancellation anywhere. Error <= 4e-8 absolute for |x| < 1, then rounding. */
  const gelu: Map1 = input => {
    const [x, a, tail] = f.v128s(3);
    return [
      set(x, input),
      set(a, f32x4.pmin(f32x4.abs(x), c(14))),
      set(tail, f32x4.mul(a, exp(f32x4.mul(f32x4.mul(a, a), c(-0.5))))),
      set(tail, f32x4.div(f32x4.mul(tail, polynomial(a, TAIL_NUMERATOR)), polynomial(a, TAIL_DENOMINATOR))),
      f32x4.sub(f32x4.pmax(x, c(0)), tail),
    ];
  };
  const sigmoid: Map1 = x => f32x4.div(c(1), f32x4.add(c(1), exp(f32x4.neg(x))));

  /** sin(x + quarter * pi / 2). Reduced in double precision: exact enough for |x| < 1e9. */
  const wave = (input: Code, quarter: number): Code => {
    const [x, low, high, r, q, z] = f.v128s(6);
    const reduce = (t: Local, value: Local): Code => [
      set(t, f64x2.add(f64x2.mul(value, d(2 / Math.PI)), d(ROUND_F64))),
      f64x2.sub(value, f64x2.mul(f64x2.sub(t, d(ROUND_F64)), d(Math.PI / 2))),
    ];
    return [
      set(x, input),
      set(low, f64x2.promoteLowF32x4(x)),
      set(high, f64x2.promoteLowF32x4(shuffle32(x, x, [2, 3, 2, 3]))),
      set(r, f64x2.demoteZeroF64x2(reduce(q, low))),
      set(r, shuffle32(r, f64x2.demoteZeroF64x2(reduce(z, high)), [0, 1, 4, 5])),
      set(q, i32x4.add(shuffle32(q, z, [0, 2, 4, 6]), n(quarter))),
      set(z, f32x4.mul(r, r)),
      set(x, madd(f32x4.mul(r, z), polynomial(z, SIN), r)),
      set(r, madd(f32x4.mul(z, z), polynomial(z, COS), madd(z, c(-0.5), c(1)))),
      v128.xor(
        v128.bitselect(r, x, i32x4.shr(i32x4.shl(q, i32.const(31)), i32.const(31))),
        v128.and(i32x4.shl(q, i32.const(30)), n(SIGN)),
      ),
    ];
  };

  /** 2^(y log2 |x|) with the logarithm in double precision, then the special cases of IEEE 754. */
  const pow = (base: Code, exponent: Code): Code => {
    const [x, y, a, k, m, t, s, z, p, q] = f.v128s(10);
    const polynomialF64 = (u: Local): Code =>
      LOG_F64.slice(0, -1).reduceRight<Code>((sum, v) => f64x2.add(f64x2.mul(sum, u), d(v)), d(LOG_F64.at(-1)!));
    /** Leaves the rounded exponent in `rounded`; its value is the rest. */
    const half = (rounded: Local, mantissa: Code, e: Code, power: Code): Code => [
      set(t, f64x2.promoteLowF32x4(mantissa)),
      set(s, f64x2.div(f64x2.sub(t, d(1)), f64x2.add(t, d(1)))),
      set(z, f64x2.mul(s, s)),
      set(s, f64x2.mul(s, f64x2.add(d(2), f64x2.mul(z, polynomialF64(z))))),
      set(s, f64x2.add(f64x2.mul(s, d(Math.LOG2E)), f64x2.promoteLowF32x4(e))),
      set(s, f64x2.mul(s, f64x2.promoteLowF32x4(power))),
      set(s, f64x2.pmax(f64x2.pmin(s, d(200)), d(-200))),
      set(rounded, f64x2.add(s, d(ROUND_F64))),
      f64x2.demoteZeroF64x2(f64x2.sub(s, f64x2.sub(rounded, d(ROUND_F64)))),
    ];
    const upper = (v: Code) => shuffle32(v, v, [2, 3, 2, 3]);
    const power2 = (e: Code) => i32x4.shl(i32x4.add(e, n(127)), i32.const(23));
    return [
      set(x, base),
      set(y, exponent),
      set(a, f32x4.abs(x)),
      split(a, k, m),
      // A huge finite power in place of infinity: 1^inf = 1.
      set(p, f32x4.pmax(f32x4.pmin(y, c(1e30)), c(-1e30))),
      set(m, shuffle32(half(q, m, k, p), half(p, upper(m), upper(k), upper(p)), [0, 1, 4, 5])),
      set(q, shuffle32(q, p, [0, 2, 4, 6])),
      set(p, madd(m, polynomial(m, EXP2), c(1))),
      // In two steps, so that results below 2^-126 and above 2^127 are reached.
      set(k, i32x4.shr(q, i32.const(1))),
      set(p, f32x4.mul(f32x4.mul(p, power2(k)), power2(i32x4.sub(q, k)))),
      set(z, f32x4.eq(a, c(0))),
      set(
        p,
        v128.bitselect(
          v128.andnot(c(Infinity), v128.xor(z, f32x4.lt(y, c(0)))),
          p,
          v128.or(z, f32x4.eq(a, c(Infinity))),
        ),
      ),
      set(z, f32x4.eq(f32x4.nearest(y), y)),
      set(s, f32x4.mul(y, c(0.5))),
      // An odd whole power keeps the sign; a negative base has no other real power.
      set(t, v128.and(z, f32x4.ne(f32x4.nearest(s), s))),
      set(p, v128.or(p, v128.and(t, v128.and(x, n(SIGN))))),
      set(t, v128.and(f32x4.lt(x, c(0)), v128.andnot(f32x4.lt(a, c(Infinity)), z))),
      set(p, v128.bitselect(c(Number.NaN), p, t)),
      set(p, v128.bitselect(p, f32x4.add(x, y), v128.and(f32x4.eq(x, x), f32x4.eq(y, y)))),
      v128.bitselect(c(1), p, f32x4.eq(y, c(0))),
    ];
  };
  return {
    f32: c,
    i32: n,
    local: () => f.local('v128'),
    madd,
    exp,
    log,
    tanh,
    erf,
    gelu,
    sigmoid,
    pow,
    sin: x => wave(x, 0),
    cos: x => wave(x, 1),
  };
}
