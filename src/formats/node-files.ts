/** The file system, in Node only; paths; and writing files that are either complete or not there. */
import { UnsupportedError } from '../errors.ts';

/** Node's promise-based file functions. Throws UnsupportedError elsewhere. */
export async function nodeFiles(): Promise<typeof import('node:fs/promises')> {
  if (typeof process === 'undefined' || process.versions?.node === undefined) {
    throw new UnsupportedError('there is no file system here', {
      fix: 'give an http(s) URL, bytes or a Blob instead of a path',
    });
  }
  // Not by `import`: bundlers would look for the module.
  return process.getBuiltinModule('node:fs/promises');
}

/** Splits a path behind its last separator: `a/b.txt` -> `a/` and `b.txt`. */
export function splitPath(path: string): readonly [folder: string, file: string] {
  const cut = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1;
  return [path.slice(0, cut), path.slice(cut)];
}

/** A file to write: `produce` hands its bytes over in order, waiting for each part to be taken. */
export interface FileToWrite {
  readonly path: string;
  produce(take: (bytes: Uint8Array) => Promise<void>): Promise<void>;
}

/**
 * Writes files beside their final places, each to stable storage, and gives them their names in the given order once all are
 * complete. If anything fails before, no file changes and nothing is left behind.
 */
export async function writeFiles(files: readonly FileToWrite[]): Promise<void> {
  const { open, rename, rm } = await nodeFiles();
  const staged: { readonly path: string; readonly temporary: string }[] = [];
  try {
    for (const { path, produce } of files) {
      const temporary = `${path}.${crypto.randomUUID()}.incomplete`;
      const handle = await open(temporary, 'wx');
      staged.push({ path, temporary });
      try {
        await produce(async bytes => {
          for (let done = 0; done < bytes.length; ) {
            done += (await handle.write(bytes, done, Math.min(bytes.length - done, 1 << 30))).bytesWritten;
          }
        });
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    for (const { path, temporary } of staged) await rename(temporary, path);
  } finally {
    // A renamed file has left its temporary name, so this removes only what a failure left.
    for (const { temporary } of staged) await rm(temporary, { force: true });
  }
}
