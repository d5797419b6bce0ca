/** Downloads a file beside its final place, checks it, and gives it its name when it is complete. In Node. */
import type { FileHandle } from 'node:fs/promises';
import { BackendError, CheckpointError } from '../errors.ts';
import { nodeFiles } from '../formats/index.ts';
import { blobHash } from './blob-hash.ts';
import type { FetchOptions } from './hub-cache.ts';
import type { HubConnection } from './hub-connection.ts';
import type { HubFile } from './hub-listing.ts';
import { storing } from './storage-error.ts';

/** The reference's own names have another form, so that neither writes into the other's files. */
const PARTIAL = '.heed.incomplete';
const READ_BYTES = 1 << 20;
/** A part that was there may be damaged; a whole file that is wrong twice is wrong on the hub. */
const ATTEMPTS = 2;

/**
 * Makes the file `blob`. What an earlier download left is checked with the rest and not fetched again.
 * @throws CheckpointError for a file that is not what the hub says, what `HubConnection.bytes` and `storing` throw
 */
export async function downloadBlob(
  connection: HubConnection,
  commit: string,
  file: HubFile,
  blob: string,
  options: FetchOptions = {},
): Promise<void> {
  const { rename, rm, stat } = await nodeFiles();
  const partial = blob + PARTIAL;
  for (let attempt = 1; ; attempt++) {
    const digest = await download(connection, commit, file, partial, options);
    if (digest === undefined || digest === file.etag) break;
    await rm(partial, { force: true });
    options.onBytes?.(-file.size, true);
    if (attempt === ATTEMPTS)
      throw new CheckpointError('a downloaded file is not what the hub says', {
        seen: `checksum ${digest}`,
        expected: file.etag,
        fix: 'try again; if it stays so, the file on the hub or something on the way is damaged',
        where: connection.address(commit, file.path),
      });
  }
  await storing(blob, () =>
    rename(partial, blob).catch(async (error: NodeJS.ErrnoException) => {
      // Another process, which the lock did not keep out, has just done the same.
      const there = error.code === 'ENOENT' && (await stat(blob).catch(() => undefined));
      if (!there || there.size !== file.size) throw error;
    }),
  );
}

/** Completes the partial file; its checksum, where the hub gives one to compare. */
async function download(
  connection: HubConnection,
  commit: string,
  file: HubFile,
  partial: string,
  { signal, onBytes }: FetchOptions,
): Promise<string | undefined> {
  const { constants, open } = await nodeFiles();
  const hash = blobHash(file.etag, file.size);
  // A link in the file's place would have the bytes written to where it leads. Windows knows no such flag.
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
  const handle = await storing(partial, () => open(partial, flags, 0o666));
  try {
    let at = (await handle.stat()).size;
    if (at > file.size) {
      await handle.truncate(0);
      at = 0;
    }
    await checkSpace(partial, file.size - at);
    await eachPart(handle, at, part => hash?.update(part));
    if (at > 0) onBytes?.(at, true);
    for await (const part of connection.bytes(commit, file, at, signal)) {
      await storing(partial, () => writeAll(handle, part, at));
      hash?.update(part);
      at += part.length;
      onBytes?.(part.length);
    }
    await storing(partial, () => handle.sync());
  } finally {
    await handle.close();
  }
  return hash?.digest('hex');
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

/** Hands the first `length` bytes of a file over, part by part; fewer where it ends before. */
export async function eachPart(handle: FileHandle, length: number, take: (part: Uint8Array) => void): Promise<void> {
  const buffer = new Uint8Array(Math.min(length, READ_BYTES));
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - done), done);
    if (bytesRead === 0) return;
    take(buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
}

/** @throws BackendError before a download that the disk has no room for */
async function checkSpace(path: string, bytes: number): Promise<void> {
  const { statfs } = await nodeFiles();
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new BackendError('the disk has no room for the file', {
    seen: `${free} bytes free`,
    expected: `${bytes} bytes`,
    fix: 'make room (heed ls, heed rm), or set HF_HUB_CACHE or cacheDir to another folder',
    where: path,
  });
}
