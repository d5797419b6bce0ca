/**
 * The files of a model on a hub. What is asked for is fetched once and kept; what is kept of a commit never changes, so the hub is
 * asked only what a branch or tag stands for.
 */
import { CheckpointError } from '../errors.ts';
import { type ByteSource, checkFileName, isWeightsFile, type ModelFiles } from '../formats/index.ts';
import type { HubCache } from './hub-cache.ts';
import { checkPath, HubConnection, type HubFile, type HubListing } from './hub-connection.ts';
import { HubUnavailable } from './hub-errors.ts';
import { hubId, isCommit } from './hub-id.ts';
import { checkedRevision, type HubOptions, type HubSettings, hubSettings, inNode, MAIN } from './hub-settings.ts';
import { familyOf, neededFiles } from './needed-files.ts';
import { urlFiles } from './url-files.ts';

/** Bytes of a model's files on their way from the hub. */
export interface DownloadProgress {
  /** The file that is being fetched. */
  readonly file: string;
  /** Of the files that were not there, and of these together. */
  readonly loadedBytes: number;
  readonly totalBytes: number;
}
export interface HubFilesOptions extends HubOptions {
  /** Stops every request. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Read weights that are not in the cache where they lie, without keeping them: for those who want their headers only. */
  readonly weightsInPlace?: boolean | undefined;
}
export interface Pulled {
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** Bytes that were fetched. */
  readonly fetchedBytes: number;
}
export interface HubFiles extends ModelFiles {
  list(): Promise<readonly string[]>;
  /**
   * Fetches files, by default those that a model needs, several at a time.
   * @throws CheckpointError when there is no such file or there are no weights
   */
  pull(paths?: readonly string[], signal?: AbortSignal): Promise<Pulled>;
}

/**
 * The files of `org/name`, `org/name@revision` or `org/name/file.gguf`. They are fetched when they are opened. A hub that cannot be reached is no
 * hindrance where the cache has the files.
 * @throws ConfigError for an id or a revision that cannot be one
 */
export function hubFiles(id: string, options: HubFilesOptions = {}): HubFiles {
  const { repo, revision = MAIN, weights } = hubId(id);
  const model = new HubModel(repo, checkedRevision(options.revision ?? revision), {
    ...options,
    weights: options.weights ?? weights,
  });
  return filesBelow(model, '');
}

function filesBelow(model: HubModel, folder: string): HubFiles {
  const name = folder === '' ? model.name : `${model.name}/${folder.slice(0, -1)}`;
  return {
    name,
    weights: folder === '' ? model.options.weights : undefined,
    async open(file, signal) {
      checkFileName(file, name);
      return model.open(folder + file, signal);
    },
    async list() {
      const below = (await model.paths())
        .filter(path => path.startsWith(folder))
        .map(path => path.slice(folder.length));
      return below.filter(path => !path.includes('/'));
    },
    folder(file) {
      checkFileName(file, name);
      return filesBelow(model, `${folder}${file}/`);
    },
    pull: (paths, signal) => model.pull(paths, signal),
  };
}

/** Files fetched at a time. */
const AT_ONCE = 4;

interface Parts {
  readonly settings: HubSettings;
  readonly connection: HubConnection;
  readonly cache: HubCache;
}

class HubModel {
  readonly options: HubFilesOptions;
  readonly name: string;
  readonly #repo: string;
  readonly #revision: string;
  readonly #parts: () => Promise<Parts>;
  readonly #listing: () => Promise<HubListing | undefined>;
  readonly #planned = new Map<string, number>();
  #loadedBytes = 0;

  constructor(repo: string, revision: string, options: HubFilesOptions) {
    this.#repo = repo;
    this.#revision = revision;
    this.options = options;
    this.name = `${repo}@${revision}`;
    this.#parts = once(() => this.#makeParts());
    this.#listing = once(() => this.#askListing());
  }

