/** Typed views, 64-bit numbers and text over raw little-endian bytes, whatever their alignment. */
import { FormatError, UnsupportedError } from '../errors.ts';

const LITTLE_ENDIAN_HOST = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A typed array constructor, as far as a view needs it. */
export interface ViewConstructor<T> {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
}

/**
 * Little-endian bytes as elements. Aligned bytes are viewed in place, so the result shares their memory; others are copied.
 * Throws FormatError if the last element is incomplete and UnsupportedError on a big-endian host.
 */
export function typedView<T>(Elements: ViewConstructor<T>, bytes: Uint8Array): T {
  const size = Elements.BYTES_PER_ELEMENT;
  if (size > 1 && !LITTLE_ENDIAN_HOST) throw new UnsupportedError('this machine stores numbers big-endian');
  if (bytes.length % size !== 0) {
    throw new FormatError(`bytes are no whole number of elements of ${Elements.name}`, {
      seen: `${bytes.length} bytes`,
      expected: `a multiple of ${size}`,
    });
  }
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new Elements(aligned.buffer, aligned.byteOffset, bytes.length / size);
}

/** The unsigned 64-bit number at `offset`, which must leave eight bytes. */
export function readU64(bytes: Uint8Array, offset: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(offset, true);
}

/** UTF-8 as text; a byte order mark stays in the text. Throws FormatError on bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  // Browsers refuse to decode from shared memory.
  const unshared = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(unshared);
  } catch (cause) {
    throw new FormatError('text is not valid UTF-8', { where, cause });
  }
}
