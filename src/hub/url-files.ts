/**
 * The files of a model on a web server. Where the server gives ranges (RFC 9110, section 14), large files are read in blocks
 * and only where they are asked for; elsewhere a file is fetched once as a whole.
 */
import { CheckpointError, ConfigError, FormatError } from '../errors.ts';
import {
  type ByteSource,
  blobSource,
  bytesSource,
  checkFileName,
  isWeightsFile,
  type ModelFiles,
  readTarget,
} from '../formats/index.ts';

export interface UrlFilesOptions {
  /** Instead of the global one, for instance to send a login with each request. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Stops every request. */
  readonly signal?: AbortSignal | undefined;
  /** A server that sends nothing for so long in the middle of a file is given up. Default 60,000. */
  readonly stallMs?: number | undefined;
}

/** Bytes of a request. Weights are read in smaller pieces and in nearly the order of the file. */
const BLOCK_BYTES = 8 << 20;
/** Blocks that are kept: small tensors lie between large ones, and are read before or after these. */
const KEPT_BLOCKS = 4;

/** What a server says about a file besides its bytes. */
interface Remote {
  readonly name: string;
  readonly size: number;
  /** Equal where the bytes are equal; undefined = the server does not say. */
  readonly version: string | undefined;
}
/** When reading a body ends early. */
interface BodyRules {
  readonly signal: AbortSignal;
  readonly stallMs: number;
}
const STALL_MS = 60_000;
type Get = (range?: readonly [first: number, last: number]) => Promise<Response>;

/**
 * The files below an http(s) address: that of a folder, or of a weights file with the others beside it. A query (a
 * signature) is sent with every request, and is not shown in messages. In a page the address may be relative.
 * `open` gives undefined for 404 and for a page of HTML in place of a file; it and reading throw CheckpointError for any other
 * status and for a broken connection, and the signal's reason when aborted.
 * @throws ConfigError when `base` is no such address
 */
export function urlFiles(base: string, options: UrlFilesOptions = {}): ModelFiles {
  const address = parseAddress(base);
  const { origin, pathname } = address;
  const cut = pathname.lastIndexOf('/') + 1;
  const weights = isWeightsFile(pathname) ? pathname.slice(cut) : undefined;
  const folder = weights === undefined && cut < pathname.length ? `${pathname}/` : pathname.slice(0, cut);
  const blocks = new BlockCache();
  return {
    name: origin + (weights === undefined ? folder : pathname),
    weights,
    async open(file, signal) {
      // The weights' own name is a part of the address as it was given.
      if (file !== weights) checkFileName(file, origin + folder);
      const url = new URL(address);
      url.pathname = folder + (file === weights ? file : encodeURIComponent(file));
      const signals = [options.signal, signal].filter(s => s !== undefined);
      const body: BodyRules = { signal: AbortSignal.any(signals), stallMs: options.stallMs ?? STALL_MS };
      return openUrl(url, options.fetch ?? globalThis.fetch, body, blocks);
    },
    folder(name) {
      checkFileName(name, origin + folder);
      const url = new URL(address);
      url.pathname = `${folder}${encodeURIComponent(name)}/`;
      return urlFiles(url.href, options);
    },
  };
}

function parseAddress(base: string): URL {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  const address = URL.canParse(base, page) ? new URL(base, page) : undefined;
  if (!address || !/^https?:$/.test(address.protocol))
    throw new ConfigError('not an address of model files', { seen: base, expected: 'an http(s) URL' });
  if (address.username || address.password)
    throw new ConfigError('an address of model files holds no login', {
      seen: address.host,
      fix: 'send it with a fetch of your own: urlFiles(address, { fetch })',
    });
  address.hash = '';
  return address;
}

async function openUrl(
  url: URL,
  send: typeof globalThis.fetch,
  rules: BodyRules,
  blocks: BlockCache,
): Promise<ByteSource | undefined> {
  const { signal } = rules;
  const name = url.origin + url.pathname;
  const get: Get = async range => {
    const headers = range ? { range: `bytes=${range[0]}-${range[1]}` } : {};
    return guarded(name, signal, 'file cannot be fetched', () => send(url, { headers, signal }));
  };
  let response = await get([0, BLOCK_BYTES - 1]);
  // Servers of single-page applications answer with their page where there is no file.
  if (response.status === 404 || (response.ok && response.headers.get('content-type')?.startsWith('text/html'))) {
    await response.body?.cancel();
    return undefined;
  }
  if (response.status === 206) {
    const remote = describe(response, name);
    if (remote) {
      const first = await readBody(response, Math.min(BLOCK_BYTES, remote.size), name, rules);
      blocks.put(`${name} 0`, Promise.resolve(first));
      return rangeSource(remote, get, rules, blocks);
    }
    // Other sites may hide the size of a file from a page; without it ranges are of no use.
    await response.body?.cancel();
    response = await get();
  }
  // Of an empty file there is no range.
  if (response.status === 416) return emptied(response, name);
  if (response.status !== 200) throw await refused(response, name);
  return blobSource(await readBlob(response, name, rules), name);
}

async function emptied(response: Response, name: string): Promise<ByteSource> {
  await response.body?.cancel();
  return bytesSource(new Uint8Array(0), name);
}

