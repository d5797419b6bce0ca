/** Fetching from a hub that misbehaves: what is repeated, what is refused, what the errors say. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpointFrom, readWhole, safetensorsBytes } from '../../src/formats/index.ts';
import { hubFiles } from '../../src/hub/files.ts';
import type { DownloadProgress, HubFilesOptions } from '../../src/hub/hub-files.ts';
import type { RetryRule } from '../../src/hub/hub-settings.ts';
import { type Fault, type Hub, startHub } from './hub-server.ts';
import { bytesOf, optionsFor, pattern, QUICK } from './tiny-hub.ts';

const WEIGHTS = pattern(300_000);
const CONFIG = bytesOf('{"model_type": "gpt2"}');
const LARGE = /^cdn GET/;
const LISTING = /^hub GET \/api/;

let hub: Hub;
let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'heed-hub-'));
  const files = { 'config.json': CONFIG, 'model.safetensors': WEIGHTS, 'sub/x.json': bytesOf('{}') };
  hub = await startHub({
    'org/open': { files },
    'org/private': { files, token: 'hf_secret' },
    'org/gated': { files, token: 'hf_secret', gated: true },
  });
});
afterEach(async () => {
  await hub.close();
  await rm(home, { recursive: true });
});

const files = (id = 'org/open', options: HubFilesOptions = {}) =>
  hubFiles(id, { ...optionsFor(hub, home), ...options });
async function bytes(file: string, id?: string, options?: HubFilesOptions): Promise<Uint8Array | undefined> {
  const source = await files(id, options).open(file);
  return source && readWhole(source, 1e9);
}
const weights = (options?: HubFilesOptions) => bytes('model.safetensors', 'org/open', options);
const asked = (host: string) => hub.requests.filter(request => request.host === host);
const blobs = () => readdir(join(home, 'hub/models--org--open/blobs')).catch(() => []);

describe('files of a hub', () => {
  it('come from the hub and from the host that it names, once', async () => {
    const model = files();
    expect(await model.list()).toEqual(['config.json', 'model.safetensors']);
    expect(await bytes('config.json')).toEqual(CONFIG);
    expect(await weights()).toEqual(WEIGHTS);
    expect(await model.open('absent.json')).toBeUndefined();
    expect(await bytes('config.json')).toEqual(CONFIG);
    expect(await weights()).toEqual(WEIGHTS);
    expect(asked('cdn').length).toBe(1);
    expect(asked('hub').filter(({ path }) => path.includes('/resolve/')).length).toBe(2);
    const inside = await model.folder?.('sub').open('x.json');
    expect(inside && new TextDecoder().decode(await readWhole(inside, 100))).toBe('{}');
  });

  it('are asked for one by one where the listing tells only their names', async () => {
    hub.bareListings = true;
    expect(await weights()).toEqual(WEIGHTS);
    expect(await bytes('config.json')).toEqual(CONFIG);
    expect(hub.requests.filter(({ method }) => method === 'HEAD').map(({ host }) => host)).toEqual(['hub', 'hub']);
    expect((await blobs()).sort()).toEqual(
      [
        createHash('sha256').update(WEIGHTS).digest('hex'),
        createHash('sha1').update(`blob ${CONFIG.length}\0`).update(CONFIG).digest('hex'),
      ].sort(),
    );
  });

  it('of a commit are not asked for again', async () => {
    const commit = hub.commit('org/open');
    await bytes('config.json', `org/open@${commit}`);
    hub.requests.length = 0;
    expect(await bytes('config.json', `org/open@${commit}`)).toEqual(CONFIG);
    expect(hub.requests).toEqual([]);
  });

  it('follow their branch', async () => {
    await bytes('config.json');
    hub.update('org/open', { 'config.json': bytesOf('{"new": 1}'), 'model.safetensors': WEIGHTS });
    expect(await bytes('config.json')).toEqual(bytesOf('{"new": 1}'));
    expect(await weights()).toEqual(WEIGHTS);
  });

  it('are fetched together with the progress of all', async () => {
    const seen: { loadedBytes: number; totalBytes: number }[] = [];
    const total = CONFIG.length + WEIGHTS.length;
    const pulled = await files('org/open', { onProgress: progress => seen.push(progress) }).pull();
    expect(pulled.files).toEqual(['config.json', 'model.safetensors']);
    expect(pulled.fetchedBytes).toBe(total);
    expect(seen.every(({ totalBytes }) => totalBytes === total)).toBe(true);
    expect(seen.at(-1)?.loadedBytes).toBe(total);
    expect((await files().pull()).fetchedBytes).toBe(0);
    await expect(files().pull(['absent.txt'])).rejects.toThrow(
      /no such file; seen: "absent.txt"; expected: config.json, /,
    );
  });
});

describe('several files', () => {
  const parts = 7;
  const shard = (i: number) => `model-0000${i + 1}-of-0000${parts}.safetensors`;
  const names = Array.from({ length: parts }, (_, i) => shard(i));
  beforeEach(() => {
    const tensors = names.map((_, i) => {
      const bytes = pattern(20_000).fill(i, 0, 8);
      return safetensorsBytes([{ name: `t${i}`, dtype: 'U8', shape: [bytes.length], chunks: () => [bytes] }]);
    });
    const index = { weight_map: Object.fromEntries(names.map((name, i) => [`t${i}`, name])) };
    hub.update('org/open', {
      ...Object.fromEntries(names.map((name, i) => [name, tensors[i]!])),
      'model.safetensors.index.json': bytesOf(JSON.stringify(index)),
    });
  });
  const ways: Readonly<Record<string, (options: HubFilesOptions) => Promise<unknown>>> = {
    pull: options => files('org/open', options).pull(),
    'opening their index': async options => (await openCheckpointFrom(files('org/open', options))).close(),
  };

  it.each(Object.entries(ways))('are fetched four at a time by %s, their progress together', async (_, fetchAll) => {
    let [under, most] = [0, 0];
    let release = () => {};
    const four = new Promise<void>(done => {
      release = done;
    });
    const seen: DownloadProgress[] = [];
    await fetchAll({
      retry: { ...QUICK, stallMs: 60_000 },
      onProgress: progress => seen.push(progress),
      async fetch(...args) {
        if (!String(args[0]).startsWith(hub.cdn)) return fetch(...args);
        most = Math.max(most, ++under);
        if (under === 4) release();
        // The first ones wait for each other.
        await four;
        const response = await fetch(...args);
        const counted = new TransformStream({ flush: () => void under-- });
        return new Response(response.body!.pipeThrough(counted), response);
      },
    });
    expect(most).toBe(4);
    const shards = seen.filter(({ file }) => file.endsWith('.safetensors'));
    expect(new Set(shards.map(({ totalBytes }) => totalBytes)).size).toBe(1);
    expect(seen.at(-1)!.loadedBytes).toBe(seen.at(-1)!.totalBytes);
    const loaded = seen.map(({ loadedBytes }) => loadedBytes);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
    expect(asked('cdn').length).toBe(parts);
  });

  it.each(Object.entries(ways))('are all given up when %s fails on one', async (_, fetchAll) => {
    const last = createHash('sha256')
      .update(new Uint8Array(await shardBytes(2)))
      .digest('hex');
    hub.misbehave(new RegExp(`^cdn GET /${last}`), { status: 403 });
    hub.misbehave(LARGE, { silentAfter: 100 }, 100);
    await expect(fetchAll({ retry: { ...QUICK, stallMs: 60_000 } })).rejects.toThrow(/status 403/);
    expect(asked('cdn').length).toBeLessThanOrEqual(4);
    expect((await blobs()).filter(name => !name.endsWith('.incomplete')).length).toBeLessThanOrEqual(1);
  });
  async function shardBytes(i: number): Promise<Uint8Array> {
    const address = `${hub.endpoint}/org/open/resolve/main/${shard(i)}`;
    const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
    hub.requests.length = 0;
    return bytes;
  }
});

describe('the token', () => {
  it('goes to the hub and not to the host that the hub redirects to', async () => {
    expect(await bytes('model.safetensors', 'org/private', { token: 'hf_secret' })).toEqual(WEIGHTS);
    expect(asked('hub').every(({ authorization }) => authorization === 'Bearer hf_secret')).toBe(true);
    expect(asked('cdn').map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('comes from HF_TOKEN, or from the file of the login', async () => {
    const env = { HF_HOME: home, HF_TOKEN: 'hf_secret' };
    expect(await bytes('config.json', 'org/private', { env })).toEqual(CONFIG);
    await writeFile(join(home, 'token'), 'hf_secret\n');
    expect(await bytes('sub', 'org/private')).toBeUndefined();
    hub.requests.length = 0;
    await expect(bytes('config.json', 'org/private', { token: false })).rejects.toThrow(/private/);
    expect(asked('hub')[0]?.authorization).toBeUndefined();
  });
});

describe('a refusal says what it means and what to do', () => {
  it.each<[id: string, options: HubFilesOptions, message: RegExp]>([
    [
      'org/absent',
      {},
      /no such model, or it is private; seen: "org\/absent": status 401 "RepoNotFound"; .*set HF_TOKEN.*\.\/org\/absent/,
    ],
    ['org/private', { token: 'hf_wrong' }, /no such model, or it is private; .*use a token that may read it/],
    [
      'org/gated',
      {},
      /gated: .*seen: status 401 "GatedRepo"; to do: accept its conditions on http.*\/org\/gated, then set HF_TOKEN/,
    ],
    ['org/gated', { token: 'hf_wrong' }, /gated: .*seen: status 403 "GatedRepo".*use a token of that account/],
    ['org/open@absent', {}, /no such revision; seen: "absent"; expected: a branch, a tag or a commit/],
  ])('%s %j', async (id, options, message) => {
    await expect(bytes('config.json', id, options)).rejects.toThrow(message);
    expect(hub.requests.length).toBe(1);
  });

  it('of a single file', async () => {
    hub.misbehave(/resolve/, { status: 403 });
    await expect(weights()).rejects.toThrow(/refuses the file; seen: status 403; to do: set HF_TOKEN/);
    hub.misbehave(/resolve/, { status: 404, headers: { 'x-error-code': 'EntryNotFound' } });
    await expect(weights()).rejects.toThrow(/no such file; seen: "model.safetensors"/);
    hub.misbehave(/resolve/, { status: 418 });
    await expect(weights()).rejects.toThrow(
      /gives no file; seen: status 418; expected: status 200 \(in http.*model.safetensors\)/,
    );
  });

  it('shows no signature', async () => {
    hub.misbehave(LARGE, { status: 403 });
    const error = await weights().catch(String);
    expect(error).toContain(hub.cdn);
    expect(error).not.toContain('secret');
  });
});

describe('what passes is tried again', () => {
  it.each([500, 502, 503, 504, 408, 429])('status %i', async status => {
    hub.misbehave(LISTING, { status }, 2);
    hub.misbehave(LARGE, { status }, 3);
    expect(await weights()).toEqual(WEIGHTS);
    expect(asked('cdn').length).toBe(4);
  });

  it('until the rule ends it', async () => {
    hub.misbehave(LISTING, { status: 503 }, 100);
    await expect(weights()).rejects.toThrow(/does not answer well; seen: status 503; to do: try again later/);
    expect(hub.requests.length).toBe(QUICK.tries);
  });

  it('as late as the server asks, unless that is too long', async () => {
    hub.misbehave(LISTING, { status: 429, headers: { 'retry-after': '1' } });
    const begin = performance.now();
    expect(await bytes('config.json')).toEqual(CONFIG);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(990);
    await rm(join(home, 'hub'), { recursive: true });
    hub.misbehave(LISTING, { status: 429, headers: { 'retry-after': '3600' } });
    await expect(weights()).rejects.toThrow(/asks to slow down; seen: status 429, wait 3600 s; .*with a token/);
  });

  it('a connection that is cut, from where it was cut', async () => {
    hub.misbehave(LARGE, { cutAfter: 100_000 });
    hub.misbehave(LARGE, { cutAfter: 50_000 });
    expect(await weights()).toEqual(WEIGHTS);
    const starts = asked('cdn').map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]));
    expect(starts.length).toBe(3);
    expect(starts[0]).toBe(0);
    expect(starts[1]).toBeGreaterThan(0);
    expect(starts[2]).toBeGreaterThan(starts[1]!);
  });

  it('a connection that falls silent', async () => {
    hub.misbehave(LARGE, { silentAfter: 100_000 });
    expect(await weights({ retry: { ...QUICK, stallMs: 500 } })).toEqual(WEIGHTS);
    expect(asked('cdn').length).toBeGreaterThanOrEqual(2);
  });

  it('not a slow one', async () => {
    hub.misbehave(LARGE, { pauseMs: 20 });
    expect(await weights()).toEqual(WEIGHTS);
    expect(asked('cdn').length).toBe(1);
  });

  it('a server without ranges, from the beginning', async () => {
    hub.misbehave(LARGE, { cutAfter: 100_000 });
    hub.misbehave(LARGE, { noRanges: true });
    expect(await weights()).toEqual(WEIGHTS);
    expect(asked('cdn').length).toBe(2);
  });

  it('in vain where there is no server', async () => {
    const nowhere = { ...optionsFor({ endpoint: 'http://127.0.0.1:1' }, home) };
    await expect(hubFiles('org/open', nowhere).open('config.json')).rejects.toThrow(
      /hub cannot be reached; seen: fetch failed: .*; to do: check the connection and HF_ENDPOINT; HF_HUB_OFFLINE=1/,
    );
  });
});

describe("a caller's own fetch", () => {
  /** Answers that it has made itself, which have no address. */
  const own: typeof fetch = async (...args) => {
    const response = await fetch(...args);
    return new Response(response.body, response);
  };

  it('gives the same files', async () => {
    expect(await weights({ fetch: own })).toEqual(WEIGHTS);
  });

  it('gives errors with the address that was asked', async () => {
    hub.misbehave(LARGE, { status: 404 });
    await expect(weights({ fetch: own })).rejects.toThrow(new RegExp(`no such file.*in ${hub.cdn}/[0-9a-f]{64}\\)`));
    hub.misbehave(LARGE, { length: 400_000, chunked: true });
    await expect(weights({ fetch: own })).rejects.toThrow(new RegExp(`more bytes.*in ${hub.cdn}/[0-9a-f]{64}\\)`));
  });
});

