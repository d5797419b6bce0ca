/**
 * What models the cache on the disk holds; removing them; checking them. Reads what the reference's tools have written as well
 * as what heed has. In Node.
 */
import { CheckpointError, ConfigError } from '../errors.ts';
import { nodeFiles } from '../formats/index.ts';
import { eachPart } from './blob-download.ts';
import { blobHash } from './blob-hash.ts';
import { filesBelow, readRef, repoFolders } from './disk-cache.ts';
import { isCommit, parseHubId } from './hub-id.ts';

export interface CachedFile {
  /** In the snapshot. */
  readonly path: string;
  /** Name of its blob, a checksum; undefined for a copy on a file system without links. */
  readonly etag: string | undefined;
  /** In bytes; undefined when the blob is gone. */
  readonly size: number | undefined;
}
export interface CachedSnapshot {
  readonly repo: string;
  readonly commit: string;
  /** Branches and tags that were this commit when the hub was asked last. */
  readonly revisions: readonly string[];
  readonly files: readonly CachedFile[];
  /** Bytes of its files, each counted once. */
  readonly size: number;
  /** As the file system knows it. */
  readonly lastUsed: Date | undefined;
}
export interface CachedRepo {
  readonly repo: string;
  readonly folder: string;
  readonly snapshots: readonly CachedSnapshot[];
  /** Bytes of all blobs, also of unfinished ones and those that no snapshot names. */
  readonly size: number;
}

/** All models in the cache, by name. */
export async function cachedRepos(cacheDir: string): Promise<CachedRepo[]> {
  const { readdir } = await nodeFiles();
  const names = await readdir(cacheDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new ConfigError('the folder of downloaded models cannot be read', {
      seen: error.message,
      where: cacheDir,
      cause: error,
    });
  });
  const repos = names.flatMap(name => {
    const repo = /^models--(.+)$/.exec(name)?.[1]?.replace('--', '/');
    return repo !== undefined && parseHubId(repo) ? [repo] : [];
  });
  return Promise.all(repos.sort().map(repo => readRepo(cacheDir, repo)));
}

/**
 * A model in the cache.
 * @param revision a branch, a tag, a commit or its beginning: of the snapshots only that one
 * @throws CheckpointError when it is not there, with the names of those that are
 */
export async function cachedRepo(cacheDir: string, repo: string, revision?: string): Promise<CachedRepo> {
  const all = await cachedRepos(cacheDir);
  const found = all.find(other => other.repo === repo);
  if (!found)
    throw new CheckpointError('no such model among the downloaded ones', {
      seen: repo,
      expected: all.map(other => other.repo).join(', ') || 'there are none',
      where: cacheDir,
    });
  if (revision === undefined) return found;
  const names = ({ commit, revisions }: CachedSnapshot) =>
    revisions.includes(revision) || (/^[0-9a-f]{7,40}$/.test(revision) && commit.startsWith(revision));
  const snapshots = found.snapshots.filter(names);
  if (snapshots.length === 1) return { ...found, snapshots };
  throw new CheckpointError(
    snapshots.length === 0 ? 'no such revision among the downloaded ones' : 'several revisions begin so',
    {
      seen: revision,
      expected: found.snapshots.map(({ commit, revisions }) => [...revisions, commit].join(' = ')).join(', '),
      where: found.folder,
    },
  );
}

async function readRepo(cacheDir: string, repo: string): Promise<CachedRepo> {
  const { readdir } = await nodeFiles();
  const { folder } = repoFolders(cacheDir, repo);
  const refs = await refsOf(folder);
  const commits = (await filesOf(folder, 'snapshots', readdir)).filter(isCommit);
  const snapshots = commits.map(commit => readSnapshot(folder, repo, commit, refs));
  const blobs = await Promise.all((await filesBelow(`${folder}/blobs`)).map(name => facts(`${folder}/blobs/${name}`)));
  const read = await Promise.all(snapshots);
  // Copies of a file system without links lie beside the blobs.
  const copies = read.flatMap(({ files }) => files.filter(({ etag }) => etag === undefined));
  const size = sum(blobs.map(blob => blob?.size)) + sum(copies.map(copy => copy.size));
  return { repo, folder, snapshots: read, size };
}

