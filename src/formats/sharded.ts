/**
 * Checkpoints in several files with an index that tells which tensor is where (`model.safetensors.index.json`).
 * Source: huggingface/transformers, sharded checkpoints. As there, a tensor that a shard holds and the index does not name is
 * part of the checkpoint, and the index decides where a name is in two shards.
 */
import { CheckpointError } from '../errors.ts';
import { mapAtOnce } from './at-once.ts';
import type { Checkpoint, TensorEntry } from './checkpoint.ts';
import { JsonReader } from './json-reader.ts';
import { quoted } from './quoted.ts';
import { type ByteSource, isPlainFileName } from './source.ts';

/** The usual name of the index of safetensors files. */
export const INDEX_FILE = 'model.safetensors.index.json';

export interface ShardedOptions {
  /** The source of a shard by its plain name; undefined when there is none. Several are asked for at a time. */
  readonly open: (file: string, signal?: AbortSignal) => Promise<ByteSource | undefined>;
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
 * Opens the shards that an index, JSON, names. Throws FormatError if the index has not the right form or a shard is corrupt,
 * CheckpointError if a shard is missing, lies outside the folder, lacks a tensor that the index puts into it, or if the shards
 * hold less than the index says they do.
 */
export async function openSharded(
  index: string,
  { open, read, where = INDEX_FILE }: ShardedOptions,
): Promise<Checkpoint> {
  const { shardOf, totalSize } = parseIndex(index, where);
  const opened: Checkpoint[] = [];
  const close = async () => {
    for (const shard of opened) await shard.close();
  };
  try {
    let fileBytes = 0;
    const shards = await mapAtOnce([...new Set(shardOf.values())], async (file, stop) => {
      const source = await openShard(open, file, where, stop);
      const shard = await read(source);
      opened.push(shard);
      // Of tensors that share their bytes, the index counts each.
      let tensorBytes = 0;
      for (const { byteLength } of shard.tensors.values()) tensorBytes += byteLength;
      fileBytes += Math.max(source.size, tensorBytes);
      return [file, shard] as const;
    });
    if (totalSize !== undefined && totalSize > fileBytes) {
      throw new CheckpointError('shards hold less than the index says, so tensors are missing', {
        seen: `${fileBytes} bytes in ${shards.length} shards`,
        expected: `${totalSize} bytes of tensors (total_size)`,
        fix: 'fetch the shards and the index again; if they are complete, remove total_size from the index',
        where,
      });
    }
    return joinShards(new Map(shards), shardOf, close, where);
  } catch (error) {
    await close();
    throw error;
  }
}

async function openShard(
  open: ShardedOptions['open'],
  file: string,
  where: string,
  stop: AbortSignal,
): Promise<ByteSource> {
  const failed = (reason: string, cause?: unknown) =>
    new CheckpointError('shard cannot be opened', {
      seen: `${quoted(file)}: ${reason}`,
      fix: 'put all files that the index names beside it',
      where,
      cause,
    });
  const source = await open(file, stop).catch((cause: unknown) => {
    // A hub or a server says better why, and what to do.
    if (cause instanceof CheckpointError) throw cause;
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
  const missing: (readonly [string, string])[] = [];
  for (const place of shardOf) if (!home.has(place[0])) missing.push(place);
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

/** Reads it from front to back: of a hostile file nothing is kept that is not a name. */
function parseIndex(text: string, where: string): ShardIndex {
  const reader = new JsonReader(text, where);
  const shardOf = new Map<string, string>();
  // One text for each file, however many tensors it has.
  const files = new Map<string, string>();
  let weightMap = false;
  let totalSize: number | undefined;
  const readPlace = (name: string) => {
    const file = reader.string();
    if (!files.has(file)) files.set(file, checkedShard(file, name, where));
    shardOf.set(name, files.get(file)!);
  };
  reader.object(key => {
    if (key === 'weight_map') {
      weightMap = true;
      reader.object(readPlace, name => shardOf.has(name));
    } else if (key === 'metadata' && reader.peek() !== 'n') {
      reader.object(name => {
        if (name === 'total_size' && /[-\d]/.test(reader.peek())) totalSize = reader.number();
        else reader.skip();
      });
    } else reader.skip();
  });
  reader.end();
  if (!weightMap) reader.fail('index has no weight_map', { expected: '{ "weight_map": { tensor: file } }' });
  return { shardOf, totalSize };
}

function checkedShard(file: string, tensor: string, where: string): string {
  if (isPlainFileName(file)) return file;
  throw new CheckpointError('shard name leaves the folder of the index', {
    seen: quoted(file),
    expected: 'a plain file name',
    where: `${where}, tensor ${quoted(tensor)}`,
  });
}
