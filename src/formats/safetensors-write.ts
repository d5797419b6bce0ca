/**
 * Writes safetensors, tensor by tensor: in memory, to a file, or to shards with an index.
 * Source: huggingface/safetensors, whose layout this gives byte for byte (dtypes in its order, widest first, then names in the
 * order of their UTF-8 bytes; header padded with spaces to a multiple of 8); shards as in huggingface_hub, filled in the
 * order given.
 */
import { CheckpointError, ConfigError } from '../errors.ts';
import { elementBytes, FILE_DTYPES, type FileDType, tensorBytes } from './checkpoint.ts';
import { type FileToWrite, nodeFiles, writeFiles } from './node-files.ts';
import { quoted } from './quoted.ts';
import { MAX_HEADER_BYTES, METADATA_KEY } from './safetensors-header.ts';
import { INDEX_FILE } from './sharded.ts';

/** A tensor whose bytes are produced when its turn comes: little-endian, row-major, in chunks of any size. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: FileDType;
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

export interface WriteOptions {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Stops between two chunks; no file is then left behind or changed. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
}

export interface ShardedWriteOptions extends WriteOptions {
  /** Largest number of tensor bytes in one shard; a larger tensor gets a shard of its own. */
  readonly maxShardBytes: number;
}

interface SizedTensor extends TensorToWrite {
  readonly byteLength: number;
}

const UTF8 = new TextEncoder();
const RANK = new Map(FILE_DTYPES.map((dtype, rank) => [dtype, rank]));

/**
 * A safetensors file in memory. The tensors must give their chunks without waiting. Throws ConfigError for names, shapes or
 * metadata that a file cannot hold, CheckpointError for a tensor whose chunks are not as long as its shape says.
 */
export function safetensorsBytes(tensors: Iterable<TensorToWrite>, metadata?: WriteOptions['metadata']): Uint8Array {
  const sized = sizeTensors(tensors);
  const { head, ordered } = layOut(sized, metadata);
  const out = new Uint8Array(head.length + totalBytes(sized));
  out.set(head);
  let at = head.length;
  for (const tensor of ordered) {
    const chunks = tensor.chunks();
    if (!(Symbol.iterator in chunks)) {
      throw new ConfigError('tensor gives its bytes only later', {
        fix: 'use writeSafetensors',
        where: `tensor ${quoted(tensor.name)}`,
      });
    }
    let length = 0;
    for (const chunk of chunks) {
      length = advance(tensor, length, chunk);
      out.set(chunk, at);
      at += chunk.length;
    }
    checkComplete(tensor, length);
  }
  return out;
}

/**
 * Writes a safetensors file, in Node. No more than a chunk is in memory; the file appears under its name when it is complete.
 * Throws what `safetensorsBytes` throws, and the reason of `signal`.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  options: WriteOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const sized = sizeTensors(tensors);
  await writeFiles([safetensorsFile(path, sized, options, progressOver(sized, options))]);
}

/**
 * Writes a checkpoint into a folder, which is made if needed, in Node: `model.safetensors` if everything fits, else shards
 * `model-00001-of-00003.safetensors` with their index. All files appear together at the end, the index last.
 * Throws what `writeSafetensors` throws, and ConfigError if files of another checkpoint would remain beside the new ones.
 */
export async function writeShardedSafetensors(
  folder: string,
  tensors: Iterable<TensorToWrite>,
  options: ShardedWriteOptions,
): Promise<void> {
  options.signal?.throwIfAborted();
  const sized = sizeTensors(tensors);
  const shards = fillShards(sized, options.maxShardBytes);
  const progress = progressOver(sized, options);
  const nameOf = (shard: number) => `model-${fiveDigits(shard + 1)}-of-${fiveDigits(shards.length)}.safetensors`;
  const single = shards.length === 1;
  const names = single ? ['model.safetensors'] : shards.map((_, shard) => nameOf(shard));
  const files = shards.map((shard, i) => safetensorsFile(`${folder}/${names[i]}`, shard, options, progress));
  if (!single) {
    const index = indexJson(shards, names, totalBytes(sized));
    files.push({ path: `${folder}/${INDEX_FILE}`, produce: take => take(UTF8.encode(index)) });
    names.push(INDEX_FILE);
  }
  const { mkdir, readdir } = await nodeFiles();
  await mkdir(folder, { recursive: true });
  const isWeights = /^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/;
  const stale = (await readdir(folder)).filter(name => isWeights.test(name) && !names.includes(name));
  if (stale.length > 0) {
    throw new ConfigError('folder holds files of another checkpoint, which would be mixed with this one', {
      seen: stale.sort().slice(0, 10).join(', '),
      fix: 'remove them or choose another folder',
      where: folder,
    });
  }
  await writeFiles(files);
}

const fiveDigits = (value: number) => String(value).padStart(5, '0');

const totalBytes = (tensors: readonly SizedTensor[]) => tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);

