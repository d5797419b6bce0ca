/**
 * The files of a model on a hub. What is asked for is fetched once and kept; what is kept of a commit never changes, so the hub is
 * asked only what a branch or tag stands for.
 */
import { CheckpointError } from '../errors.ts';
import { anySignal, mapAtOnce } from '../formats/at-once.ts';
import { type ByteSource, checkFileName, isWeightsFile, type ModelFiles } from '../formats/index.ts';
import type { HubCache } from './hub-cache.ts';
import { HubConnection } from './hub-connection.ts';
import { HubUnavailable } from './hub-errors.ts';
import { hubId, isCommit } from './hub-id.ts';
import type { HubFile, HubListing } from './hub-listing.ts';
import { checkedRevision, type HubOptions, type HubSettings, hubSettings, inNode, MAIN } from './hub-settings.ts';
import { familyOf, neededFiles } from './needed-files.ts';
import { urlFiles } from './url-files.ts';

/** Bytes of a model's files on their way from the hub. */
export interface DownloadProgress {
  /** The file that the last bytes are of; several are fetched at a time. */
  readonly file: string;
  /** Of the files that were not there as a whole, and of these together. */
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** Of the loaded ones: those that an earlier download has left, or another process has fetched. */
  readonly presentBytes: number;
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
  /** Those that were asked for, fetched or not. */
  readonly files: readonly string[];
  /** That came from the hub. */
  readonly fetchedBytes: number;
}
export interface HubFiles extends ModelFiles {
  list(): Promise<readonly string[]>;
  /**
   * Fetches files, by default those that a model needs, several at a time. The first failure stops the others.
   * @throws CheckpointError when there is no such file or there are no weights
   */
  pull(paths?: readonly string[], signal?: AbortSignal): Promise<Pulled>;
}

/**
 * The files of `org/name`, `org/name@revision` or `org/name/file.gguf`. They are fetched when they are opened. A hub that
 * cannot be reached is no hindrance where the cache has the files.
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

interface Parts {
  readonly settings: HubSettings;
  readonly connection: HubConnection;
  readonly cache: HubCache;
}

/** What is known of the revision. */
interface Snapshot {
  readonly commit: string;
  /** Undefined where only what is in the cache is known. */
  readonly files?: HubListing['files'] | undefined;
  /** Why nothing can be fetched. */
  readonly blocked?: CheckpointError | undefined;
}

class HubModel {
  readonly options: HubFilesOptions;
  readonly name: string;
  readonly #repo: string;
  readonly #revision: string;
  readonly #parts: () => Promise<Parts>;
  readonly #snapshot: () => Promise<Snapshot>;
  /** Sizes of the files that were or will be fetched. */
  readonly #planned = new Map<string, number>();
  /** By family: what has to be counted before one of its files is fetched. */
  readonly #plans = new Map<string, () => Promise<void>>();
  #loadedBytes = 0;
  #presentBytes = 0;

  constructor(repo: string, revision: string, options: HubFilesOptions) {
    this.#repo = repo;
    this.#revision = revision;
    this.options = options;
    this.name = `${repo}@${revision}`;
    this.#parts = once(() => this.#makeParts());
    this.#snapshot = once(() => this.#askSnapshot());
  }

  async open(path: string, signal?: AbortSignal): Promise<ByteSource | undefined> {
    const { cache, connection, settings } = await this.#parts();
    const { commit, files, blocked } = await this.#snapshot();
    if (files && !files.has(path)) return undefined;
    if (await cache.has(commit, path, files?.get(path)?.size)) return cache.open(commit, path);
    // Without a listing, what is not there is taken for what does not exist.
    if (!files) return undefined;
    if (blocked) throw notFetched(path, blocked, this.name);
    if (this.options.weightsInPlace && isWeightsFile(path) && !path.endsWith('.json')) {
      const { stallMs } = settings.retry;
      const address = new URL(connection.address(commit, path));
      const file = address.pathname.slice(address.pathname.lastIndexOf('/') + 1);
      return urlFiles(address.href, { fetch: connection.fetch, signal: this.options.signal, stallMs }).open(
        file,
        signal,
      );
    }
    await this.#plan({ commit, files }, path);
    await this.#fetch({ commit, files }, path, anySignal(this.options.signal, signal));
    return cache.open(commit, path);
  }

