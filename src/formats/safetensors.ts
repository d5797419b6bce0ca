/**
 * Reads safetensors files: the header once, then the bytes of tensors as they are asked for.
 * Source: huggingface/safetensors, format section of its README.
 */
import { FormatError } from '../errors.ts';
import { decodeUtf8, readU64 } from '../util/bytes.ts';
import { type Checkpoint, readRange } from './checkpoint.ts';
import { foreignFile } from './foreign-file.ts';
import { MAX_HEADER_BYTES, parseSafetensorsHeader } from './safetensors-header.ts';
import type { ByteSource } from './source.ts';

/** Bytes of the number in front of the header that tells its length. */
const PREFIX_BYTES = 8;

/**
 * Opens a safetensors file. The source then belongs to the checkpoint: closing the checkpoint closes it, and it is closed if
 * opening fails. Reads the header only. Throws FormatError with the fault of a corrupt file, UnsupportedError for dtypes that
 * cannot be read.
 */
export async function openSafetensors(source: ByteSource): Promise<Checkpoint> {
  try {
    const headerBytes = await readHeaderLength(source);
    const dataStart = PREFIX_BYTES + headerBytes;
    const header = await source.read(PREFIX_BYTES, headerBytes);
    const text = decodeUtf8(header, `the header of ${source.name}`);
    const { metadata, tensors } = parseSafetensorsHeader(text, source.size - dataStart, source.name);
    return {
      format: 'safetensors',
      metadata,
      tensors,
      async read(name, offset, length, into) {
        const tensor = readRange(tensors, name, offset, length, source.name);
        return source.read(dataStart + tensor.begin + offset, length, into);
      },
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The length of the header, which is known to lie within the file and within the format's limit. */
async function readHeaderLength(source: ByteSource): Promise<number> {
  if (source.size < PREFIX_BYTES) {
    throw new FormatError('file is too short to be safetensors', {
      seen: `${source.size} bytes`,
      expected: `at least ${PREFIX_BYTES}`,
      where: source.name,
    });
  }
  const prefix = await source.read(0, PREFIX_BYTES);
  const length = readU64(prefix, 0);
  if (length > MAX_HEADER_BYTES) {
    throw new FormatError('header is longer than the format allows; is this a safetensors file?', {
      seen: `${length} bytes`,
      expected: `at most ${MAX_HEADER_BYTES}`,
      fix: foreignFile(prefix).fix,
      where: source.name,
    });
  }
  if (Number(length) > source.size - PREFIX_BYTES) {
    throw new FormatError('header ends after the end of the file', {
      seen: `a header of ${length} bytes in a file of ${source.size}`,
      fix: 'fetch the file again if its download was interrupted',
      where: source.name,
    });
  }
  return Number(length);
}