describe('ranges of weights that are read in place', () => {
  const part = async (options: HubFilesOptions) => {
    const source = (await files('org/open', { weightsInPlace: true, ...options }).open('model.safetensors'))!;
    return source.read(1000, 200_000);
  };
  it.each<[string, Fault, Partial<RetryRule>]>([
    ['a connection that is cut', { cutAfter: 50_000 }, {}],
    ['a connection that falls silent', { silentAfter: 50_000 }, { stallMs: 300 }],
    ['a busy server', { status: 503 }, {}],
  ])('are asked for again after %s', async (_, fault, rule) => {
    hub.misbehave(LARGE, fault, 2);
    expect(await part({ retry: { ...QUICK, ...rule } })).toEqual(WEIGHTS.slice(1000, 201_000));
    expect(asked('cdn').length).toBe(3);
  });
  it('are told as broken in the end', async () => {
    hub.misbehave(LARGE, { cutAfter: 50_000 }, 100);
    await expect(part({})).rejects.toThrow(/connection to the hub broke/);
    expect(asked('cdn').length).toBe(QUICK.tries);
  });
  it('come with the whole file from a server without ranges, which is given up when it falls silent', async () => {
    hub.misbehave(LARGE, { noRanges: true });
    expect(await part({})).toEqual(WEIGHTS.slice(1000, 201_000));
    hub.misbehave(LARGE, { noRanges: true, silentAfter: 50_000 });
    await expect(part({ retry: { ...QUICK, stallMs: 300 } })).rejects.toThrow(/nothing came for 0\.3 s/);
  });
});