  /** All paths; where not even these are known, those in the cache. */
  async paths(): Promise<readonly string[]> {
    const { commit, files } = await this.#snapshot();
    return files ? [...files.keys()] : (await this.#parts()).cache.list(commit);
  }

  async pull(paths?: readonly string[], signal: AbortSignal | undefined = this.options.signal): Promise<Pulled> {
    const { cache } = await this.#parts();
    const snapshot = await this.#snapshot();
    const { commit, blocked, files = new Map((await cache.list(commit)).map(path => [path, undefined])) } = snapshot;
    const listing = { commit, files };
    const all = [...files.keys()];
    const wanted = paths ?? neededFiles(all, this.name, this.options.weights);
    const strange = wanted.find(path => !files.has(path));
    if (strange !== undefined)
      throw new CheckpointError('the model has no such file', {
        seen: JSON.stringify(strange),
        expected: all.slice(0, 20).join(', ') + (all.length > 20 ? ` and ${all.length - 20} more` : ''),
        where: this.name,
      });
    const missing = [];
    for (const path of wanted) if (!(await cache.has(commit, path, files.get(path)?.size))) missing.push(path);
    if (blocked && missing.length > 0) throw notFetched(missing.join(', '), blocked, this.name);
    const found = await mapAtOnce(missing, (path, stop) => this.#file(listing, path, anySignal(signal, stop)));
    for (const { path, size } of found) this.#planned.set(path, size);
    const fetched = await mapAtOnce(missing, (path, stop) => this.#fetch(listing, path, anySignal(signal, stop)));
    return { commit, files: wanted, fetchedBytes: fetched.reduce((sum, bytes) => sum + bytes, 0) };
  }

  async #makeParts(): Promise<Parts> {
    const settings = await hubSettings(this.options);
    const cache = inNode()
      ? (await import('./disk-cache.ts')).diskCache(settings.cacheDir, this.#repo)
      : (await import('./browser-cache.ts')).browserCache(settings.endpoint, this.#repo);
    return { settings, cache, connection: new HubConnection(this.#repo, settings) };
  }

  async #askSnapshot(): Promise<Snapshot> {
    const { settings, connection, cache } = await this.#parts();
    const kept = async (): Promise<Snapshot | undefined> => {
      const commit = await cache.commitOf(this.#revision);
      if (commit === undefined) return undefined;
      const files = (await cache.listing(commit))?.files;
      return files || (await cache.list(commit)).length > 0 ? { commit, files } : undefined;
    };
    if (settings.offline) {
      const blocked = new CheckpointError('the hub may not be asked', {
        seen: 'HF_HUB_OFFLINE or offline is set',
        expected: `${this.name} in ${cache.place}`,
        fix: `leave offline out, or download it first: heed pull ${this.name}`,
      });
      const snapshot = await kept();
      if (!snapshot) throw notFetched(undefined, blocked, this.name);
      return { ...snapshot, blocked };
    }
    // The files of a commit never change.
    const known = isCommit(this.#revision) ? await kept() : undefined;
    if (known?.files) return known;
    try {
      return await connection.listing(this.#revision, this.options.signal);
    } catch (error) {
      const snapshot = error instanceof HubUnavailable ? await kept() : undefined;
      if (!snapshot?.files) throw error;
      return { ...snapshot, blocked: error as HubUnavailable };
    }
  }

  async #file(listing: HubListing, path: string, signal?: AbortSignal): Promise<HubFile> {
    const { connection } = await this.#parts();
    return listing.files.get(path) ?? connection.describe(listing.commit, path, signal);
  }

  /** Counts what will be fetched: the file, and with weights in parts all the parts that are not there, once. */
  async #plan(listing: HubListing, path: string): Promise<void> {
    const family = familyOf(path);
    const plan = this.#plans.get(family) ?? once(() => this.#count(listing, family));
    this.#plans.set(family, plan);
    await plan();
  }

  async #count({ commit, files }: HubListing, family: string): Promise<void> {
    const { cache } = await this.#parts();
    for (const [path, file] of files)
      if (familyOf(path) === family && file && !(await cache.has(commit, path, file.size)))
        this.#planned.set(path, file.size);
  }

  /** How many bytes came from the hub. */
  async #fetch(listing: HubListing, path: string, signal?: AbortSignal): Promise<number> {
    const { cache, connection } = await this.#parts();
    const file = await this.#file(listing, path, signal);
    this.#planned.set(path, file.size);
    // A cache that has everything may be one that cannot be written.
    await cache.keep(this.#revision, listing);
    let fetched = 0;
    const onBytes = (bytes: number, there = false) => {
      this.#loadedBytes += bytes;
      if (there) this.#presentBytes += bytes;
      else fetched += bytes;
      const totalBytes = [...this.#planned.values()].reduce((sum, size) => sum + size, 0);
      const [loadedBytes, presentBytes] = [this.#loadedBytes, this.#presentBytes];
      this.options.onProgress?.({ file: path, loadedBytes, totalBytes, presentBytes });
    };
    await cache.fetch(connection, listing.commit, file, { signal, onBytes });
    return fetched;
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

/** @param path undefined = nothing of the model is there */
function notFetched(path: string | undefined, blocked: CheckpointError, where: string): CheckpointError {
  const { message, seen, expected, fix } = blocked;
  return new CheckpointError(
    path === undefined ? 'the model has not been downloaded' : 'a file has not been downloaded',
    {
      seen: `${path === undefined ? '' : `${path}: `}${seen ?? message}`,
      expected,
      fix,
      where,
      cause: blocked,
    },
  );
}
