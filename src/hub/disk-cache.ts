/**
 * Downloaded models on the disk, in the reference's layout, so that its tools find what heed has fetched and the other way
 * round: `models--org--name/` with `blobs/<checksum>`, `snapshots/<commit>/<path>` (relative links to blobs) and
 * `refs/<revision>` (a commit). Source: huggingface/huggingface_hub, file_download.py.
 */
import { ConfigError } from '../errors.ts';
import { fileIfThere, nodeFiles, splitPath } from '../formats/index.ts';
import { writeFiles } from '../formats/node-files.ts';
import { downloadBlob } from './blob-download.ts';
import { withFileLock } from './file-lock.ts';
import type { HubCache } from './hub-cache.ts';
import { isCommit } from './hub-id.ts';
import { decodeListing, encodeListing } from './hub-listing.ts';
import { storing } from './storage-error.ts';

/** Where a model lies below the cache. */
export interface RepoFolders {
  readonly folder: string;
  readonly locks: string;
}
export function repoFolders(cacheDir: string, repo: string): RepoFolders {
  const name = `models--${repo.replace('/', '--')}`;
  return { folder: `${cacheDir}/${name}`, locks: `${cacheDir}/.locks/${name}` };
}

export function diskCache(cacheDir: string, repo: string): HubCache {
  const { folder, locks } = repoFolders(cacheDir, repo);
  const pointer = (commit: string, path: string) => `${folder}/snapshots/${commit}/${path}`;
  return {
    place: folder,
    async commitOf(revision) {
      return isCommit(revision) ? revision : readRef(`${folder}/refs/${revision}`);
    },
    async listing(commit) {
      for (const name of [`${commit}.heed.json`, `${commit}.json`]) {
        const text = await readText(`${folder}/trees/${name}`);
        const listing = text === undefined ? undefined : decodeListing(text, commit);
        if (listing) return listing;
      }
      return undefined;
    },
    async keep(revision, listing) {
      const { commit } = listing;
      const tree = `${folder}/trees/${commit}.heed.json`;
      const ref = `${folder}/refs/${revision}`;
      if (!(await isFile(tree))) await write(tree, encodeListing(listing));
      if (revision !== commit && (await readRef(ref)) !== commit) await write(ref, new TextEncoder().encode(commit));
    },
    has: (commit, path, size) => isFile(pointer(commit, path), size),
    open: (commit, path) => fileIfThere(pointer(commit, path)),
    list: commit => filesBelow(`${folder}/snapshots/${commit}`),
    async fetch(connection, commit, file, options = {}) {
      const { mkdir } = await nodeFiles();
      const blob = `${folder}/blobs/${file.etag}`;
      for (const path of [`${folder}/blobs`, locks]) await storing(path, () => mkdir(path, { recursive: true }));
      const lock = `${locks}/${file.etag}.heed.lock`;
      if (await isFile(blob, file.size)) options.onBytes?.(file.size, true);
      else
        await withFileLock(
          lock,
          async () => {
            if (await isFile(blob, file.size)) options.onBytes?.(file.size, true);
            else await downloadBlob(connection, commit, file, blob, options);
          },
          options.signal,
        );
      await place(folder, pointer(commit, file.path), file.path.split('/').length, file.etag);
    },
  };
}

/** The commit in a file of `refs`; undefined when there is none. */
export async function readRef(path: string): Promise<string | undefined> {
  const text = await readText(path);
  return text !== undefined && isCommit(text.trim()) ? text.trim() : undefined;
}

async function readText(path: string): Promise<string | undefined> {
  const { readFile } = await nodeFiles();
  return readFile(path, 'utf8').catch(ignoreMissing);
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  const { mkdir } = await nodeFiles();
  await storing(path, async () => {
    await mkdir(splitPath(path)[0], { recursive: true });
    await writeFiles([{ path, produce: take => take(bytes) }]);
  });
}

/** Paths of all files below a folder, links among them; none when there is no such folder. */
export async function filesBelow(folder: string): Promise<string[]> {
  const { readdir } = await nodeFiles();
  const entries = (await readdir(folder, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
  const paths = entries.map(async entry => {
    if (!entry.isDirectory()) return [entry.name];
    return (await filesBelow(`${folder}/${entry.name}`)).map(path => `${entry.name}/${path}`);
  });
  return (await Promise.all(paths)).flat().sort();
}

/** Whether a path, or what it links to, is a file, of the size if that is known. */
async function isFile(path: string, size?: number): Promise<boolean> {
  const { stat } = await nodeFiles();
  const facts = await stat(path).catch(ignoreMissing);
  return facts?.isFile() === true && (size === undefined || facts.size === size);
}

/** Puts a blob into a snapshot, in place of what may be there: as a link, or as a copy where there are none. */
async function place(folder: string, pointer: string, depth: number, etag: string): Promise<void> {
  const { copyFile, link, mkdir, realpath, rename, rm, symlink } = await nodeFiles();
  const blob = `${folder}/blobs/${etag}`;
  const temporary = `${pointer}.${crypto.randomUUID()}.incomplete`;
  await storing(pointer, async () => {
    const [parent] = splitPath(pointer);
    await mkdir(parent, { recursive: true });
    await checkInside(await realpath(parent), await realpath(folder));
    try {
      // Windows lets only some users make symbolic links, and some file systems have neither kind.
      await symlink(`${'../'.repeat(depth + 1)}blobs/${etag}`, temporary).catch(() =>
        link(blob, temporary).catch(() => copyFile(blob, temporary)),
      );
      await rename(temporary, pointer);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/** Throws ConfigError where a link among the folders of a snapshot leads out of the model. */
async function checkInside(place: string, folder: string): Promise<void> {
  const { relative, isAbsolute } = globalThis.process.getBuiltinModule('node:path');
  const way = relative(folder, place);
  if (!way.startsWith('..') && !isAbsolute(way)) return;
  throw new ConfigError('a link leads out of the folder of a downloaded model', {
    seen: place,
    expected: `a folder in ${folder}`,
    fix: 'remove the link',
  });
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}
