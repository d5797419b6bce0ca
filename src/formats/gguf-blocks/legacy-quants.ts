/**
 * Blocks of 32 values with one scale: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0; and IQ4_NL, whose 16 steps are not even. Source:
 * ggml-org/ggml. Values are computed in double precision and rounded once, which gives the bits of the reference: no product
 * of a half and a short integer has more than 24 bits. Rounding of what is written is the reference's too.
 */
import { type BlockCodec, clamp, half, largest, putHalf, signed } from './block-codec.ts';

const ELEMENTS = 32;
const { fround } = Math;

/** d, then m with `least`, then the fifth bits, then the low four: those of value i beside those of value i + 16. */
function evenSteps(bits: 4 | 5, least: boolean): BlockCodec {
  const highAt = least ? 4 : 2;
  const lowAt = highAt + (bits === 5 ? 4 : 0);
  /** The step that means 0 where the block has no least value. */
  const zero = 2 ** (bits - 1);
  const top = 2 ** bits - 1;
  return {
    elements: ELEMENTS,
    bytes: lowAt + 16,
    decode(bytes, at, out, to) {
      const d = half(bytes, at);
      const m = least ? half(bytes, at + 2) : 0;
      for (let i = 0; i < ELEMENTS; i++) {
        const pair = bytes[at + lowAt + (i & 15)]!;
        const low = i < 16 ? pair & 15 : pair >> 4;
        const high = bits === 5 ? ((bytes[at + highAt + (i >> 3)]! >> (i & 7)) & 1) << 4 : 0;
        out[to + i] = least ? (low | high) * d + m : ((low | high) - zero) * d;
      }
    },
    encode(values, from, bytes, at) {
      const step = least ? stepsFromLeast(values, from, top, bytes, at) : stepsAround(values, from, zero, bytes, at);
      for (let i = 0; i < ELEMENTS; i++) {
        const q = clamp(step(values[from + i]!), 0, top);
        bytes[at + lowAt + (i & 15)]! |= i < 16 ? q & 15 : (q & 15) << 4;
        if (bits === 5) bytes[at + highAt + (i >> 3)]! |= (q >> 4) << (i & 7);
      }
    },
  };
}

type Step = (value: number) => number;

/** Even steps from the least value to the largest. The quotient is rounded to single precision at each operation. */
function stepsFromLeast(values: Float32Array, from: number, top: number, bytes: Uint8Array, at: number): Step {
  const block = values.subarray(from, from + ELEMENTS);
  const m = Math.min(...block);
  const d = fround((Math.max(...block) - m) / top);
  const inverse = d === 0 ? 0 : fround(1 / d);
  putHalf(d, bytes, at);
  putHalf(m, bytes, at + 2);
  return x => Math.trunc(fround(fround(fround(x - m) * inverse) + 0.5));
}

/** Even steps around 0, of which the one that lies farther out is that of the value with the largest magnitude. */
function stepsAround(values: Float32Array, from: number, zero: number, bytes: Uint8Array, at: number): Step {
  const d = fround(largest(values, from, ELEMENTS) / -zero);
  const inverse = d === 0 ? 0 : fround(1 / d);
  putHalf(d, bytes, at);
  return x => Math.trunc(x * inverse + zero + 0.5);
}

const q8_0: BlockCodec = {
  elements: ELEMENTS,
  bytes: 34,
  decode(bytes, at, out, to) {
    const d = half(bytes, at);
    for (let i = 0; i < ELEMENTS; i++) out[to + i] = signed(bytes[at + 2 + i]!) * d;
  },
  encode(values, from, bytes, at) {
    const d = fround(Math.abs(largest(values, from, ELEMENTS)) / 127);
    const inverse = d === 0 ? 0 : fround(1 / d);
    putHalf(d, bytes, at);
    for (let i = 0; i < ELEMENTS; i++) {
      const steps = fround(values[from + i]! * inverse);
      // Half away from zero, which Math.round is not below 0.
      bytes[at + 2 + i] = Math.sign(steps) * Math.floor(Math.abs(steps) + 0.5);
    }
  },
};

/** The steps of IQ4_NL and IQ4_XS, closer together around 0, where most weights are. */
export const UNEVEN_STEPS = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const;

const iq4_nl: BlockCodec = {
  elements: ELEMENTS,
  bytes: 18,
  decode(bytes, at, out, to) {
    const d = half(bytes, at);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 2 + i]!;
      out[to + i] = d * UNEVEN_STEPS[pair & 15]!;
      out[to + i + 16] = d * UNEVEN_STEPS[pair >> 4]!;
    }
  },
};

export const LEGACY_QUANTS = {
  Q4_0: evenSteps(4, false),
  Q4_1: evenSteps(4, true),
  Q5_0: evenSteps(5, false),
  Q5_1: evenSteps(5, true),
  Q8_0: q8_0,
  IQ4_NL: iq4_nl,
} as const;