describe('what was fetched before', () => {
  it('is not fetched again after a failure', async () => {
    hub.misbehave(LARGE, { cutAfter: 100_000 });
    hub.misbehave(LARGE, { status: 404 });
    await expect(weights()).rejects.toThrow(/no such file/);
    const [partial] = (await blobs()).filter(name => name.endsWith('.incomplete'));
    const there = (await readFile(join(home, 'hub/models--org--open/blobs', partial!))).length;
    expect(there).toBeGreaterThan(0);
    hub.requests.length = 0;
    expect(await weights()).toEqual(WEIGHTS);
    expect(asked('cdn').map(({ range }) => range)).toEqual([`bytes=${there}-`]);
    expect((await blobs()).filter(name => name.endsWith('.incomplete'))).toEqual([]);
  });

  it('is fetched again when it is damaged, or too long', async () => {
    for (const damaged of [new Uint8Array(1000), new Uint8Array(WEIGHTS.length), new Uint8Array(WEIGHTS.length + 1)]) {
      await rm(join(home, 'hub'), { recursive: true, force: true });
      await files().pull(['config.json']);
      const blob = createHash('sha256').update(WEIGHTS).digest('hex');
      await writeFile(join(home, 'hub/models--org--open/blobs', `${blob}.heed.incomplete`), damaged);
      expect(await weights()).toEqual(WEIGHTS);
      expect((await blobs()).filter(name => name.endsWith('.incomplete'))).toEqual([]);
    }
  });
});