async function filesOf(folder: string, name: string, readdir: (path: string) => Promise<string[]>): Promise<string[]> {
  return readdir(`${folder}/${name}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

/** Commits by the name of the revision. */
async function refsOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = await filesBelow(`${folder}/refs`);
  const commits = await Promise.all(names.map(name => readRef(`${folder}/refs/${name}`)));
  return new Map(names.flatMap((name, i) => (commits[i] === undefined ? [] : [[name, commits[i]] as const])));
}

async function readSnapshot(
  folder: string,
  repo: string,
  commit: string,
  refs: ReadonlyMap<string, string>,
): Promise<CachedSnapshot> {
  const { readlink } = await nodeFiles();
  const place = `${folder}/snapshots/${commit}`;
  const used: number[] = [];
  const readFile = async (path: string): Promise<CachedFile> => {
    const target = await readlink(`${place}/${path}`).catch(() => undefined);
    const found = await facts(`${place}/${path}`);
    if (found) used.push(found.atimeMs);
    return { path, etag: target?.split(/[/\\]/).at(-1), size: found?.size };
  };
  const files = await Promise.all((await filesBelow(place)).map(readFile));
  const once = new Map(files.map(file => [file.etag ?? file.path, file.size]));
  return {
    repo,
    commit,
    revisions: [...refs].flatMap(([name, of]) => (of === commit ? [name] : [])),
    files,
    size: sum([...once.values()]),
    lastUsed: used.length > 0 ? new Date(Math.max(...used)) : undefined,
  };
}

async function facts(path: string): Promise<{ readonly size: number; readonly atimeMs: number } | undefined> {
  const { stat } = await nodeFiles();
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

const sum = (sizes: readonly (number | undefined)[]) => sizes.reduce<number>((n, size = 0) => n + size, 0);

/** What removing takes away. */
export interface Removal {
  /** In the order in which they go: names first, bytes last, so that one that was interrupted leaves no name without bytes. */
  readonly paths: readonly string[];
  readonly bytes: number;
}

/** What belongs to a snapshot alone; to the whole model, if it is the last. */
export async function removalOf(cacheDir: string, found: CachedRepo): Promise<Removal> {
  const whole = await cachedRepo(cacheDir, found.repo);
  const { folder, locks } = repoFolders(cacheDir, found.repo);
  const gone = new Set(found.snapshots.map(({ commit }) => commit));
  const kept = whole.snapshots.filter(({ commit }) => !gone.has(commit));
  if (kept.length === 0)
    return { paths: ['refs', 'snapshots'].map(name => `${folder}/${name}`).concat(folder, locks), bytes: whole.size };
  const used = new Set(kept.flatMap(({ files }) => files.map(({ etag }) => etag)));
  const files = found.snapshots.flatMap(snapshot => snapshot.files);
  const blobs = new Map(
    files.flatMap(({ etag, size }) => (etag === undefined || used.has(etag) ? [] : [[etag, size]])),
  );
  const copies = files.filter(({ etag }) => etag === undefined).map(({ size }) => size);
  return {
    paths: [
      ...found.snapshots.flatMap(({ revisions }) => revisions.map(name => `${folder}/refs/${name}`)),
      ...[...gone].map(commit => `${folder}/snapshots/${commit}`),
      ...[...blobs.keys()].map(etag => `${folder}/blobs/${etag}`),
    ],
    bytes: sum([...blobs.values(), ...copies]),
  };
}

/** Removes it. @throws ConfigError when the file system refuses */
export async function remove({ paths }: Removal): Promise<void> {
  const { rm } = await nodeFiles();
  for (const path of paths)
    await rm(path, { recursive: true, force: true }).catch((cause: Error) => {
      throw new ConfigError('a downloaded file cannot be removed', { seen: cause.message, where: path, cause });
    });
}

export interface Verified {
  readonly path: string;
  readonly commit: string;
  /** `unknown`: its name is no checksum, or it is a copy whose checksum is not known. */
  readonly state: 'right' | 'damaged' | 'missing' | 'unknown';
  /** Where the bytes lie. */
  readonly file: string;
}

/**
 * Compares every file with its checksum, each blob once.
 * @param onBytes is told how many were read
 */
export async function verify(
  { folder, snapshots }: CachedRepo,
  { signal, onBytes }: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined } = {},
): Promise<Verified[]> {
  const seen = new Map<string, Verified['state']>();
  const results: Verified[] = [];
  for (const { commit, files } of snapshots)
    for (const { path, etag } of files) {
      signal?.throwIfAborted();
      const file = etag === undefined ? `${folder}/snapshots/${commit}/${path}` : `${folder}/blobs/${etag}`;
      const state = seen.get(file) ?? (etag === undefined ? 'unknown' : await check(file, etag, onBytes));
      seen.set(file, state);
      results.push({ path, commit, state, file });
    }
  return results;
}

async function check(file: string, etag: string, onBytes: ((bytes: number) => void) | undefined) {
  const size = (await facts(file))?.size;
  if (size === undefined) return 'missing';
  const hash = blobHash(etag, size);
  if (!hash) return 'unknown';
  const { open } = await nodeFiles();
  const handle = await open(file);
  try {
    await eachPart(handle, size, part => {
      hash.update(part);
      onBytes?.(part.length);
    });
  } finally {
    await handle.close();
  }
  return hash.digest('hex') === etag ? 'right' : 'damaged';
}
