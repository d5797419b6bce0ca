/**
 * A model hub for tests, on this machine: the routes that heed and the reference's tools use, large files on a second host as
 * behind a content network, and on demand every way in which a hub or the line to it misbehaves.
 * Source: huggingface/huggingface_hub, file_download.py and hf_api.py.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Files = Readonly<Record<string, Uint8Array>>;
export interface HubModelSpec {
  readonly files: Files;
  /** Other branches and tags; `main` has `files`. */
  readonly branches?: Readonly<Record<string, Files>>;
  /** Only those who send it may read the model. */
  readonly token?: string;
  /** Those who send no or another token are told that the model is gated. */
  readonly gated?: boolean;
}

/** What a request gets instead of its answer. */
export interface Fault {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The body stops after so many bytes: the connection is cut, or stays silent. */
  readonly cutAfter?: number;
  readonly silentAfter?: number;
  /** Between two parts of the body. */
  readonly pauseMs?: number;
  /** One byte of the body is another. */
  readonly damaged?: boolean;
  /** The whole file, whatever range was asked for. */
  readonly noRanges?: boolean;
  /** The answer of a healthy server, with changes to its headers. */
  readonly change?: Readonly<Record<string, string>>;
  /** The body of this many bytes, instead of the file's; `chunked`: without saying so before. */
  readonly length?: number;
  readonly chunked?: boolean;
}
export interface SeenRequest {
  readonly host: 'hub' | 'cdn';
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}
export interface Hub {
  readonly endpoint: string;
  readonly cdn: string;
  readonly requests: SeenRequest[];
  /** The next requests whose `host method path` matches get the fault. */
  misbehave(request: RegExp, fault: Fault, times?: number): void;
  commit(repo: string, revision?: string): string;
  /** Gives `main` other files. */
  update(repo: string, files: Files): void;
  /** Leaves out what the listing says of a file besides its name, as some mirrors do. */
  bareListings: boolean;
  close(): Promise<void>;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const gitSha1 = (bytes: Uint8Array) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
const isLarge = (path: string) => /\.(safetensors|bin)$/.test(path);
const etagOf = (path: string, bytes: Uint8Array) => (isLarge(path) ? sha256(bytes) : gitSha1(bytes));
const commitOf = (files: Files) =>
  createHash('sha1')
    .update(JSON.stringify(Object.entries(files).map(([path, bytes]) => [path, etagOf(path, bytes)])))
    .digest('hex');

export async function startHub(specs: Readonly<Record<string, HubModelSpec>>): Promise<Hub> {
  const models = new Map(Object.entries(specs));
  const commits = new Map<string, Files>();
  const blobs = new Map<string, Uint8Array>();
  const requests: SeenRequest[] = [];
  const faults: { request: RegExp; fault: Fault; times: number }[] = [];
  const learn = (files: Files) => {
    commits.set(commitOf(files), files);
    for (const [path, bytes] of Object.entries(files)) blobs.set(etagOf(path, bytes), bytes);
  };
  for (const { files, branches = {} } of models.values())
    for (const each of [files, ...Object.values(branches)]) learn(each);

  /** The fault that is due, if any. */
  const note = (host: 'hub' | 'cdn', request: IncomingMessage): Fault => {
    const { method = '', url: path = '', headers } = request;
    requests.push({ host, method, path, range: headers.range, authorization: headers.authorization });
    const due = faults.find(({ request, times }) => times > 0 && request.test(`${host} ${method} ${path}`));
    if (due) due.times--;
    return due?.fault ?? {};
  };
  const filesOf = (spec: HubModelSpec, revision: string): Files | undefined =>
    revision === 'main' ? spec.files : (spec.branches?.[revision] ?? commits.get(revision));

  const hub = await listen((request, response) => {
    const fault = note('hub', request);
    if (fault.status !== undefined) return answer(response, fault.status, fault.headers, fault.body);
    const url = new URL(request.url!, 'http://hub');
    const api = /^\/api\/models\/(.+?)(?:\/(revision|tree)\/([^/]+))?$/.exec(url.pathname);
    const resolve = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [repo, revision] = api ? [api[1]!, api[3] ?? 'main'] : [resolve?.[1] ?? '', resolve?.[2] ?? ''];
    const spec = models.get(repo);
    const refused = refusalOf(spec, request.headers.authorization);
    if (!spec || refused) return answer(response, ...(refused ?? ([401, { 'x-error-code': 'RepoNotFound' }] as const)));
    const files = filesOf(spec, decodeURIComponent(revision));
    if (!files) return answer(response, 404, { 'x-error-code': 'RevisionNotFound' });
    if (api?.[2] === 'tree') return answer(response, 200, {}, JSON.stringify(treeOf(files)));
    if (api) {
      const bare = self.bareListings || url.searchParams.get('blobs') !== 'true';
      return answer(
        response,
        200,
        {},
        JSON.stringify({ id: repo, modelId: repo, sha: commitOf(files), siblings: siblingsOf(files, bare) }),
      );
    }
    const path = decodeURIComponent(resolve?.[3] ?? '');
    const bytes = Object.hasOwn(files, path) ? files[path] : undefined;
    const commit = { 'x-repo-commit': commitOf(files) };
    if (!bytes) return answer(response, 404, { ...commit, 'x-error-code': 'EntryNotFound' });
    const etag = etagOf(path, bytes);
    if (!isLarge(path)) return sendBytes(request, response, bytes, { ...commit, etag: `"${etag}"` }, fault);
    const linked = { 'x-linked-etag': `"${etag}"`, 'x-linked-size': String(bytes.length) };
    const location = `${self.cdn}/${etag}?signature=secret`;
    return answer(response, 302, { ...commit, ...linked, location, ...fault.change });
  });
  const cdn = await listen((request, response) => {
    const fault = note('cdn', request);
    if (fault.status !== undefined) return answer(response, fault.status, fault.headers, fault.body);
    const bytes = blobs.get(new URL(request.url!, 'http://cdn').pathname.slice(1));
    if (!bytes) return answer(response, 404);
    return sendBytes(request, response, bytes, { etag: '"of-the-cdn"' }, fault);
  });

  const self: Hub = {
    endpoint: addressOf(hub),
    // The reference's tools tell hosts apart by name, not by port.
    cdn: addressOf(cdn).replace('127.0.0.1', 'localhost'),
    requests,
    bareListings: false,
    misbehave: (request, fault, times = 1) => void faults.push({ request, fault, times }),
    commit(repo, revision = 'main') {
      const files = filesOf(models.get(repo)!, revision);
      if (!files) throw new Error(`${repo} has no ${revision}`);
      return commitOf(files);
    },
    update(repo, files) {
      learn(files);
      models.set(repo, { ...models.get(repo)!, files });
    },
    async close() {
      for (const server of [hub, cdn]) {
        server.closeAllConnections();
        await new Promise(done => server.close(done));
      }
    },
  };
  return self;
}

type Refusal = readonly [status: number, headers: Readonly<Record<string, string>>];
function refusalOf(spec: HubModelSpec | undefined, authorization: string | undefined): Refusal | undefined {
  if (!spec?.token || authorization === `Bearer ${spec.token}`) return undefined;
  if (spec.gated) return [authorization ? 403 : 401, { 'x-error-code': 'GatedRepo' }];
  return [authorization ? 404 : 401, { 'x-error-code': 'RepoNotFound' }];
}

const pointerSize = 134;
function siblingsOf(files: Files, bare: boolean) {
  return Object.entries(files).map(([rfilename, bytes]) => {
    if (bare) return { rfilename };
    const blobId = gitSha1(bytes);
    const lfs = { sha256: sha256(bytes), size: bytes.length, pointerSize };
    return { rfilename, size: bytes.length, blobId, ...(isLarge(rfilename) && { lfs }) };
  });
}
function treeOf(files: Files) {
  return Object.entries(files).map(([path, bytes]) => {
    const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize };
    return { type: 'file', oid: gitSha1(bytes), size: bytes.length, path, ...(isLarge(path) && { lfs }) };
  });
}

