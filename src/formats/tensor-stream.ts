/** Tensors on their way into a file: each produced when its turn comes, in chunks, and held to the length of its shape. */
import { CheckpointError, ConfigError } from '../errors.ts';
import { type TensorDType, tensorBytes } from './checkpoint.ts';
import { quoted } from './quoted.ts';

/** A tensor whose bytes are produced when its turn comes: little-endian, row-major, in chunks of any size. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: TensorDType;
  readonly shape: readonly number[];
  /** A chunk may be overwritten once the next one is asked for. */
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** How far writing has come, in bytes of tensors. */
export interface WriteProgress {
  readonly writtenBytes: number;
  readonly totalBytes: number;
  /** The tensor just being written. */
  readonly tensor: string;
}

export interface StreamOptions {
  /** Stops between two chunks; no file is then left behind or changed. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
}

export interface SizedTensor<D extends TensorDType = TensorDType> extends TensorToWrite {
  readonly dtype: D;
  readonly byteLength: number;
}

export const totalBytes = (tensors: readonly SizedTensor[]): number =>
  tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);

/**
 * Checks names and shapes of all tensors.
 * @param accepts the dtypes of the format
 * @param checkName throws for a name that the format cannot hold
 */
export function sizeTensors<D extends TensorDType>(
  tensors: Iterable<TensorToWrite>,
  accepts: (dtype: TensorDType) => dtype is D,
  checkName: (name: string) => void,
): SizedTensor<D>[] {
  const names = new Set<string>();
  return Array.from(tensors, tensor => {
    const { name, dtype, shape } = tensor;
    const problem = (what: string, seen: string, expected?: string) =>
      new ConfigError(what, { seen, expected, where: `tensor ${quoted(name)}` });
    if (names.has(name)) throw problem('two tensors have the same name', quoted(name));
    names.add(name);
    checkName(name);
    if (!accepts(dtype)) throw problem('unknown dtype', String(dtype));
    const byteLength = tensorBytes(dtype, shape);
    if (byteLength === undefined || !shape.every(size => Number.isSafeInteger(size) && size >= 0)) {
      throw problem('not a shape that a file can hold', `[${shape.join(', ')}]`, `rows that ${dtype} can hold`);
    }
    return { name, dtype, shape, byteLength, chunks: () => tensor.chunks() };
  });
}

/** @throws ConfigError for what is no text or cannot be UTF-8 */
export function checkText(text: string, what: string): void {
  if (typeof text !== 'string') throw new ConfigError(`${what} is not a text`, { seen: typeof text });
  if (/\p{Surrogate}/u.test(text)) throw new ConfigError(`${what} holds half a surrogate pair`, { seen: quoted(text) });
}

/** A function that counts written bytes over all files of a checkpoint. */
export function progressOver(tensors: readonly SizedTensor[], { onProgress }: StreamOptions) {
  const total = totalBytes(tensors);
  let writtenBytes = 0;
  return (tensor: string, bytes: number) => {
    writtenBytes += bytes;
    onProgress?.({ writtenBytes, totalBytes: total, tensor });
  };
}

/** Hands over a tensor's chunks one by one. Throws CheckpointError if they are not as long as it is, and the reason of `signal`. */
export async function streamTensor(
  tensor: SizedTensor,
  take: (bytes: Uint8Array) => Promise<void>,
  signal: AbortSignal | undefined,
  progress: (tensor: string, bytes: number) => void,
): Promise<void> {
  let length = 0;
  for await (const chunk of tensor.chunks()) {
    signal?.throwIfAborted();
    length = advance(tensor, length, chunk);
    await take(chunk);
    progress(tensor.name, chunk.length);
  }
  checkComplete(tensor, length);
  signal?.throwIfAborted();
}

/** A tensor's chunks at once. Throws ConfigError if they come only later, CheckpointError as `streamTensor` does. */
export function copyTensor(tensor: SizedTensor, out: Uint8Array, at: number): void {
  const chunks = tensor.chunks();
  if (!(Symbol.iterator in chunks)) {
    throw new ConfigError('tensor gives its bytes only later', {
      fix: 'write it to a file',
      where: `tensor ${quoted(tensor.name)}`,
    });
  }
  let length = 0;
  for (const chunk of chunks) {
    const end = advance(tensor, length, chunk);
    out.set(chunk, at + length);
    length = end;
  }
  checkComplete(tensor, length);
}

/** The length with one more chunk, which must not go beyond the tensor: the next tensor's place is already in the header. */
function advance(tensor: SizedTensor, length: number, chunk: Uint8Array): number {
  if (length + chunk.length > tensor.byteLength) throw wrongLength(tensor, `${length + chunk.length} bytes or more`);
  return length + chunk.length;
}

function checkComplete(tensor: SizedTensor, length: number): void {
  if (length !== tensor.byteLength) throw wrongLength(tensor, `${length} bytes`);
}

function wrongLength({ name, dtype, shape, byteLength }: SizedTensor, seen: string): CheckpointError {
  return new CheckpointError('chunks are not as long as the tensor', {
    seen,
    expected: `${byteLength} bytes (${dtype} of shape [${shape.join(', ')}])`,
    where: `tensor ${quoted(name)}`,
  });
}
