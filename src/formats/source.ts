/** Random access to bytes, the same in Node and browser: memory, a Blob, a file; and the files of a model by name. */
import { CheckpointError, ConfigError, FormatError } from '../errors.ts';
import { nodeFiles } from './node-files.ts';
import { quoted } from './quoted.ts';

/** Bytes that can be read from any place, several reads at a time. */
export interface ByteSource {
  /** For messages: a path, a file name. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset` on: at the start of `into` (which may lie in shared memory) or in new memory.
   * Throws FormatError for bytes outside the source and ConfigError if `into` is too small.
   */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The files of a model, wherever they are. */
export interface ModelFiles {
  /** For messages: the folder, the address. */
  readonly name: string;
  /** A plain file name, no path. Undefined when there is no such file; aborting the signal stops this and later reads. */
  open(file: string, signal?: AbortSignal): Promise<ByteSource | undefined>;
  /** The names of all files, where they can be known. */
  list?(): Promise<readonly string[]>;
  /** The files of a folder among them, where there are folders. A plain name, no path. */
  folder?(name: string): ModelFiles;
  /** The weights file where it was chosen itself; by default it is found by its usual name. */
  readonly weights?: string | undefined;
}

/** A name without folders, drives, alternate streams or control characters, on every system. */
export function isPlainFileName(file: string): boolean {
  return file !== '' && file !== '.' && file !== '..' && !/[/\\:\p{Cc}]/u.test(file);
}

/** Throws CheckpointError for a name that is no plain file name; `where` is the place that it would lead out of. */
export function checkFileName(file: string, where: string): void {
  if (isPlainFileName(file)) return;
  throw new CheckpointError('file name leaves the model', { seen: quoted(file), expected: 'a plain file name', where });
}

/** How much a source copies at once where it cannot fill the target itself, and how much it asks of the system at once. */
const CHUNK_BYTES = 1 << 24;

/**
 * Checks a read and gives the place it goes to. Nothing is allocated for a range that does not exist. Throws what
 * `ByteSource.read` throws.
 */
export function readTarget(
  { name, size }: Pick<ByteSource, 'name' | 'size'>,
  offset: number,
  length: number,
  into?: Uint8Array,
): Uint8Array {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
  if (!whole || offset < 0 || length < 0 || length > size - offset) {
    throw new FormatError('read outside the file', {
      seen: `${length} bytes from ${offset} on`,
      expected: `a range within ${size} bytes`,
      where: name,
    });
  }
  if (into === undefined) return new Uint8Array(length);
  if (into.length < length) {
    throw new ConfigError('the memory to read into is too small', {
      seen: `${into.length} bytes`,
      expected: `${length} bytes`,
      where: name,
    });
  }
  return into.subarray(0, length);
}

/** Bytes in memory. What is read is a copy. */
export function bytesSource(bytes: Uint8Array, name = 'bytes'): ByteSource {
  const source: ByteSource = {
    name,
    size: bytes.length,
    async read(offset, length, into) {
      const out = readTarget(source, offset, length, into);
      out.set(bytes.subarray(offset, offset + length));
      return out;
    },
    async close() {},
  };
  return source;
}

/** A Blob, or a File that the reader of a page has chosen. Copied in pieces, never as a whole. */
export function blobSource(blob: Blob, name = 'name' in blob ? String(blob.name) : 'blob'): ByteSource {
  const source: ByteSource = {
    name,
    size: blob.size,
    async read(offset, length, into) {
      const out = readTarget(source, offset, length, into);
      for (let done = 0; done < length; done += CHUNK_BYTES) {
        const end = Math.min(length, done + CHUNK_BYTES);
        out.set(new Uint8Array(await blob.slice(offset + done, offset + end).arrayBuffer()), done);
      }
      return out;
    },
    async close() {},
  };
  return source;
}

/**
 * A file, in Node. The file stays open until `close`. Throws ConfigError if it cannot be opened or is no regular file,
 * UnsupportedError outside Node.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const { open } = await nodeFiles();
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new ConfigError('file cannot be opened', { seen: String(cause), where: path, cause });
  });
  const facts = await handle.stat();
  if (!facts.isFile()) {
    await handle.close();
    throw new ConfigError('not a file', { seen: facts.isDirectory() ? 'a folder' : 'a device', where: path });
  }
  let closed = false;
  const source: ByteSource = {
    name: path,
    size: facts.size,
    async read(offset, length, into) {
      if (closed) throw new ConfigError('file is closed', { where: path });
      const out = readTarget(source, offset, length, into);
      for (let done = 0; done < length; ) {
        const wanted = Math.min(length - done, CHUNK_BYTES);
        const { bytesRead } = await handle.read(out, done, wanted, offset + done);
        if (bytesRead === 0) {
          throw new FormatError('file became shorter while it was read', {
            seen: `end after ${offset + done} bytes`,
            expected: `${facts.size} bytes`,
            where: path,
          });
        }
        done += bytesRead;
      }
      return out;
    },
    async close() {
      if (closed) return;
      closed = true;
      await handle.close();
    },
  };
  return source;
}

/** `fileSource`, but undefined when there is no such file. */
export async function fileIfThere(path: string): Promise<ByteSource | undefined> {
  return fileSource(path).catch((error: Error) => {
    const { code } = (error.cause ?? {}) as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  });
}

/** All bytes of a source, which is closed then. Throws FormatError if they are more than `mostBytes`. */
export async function readWhole(source: ByteSource, mostBytes: number): Promise<Uint8Array> {
  try {
    if (source.size > mostBytes) {
      throw new FormatError('file is too large', {
        seen: `${source.size} bytes`,
        expected: `at most ${mostBytes}`,
        where: source.name,
      });
    }
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}