const PART_BYTES = 1 << 14;

function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  whole: Uint8Array,
  headers: Readonly<Record<string, string>>,
  fault: Fault,
): void {
  const [, first, last] = (!fault.noRanges && /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')) || [];
  const start = Number(first ?? 0);
  const end = last ? Math.min(Number(last) + 1, whole.length) : whole.length;
  if (first !== undefined && start >= whole.length) {
    answer(response, 416);
    return;
  }
  const bytes = fault.length === undefined ? whole.slice(start, end) : new Uint8Array(fault.length);
  if (fault.damaged) bytes[bytes.length >> 1]! ^= 1;
  const range = first === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${whole.length}` };
  const length = fault.chunked ? {} : { 'content-length': String(bytes.length) };
  const facts = { 'accept-ranges': 'bytes', ...length, ...headers, ...range };
  response.writeHead(first === undefined ? 200 : 206, { ...facts, ...fault.change });
  if (request.method === 'HEAD') return void response.end();
  void sendParts(response, bytes, fault);
}

async function sendParts(response: ServerResponse, bytes: Uint8Array, fault: Fault): Promise<void> {
  const stop = fault.cutAfter ?? fault.silentAfter ?? bytes.length;
  for (let at = 0; at < stop && !response.destroyed; at += PART_BYTES) {
    const part = bytes.subarray(at, Math.min(stop, at + PART_BYTES));
    await new Promise<void>(done => void response.write(part, () => done()));
    if (fault.pauseMs) await new Promise(done => setTimeout(done, fault.pauseMs));
  }
  if (fault.cutAfter !== undefined) response.destroy();
  else if (fault.silentAfter === undefined) response.end();
}

function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): void {
  response.writeHead(status, headers).end(body);
}

/** What pages of other sites may do, as on the public hub. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'authorization, range',
  'access-control-expose-headers': 'etag, content-range, x-repo-commit, x-error-code',
};

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value);
    if (request.method === 'OPTIONS') response.writeHead(204).end();
    else handler(request, response);
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  return server;
}
const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
