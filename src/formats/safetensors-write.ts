/**
 * Writes safetensors, tensor by tensor: in memory, to a file, or to shards with an index.
 * Source: huggingface/safetensors, whose layout this gives byte for byte (dtypes in its order, widest first, then names in the
 * order of their UTF-8 bytes; header padded with spaces to a multiple of 8); shards as in huggingface_hub, filled in the
 * order given.
 */
import { ConfigError } from '../errors.ts';
import { FILE_DTYPES, type FileDType, isFileDType } from './checkpoint.ts';
import { type FileToWrite, nodeFiles, writeFiles } from './node-files.ts';
import { quoted } from './quoted.ts';
import { MAX_HEADER_BYTES, METADATA_KEY } from './safetensors-header.ts';
import { INDEX_FILE } from './sharded.ts';
import {
  checkText,
  copyTensor,
  progressOver,
  type SizedTensor,
  type StreamOptions,
  sizeTensors,
  streamTensor,
  type TensorToWrite,
  totalBytes,
} from './tensor-stream.ts';

export interface WriteOptions extends StreamOptions {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface ShardedWriteOptions extends WriteOptions {
  /** Largest number of tensor bytes in one shard; a larger tensor gets a shard of its own. */
  readonly maxShardBytes: number;
}

type Sized = SizedTensor<FileDType>;

const UTF8 = new TextEncoder();
const RANK = new Map(FILE_DTYPES.map((dtype, rank) => [dtype, rank]));

/**
 * A safetensors file in memory. The tensors must give their chunks without waiting. Throws ConfigError for names, shapes or
 * metadata that a file cannot hold, CheckpointError for a tensor whose chunks are not as long as its shape says.
 */
export function safetensorsBytes(tensors: Iterable<TensorToWrite>, metadata?: WriteOptions['metadata']): Uint8Array {
  const sized = sizeSafetensors(tensors);
  const { head, ordered } = layOut(sized, metadata);
  const out = new Uint8Array(head.length + totalBytes(sized));
  out.set(head);
  let at = head.length;
  for (const tensor of ordered) {
    copyTensor(tensor, out, at);
    at += tensor.byteLength;
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
  const sized = sizeSafetensors(tensors);
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
  const sized = sizeSafetensors(tensors);
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

const sizeSafetensors = (tensors: Iterable<TensorToWrite>): Sized[] =>
  sizeTensors(
    tensors,
    (dtype): dtype is FileDType => isFileDType(dtype),
    name => {
      checkText(name, 'a tensor name');
      if (name === METADATA_KEY) throw new ConfigError('the name is reserved by the format', { seen: quoted(name) });
    },
  );

/** Length and header of a file, and its tensors in the order of their bytes. */
function layOut(tensors: readonly Sized[], metadata: WriteOptions['metadata']) {
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

function safetensorsFile(
  path: string,
  tensors: readonly Sized[],
  { metadata, signal }: WriteOptions,
  progress: (tensor: string, bytes: number) => void,
): FileToWrite {
  const { head, ordered } = layOut(tensors, metadata);
  return {
    path,
    async produce(take) {
      await take(head);
      for (const tensor of ordered) {
        await streamTensor(tensor, take, signal, progress);
      }
    },
  };
}

/** Groups of tensors in the order given, each as large as the limit allows. */
function fillShards(tensors: readonly Sized[], maxShardBytes: number): Sized[][] {
  if (!(maxShardBytes > 0)) {
    throw new ConfigError('maxShardBytes must be above 0', { seen: String(maxShardBytes) });
  }
  const shards: Sized[][] = [];
  let current: Sized[] = [];
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
function indexJson(shards: readonly Sized[][], names: readonly string[], total: number): string {
  const places = shards.flatMap((shard, i) => shard.map(({ name }) => [name, names[i]!] as const));
  places.sort(([a], [b]) => compareUtf8(a, b));
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(places) };
  return `${JSON.stringify(index, null, 2)}\n`;
}