  async open(path: string, signal?: AbortSignal): Promise<ByteSource | undefined> {
    const { cache, connection } = await this.#parts();
    // The files of a commit never change.
    const kept = isCommit(this.#revision) ? await cache.open(this.#revision, path) : undefined;
    if (kept) return kept;
    const listing = await this.#listing();
    const commit = listing?.commit ?? (await this.#keptCommit());
    if (!listing) return cache.open(commit, path);
    if (!listing.files.has(path)) return undefined;
    const { signal: outer } = this.options;
    const both = outer && signal ? AbortSignal.any([outer, signal]) : (signal ?? outer);
    if (await cache.has(commit, path, listing.files.get(path)?.size)) return cache.open(commit, path);
    if (this.options.weightsInPlace && isWeightsFile(path) && !path.endsWith('.json')) {
      const address = new URL(connection.address(commit, path));
      const file = address.pathname.slice(address.pathname.lastIndexOf('/') + 1);
      return urlFiles(address.href, { fetch: connection.fetch, signal: outer }).open(file, signal);
    }
    await this.#plan(listing, path);
    await this.#fetch(listing, path, both);
    return cache.open(commit, path);
  }

  /** All paths; where the hub is not asked, of those that are in the cache. */
  async paths(): Promise<readonly string[]> {
    const listing = await this.#listing();
    if (listing) return [...listing.files.keys()];
    return (await this.#parts()).cache.list(await this.#keptCommit());
  }

  async pull(paths?: readonly string[], signal: AbortSignal | undefined = this.options.signal): Promise<Pulled> {
    for (const path of paths ?? []) checkPath(path, this.name);
    const listing = await this.#listing();
    if (!listing)
      throw new CheckpointError('nothing can be fetched without the hub', {
        seen: (await this.#parts()).settings.offline ? 'HF_HUB_OFFLINE or offline is set' : 'the hub cannot be reached',
        where: this.name,
      });
    const all = [...listing.files.keys()];
    const wanted = paths ?? neededFiles(all, this.name, this.options.weights);
    const strange = wanted.find(path => !listing.files.has(path));
    if (strange !== undefined)
      throw new CheckpointError('the model has no such file', {
        seen: JSON.stringify(strange),
        expected: all.slice(0, 20).join(', ') + (all.length > 20 ? ` and ${all.length - 20} more` : ''),
        where: this.name,
      });
    const files = await Promise.all(wanted.map(path => this.#file(listing, path, signal)));
    const { cache } = await this.#parts();
    const missing: HubFile[] = [];
    for (const file of files) if (!(await cache.has(listing.commit, file.path, file.size))) missing.push(file);
    for (const { path, size } of missing) this.#planned.set(path, size);
    // The first failure stops the others.
    const stop = new AbortController();
    const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const queue = [...missing];
    const worker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) await this.#fetch(listing, next.path, both);
    };
    const workers = Array.from({ length: Math.min(AT_ONCE, queue.length) }, () =>
      worker().catch(error => {
        stop.abort(error);
        throw error;
      }),
    );
    const [failed] = (await Promise.allSettled(workers)).filter(result => result.status === 'rejected');
    if (failed) throw signal?.aborted ? signal.reason : stop.signal.reason;
    return { commit: listing.commit, files, fetchedBytes: missing.reduce((n, { size }) => n + size, 0) };
  }

  async #makeParts(): Promise<Parts> {
    const settings = await hubSettings(this.options);
    const cache = inNode()
      ? (await import('./disk-cache.ts')).diskCache(settings.cacheDir, this.#repo)
      : (await import('./browser-cache.ts')).browserCache(settings.endpoint, this.#repo);
    return { settings, cache, connection: new HubConnection(this.#repo, settings) };
  }

  /** What the hub says of the revision; undefined when it is not asked, or cannot be reached and need not be. */
  async #askListing(): Promise<HubListing | undefined> {
    const { settings, connection, cache } = await this.#parts();
    if (settings.offline) return undefined;
    try {
      const listing = await connection.listing(this.#revision, this.options.signal);
      await cache.keepCommit(this.#revision, listing.commit);
      return listing;
    } catch (error) {
      const kept = error instanceof HubUnavailable ? await cache.commitOf(this.#revision) : undefined;
      if (kept !== undefined && (await cache.list(kept)).length > 0) return undefined;
      throw error;
    }
  }

  async #keptCommit(): Promise<string> {
    const { cache } = await this.#parts();
    const commit = await cache.commitOf(this.#revision);
    if (commit !== undefined && (await cache.list(commit)).length > 0) return commit;
    throw new CheckpointError('the model is not among the downloaded ones, and the hub may not be asked', {
      seen: 'HF_HUB_OFFLINE or offline is set',
      expected: `${this.name} in ${cache.place}`,
      fix: `download it first (heed pull ${this.name}), or leave offline out`,
      where: this.name,
    });
  }

  async #file(listing: HubListing, path: string, signal?: AbortSignal): Promise<HubFile> {
    const { connection } = await this.#parts();
    return listing.files.get(path) ?? connection.describe(listing.commit, path, signal);
  }

  /** Counts what will be fetched: the file, and with weights in parts all the parts that are not there. */
  async #plan(listing: HubListing, path: string): Promise<void> {
    if (this.#planned.has(path)) return;
    const { cache } = await this.#parts();
    for (const [other, file] of listing.files) {
      const belongs = familyOf(other) === familyOf(path);
      if (belongs && file && !(await cache.has(listing.commit, other, file.size))) this.#planned.set(other, file.size);
    }
  }

  async #fetch(listing: HubListing, path: string, signal?: AbortSignal): Promise<void> {
    const { cache, connection } = await this.#parts();
    const file = await this.#file(listing, path, signal);
    this.#planned.set(path, file.size);
    const onBytes = (bytes: number) => {
      this.#loadedBytes += bytes;
      const totalBytes = [...this.#planned.values()].reduce((sum, size) => sum + size, 0);
      this.options.onProgress?.({ file: path, loadedBytes: this.#loadedBytes, totalBytes });
    };
    await cache.fetch(connection, listing.commit, file, { signal, onBytes });
  }
}

/** Runs a task at the first call and gives every caller its result; one that failed is run again at the next call. */
function once<T>(task: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= task().catch(error => {
      result = undefined;
      throw error;
    });
    return result;
  };
}