describe('what is wrong is refused, and nothing of it is kept', () => {
  const nothingKept = async () => {
    expect(await blobs()).toEqual([]);
    hub.requests.length = 0;
    expect(await weights()).toEqual(WEIGHTS);
  };

  it('bytes that are not those of the checksum', async () => {
    hub.misbehave(LARGE, { damaged: true }, 2);
    await expect(weights()).rejects.toThrow(
      /is not what the hub says; seen: checksum [0-9a-f]{64}; expected: [0-9a-f]{64}/,
    );
    await nothingKept();
    hub.misbehave(/resolve.*config/, { damaged: true }, 2);
    await expect(bytes('config.json')).rejects.toThrow(/is not what the hub says; seen: checksum [0-9a-f]{40};/);
  });

  it('bytes that are damaged once', async () => {
    hub.misbehave(LARGE, { damaged: true });
    expect(await weights()).toEqual(WEIGHTS);
  });

  it.each([10, 400_000])('a size of %i', async length => {
    hub.misbehave(LARGE, { length });
    await expect(weights()).rejects.toThrow(/another size than it says; seen: \d+ bytes; expected: 300000 bytes/);
  });

  it('more bytes than were said', async () => {
    hub.misbehave(LARGE, { length: 400_000, chunked: true });
    await expect(weights()).rejects.toThrow(/more bytes than it says; expected: 300000 bytes/);
  });

  it('a range that was not asked for', async () => {
    hub.misbehave(LARGE, { cutAfter: 100_000 });
    hub.misbehave(LARGE, { change: { 'content-range': 'bytes 5-10/300000' } });
    await expect(weights()).rejects.toThrow(/another size than it says; seen: content-range "bytes 5-10/);
  });

  it.each([
    ['x-repo-commit', '0'.repeat(40)],
    ['x-linked-etag', '"abc"'],
    ['x-linked-size', '7'],
  ])('another %s than the listing says', async (header, value) => {
    hub.misbehave(/resolve/, { change: { [header]: value } });
    await expect(weights()).rejects.toThrow(new RegExp(`another file than the one it lists; seen: ${header} `));
  });

  it('redirects without end', async () => {
    const location = `${hub.endpoint}/org/open/resolve/again/model.safetensors`;
    hub.misbehave(/resolve/, { status: 302, headers: { location } }, 100);
    await expect(weights()).rejects.toThrow(/redirects without end; seen: 11 redirects, the last to http/);
    expect(hub.requests.length).toBe(12);
  });

  it.each(['file:///etc/passwd', 'ftp://host/x', 'http://['])('a redirect to %s', async location => {
    hub.misbehave(/resolve/, { status: 302, headers: { location } });
    await expect(weights()).rejects.toThrow(
      /redirects to where heed does not follow; .*expected: an http\(s\) address/,
    );
  });
});

describe('a listing', () => {
  const sha = 'a'.repeat(40);
  it.each<[body: string, message: RegExp]>([
    ['<html>', /not how a hub lists a model; seen: no JSON/],
    ['[]', /seen: sha "undefined"; .*to do: check HF_ENDPOINT/],
    ['{"sha": "../../x", "siblings": []}', /seen: sha "\.\.\/\.\.\/x"/],
    [`{"sha": "${sha}"}`, /seen: siblings undefined/],
    [`{"sha": "${sha}", "siblings": [{"rfilename": 3}]}`, /seen: a file named number/],
    ...['../x', '/etc/passwd', 'a/../../b', 'a\\b', 'C:x', 'a//b', 'a\0b'].map(
      name =>
        [
          JSON.stringify({ sha, siblings: [{ rfilename: name }] }),
          /file name leaves the model; seen: ".*plain names between/,
        ] satisfies [string, RegExp],
    ),
  ])('%s is refused', async (body, message) => {
    hub.misbehave(LISTING, { status: 200, body });
    await expect(bytes('config.json')).rejects.toThrow(message);
    expect(await readdir(home)).toEqual([]);
  });

  it('with a checksum that is no name is asked for again, and refused', async () => {
    const entry = { rfilename: 'config.json', size: 3, blobId: '../../../x' };
    hub.misbehave(LISTING, { status: 200, body: JSON.stringify({ sha, siblings: [entry] }) });
    hub.misbehave(/HEAD/, { status: 200, headers: { etag: '"../../../x"', 'content-length': '3' } });
    await expect(bytes('config.json')).rejects.toThrow(/does not say what a file is; seen: etag "\.\.\/\.\.\/\.\.\/x"/);
  });

  it('that is too long is not read to its end', async () => {
    hub.misbehave(LISTING, { status: 200, body: ' '.repeat(50_000_001) });
    await expect(bytes('config.json')).rejects.toThrow(/more bytes than it says; expected: 50000000 bytes/);
  });
});

describe('a signal', () => {
  it('stops requests, waiting and reading, and what was fetched stays', async () => {
    const stop = new Error('enough');
    for (const fault of [{ silentAfter: 100_000 }, { status: 503 }] as const) {
      const controller = new AbortController();
      hub.misbehave(LARGE, fault, 1);
      const retry = { ...QUICK, firstWaitMs: 60_000, longestWaitMs: 60_000, stallMs: 60_000 };
      setTimeout(() => controller.abort(stop), 150);
      await expect(weights({ signal: controller.signal, retry })).rejects.toBe(stop);
    }
    await expect(weights({ signal: AbortSignal.abort(stop) })).rejects.toBe(stop);
    expect(await weights()).toEqual(WEIGHTS);
  });
});

it.each(['ftp://hub', 'hub', 'http://hub?x=1', 'http://me@hub'])('refuses the endpoint %s', async endpoint => {
  await expect(bytes('config.json', 'org/open', { endpoint })).rejects.toThrow(
    /not the address of a hub; .*expected: an http\(s\) URL; to do: set HF_ENDPOINT/,
  );
});
