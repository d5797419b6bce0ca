/** heed and llama.cpp's WebAssembly build (`@wllama/wllama`) on the same GGUF files in Chromium, in turns, with the ratios. */
import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize, resolve } from 'node:path';
import { load } from '../../engine.ts';
import { filesToBench } from '../../llama.ts';
import { type BenchFile, withFile } from '../../llama-models.ts';
import { printTable, type Row } from '../../table.ts';

interface PageFigures {
  readonly error?: string;
  readonly loadMs: number;
  readonly runs: readonly { readonly tokens: number; readonly prompt: number; readonly decode: number }[];
}
const ROOT = resolve(import.meta.dirname, '../../..');
const FOLDERS: Readonly<Record<string, string>> = {
  heed: join(ROOT, 'dist'),
  wllama: join(import.meta.dirname, 'node_modules/@wllama/wllama/esm'),
};
const PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>';
const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
const ENGINES = ['heed', 'wllama'];
const THREADS = [1, 2];

/** Sends a file, or the range of it that is asked for. */
function send(path: string, { headers: { range } }: IncomingMessage, response: ServerResponse, headers: object): void {
  const { size } = statSync(path);
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  const [start, end] = [Number(from ?? 0), Math.min(size - 1, to ? Number(to) : size - 1)];
  response.writeHead(from === undefined ? 200 : 206, {
    ...headers,
    'content-length': end - start + 1,
    ...(from !== undefined && { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  createReadStream(path, { start, end }).pipe(response);
}

/** Opens the page for one engine; its process group ends with it. */
async function inPage(browser: string, { path }: BenchFile, engine: string, threads: number): Promise<PageFigures> {
  const profile = mkdtempSync(join(tmpdir(), 'heed-bench-page-'));
  let done: (figures: PageFigures) => void = () => {};
  const figures = new Promise<PageFigures>(resolve => {
    done = resolve;
  });
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const headers = {
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'content-type': TYPES[extname(pathname)] ?? (pathname === '/' ? 'text/html' : 'application/octet-stream'),
    };
    const [, folder = '', ...rest] = normalize(pathname).split('/');
    const file =
      { '/page.js': join(import.meta.dirname, 'page.js'), '/model.gguf': path }[pathname] ??
      (FOLDERS[folder] && join(FOLDERS[folder], ...rest));
    if (request.method === 'POST') {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.writeHead(204, headers).end();
      done(JSON.parse(body) as PageFigures);
    } else if (pathname === '/') response.writeHead(200, headers).end(PAGE);
    else if (file && existsSync(file)) send(file, request, response, headers);
    else response.writeHead(404, headers).end();
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?engine=${engine}&threads=${threads}`;
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`];
  const chromium = spawn(browser, [...flags, address], { stdio: 'ignore', detached: true });
  const gone = new Promise<void>(exit => chromium.once('exit', () => exit()));
  try {
    const result = await Promise.race([
      figures,
      gone.then(() => {
        throw new Error('the browser ended');
      }),
    ]);
    if (result.error) throw new Error(`${engine}: ${result.error}`);
    return result;
  } finally {
    if (chromium.exitCode === null && chromium.pid) process.kill(-chromium.pid, 'SIGKILL');
    await gone;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** @param chosen parts of names of files; empty = the usual ones */
export async function wllamaPeers(chosen: readonly string[], turns: number, json: boolean): Promise<void> {
  const names = [process.env.HEED_CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'];
  const browser = names.find(name => name && spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
  if (!browser) throw new Error('no Chromium found: install one, or set HEED_CHROMIUM to its path');
  for (const one of filesToBench(chosen)) {
    await withFile(one, async file => {
      const rows: Row[] = [];
      for (const threads of THREADS) {
        const best: Record<string, { load: number; prompt: number; decode: number }> = {};
        for (let turn = 0; turn < turns; turn++)
          for (const engine of ENGINES) {
            const { loadMs, runs } = await inPage(browser, file, engine, threads);
            const { load, prompt, decode } = best[engine] ?? { load: Number.POSITIVE_INFINITY, prompt: 0, decode: 0 };
            best[engine] = {
              load: Math.min(load, loadMs),
              prompt: Math.max(prompt, ...runs.map(run => run.prompt)),
              decode: Math.max(decode, ...runs.map(run => run.decode)),
            };
          }
        for (const [engine, { load, prompt, decode }] of Object.entries(best))
          rows.push({ engine, threads, 'load ms': load, 'prompt tok/s': prompt, 'decode tok/s': decode });
        const [own, peer] = ENGINES.map(engine => best[engine]!) as [(typeof best)[string], (typeof best)[string]];
        const ratio = { 'prompt tok/s': own.prompt / peer.prompt, 'decode tok/s': own.decode / peer.decode };
        rows.push({ engine: 'ratio', threads, ...ratio });
      }
      printTable(`${one.model} ${one.type} in Chromium, load average ${load()}`, rows, json);
    });
  }
}