/** Checks names and shapes of all tensors. */
function sizeTensors(tensors: Iterable<TensorToWrite>): SizedTensor[] {
  const names = new Set<string>();
  return Array.from(tensors, tensor => {
    const { name, dtype, shape } = tensor;
    const problem = (what: string, seen: string) => new ConfigError(what, { seen, where: `tensor ${quoted(name)}` });
    if (names.has(name)) throw problem('two tensors have the same name', quoted(name));
    if (name === METADATA_KEY) throw problem('the name is reserved by the format', quoted(name));
    names.add(name);
    checkText(name, 'a tensor name');
    if (!RANK.has(dtype)) throw problem('unknown dtype', String(dtype));
    const byteLength = tensorBytes(dtype, shape);
    if (byteLength === undefined || !shape.every(size => Number.isSafeInteger(size) && size >= 0)) {
      throw problem('not a shape that a file can hold', `[${shape.join(', ')}]`);
    }
    return { name, dtype, shape, byteLength, chunks: () => tensor.chunks() };
  });
}

function checkText(text: string, what: string): void {
  if (typeof text !== 'string') throw new ConfigError(`${what} is not a text`, { seen: typeof text });
  if (/\p{Surrogate}/u.test(text)) throw new ConfigError(`${what} holds half a surrogate pair`, { seen: quoted(text) });
}

/** Length and header of a file, and its tensors in the order of their bytes. */
function layOut(tensors: readonly SizedTensor[], metadata: WriteOptions['metadata']) {
  const ordered = [...tensors].sort((a, b) => RANK.get(a.dtype)! - RANK.get(b.dtype)! || compareUtf8(a.name, b.name));
  const fields: string[] = [];
  if (metadata !== undefined) {
    for (const [key, value] of Object.entries(metadata)) {
      checkText(key, 'a metadata key');
      checkText(value, `metadata ${quoted(key)}`);
    }
    fields.push(`"${METADATA_KEY}":${JSON.stringify(metadata)}`);
  }
  let begin = 0;
  for (const { name, dtype, shape, byteLength } of ordered) {
    const end = begin + byteLength;
    fields.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`);
    begin = end;
  }
  const json = UTF8.encode(`{${fields.join(',')}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new ConfigError('header is longer than the format allows', {
      seen: `${headerBytes} bytes`,
      expected: `at most ${MAX_HEADER_BYTES}`,
      fix: 'write fewer tensors into one file',
    });
  }
  const head = new Uint8Array(8 + headerBytes).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerBytes), true);
  head.set(json, 8);
  return { head, ordered };
}

/** Order of the UTF-8 bytes, which is that of code points: surrogates come after all other units. */
function compareUtf8(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return unitOrder(x) - unitOrder(y);
  }
  return a.length - b.length;
}

const unitOrder = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** A function that counts written bytes over all files of a checkpoint. */
function progressOver(tensors: readonly SizedTensor[], { onProgress }: WriteOptions) {
  const total = totalBytes(tensors);
  let writtenBytes = 0;
  return (tensor: string, bytes: number) => {
    writtenBytes += bytes;
    onProgress?.({ writtenBytes, totalBytes: total, tensor });
  };
}

function safetensorsFile(
  path: string,
  tensors: readonly SizedTensor[],
  { metadata, signal }: WriteOptions,
  progress: (tensor: string, bytes: number) => void,
): FileToWrite {
  const { head, ordered } = layOut(tensors, metadata);
  return {
    path,
    async produce(take) {
      await take(head);
      for (const tensor of ordered) {
        let length = 0;
        for await (const chunk of tensor.chunks()) {
          signal?.throwIfAborted();
          length = advance(tensor, length, chunk);
          await take(chunk);
          progress(tensor.name, chunk.length);
        }
        checkComplete(tensor, length);
      }
      signal?.throwIfAborted();
    },
  };
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
    expected: `${byteLength} bytes (${dtype} of shape [${shape.join(', ')}], ${elementBytes(dtype)} each)`,
    where: `tensor ${quoted(name)}`,
  });
}

/** Groups of tensors in the order given, each as large as the limit allows. */
function fillShards(tensors: readonly SizedTensor[], maxShardBytes: number): SizedTensor[][] {
  if (!(maxShardBytes > 0)) {
    throw new ConfigError('maxShardBytes must be above 0', { seen: String(maxShardBytes) });
  }
  const shards: SizedTensor[][] = [];
  let current: SizedTensor[] = [];
  let size = 0;
  for (const tensor of tensors) {
    if (tensor.byteLength > maxShardBytes) {
      shards.push([tensor]);
      continue;
    }
    if (size + tensor.byteLength > maxShardBytes) {
      shards.push(current);
      current = [];
      size = 0;
    }
    current.push(tensor);
    size += tensor.byteLength;
  }
  if (current.length > 0 || shards.length === 0) shards.push(current);
  return shards;
}

/** The index, with names in order, so that the same checkpoint gives the same text. */
function indexJson(shards: readonly SizedTensor[][], names: readonly string[], total: number): string {
  const places = shards.flatMap((shard, i) => shard.map(({ name }) => [name, names[i]!] as const));
  places.sort(([a], [b]) => compareUtf8(a, b));
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(places) };
  return `${JSON.stringify(index, null, 2)}\n`;
}
