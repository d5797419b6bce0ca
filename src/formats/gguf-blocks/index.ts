/** The block formats of GGUF: how many bytes hold how many values, and how they are read and made. */
import { ConfigError, FormatError, UnsupportedError } from '../../errors.ts';
import type { BlockCodec } from './block-codec.ts';
import { I_QUANTS } from './i-quants.ts';
import { K_QUANTS } from './k-quants.ts';
import { LEGACY_QUANTS } from './legacy-quants.ts';
import { TERNARY_QUANTS } from './ternary-quants.ts';

export type { BlockCodec } from './block-codec.ts';

const CODECS = { ...LEGACY_QUANTS, ...K_QUANTS, ...TERNARY_QUANTS, ...I_QUANTS } as const;

/** A format that holds a row of a tensor in blocks. */
export type BlockDType = keyof typeof CODECS;

/** All block formats by name. */
export const BLOCK_CODECS: Readonly<Record<BlockDType, BlockCodec>> = CODECS;

/** The formats that can be written. */
export const WRITABLE_BLOCKS = (Object.keys(CODECS) as BlockDType[]).filter(dtype => BLOCK_CODECS[dtype].encode);

/** Whether a text names a block format. */
export const isBlockDType = (text: string): text is BlockDType => Object.hasOwn(CODECS, text);

/** The values of whole blocks, to the bit those of the reference. Throws FormatError if the last block is incomplete. */
export function decodeBlocks(bytes: Uint8Array, dtype: BlockDType): Float32Array {
  const codec = BLOCK_CODECS[dtype];
  const count = bytes.length / codec.bytes;
  if (!Number.isInteger(count)) {
    throw new FormatError(`bytes are no whole number of blocks of ${dtype}`, {
      seen: `${bytes.length} bytes`,
      expected: `a multiple of ${codec.bytes}`,
    });
  }
  const values = new Float32Array(count * codec.elements);
  for (let i = 0; i < count; i++) codec.decode(bytes, i * codec.bytes, values, i * codec.elements);
  return values;
}

/**
 * Whole blocks that come near finite values, rounded as the reference rounds.
 * @throws UnsupportedError for a format that is only read, ConfigError for a broken block, a NaN or an infinity
 */
export function encodeBlocks(values: Float32Array, dtype: BlockDType): Uint8Array {
  const { encode, elements, bytes } = BLOCK_CODECS[dtype];
  if (!encode) {
    throw new UnsupportedError('this block format can only be read', {
      seen: dtype,
      expected: `one of ${WRITABLE_BLOCKS.join(', ')}`,
    });
  }
  const count = values.length / elements;
  if (!Number.isInteger(count)) {
    throw new ConfigError(`values are no whole number of blocks of ${dtype}`, {
      seen: `${values.length} values`,
      expected: `a multiple of ${elements}`,
    });
  }
  const wrong = values.findIndex(value => !Number.isFinite(value));
  if (wrong >= 0) throw new ConfigError('a block holds finite values only', { seen: `${values[wrong]} at ${wrong}` });
  const out = new Uint8Array(count * bytes);
  for (let i = 0; i < count; i++) encode(values, i * elements, out, i * bytes);
  return out;
}
