/**
 * Serves `plain/` with what it needs of this repository. `npx tsx examples/browser/serve.ts [--isolated] [--port N]`, then open
 * the address that it prints. With `--isolated` it sends the two headers that give a page shared memory, and heed its threads.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = '/examples/browser/plain/';
/** Nothing else of the repository can be fetched. */
const FOLDERS = [PAGE, '/dist/', '/models/', '/node_modules/@huggingface/jinja/dist/'];
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
};
/** Cross-origin isolation: everything of other sites then has to allow being embedded, as a model hub's CORS headers do. */
const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

export interface ServeOptions {
  readonly isolated?: boolean | undefined;
  /** Default: any that is free. */
  readonly port?: number | undefined;
}

/** A server of the example on this machine alone, and the address of its page. */
export async function serveExample({ isolated = false, port = 0 }: ServeOptions = {}): Promise<{
  readonly server: Server;
  readonly url: string;
}> {
  const server = createServer((request, response) => {
    if (isolated) for (const [name, value] of Object.entries(ISOLATION)) response.setHeader(name, value);
    answer(request, response).catch(error => response.destroy(error));
  });
  await new Promise<void>((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PAGE}` };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = fileOf(request.url ?? '/');
  const facts = file === undefined ? undefined : await stat(file).catch(() => undefined);
  if (request.url === '/') return void response.writeHead(302, { location: PAGE }).end();
  if (file === undefined || !facts?.isFile()) return void response.writeHead(404).end();
  const type = TYPES[extname(file)] ?? 'application/octet-stream';
  response.setHeader('accept-ranges', 'bytes').setHeader('content-type', type).setHeader('cache-control', 'no-cache');
  // Weights are read piece by piece.
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(from ?? 0);
  const end = Math.min(to ? Number(to) : facts.size - 1, facts.size - 1);
  if (from !== undefined && start > end)
    return void response.writeHead(416, { 'content-range': `bytes */${facts.size}` }).end();
  response.writeHead(from === undefined ? 200 : 206, {
    'content-length': end - start + 1,
    ...(from !== undefined && { 'content-range': `bytes ${start}-${end}/${facts.size}` }),
  });
  if (request.method === 'HEAD' || facts.size === 0) return void response.end();
  createReadStream(file, { start, end })
    .on('error', error => response.destroy(error))
    .pipe(response);
}

/** The file of an address; undefined outside the folders. */
function fileOf(address: string): string | undefined {
  const { pathname } = new URL(address, 'http://localhost');
  let path: string;
  try {
    path = normalize(decodeURIComponent(pathname)).replaceAll(sep, '/');
  } catch {
    return undefined;
  }
  if (path.includes('\0') || !FOLDERS.some(folder => path.startsWith(folder))) return undefined;
  return join(ROOT, path.endsWith('/') ? `${path}index.html` : path);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const port = process.argv.indexOf('--port');
  const isolated = process.argv.includes('--isolated');
  const { url } = await serveExample({ isolated, port: port < 0 ? 8000 : Number(process.argv[port + 1]) });
  console.log(`${url}  (${isolated ? 'isolated' : 'not isolated; try --isolated'}; Ctrl-C ends)`);
}
