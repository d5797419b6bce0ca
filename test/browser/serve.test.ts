/** The example's server: what it gives, in which pieces, with which headers. */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { serveExample } from '../../examples/browser/serve.ts';

const PAGE = readFileSync(new URL('../../examples/browser/plain/index.html', import.meta.url));
let server: Server | undefined;
afterEach(() => server?.close());
async function serve(isolated?: boolean): Promise<string> {
  const started = await serveExample({ isolated });
  server = started.server;
  return started.url;
}

describe('the server of the example', () => {
  it('gives files whole and in ranges', async () => {
    const url = await serve();
    const whole = await fetch(url);
    expect(whole.headers.get('content-type')).toMatch('text/html');
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(PAGE);
    const part = await fetch(url, { headers: { range: 'bytes=3-9' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 3-9/${PAGE.length}`]);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(PAGE.subarray(3, 10));
    const beyond = await fetch(url, { headers: { range: `bytes=${PAGE.length}-` } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${PAGE.length}`]);
  });
  it('isolates a page only when it is asked to', async () => {
    const headers = async (isolated: boolean) => {
      const answer = await fetch(await serve(isolated));
      await answer.arrayBuffer();
      server?.close();
      return ['cross-origin-opener-policy', 'cross-origin-embedder-policy'].map(name => answer.headers.get(name));
    };
    expect(await headers(true)).toEqual(['same-origin', 'require-corp']);
    expect(await headers(false)).toEqual([null, null]);
  });
  it('gives nothing else of the repository', async () => {
    const url = await serve();
    for (const path of [
      '/package.json',
      '/examples/browser/plain/../serve.ts',
      '/dist/%2e%2e/package.json',
      '/dist/..%2fpackage.json',
      '/dist/%00',
      '/dist/%E0',
    ])
      expect((await fetch(new URL(path, url))).status, path).toBe(404);
  });
});