/** Size and version in the answer to a range request; undefined when they cannot be seen, or the bytes are encoded. */
function describe({ headers }: Response, name: string): Remote | undefined {
  const [, total] = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
  const size = Number(total);
  if (!Number.isSafeInteger(size) || headers.has('content-encoding')) return undefined;
  const tag = headers.get('etag');
  return { name, size, version: tag?.startsWith('"') ? tag : undefined };
}

function rangeSource(remote: Remote, get: Get, rules: BodyRules, blocks: BlockCache): ByteSource {
  const { signal } = rules;
  const { name, size } = remote;
  const fetchBlock = async (index: number): Promise<Uint8Array> => {
    const begin = index * BLOCK_BYTES;
    const end = Math.min(begin + BLOCK_BYTES, size);
    const response = await get([begin, end - 1]);
    if (response.status !== 206) throw await refused(response, name, '206, a part of the file');
    const now = describe(response, name);
    if (now?.size !== size || now.version !== remote.version) {
      await response.body?.cancel();
      throw new CheckpointError('file changed while it was read', { fix: 'load the model again', where: name });
    }
    return readBody(response, end - begin, name, rules);
  };
  let closed = false;
  const source: ByteSource = {
    name,
    size,
    async read(offset, length, into) {
      if (closed) throw new ConfigError('file is closed', { where: name });
      const out = readTarget(source, offset, length, into);
      for (let done = 0; done < length; ) {
        const index = Math.floor((offset + done) / BLOCK_BYTES);
        const key = `${name} ${index}`;
        const block = await (blocks.get(key) ?? blocks.put(key, fetchBlock(index)));
        signal.throwIfAborted();
        const begin = offset + done - index * BLOCK_BYTES;
        const part = block.subarray(begin, begin + length - done);
        out.set(part, done);
        done += part.length;
      }
      return out;
    },
    async close() {
      closed = true;
      blocks.drop(`${name} `);
    },
  };
  return source;
}

/** The blocks that were used last, of all files together: a model may have many shards. */
class BlockCache {
  private readonly kept = new Map<string, Promise<Uint8Array>>();

  get(key: string): Promise<Uint8Array> | undefined {
    const block = this.kept.get(key);
    return block && this.put(key, block);
  }
  put(key: string, block: Promise<Uint8Array>): Promise<Uint8Array> {
    this.kept.delete(key);
    this.kept.set(key, block);
    for (const oldest of this.kept.keys()) if (this.kept.size > KEPT_BLOCKS) this.kept.delete(oldest);
    // A block that failed may be asked for again.
    block.catch(() => this.kept.get(key) === block && this.kept.delete(key));
    return block;
  }
  drop(prefix: string): void {
    for (const key of this.kept.keys()) if (key.startsWith(prefix)) this.kept.delete(key);
  }
}

const BROKEN = 'connection broke while a file was fetched';

/** Exactly `length` bytes of a body: no more are taken, whatever the server sends. */
async function readBody(response: Response, length: number, name: string, rules: BodyRules): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const reader = response.body?.getReader();
  let filled = 0;
  while (reader) {
    const { done, value } = await guarded(name, rules.signal, BROKEN, () => nextPart(reader, rules.stallMs));
    if (done) break;
    if (filled + value.length > length) {
      await reader.cancel();
      throw new FormatError('server gives more bytes than it says', { expected: `${length} bytes`, where: name });
    }
    bytes.set(value, filled);
    filled += value.length;
  }
  if (filled === length) return bytes;
  throw new CheckpointError(BROKEN, { seen: `${filled} bytes`, expected: `${length} bytes`, where: name });
}

/** A body of any length; the browser may keep it on the disk. */
async function readBlob(response: Response, name: string, rules: BodyRules): Promise<Blob> {
  const parts: Blob[] = [];
  let some: Uint8Array[] = [];
  let size = 0;
  for (const reader = response.body?.getReader(); reader; ) {
    const { done, value } = await guarded(name, rules.signal, BROKEN, () => nextPart(reader, rules.stallMs));
    if (value) some.push(value);
    size += value?.length ?? 0;
    if (done || size >= BLOCK_BYTES) {
      parts.push(new Blob(some as BlobPart[]));
      some = [];
      size = 0;
    }
    if (done) break;
  }
  return new Blob(parts);
}

/** The next bytes of a body; an error when none come for a while. */
async function nextPart(reader: ReadableStreamDefaultReader<Uint8Array>, stallMs: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`nothing came for ${stallMs / 1000} s`));
      reader.cancel().catch(() => undefined); // the error is told already
    }, stallMs);
  });
  try {
    return await Promise.race([reader.read(), stalled]);
  } finally {
    clearTimeout(timer);
  }
}

async function refused(response: Response, name: string, expected?: string): Promise<CheckpointError> {
  await response.body?.cancel();
  const login = response.status === 401 || response.status === 403;
  return new CheckpointError('server does not give a file', {
    seen: `status ${response.status} ${response.statusText}`.trimEnd(),
    expected,
    fix: login ? 'give a fetch that sends what the server asks for' : undefined,
    where: name,
  });
}

/** Runs a step of a request; its failure becomes the signal's reason if that is why, else an error with the address. */
async function guarded<T>(name: string, signal: AbortSignal, what: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    signal.throwIfAborted();
    const { message, cause } = error as Error;
    throw new CheckpointError(what, {
      seen: cause instanceof Error && cause.message ? `${message}: ${cause.message}` : message,
      where: name,
      cause: error,
    });
  }
}
