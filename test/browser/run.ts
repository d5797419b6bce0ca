/**
 * Runs the browser suite in Chromium, in a page with shared memory (COOP/COEP headers) and in one without.
 * `tsx test/browser/run.ts`; builds `dist/` first. HEED_CHROMIUM names the browser.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize, resolve } from 'node:path';
import type { Report } from './page.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TIMEOUT_MS = 180_000;
/** A page that cannot even load the suite says so. */
const PAGE = `<!doctype html><meta charset="utf-8"><script>
const lost = error => fetch('/report', { method: 'POST', body: JSON.stringify({ results: [{ name: 'page', error }] }) });
onerror = message => lost(message);
onunhandledrejection = event => lost(String(event.reason));
</script><script type="module" src="/test/browser/page.js" onerror="lost('a module did not load')"></script>`;
const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const FLAGS = [
  ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps'],
];

/** Where a path of the page lies: the library comes from `dist/` as it is published, the suite from its own build. */
function fileOf(path: string): string {
  const safe = normalize(path);
  return safe.startsWith('/src/') ? join(ROOT, 'dist', safe.slice(5)) : join(ROOT, 'build/browser', safe);
}

function serve(isolated: boolean, report: (report: Report) => void): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const headers = isolated ? ISOLATION : {};
    if (request.method === 'POST') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      response.writeHead(204, headers).end();
      report(JSON.parse(Buffer.concat(chunks).toString()) as Report);
      return;
    }
    if (path === '/') {
      response.writeHead(200, { ...headers, 'content-type': 'text/html' }).end(PAGE);
      return;
    }
    try {
      const body = await readFile(fileOf(path));
      response
        .writeHead(200, { ...headers, 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' })
        .end(body);
    } catch {
      if (path !== '/favicon.ico') console.error(`not found: ${path}`);
      response.writeHead(404, headers).end();
    }
  });
  return new Promise(done => server.listen(0, '127.0.0.1', () => done(server)));
}

async function runIn(browser: string, isolated: boolean): Promise<Report> {
  const profile = await mkdtemp(join(tmpdir(), 'heed-browser-'));
  let chromium: ChildProcess | undefined;
  let server: Server | undefined;
  try {
    return await new Promise<Report>((done, fail) => {
      setTimeout(() => fail(new Error(`no report within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS).unref();
      serve(isolated, done).then(started => {
        server = started;
        const url = `http://127.0.0.1:${(started.address() as AddressInfo).port}/`;
        // A group of its own, so that all processes of the browser can be ended.
        chromium = spawn(browser, [...FLAGS, `--user-data-dir=${profile}`, url], { stdio: 'ignore', detached: true });
        chromium.on('error', fail);
        chromium.on('exit', code => fail(new Error(`the browser ended with code ${code}`)));
      }, fail);
    });
  } finally {
    if (chromium?.pid && chromium.exitCode === null) {
      const gone = new Promise(resolve => chromium?.once('exit', resolve));
      process.kill(-chromium.pid, 'SIGKILL');
      await gone;
    }
    server?.closeAllConnections();
    server?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function build(config: string): void {
  const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', join(ROOT, config)], {
    encoding: 'utf8',
  });
  if (status !== 0) console.error(stdout);
}

function findBrowser(): string | undefined {
  const names = [process.env.HEED_CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'];
  return names.find(name => name && spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

const browser = findBrowser();
if (!browser) {
  console.error('skipped: no Chromium found; set HEED_CHROMIUM to one');
  process.exit(0);
}
build('tsconfig.build.json');
build('test/browser/tsconfig.json');
let failed = 0;
let passed = 0;
for (const isolated of [true, false]) {
  console.log(isolated ? 'page with shared memory' : 'page without shared memory');
  for (const { name, error, note } of (await runIn(browser, isolated)).results) {
    console.log(`  ${error ? 'FAIL' : 'ok  '} ${name}${note ? ` (${note})` : ''}${error ? `\n${error}` : ''}`);
    if (error) failed++;
    else passed++;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
