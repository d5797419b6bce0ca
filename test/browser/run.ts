/**
 * Runs the browser suites in Chromium, in a page with shared memory (COOP/COEP headers) and in one without.
 * `tsx test/browser/run.ts`; builds `dist/` first. HEED_CHROMIUM names the browser.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize, resolve } from 'node:path';
import { type Hub, startHub } from '../hub/hub-server.ts';
import { checkpointFiles } from '../hub/tiny-hub.ts';
import { TINY, tinyFiles } from '../tasks/tiny-checkpoints.ts';
import { endGroup, FLAGS, findBrowser } from './chromium.ts';
import { checkExample } from './example-page.ts';
import type { Outcome } from './page.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** For one page. */
const TIMEOUT_MS = 180_000;
/** A page that cannot even load the suites says so. */
const PAGE = `<!doctype html><meta charset="utf-8">
<script type="importmap">{ "imports": { "@huggingface/jinja": "/jinja/index.js" } }</script><script>
const lost = async error => {
  await fetch('/outcome', { method: 'POST', body: JSON.stringify({ name: 'page', ms: 0, error }) });
  await fetch('/end', { method: 'POST' });
};
onerror = message => lost(message);
onunhandledrejection = event => lost(String(event.reason));
</script><script type="module" src="/test/browser/page.js" onerror="lost('a module did not load')"></script>`;
const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
/** Folders by the first part of an address: the library comes from `dist/` as it is published. */
const FOLDERS: Record<string, string> = {
  src: 'dist',
  test: 'build/browser/test',
  models: 'models',
  jinja: 'node_modules/@huggingface/jinja/dist',
  'data/tasks': 'test/tasks/data',
  'data/golden': 'test/golden/data',
  'data/tokenizers': 'test/tokenizers/data',
};

function fileOf(path: string): string | undefined {
  const safe = normalize(path).slice(1);
  const prefix = Object.keys(FOLDERS).find(name => safe.startsWith(`${name}/`));
  return prefix && join(ROOT, FOLDERS[prefix]!, safe.slice(prefix.length));
}

/** A file of the tasks' tiny checkpoints, which are made as they are asked for. */
function tinyFile(path: string): Buffer | undefined {
  const [, name, file] = /^\/tiny\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const bytes = name && Object.hasOwn(TINY, name) ? tinyFiles(name)[file!] : undefined;
  return bytes && Buffer.from(bytes);
}

