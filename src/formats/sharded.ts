/**
 * Checkpoints in several files with an index that tells which tensor is where (`model.safetensors.index.json`).
 * Source: huggingface/transformers, sharded checkpoints. As there, a tensor that a shard holds and the index does not name is
 * part of the checkpoint, and the index decides where a name is in two shards.
 */
import { CheckpointError, FormatError } from '../errors.ts';
import type { Checkpoint, TensorEntry } from './checkpoint.ts';
import { quoted } from './quoted.ts';
import { type ByteSource, isPlainFileName } from './source.ts';

/** The usual name of the index of safetensors files. */
export const INDEX_FILE = 'model.safetensors.index.json';

export interface ShardedOptions {
  /** The source of a shard by its plain name; undefined when there is none. */
  readonly open: (file: string) => Promise<ByteSource | undefined>;
  /** Makes a checkpoint of it, which then owns the source. */
  readonly read: (source: ByteSource) => Promise<Checkpoint>;
  /** Names the index in messages. */
  readonly where?: string;
}

interface ShardIndex {
  readonly shardOf: ReadonlyMap<string, string>;
  /** Bytes of all tensors as the writer counted them (some writers count whole files). */
  readonly totalSize: number | undefined;
}

/**
 * Opens the shards that a parsed index names. Throws FormatError if the index has not the right form or a shard is corrupt, CheckpointError if a shard is missing, lies
 * outside the folder, lacks a tensor that the index puts into it, or if the shards hold less than the index says they do.
 */
export async function openSharded(
  index: unknown,
  { open, read, where = INDEX_FILE }: ShardedOptions,
): Promise<Checkpoint> {
  const { shardOf, totalSize } = checkIndex(index, where);
  const shards = new Map<string, Checkpoint>();
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    let fileBytes = 0;
    for (const file of new Set(shardOf.values())) {
      const source = await openShard(open, file, where);
      const shard = await read(source);
      shards.set(file, shard);
      // Of tensors that share their bytes, the index counts each.
      const tensorBytes = [...shard.tensors.values()].reduce((n, { byteLength }) => n + byteLength, 0);
      fileBytes += Math.max(source.size, tensorBytes);
    }
    if (totalSize !== undefined && totalSize > fileBytes) {
      throw new CheckpointError('shards hold less than the index says, so tensors are missing', {
        seen: `${fileBytes} bytes in ${shards.size} shards`,
        expected: `${totalSize} bytes of tensors (total_size)`,
        fix: 'fetch the shards and the index again; if they are complete, remove total_size from the index',
        where,
      });
    }
    return joinShards(shards, shardOf, close, where);
  } catch (error) {
    await close();
    throw error;
  }
}

async function openShard(
  open: (file: string) => Promise<ByteSource | undefined>,
  file: string,
  where: string,
): Promise<ByteSource> {
  const failed = (reason: string, cause?: unknown) =>
    new CheckpointError('shard cannot be opened', {
      seen: `${quoted(file)}: ${reason}`,
      fix: 'put all files that the index names beside it',
      where,
      cause,
    });
  const source = await open(file).catch((cause: unknown) => {
    throw failed(cause instanceof Error ? cause.message : String(cause), cause);
  });
  if (source === undefined) throw failed('no such file');
  return source;
}

function joinShards(
  shards: ReadonlyMap<string, Checkpoint>,
  shardOf: ReadonlyMap<string, string>,
  close: () => Promise<void>,
  where: string,
): Checkpoint {
  const tensors = new Map<string, TensorEntry>();
  const home = new Map<string, Checkpoint>();
  const metadata: [string, string][] = [];
  for (const [file, shard] of shards) {
    for (const entry of Object.entries(shard.metadata)) metadata.push(entry);
    for (const [name, tensor] of shard.tensors) {
      if ((shardOf.get(name) ?? file) !== file) continue;
      if (home.has(name)) {
        throw new CheckpointError('a tensor is in two shards and the index does not choose', {
          seen: quoted(name),
          where,
        });
      }
      tensors.set(name, tensor);
      home.set(name, shard);
    }
  }
  const missing = [...shardOf].filter(([name]) => !home.has(name));
  if (missing.length > 0) {
    const shown = missing.slice(0, 10).map(([name, file]) => `${quoted(name)} in ${quoted(file)}`);
    throw new CheckpointError(`index names ${missing.length} tensors that are not in their shard`, {
      seen: shown.join(', ') + (missing.length > shown.length ? `, and ${missing.length - shown.length} more` : ''),
      where,
    });
  }
  return {
    format: shards.values().next().value?.format ?? 'sharded',
    metadata: Object.fromEntries(metadata),
    tensors,
    async read(name, offset, length, into) {
      const shard = home.get(name);
      if (shard === undefined) throw new CheckpointError('no such tensor', { seen: quoted(name), where });
      return shard.read(name, offset, length, into);
    },
    close,
  };
}

function checkIndex(index: unknown, where: string): ShardIndex {
  const { weight_map: weightMap, metadata } = asObject(index, 'index', where);
  const shardOf = new Map<string, string>();
  for (const [name, file] of Object.entries(asObject(weightMap, 'weight_map', where))) {
    if (typeof file !== 'string') {
      throw new FormatError('weight_map names no file', {
        seen: typeof file,
        where: `${where}, tensor ${quoted(name)}`,
      });
    }
    if (!isPlainFileName(file)) {
      throw new CheckpointError('shard name leaves the folder of the index', {
        seen: quoted(file),
        expected: 'a plain file name',
        where: `${where}, tensor ${quoted(name)}`,
      });
    }
    shardOf.set(name, file);
  }
  const totalSize = metadata == null ? undefined : asObject(metadata, 'metadata', where).total_size;
  return { shardOf, totalSize: typeof totalSize === 'number' ? totalSize : undefined };
}

function asObject(value: unknown, what: string, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FormatError(`${what} is not an object`, { seen: Array.isArray(value) ? 'an array' : String(value), where });
}
