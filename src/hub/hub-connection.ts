/**
 * What a hub knows about a model: which commit a revision is, which files it has, and their bytes. Requests are repeated where
 * that may help. Source: huggingface/huggingface_hub, file_download.py and hf_api.py.
 */
import { CheckpointError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';
import { broken, placeOf } from './hub-errors.ts';
import { fileOf, type HubFile, type HubListing, parseListing } from './hub-listing.ts';
import { bodyOf, bytesOf, type HubRequest, sendRequest, streamOf } from './hub-request.ts';
import type { HubSettings } from './hub-settings.ts';
import { countRetries, withRetries } from './retry.ts';

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
      const bytes = await bytesOf(answer, MAX_LISTING_BYTES).catch((error: unknown) => {
        throw broken(BROKE, error, url, signal);
      });
      return parseListing(new Uint8Array(bytes), placeOf(url));
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

  /**
   * `fetch` for addresses below the hub's: with the token, redirects and repetitions. Only ranges and signals are passed on. The
   * bytes of a range are all there when the answer is given, so that a connection that breaks among them is repeated too.
   */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const signal = init?.signal ?? undefined;
    const range = new Headers(init?.headers).get('range') ?? undefined;
    const asked = { repo: this.repo, revision: '', file: decodeURIComponent(url.split('/').at(-1)!) };
    return withRetries(this.#settings.retry, signal, async () => {
      const answer = await this.#send({ url, asked, range, signal });
      const { status, headers } = answer.response;
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
      if (status !== 206 || last === undefined) return new Response(streamOf(answer), { status, headers });
      const bytes = await bytesOf(answer, Number(last) - Number(first) + 1).catch((error: unknown) => {
        throw broken(BROKE, error, url, signal);
      });
      return new Response(bytes, { status, headers });
    });
  };

  #send(request: HubRequest) {
    return sendRequest(request, this.#settings);
  }
}

const BROKE = 'the connection to the hub broke';

/** Where the bytes of an answer begin. @throws CheckpointError when they are not those of the file */
function startOf({ status, headers }: Response, { size }: HubFile, at: number, where: string): number {
  const range = status === 206 ? headers.get('content-range') : null;
  const length = headers.has('content-encoding') ? null : headers.get('content-length');
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(range ?? '') ?? [];
  // Other sites may hide the range from a page; the length is always seen.
  const start = status !== 206 ? 0 : range === null ? at : Number(first);
  const all = range !== null ? Number(total) : length === null ? size : start + Number(length);
  if (all === size && (start === 0 || start === at)) return start;
  throw new CheckpointError('the hub sends a file of another size than it says', {
    seen: range === null ? `${all} bytes` : `content-range ${quoted(range)}`,
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
