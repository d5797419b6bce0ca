/**
 * Blocks of 256 values as points of codebooks, with the signs apart: IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S.
 * Source: ggml-org/ggml. They are only read: to make them well takes measurements of the model's activations.
 */
import { f16ToF32 } from '../../util/half.ts';
import { type BlockCodec, half } from './block-codec.ts';
import { type CodebookName, codebook } from './i-codebooks.ts';

const ELEMENTS = 256;

const word = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);
const doubleWord = (bytes: Uint8Array, at: number): number => (word(bytes, at) | (word(bytes, at + 2) << 16)) >>> 0;
/** Half a byte: the low half for an even index. */
const nibble = (bytes: Uint8Array, at: number, index: number): number =>
  (bytes[at + (index >> 1)]! >> (4 * (index & 1))) & 15;

/** Eight signs of seven bits: the last one is such that an even number is negative. */
function evenSigns(seven: number): number {
  let parity = seven ^ (seven >> 4);
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return seven | ((parity & 1) << 7);
}

/** Coordinates of a point times a scale, each negative where its bit of `signs` is set. */
function putPoint(
  points: Int8Array,
  index: number,
  width: number,
  scale: number,
  signs: number,
  out: Float32Array,
  to: number,
) {
  for (let i = 0; i < width; i++) {
    const value = scale * points[index * width + i]!;
    out[to + i] = (signs >> i) & 1 ? -value : value;
  }
}

/** Where eight values of a block come from. */
interface Eight {
  /** Indexes of one point of 8 coordinates, or of two of 4. */
  readonly indexes: readonly number[];
  readonly scale: number;
  readonly signs: number;
}
/** A format by how eight values at `index` of 32 are read; `d` is the scale of the block. */
function signedPoints(
  bytes: number,
  name: CodebookName,
  eight: (bytes: Uint8Array, at: number, index: number) => Eight,
): BlockCodec {
  return {
    elements: ELEMENTS,
    bytes,
    decode(block, at, out, to) {
      const d = half(block, at);
      const points = codebook(name);
      for (let index = 0; index < 32; index++) {
        const { indexes, scale, signs } = eight(block, at, index);
        const width = 8 / indexes.length;
        for (const [i, point] of indexes.entries()) {
          putPoint(points, point, width, d * scale, signs >> (i * width), out, to + 8 * index + i * width);
        }
      }
    },
  };
}

const iq2_xxs = signedPoints(66, 'iq2_xxs', (bytes, at, index) => {
  const group = at + 2 + 8 * (index >> 2);
  const rest = doubleWord(bytes, group + 4);
  return {
    indexes: [bytes[group + (index & 3)]!],
    scale: (0.5 + (rest >>> 28)) / 4,
    signs: evenSigns((rest >>> (7 * (index & 3))) & 127),
  };
});

const iq2_xs = signedPoints(74, 'iq2_xs', (bytes, at, index) => {
  const both = word(bytes, at + 2 + 2 * index);
  return { indexes: [both & 511], scale: (0.5 + nibble(bytes, at + 66, index >> 1)) / 4, signs: evenSigns(both >> 9) };
});

const iq2_s = signedPoints(82, 'iq2_s', (bytes, at, index) => ({
  indexes: [bytes[at + 2 + index]! | (((bytes[at + 66 + (index >> 2)]! >> (2 * (index & 3))) & 3) << 8)],
  scale: (0.5 + nibble(bytes, at + 74, index >> 1)) / 4,
  signs: bytes[at + 34 + index]!,
}));

const iq3_xxs = signedPoints(98, 'iq3_xxs', (bytes, at, index) => {
  const rest = doubleWord(bytes, at + 66 + 4 * (index >> 2));
  return {
    indexes: [bytes[at + 2 + 2 * index]!, bytes[at + 3 + 2 * index]!],
    scale: (0.5 + (rest >>> 28)) / 2,
    signs: evenSigns((rest >>> (7 * (index & 3))) & 127),
  };
});

const iq3_s = signedPoints(110, 'iq3_s', (bytes, at, index) => {
  const highs = bytes[at + 66 + (index >> 2)]! >> (2 * (index & 3));
  return {
    indexes: [bytes[at + 2 + 2 * index]! | ((highs & 1) << 8), bytes[at + 3 + 2 * index]! | ((highs & 2) << 7)],
    scale: 1 + 2 * nibble(bytes, at + 106, index >> 2),
    signs: bytes[at + 74 + index]!,
  };
});

/** All coordinates of a point of -1, 0 and 1 are moved up or down by this. */
const SHIFT = 1 / 8;

function putShifted(index: number, scale: number, shift: number, out: Float32Array, to: number): void {
  const points = codebook('iq1');
  for (let i = 0; i < 8; i++) out[to + i] = scale * (points[8 * index + i]! + shift);
}

const iq1_s: BlockCodec = {
  elements: ELEMENTS,
  bytes: 50,
  decode(bytes, at, out, to) {
    const d = half(bytes, at);
    for (let index = 0; index < 32; index++) {
      const rest = word(bytes, at + 34 + 2 * (index >> 2));
      const point = bytes[at + 2 + index]! | (((rest >> (3 * (index & 3))) & 7) << 8);
      putShifted(point, d * (2 * ((rest >> 12) & 7) + 1), rest & 0x8000 ? -SHIFT : SHIFT, out, to + 8 * index);
    }
  },
};

const iq1_m: BlockCodec = {
  elements: ELEMENTS,
  bytes: 56,
  decode(bytes, at, out, to) {
    const scales = [48, 50, 52, 54].map(place => word(bytes, at + place));
    // The four bits above those of the groups' scales are a quarter of the block's.
    const d = f16ToF32(scales.reduce((bits, scale, i) => bits | ((scale >> 12) << (4 * i)), 0));
    for (let index = 0; index < 32; index++) {
      const high = nibble(bytes, at + 32, index);
      const scale = (scales[index >> 3]! >> (3 * ((index >> 1) & 3))) & 7;
      const point = bytes[at + index]! | ((high & 7) << 8);
      putShifted(point, d * (2 * scale + 1), high & 8 ? -SHIFT : SHIFT, out, to + 8 * index);
    }
  },
};

export const I_QUANTS = {
  IQ1_S: iq1_s,
  IQ1_M: iq1_m,
  IQ2_XXS: iq2_xxs,
  IQ2_XS: iq2_xs,
  IQ2_S: iq2_s,
  IQ3_XXS: iq3_xxs,
  IQ3_S: iq3_s,
} as const;
