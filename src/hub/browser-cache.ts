/**
 * Downloaded models in a page: the browser's cache of responses (Cache API), by the addresses of the files at their commit. The
 * browser may discard it when room is scarce, unless the page asks for persistence.
 */
import { BackendError, CheckpointError, UnsupportedError } from '../errors.ts';
import { blobSource } from '../formats/index.ts';
import { createSha256 } from '../util/sha256.ts';
import type { FetchOptions, HubCache } from './hub-cache.ts';
import type { HubConnection } from './hub-connection.ts';
import { isCommit } from './hub-id.ts';
import { decodeListing, encodeListing, type HubFile } from './hub-listing.ts';

const CACHE = 'heed-hub';
/** Several tabs fetch a file once. */
const lockManager = (): Pick<LockManager, 'request'> | undefined => globalThis.navigator?.locks;

export function browserCache(endpoint: string, repo: string): HubCache {
  const place = `${endpoint}/${repo}`;
  const files = (commit: string) => `${place}/resolve/${commit}/`;
  const fileAddress = (commit: string, path: string) =>
    files(commit) + path.split('/').map(encodeURIComponent).join('/');
  const refAddress = (revision: string) => `${place}/refs/${encodeURIComponent(revision)}`;
  const treeAddress = (commit: string) => `${place}/trees/${commit}`;
  const cache: HubCache = {
    place,
    async commitOf(revision) {
      if (isCommit(revision)) return revision;
      const text = await (await (await openCache()).match(refAddress(revision)))?.text();
      return text !== undefined && isCommit(text) ? text : undefined;
    },
    async listing(commit) {
      const text = await (await (await openCache()).match(treeAddress(commit)))?.text();
      return text === undefined ? undefined : decodeListing(text, commit);
    },
    async keep(revision, listing) {
      const store = await openCache();
      await store.put(treeAddress(listing.commit), new Response(encodeListing(listing) as BufferSource));
      if (revision !== listing.commit) await store.put(refAddress(revision), new Response(listing.commit));
    },
    async has(commit, path, size) {
      const response = await (await openCache()).match(fileAddress(commit, path));
      return response !== undefined && (size === undefined || response.headers.get('content-length') === String(size));
    },
    async open(commit, path) {
      const address = fileAddress(commit, path);
      const response = await (await openCache()).match(address);
      return response && blobSource(await response.blob(), address);
    },
    async list(commit) {
      const urls = (await (await openCache()).keys()).map(({ url }) => url);
      const below = urls.filter(url => url.startsWith(files(commit))).map(url => url.slice(files(commit).length));
      return below.map(path => path.split('/').map(decodeURIComponent).join('/'));
    },
    async fetch(connection, commit, file, options = {}) {
      const address = fileAddress(commit, file.path);
      const work = async () => {
        if (await cache.has(commit, file.path, file.size)) options.onBytes?.(file.size, true);
        else await keep(address, connection, commit, file, options);
      };
      const locks = lockManager();
      const { signal } = options;
      await (locks ? locks.request(`heed ${address}`, signal ? { signal } : {}, work) : work());
    },
  };
  return cache;
}

async function openCache(): Promise<Cache> {
  if (typeof caches !== 'undefined') return caches.open(CACHE);
  throw new UnsupportedError('the browser keeps no files for this page', {
    expected: 'a page from https or localhost',
    fix: 'serve it so, or give the address of the model files instead of its name',
  });
}

/** Streams a file into the cache, which has it once it is complete and right. */
async function keep(
  address: string,
  connection: HubConnection,
  commit: string,
  file: HubFile,
  { signal, onBytes }: FetchOptions,
): Promise<void> {
  const bytes = checked(connection.bytes(commit, file, 0, signal), file, address, onBytes);
  // The cache tells of a stream that failed in words of its own.
  let failure: unknown;
  const body = new ReadableStream<BufferSource>({
    async pull(controller) {
      try {
        const { done, value } = await bytes.next();
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    async cancel() {
      await bytes.return();
    },
  });
  const headers = { 'content-length': String(file.size), 'content-type': 'application/octet-stream' };
  try {
    await (await openCache()).put(address, new Response(body, { headers }));
  } catch (error) {
    throw failure ?? storageError(error, file, address);
  }
}

/** Passes bytes on and fails at their end if they are not those of the file. */
async function* checked(
  bytes: AsyncIterable<Uint8Array>,
  { etag, size }: HubFile,
  where: string,
  onBytes: FetchOptions['onBytes'],
): AsyncGenerator<Uint8Array, void> {
  const hash = hashOf(etag, size);
  for await (const part of bytes) {
    hash?.update(part);
    onBytes?.(part.length);
    yield part;
  }
  const digest = await hash?.digest();
  if (digest === undefined || digest === etag) return;
  throw new CheckpointError('a downloaded file is not what the hub says', {
    seen: `checksum ${digest}`,
    expected: etag,
    fix: 'try again; if it stays so, the file on the hub or something on the way is damaged',
    where,
  });
}

/** The checksum that is the etag, as in `blobHash`: of large files in parts, of git's small ones as a whole. */
function hashOf(etag: string, size: number) {
  if (/^[0-9a-f]{64}$/.test(etag)) return createSha256();
  if (!/^[0-9a-f]{40}$/.test(etag)) return undefined;
  const parts: Uint8Array[] = [new TextEncoder().encode(`blob ${size}\0`)];
  return {
    update: (bytes: Uint8Array) => void parts.push(bytes),
    async digest() {
      const whole = await new Blob(parts as BlobPart[]).arrayBuffer();
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', whole));
      return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('');
    },
  };
}

function storageError(error: unknown, { size }: HubFile, where: string): unknown {
  if (!(error instanceof DOMException) || error.name !== 'QuotaExceededError') return error;
  return new BackendError('the browser has no room for the file', {
    expected: `${size} bytes`,
    fix: 'free storage of this site, or ask for more with navigator.storage.persist()',
    where,
    cause: error,
  });
}
