/** Blocks of 256 values that are -1, 0 or 1 under one scale: TQ1_0 (five to a byte), TQ2_0 (two bits each). Source: ggml-org/ggml. */
import { type BlockCodec, half } from './block-codec.ts';

const ELEMENTS = 256;
const POWERS_OF_3 = [1, 3, 9, 27, 81] as const;

/**
 * Digit `place` (base 3, the most significant first) of a byte that holds its digits as a fraction of 256: times a power of 3
 * the places before it overflow, and times 3 again its own becomes the carry.
 */
const digit = (byte: number, place: number): number => (((byte * POWERS_OF_3[place]!) & 0xff) * 3) >> 8;

/** Runs of bytes of which all first digits come before all second ones: where, how many bytes, digits of each. */
const RUNS = [
  [0, 32, 5],
  [32, 16, 5],
  [48, 4, 4],
] as const;

const tq1_0: BlockCodec = {
  elements: ELEMENTS,
  bytes: 54,
  decode(bytes, at, out, to) {
    const d = half(bytes, at + 52);
    let next = to;
    for (const [start, count, digits] of RUNS)
      for (let place = 0; place < digits; place++)
        for (let i = start; i < start + count; i++) out[next++] = (digit(bytes[at + i]!, place) - 1) * d;
  },
};

const tq2_0: BlockCodec = {
  elements: ELEMENTS,
  bytes: 66,
  decode(bytes, at, out, to) {
    const d = half(bytes, at + 64);
    for (let i = 0; i < ELEMENTS; i++) {
      const q = (bytes[at + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
      out[to + i] = (q - 1) * d;
    }
  },
};

export const TERNARY_QUANTS = { TQ1_0: tq1_0, TQ2_0: tq2_0 } as const;
