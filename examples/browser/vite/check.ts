/**
 * Installs the app, builds it, and opens what Vite's server gives in development and what was built, isolated and not, with heed
 * in the page and in a worker. `npx tsx examples/browser/vite/check.ts` after `npm run build`; it takes a minute or more, so CI
 * does not run it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { findBrowser, type Page, withPage } from '../../../test/browser/chromium.ts';

const HERE = import.meta.dirname;
const VITE = join(HERE, 'node_modules/.bin/vite');

/** Runs a program to its end. @throws with what it said when it failed */
function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: HERE, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? stdout + stderr}`);
  return stdout + stderr;
}

/** Builds, and says how large it is. @throws for a warning */
function build(): string {
  rmSync(join(HERE, 'dist'), { recursive: true, force: true });
  const said = run(VITE, 'build');
  const warnings = said.split('\n').filter(line => /warn|externalized|node:/i.test(line));
  if (warnings.length > 0) throw new Error(`the build warns:\n${warnings.join('\n')}`);
  const assets = join(HERE, 'dist/assets');
  const packed = readdirSync(assets)
    .filter(name => name.endsWith('.js'))
    .map(name => [name, gzipSync(readFileSync(join(assets, name))).length] as const);
  const html = readFileSync(join(HERE, 'dist/index.html'), 'utf8');
  const kilobytes = (of: typeof packed) => `${(of.reduce((sum, [, bytes]) => sum + bytes, 0) / 1000).toFixed(1)} kB`;
  return `${packed.length} modules, ${kilobytes(packed)} with gzip; at first ${kilobytes(packed.filter(([name]) => html.includes(name)))}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** One of Vite's servers, for as long as `body` takes. */
async function withServer<T>(args: readonly string[], body: (url: string) => Promise<T>): Promise<T> {
  const port = await freePort();
  const at = ['--host', '127.0.0.1', '--port', String(port), '--strictPort'];
  const vite: ChildProcess = spawn(process.execPath, [VITE, ...args, ...at], { cwd: HERE, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}/`;
  try {
    for (const end = performance.now() + 120_000; ; await new Promise(resolve => setTimeout(resolve, 200))) {
      if (
        await fetch(url).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        break;
      if (performance.now() > end) throw new Error(`vite ${args.join(' ')} does not answer`);
    }
    return await body(url);
  } finally {
    vite.kill();
  }
}

/** Lets the page write and fill a gap. @returns what was seen */
async function tryPage(page: Page, isolated: boolean): Promise<string> {
  await page.until(`document.querySelector('#prompt textarea')?.value`);
  if ((await page.evaluate('crossOriginIsolated')) !== isolated) throw new Error(`isolated: ${!isolated}`);
  const idle = `document.getElementById('stop').disabled`;
  const seen: string[] = [];
  for (const place of ['page', 'worker']) {
    await page.evaluate(`document.getElementById('prompt').elements.place.value = '${place}'`);
    await page.evaluate(`document.getElementById('prompt').requestSubmit()`);
    await page.until(idle);
    const text = await page.evaluate<string>(`document.getElementById('text').textContent`);
    if (text.length < 20) throw new Error(await page.evaluate('document.body.innerText'));
    const speed = await page.evaluate(`document.getElementById('speed').textContent`);
    seen.push(`${place}: ${speed}, ${await page.evaluate(`document.getElementById('machine').textContent`)}`);
  }
  await page.evaluate(`document.getElementById('gap').requestSubmit()`);
  await page.until(`document.querySelectorAll('#results li').length === 5`);
  if (page.errors.length > 0) throw new Error(`errors in the console:\n${page.errors.join('\n')}`);
  return seen.join('; ');
}

const browser = findBrowser();
if (!browser) throw new Error('no Chromium found: install one, or set HEED_CHROMIUM to its path');
if (!existsSync(join(HERE, 'node_modules/vite'))) run('npm', 'install', '--ignore-scripts', '--no-fund', '--no-audit');
if (!existsSync(join(HERE, 'node_modules/heed/models/kleinwelt-llama'))) throw new Error('heed has no models/ here');
console.log(`build: ${build()}`);
for (const command of [[], ['preview']])
  for (const isolated of [true, false]) {
    const args = [...command, ...(isolated ? ['--mode', 'isolated'] : [])];
    const seen = await withServer(args, url => withPage(browser, url, page => tryPage(page, isolated)));
    console.log(`${command[0] ?? 'dev'}, ${isolated ? 'isolated' : 'not isolated'}: ${seen}`);
  }
