/**
 * What a GGUF file says about its tensors: names, shapes, dtypes and places, checked completely before one is read.
 * ggml-org/ggml docs/gguf.md. The file lists a shape's fastest dimension first; here it comes last, as everywhere else.
 */
import { FormatError, UnsupportedError } from '../errors.ts';
import { type TensorDType, type TensorEntry, tensorBytes } from './checkpoint.ts';
import { BLOCK_CODECS, isBlockDType } from './gguf-blocks/index.ts';
import type { GgufCursor, GgufMetadata } from './gguf-metadata.ts';
import { quoted } from './quoted.ts';

/** The numbers of the tensor types. */
export const GGUF_DTYPES: Readonly<Record<number, TensorDType>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  30: 'BF16',
  34: 'TQ1_0',
  35: 'TQ2_0',
};

/** Types that the format knows and this library does not read: some were given up, some are for computing only. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  4: 'Q4_2',
  5: 'Q4_3',
  9: 'Q8_1',
  39: 'MXFP4',
};

export const MAX_NAME_BYTES = 64;
export const MAX_DIMENSIONS = 4;
export const DEFAULT_ALIGNMENT = 32;
export const ALIGNMENT_KEY = 'general.alignment';

/** A tensor and where its bytes start in the file. */
export interface GgufTensor extends TensorEntry {
  readonly begin: number;
}

/** The number that data is aligned to. @throws FormatError if it is no power of two */
export function alignmentOf({ values }: Pick<GgufMetadata, 'values'>, where: string): number {
  const alignment = values.get(ALIGNMENT_KEY) ?? DEFAULT_ALIGNMENT;
  // The file gives it 32 bits; a power of two has one of them.
  if (typeof alignment === 'number' && alignment > 0 && Number.isInteger(Math.log2(alignment))) return alignment;
  throw new FormatError('the alignment of a GGUF file is no power of two', {
    seen: quoted(String(alignment)),
    where: `${ALIGNMENT_KEY} of ${where}`,
  });
}

/** The next multiple of an alignment. */
export const aligned = (at: number, alignment: number): number => Math.ceil(at / alignment) * alignment;

/**
 * Reads the descriptions behind the metadata. They may leave gaps, as writers that delete tensors do, but not overlap.
 * @throws FormatError, UnsupportedError for types that are known and not read
 */
export function parseGgufTensors(
  cursor: GgufCursor,
  metadata: GgufMetadata,
  fileBytes: number,
  where: string,
): ReadonlyMap<string, GgufTensor> {
  const alignment = alignmentOf(metadata, where);
  // Where the tensors' bytes begin is known when all are described.
  const tensors = new Map<string, { -readonly [K in keyof GgufTensor]: GgufTensor[K] }>();
  for (let i = 0; i < metadata.tensorCount; i++) {
    const name = cursor.name(MAX_NAME_BYTES, 'a tensor name');
    if (tensors.has(name)) cursor.fail('a tensor stands twice in a GGUF file', quoted(name));
    tensors.set(name, readTensor(cursor, name, alignment, where));
  }
  const dataStart = aligned(cursor.at, alignment);
  for (const tensor of tensors.values()) {
    tensor.begin += dataStart;
    if (tensor.begin + tensor.byteLength <= fileBytes) continue;
    throw new FormatError('a tensor reaches beyond the end of the file', {
      seen: `${tensor.byteLength} bytes from ${tensor.begin} on`,
      expected: `an end within ${fileBytes} bytes`,
      fix: 'fetch the file again if its download was interrupted',
      where: `tensor ${quoted(tensor.name)} of ${where}`,
    });
  }
  checkOverlap(tensors, where);
  return tensors;
}

/** A tensor with its offset from where all of them begin. */
function readTensor(cursor: GgufCursor, name: string, alignment: number, file: string): GgufTensor {
  const problem = (what: string, seen: string, expected?: string) =>
    new FormatError(what, { seen, expected, where: `tensor ${quoted(name)} of ${file}` });
  const rank = cursor.u32();
  if (rank > MAX_DIMENSIONS) throw problem('a tensor has too many dimensions', `${rank}`, `at most ${MAX_DIMENSIONS}`);
  const shape = Array.from({ length: rank }, () => cursor.u64()).reverse();
  const type = cursor.u32();
  const offset = cursor.u64();
  const dtype = GGUF_DTYPES[type];
  if (dtype === undefined) {
    const known = OTHER_TYPES[type];
    if (known)
      throw new UnsupportedError('this tensor type is not supported', {
        seen: `${known} (${type})`,
        where: `tensor ${quoted(name)} of ${file}`,
      });
    throw problem('unknown tensor type', `${type}`);
  }
  const seen = () => `${dtype} of shape [${shape.join(', ')}]`;
  const elements = isBlockDType(dtype) ? BLOCK_CODECS[dtype].elements : 1;
  if ((shape.at(-1) ?? 1) % elements !== 0)
    throw problem('rows are no whole blocks', seen(), `a multiple of ${elements}`);
  const byteLength = tensorBytes(dtype, shape);
  if (byteLength === undefined) throw problem('shape overflows', seen(), 'fewer than 2^53 bytes');
  if (offset % alignment !== 0)
    throw problem('a tensor is not aligned', `offset ${offset}`, `a multiple of ${alignment}`);
  return { name, dtype, shape, byteLength, begin: offset };
}

function checkOverlap(tensors: ReadonlyMap<string, GgufTensor>, where: string): void {
  const filled = [...tensors.values()].filter(({ byteLength }) => byteLength > 0).sort((a, b) => a.begin - b.begin);
  for (let i = 1; i < filled.length; i++) {
    const [before, tensor] = [filled[i - 1]!, filled[i]!];
    if (before.begin + before.byteLength <= tensor.begin) continue;
    throw new FormatError('tensors overlap', {
      seen: `${quoted(before.name)} ends at byte ${before.begin + before.byteLength}, ${quoted(tensor.name)} begins at ${tensor.begin}`,
      where,
    });
  }
}
