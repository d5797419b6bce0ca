import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Hub, startHub } from '../../test/hub/hub-server.ts';
import { bytesOf, optionsFor, pattern, QUICK } from '../../test/hub/tiny-hub.ts';
import { readWhole } from '../formats/index.ts';
import { browserCache } from './browser-cache.ts';
import { HubConnection } from './hub-connection.ts';
import { hubSettings } from './hub-settings.ts';

/** The part of the Cache API that is used, in memory: a response is kept once its body has come to its end. */
class MemoryCache {
  readonly kept = new Map<string, Response>();
  full = false;
  async put(url: string, response: Response): Promise<void> {
    const body = await response.blob().catch(() => {
      // As browsers do, which do not pass a stream's own error on.
      throw new TypeError('the stream failed');
    });
    if (this.full) throw new DOMException('no room', 'QuotaExceededError');
    this.kept.set(url, new Response(body, { headers: response.headers }));
  }
  async match(url: string): Promise<Response | undefined> {
    return this.kept.get(url)?.clone();
  }
  async keys(): Promise<{ url: string }[]> {
    return [...this.kept.keys()].map(url => ({ url }));
  }
}

const WEIGHTS = pattern(100_000);
const CONFIG = bytesOf('{}');
let store: MemoryCache;
let hub: Hub;
beforeEach(async () => {
  store = new MemoryCache();
  vi.stubGlobal('caches', { open: async () => store });
  hub = await startHub({
    'org/tiny': { files: { 'config.json': CONFIG, 'sub/a b.json': CONFIG, 'model.safetensors': WEIGHTS } },
  });
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await hub.close();
});

async function open() {
  const settings = await hubSettings({ ...optionsFor(hub, '/none'), retry: QUICK });
  const connection = new HubConnection('org/tiny', settings);
  const listing = await connection.listing('main');
  return { cache: browserCache(hub.endpoint, 'org/tiny'), connection, listing, commit: listing.commit };
}
const WEIGHTS_FILE = {
  path: 'model.safetensors',
  etag: createHash('sha256').update(WEIGHTS).digest('hex'),
  size: WEIGHTS.length,
};

describe('browserCache', () => {
  it('keeps files of a commit, and what a revision was', async () => {
    const { cache, connection, listing, commit } = await open();
    expect(await cache.commitOf('main')).toBeUndefined();
    await cache.keep('main', listing);
    expect(await cache.commitOf('main')).toBe(commit);
    expect(await cache.listing(commit)).toEqual(listing);
    expect(await cache.has(commit, 'model.safetensors')).toBe(false);
    expect(await cache.open(commit, 'model.safetensors')).toBeUndefined();
    let seen = 0;
    for (const file of listing.files.values())
      await cache.fetch(connection, commit, file!, { onBytes: bytes => (seen += bytes) });
    expect(seen).toBe(WEIGHTS.length + 2 * CONFIG.length);
    expect(await cache.has(commit, 'model.safetensors', WEIGHTS.length)).toBe(true);
    expect(await cache.has(commit, 'model.safetensors', 1)).toBe(false);
    expect((await cache.list(commit)).toSorted()).toEqual(['config.json', 'model.safetensors', 'sub/a b.json']);
    expect(await cache.list('b'.repeat(40))).toEqual([]);
    expect(await readWhole((await cache.open(commit, 'model.safetensors'))!, 1e6)).toEqual(WEIGHTS);
    hub.requests.length = 0;
    await cache.fetch(connection, commit, WEIGHTS_FILE);
    expect(hub.requests).toEqual([]);
  });

  it('goes on where a connection broke', async () => {
    const { cache, connection, commit } = await open();
    hub.misbehave(/^cdn/, { cutAfter: 50_000 });
    await cache.fetch(connection, commit, WEIGHTS_FILE);
    expect(await readWhole((await cache.open(commit, 'model.safetensors'))!, 1e6)).toEqual(WEIGHTS);
  });

  it.each(['model.safetensors', 'config.json'])('keeps nothing of a damaged %s', async path => {
    const { cache, connection, listing, commit } = await open();
    hub.misbehave(/^(cdn|hub GET .*config)/, { damaged: true });
    await expect(cache.fetch(connection, commit, listing.files.get(path)!)).rejects.toThrow(
      /not what the hub says; seen: checksum [0-9a-f]+; expected: [0-9a-f]+/,
    );
    expect(await cache.list(commit)).toEqual([]);
  });

  it('says when there is no room, and when the page has no cache', async () => {
    const { cache, connection, commit } = await open();
    store.full = true;
    await expect(cache.fetch(connection, commit, WEIGHTS_FILE)).rejects.toThrow(
      /browser has no room for the file; expected: 100000 bytes; to do: free storage/,
    );
    vi.unstubAllGlobals();
    await expect(cache.list(commit)).rejects.toThrow(
      /browser keeps no files for this page; expected: a page from https/,
    );
  });
});
