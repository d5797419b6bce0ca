/**
 * Blocks of 256 values in groups of 16 or 32, whose scales (and least values) are short integers under scales of the block:
 * Q2_K to Q6_K, Q8_K, IQ4_XS. Source: ggml-org/ggml. Read as exactly as the blocks of 32 values are.
 */
import { type BlockCodec, half, signed } from './block-codec.ts';
import { encodeQ4K, encodeQ5K, encodeQ6K } from './k-quantize.ts';
import { UNEVEN_STEPS } from './legacy-quants.ts';

const ELEMENTS = 256;
const singleBytes = new Uint8Array(4);
const single = new Float32Array(singleBytes.buffer);

/** Two bits of every value: of a half's 128 values, value 32 j + l has bits 2 j and 2 j + 1 of byte l. */
const twoBits = (bytes: Uint8Array, at: number, i: number): number =>
  (bytes[at + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;

const q2_k: BlockCodec = {
  elements: ELEMENTS,
  bytes: 84,
  decode(bytes, at, out, to) {
    const d = half(bytes, at + 80);
    const least = half(bytes, at + 82);
    for (let group = 0; group < 16; group++) {
      const scales = bytes[at + group]!;
      const step = d * (scales & 15);
      const m = least * (scales >> 4);
      for (let i = 16 * group; i < 16 * group + 16; i++) out[to + i] = step * twoBits(bytes, at + 16, i) - m;
    }
  },
};

const q3_k: BlockCodec = {
  elements: ELEMENTS,
  bytes: 110,
  decode(bytes, at, out, to) {
    const d = half(bytes, at + 108);
    const scalesAt = at + 96;
    for (let group = 0; group < 16; group++) {
      const low = group < 8 ? bytes[scalesAt + group]! & 15 : bytes[scalesAt + group - 8]! >> 4;
      const high = (bytes[scalesAt + 8 + (group & 3)]! >> (2 * (group >> 2))) & 3;
      const step = d * ((low | (high << 4)) - 32);
      for (let i = 16 * group; i < 16 * group + 16; i++) {
        // The third bit says that nothing is to be taken away.
        const third = (bytes[at + (i & 31)]! >> (i >> 5)) & 1;
        out[to + i] = step * (twoBits(bytes, at + 32, i) - (third ? 0 : 4));
      }
    }
  },
};

/** The six bits of a group's scale: in 12 bytes eight scales and eight least values are folded. */
const groupScale = (bytes: Uint8Array, at: number, group: number): number =>
  group < 4 ? bytes[at + group]! & 63 : (bytes[at + group + 4]! & 15) | ((bytes[at + group - 4]! >> 6) << 4);
/** The six bits of a group's least value. */
const groupLeast = (bytes: Uint8Array, at: number, group: number): number =>
  group < 4 ? bytes[at + group + 4]! & 63 : (bytes[at + group + 4]! >> 4) | ((bytes[at + group]! >> 6) << 4);

/** Q4_K, and with a fifth bit Q5_K. */
function fromLeast(bits: 4 | 5, encode: NonNullable<BlockCodec['encode']>): BlockCodec {
  const lowAt = bits === 5 ? 48 : 16;
  return {
    elements: ELEMENTS,
    bytes: lowAt + 128,
    encode,
    decode(bytes, at, out, to) {
      const d = half(bytes, at);
      const least = half(bytes, at + 2);
      for (let group = 0; group < 8; group++) {
        const step = d * groupScale(bytes, at + 4, group);
        const m = least * groupLeast(bytes, at + 4, group);
        const shift = 4 * (group & 1);
        for (let i = 0; i < 32; i++) {
          const low = (bytes[at + lowAt + 32 * (group >> 1) + i]! >> shift) & 15;
          const high = bits === 5 ? ((bytes[at + 16 + i]! >> group) & 1) << 4 : 0;
          out[to + 32 * group + i] = step * (low | high) - m;
        }
      }
    },
  };
}

const q6_k: BlockCodec = {
  elements: ELEMENTS,
  bytes: 210,
  encode: encodeQ6K,
  decode(bytes, at, out, to) {
    const d = half(bytes, at + 208);
    for (let group = 0; group < 16; group++) {
      const step = d * signed(bytes[at + 192 + group]!);
      for (let i = 16 * group; i < 16 * group + 16; i++) {
        const pair = bytes[at + 64 * (i >> 7) + (i & 63)]!;
        const low = i & 64 ? pair >> 4 : pair & 15;
        out[to + i] = step * ((low | (twoBits(bytes, at + 128, i) << 4)) - 32);
      }
    }
  },
};

/** Sums of 16 values each follow; products use them, values do not need them. */
const q8_k: BlockCodec = {
  elements: ELEMENTS,
  bytes: 292,
  decode(bytes, at, out, to) {
    singleBytes.set(bytes.subarray(at, at + 4));
    const d = single[0]!;
    for (let i = 0; i < ELEMENTS; i++) out[to + i] = d * signed(bytes[at + 4 + i]!);
  },
};

const iq4_xs: BlockCodec = {
  elements: ELEMENTS,
  bytes: 136,
  decode(bytes, at, out, to) {
    const d = half(bytes, at);
    const highs = bytes[at + 2]! | (bytes[at + 3]! << 8);
    for (let group = 0; group < 8; group++) {
      const low = (bytes[at + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
      const step = d * ((low | (((highs >> (2 * group)) & 3) << 4)) - 32);
      for (let i = 0; i < 32; i++) {
        const pair = bytes[at + 8 + 16 * group + (i & 15)]!;
        out[to + 32 * group + i] = step * UNEVEN_STEPS[i < 16 ? pair & 15 : pair >> 4]!;
      }
    }
  },
};

export const K_QUANTS = {
  Q2_K: q2_k,
  Q3_K: q3_k,
  Q4_K: fromLeast(4, encodeQ4K),
  Q5_K: fromLeast(5, encodeQ5K),
  Q6_K: q6_k,
  Q8_K: q8_k,
  IQ4_XS: iq4_xs,
} as const;