/** Addresses of all modules that may run in a page. */
function moduleList(): string[] {
  const names = readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' });
  return names.filter(name => name.endsWith('.js') && !name.startsWith('cli')).map(name => `/src/${name}`);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Sends a file: the range that is asked for, all of it with `?ranges=no`, and a first byte only with `?slow=NAME`. */
function sendFile(request: IncomingMessage, response: ServerResponse, bytes: Buffer, url: URL, headers: Headers): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const isSlow = url.searchParams.has('slow') && url.pathname.endsWith(url.searchParams.get('slow')!);
  if (from === undefined || url.searchParams.get('ranges') === 'no' || bytes.length === 0) {
    response.writeHead(200, headers).end(bytes);
    return;
  }
  const end = Math.min(Number(to) + 1, bytes.length);
  response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${end - 1}/${bytes.length}` });
  if (isSlow) response.write(bytes.subarray(0, 1));
  else response.end(bytes.subarray(Number(from), end));
}
type Headers = Readonly<Record<string, string>>;

interface Listener {
  outcome(outcome: Outcome): void;
  end(): void;
}

function serve(isolated: boolean, hub: Hub, { outcome, end }: Listener): Promise<Server> {
  const modules = moduleList();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const headers: Headers = {
      ...(isolated && ISOLATION),
      'content-type': TYPES[extname(url.pathname)] ?? 'application/octet-stream',
    };
    if (request.method === 'POST') {
      const body = await bodyOf(request);
      response.writeHead(204, headers).end();
      if (url.pathname === '/end') end();
      else outcome(JSON.parse(body) as Outcome);
    } else if (url.pathname === '/') response.writeHead(200, { ...headers, 'content-type': 'text/html' }).end(PAGE);
    else if (url.pathname === '/hub.json')
      response.writeHead(200, headers).end(JSON.stringify({ endpoint: hub.endpoint, requests: hub.requests }));
    else if (url.pathname === '/modules.json') response.writeHead(200, headers).end(JSON.stringify(modules));
    else {
      const file = fileOf(url.pathname);
      const bytes = tinyFile(url.pathname) ?? (file && (await readFile(file).catch(() => undefined)));
      if (bytes) return sendFile(request, response, bytes, url, headers);
      if (url.pathname.endsWith('.js')) console.error(`not found: ${url.pathname}`);
      response.writeHead(404, headers).end();
    }
  });
  return new Promise(done => server.listen(0, '127.0.0.1', () => done(server)));
}

/** Opens the page and hears its outcomes. Rejects when it is interrupted, takes too long, or the browser ends before. */
async function runIn(
  browser: string,
  isolated: boolean,
  hub: Hub,
  interrupted: AbortSignal,
  outcome: (outcome: Outcome) => void,
): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'heed-browser-'));
  let server: Server | undefined;
  let chromium: ChildProcess | undefined;
  let gone: Promise<unknown> = Promise.resolve();
  try {
    await new Promise<void>((done, fail) => {
      interrupted.addEventListener('abort', () => fail(new Error('interrupted')), { once: true });
      setTimeout(() => fail(new Error(`the page did not end within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS).unref();
      serve(isolated, hub, { outcome, end: done }).then(started => {
        server = started;
        const url = `http://127.0.0.1:${(started.address() as AddressInfo).port}/`;
        chromium = spawn(browser, [...FLAGS, `--user-data-dir=${profile}`, url], { stdio: 'ignore', detached: true });
        gone = new Promise(resolve => chromium?.once('exit', resolve));
        chromium.on('error', fail);
        chromium.on('exit', code => fail(new Error(`the browser ended with code ${code}`)));
      }, fail);
    });
  } finally {
    if (chromium) await endGroup(chromium, gone);
    server?.closeAllConnections();
    server?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function build(config: string): void {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { status, stdout } = spawnSync(tsc, ['-p', join(ROOT, config)], { encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${config} does not build\n${stdout}`);
  process.exit(1);
}

const browser = findBrowser();
if (!browser) {
  console.error('no Chromium found: install one (Debian: apt-get install chromium), or set HEED_CHROMIUM to its path');
  process.exit(1);
}
build('tsconfig.build.json');
build('test/browser/tsconfig.json');
let failed = 0;
let passed = 0;
const show = ({ name, ms, error, note }: Outcome) => {
  console.log(`  ${error ? 'FAIL' : 'ok  '} ${name}${note ? ` (${note})` : ''} ${ms.toFixed(0)} ms`);
  if (error) console.log(error);
  if (error) failed++;
  else passed++;
};
const files = checkpointFiles('gpt2');
const hub = await startHub({ 'org/tiny': { files }, 'org/private': { files, token: 'hf_secret' } });
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
for (const isolated of [true, false]) {
  if (stop.signal.aborted) break;
  const mode = isolated ? 'page with shared memory' : 'page without shared memory';
  console.log(mode);
  await runIn(browser, isolated, hub, stop.signal, show).catch((error: Error) =>
    show({ name: mode, ms: 0, error: error.message }),
  );
  if (stop.signal.aborted) break;
  const began = performance.now();
  const example = await checkExample(browser, isolated).then(
    note => ({ note }),
    (error: Error) => ({ error: String(error.stack) }),
  );
  show({ name: 'the example without a bundler', ms: performance.now() - began, ...example });
}
await hub.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
