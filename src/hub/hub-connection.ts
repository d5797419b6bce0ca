/**
 * What a hub knows about a model: which commit a revision is, which files it has, and their bytes. Requests are repeated where
 * that may help. Source: huggingface/huggingface_hub, file_download.py and hf_api.py.
 */
import { CheckpointError, FormatError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';
import { isPlainFileName } from '../formats/source.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import { broken, placeOf } from './hub-errors.ts';
import { isCommit } from './hub-id.ts';
import { bodyOf, type HubRequest, sendRequest } from './hub-request.ts';
import type { HubSettings } from './hub-settings.ts';
import { countRetries, withRetries } from './retry.ts';

/** A file of a commit. */
export interface HubFile {
  /** Path in the repository, plain names between slashes. */
  readonly path: string;
  /** SHA-256 of a large file, else the SHA-1 that git gives its blob, in hex; mirrors may have others. */
  readonly etag: string;
  /** In bytes. */
  readonly size: number;
}
export interface HubListing {
  readonly commit: string;
  /** By path; undefined where the hub tells only the names. */
  readonly files: ReadonlyMap<string, HubFile | undefined>;
}

/** A listing of a hundred thousand files takes this much. */
const MAX_LISTING_BYTES = 50_000_000;

export class HubConnection {
  readonly repo: string;
  readonly #settings: HubSettings;

  constructor(repo: string, settings: HubSettings) {
    this.repo = repo;
    this.#settings = settings;
  }

  /** The commit of a revision and the files in it. @throws CheckpointError, FormatError */
  async listing(revision: string, signal?: AbortSignal): Promise<HubListing> {
    const { endpoint, retry } = this.#settings;
    const url = `${endpoint}/api/models/${this.repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
    return withRetries(retry, signal, async () => {
      const answer = await this.#send({ url, asked: { repo: this.repo, revision }, signal });
      const parts: Uint8Array[] = [];
      try {
        for await (const part of bodyOf(answer, MAX_LISTING_BYTES)) parts.push(part);
      } catch (error) {
        throw broken(BROKE, error, url, signal);
      }
      return parseListing(new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()), placeOf(url));
    });
  }

  /** What a file is, where the listing does not say. @throws CheckpointError */
  async describe(commit: string, path: string, signal?: AbortSignal): Promise<HubFile> {
    const url = this.address(commit, path);
    const asked = { repo: this.repo, revision: commit, file: path };
    return withRetries(this.#settings.retry, signal, async () => {
      const { own, response, watchdog } = await this.#send({ url, asked, method: 'HEAD', signal });
      watchdog.done();
      await response.body?.cancel();
      const etag = own.get('x-linked-etag') ?? own.get('etag');
      const size = own.get('x-linked-size') ?? own.get('content-length');
      const file = fileOf(path, plainEtag(etag), size === null ? undefined : Number(size));
      if (!file)
        throw new CheckpointError('the hub does not say what a file is', {
          seen: `etag ${etag}, size ${size}`,
          expected: 'the headers x-linked-etag or etag, and x-linked-size or content-length',
          where: placeOf(url),
        });
      checkOwn(file, own, commit, placeOf(url));
      return file;
    });
  }

  address(commit: string, path: string): string {
    const names = path.split('/').map(encodeURIComponent);
    return `${this.#settings.endpoint}/${this.repo}/resolve/${encodeURIComponent(commit)}/${names.join('/')}`;
  }

  /**
   * The bytes of a file from `from` on, in order, exactly to its end; where a connection breaks, another goes on.
   * @throws CheckpointError, FormatError
   */
  async *bytes(commit: string, file: HubFile, from: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const url = this.address(commit, file.path);
    const asked = { repo: this.repo, revision: commit, file: file.path };
    const retries = countRetries(this.#settings.retry, signal);
    for (let at = from; at < file.size; ) {
      try {
        const answer = await this.#send({ url, asked, range: at > 0 ? `bytes=${at}-` : undefined, signal });
        checkOwn(file, answer.own, commit, placeOf(url));
        // A server without ranges begins at the beginning.
        let skip = at - startOf(answer.response, file, at, placeOf(url));
        for await (const part of bodyOf(answer, skip + file.size - at)) {
          const fresh = part.subarray(Math.min(skip, part.length));
          skip -= part.length - fresh.length;
          at += fresh.length;
          retries.progress(fresh.length);
          if (fresh.length > 0) yield fresh;
        }
        if (at < file.size) throw new Error(`end after ${at} of ${file.size} bytes`);
      } catch (error) {
        await retries.after(broken(BROKE, error, url, signal));
      }
    }
  }

  /** `fetch` for addresses below the hub's: with the token, redirects and repetitions. Only ranges and signals are passed on. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const signal = init?.signal ?? undefined;
    const range = new Headers(init?.headers).get('range') ?? undefined;
    const asked = { repo: this.repo, revision: '', file: decodeURIComponent(url.split('/').at(-1)!) };
    return withRetries(this.#settings.retry, signal, async () => {
      const { response, watchdog } = await this.#send({ url, asked, range, signal });
      watchdog.pause();
      return response;
    });
  };

  #send(request: HubRequest) {
    return sendRequest(request, this.#settings);
  }
}

const BROKE = 'the connection to the hub broke';

/** Where the bytes of an answer begin. @throws CheckpointError when they are not those of the file */
function startOf({ status, headers }: Response, { size }: HubFile, at: number, where: string): number {
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
  const start = status === 206 ? Number(first) : 0;
  const length = headers.get('content-length');
  const all =
    status === 206 ? Number(total) : length === null || headers.has('content-encoding') ? size : Number(length);
  if (all === size && (start === 0 || start === at)) return start;
  throw new CheckpointError('the hub sends a file of another size than it says', {
    seen: status === 206 ? `content-range ${quoted(headers.get('content-range') ?? '')}` : `${all} bytes`,
    expected: `${size} bytes${at > 0 ? `, from ${at} on` : ''}`,
    fix: 'try again; if it stays so, the file on the hub is damaged',
    where,
  });
}

/** Checks what the hub says with the bytes against what it said before. */
function checkOwn(file: HubFile, own: Headers, commit: string, where: string): void {
  const facts: readonly (readonly [string, string | undefined, string])[] = [
    ['x-repo-commit', own.get('x-repo-commit') ?? undefined, commit],
    ['x-linked-etag', plainEtag(own.get('x-linked-etag')), file.etag],
    ['x-linked-size', own.get('x-linked-size') ?? undefined, String(file.size)],
  ];
  for (const [header, seen, expected] of facts)
    if (seen !== undefined && seen !== expected)
      throw new CheckpointError('the hub gives another file than the one it lists', {
        seen: `${header} ${quoted(seen)}`,
        expected,
        fix: 'try again: the model may just have been changed',
        where,
      });
}

/** An entity tag without its quotes and mark of weakness. */
function plainEtag(etag: string | null): string | undefined {
  return etag?.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
}

/** A file whose facts can be names in a folder; undefined when they are not known or cannot. */
function fileOf(path: string, etag: unknown, size: unknown): HubFile | undefined {
  if (typeof etag !== 'string' || !/^\w[\w-]{0,127}$/.test(etag)) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  return { path, etag, size };
}

function parseListing(bytes: Uint8Array, where: string): HubListing {
  const wrong = (seen: string, cause?: unknown) =>
    new FormatError('this is not how a hub lists a model', {
      seen,
      expected: '{ sha, siblings: [{ rfilename }] }',
      fix: 'check HF_ENDPOINT',
      where,
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(decodeUtf8(bytes, where));
  } catch (cause) {
    throw wrong(`no JSON: ${(cause as Error).message}`, cause);
  }
  const { sha, siblings } = asRecord(json);
  if (typeof sha !== 'string' || !isCommit(sha)) throw wrong(`sha ${quoted(String(sha))}`);
  if (!Array.isArray(siblings)) throw wrong(`siblings ${typeof siblings}`);
  const files = new Map<string, HubFile | undefined>();
  for (const entry of siblings) {
    const { rfilename: path, size, blobId, lfs } = asRecord(entry);
    if (typeof path !== 'string') throw wrong(`a file named ${typeof path}`);
    checkPath(path, where);
    const large = asRecord(lfs);
    files.set(path, lfs ? fileOf(path, large.sha256, large.size) : fileOf(path, blobId, size));
  }
  return { commit: sha, files };
}

const asRecord = (value: unknown) =>
  (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;

/** Throws CheckpointError for a path that is not plain names between slashes. */
export function checkPath(path: string, where: string): void {
  if (path.split('/').every(isPlainFileName)) return;
  throw new CheckpointError('file name leaves the model', {
    seen: quoted(path),
    expected: 'plain names between slashes',
    where,
  });
}
