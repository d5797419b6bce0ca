/** The cache on the disk: the reference's layout, offline, several processes, disks that refuse. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readWhole } from '../../src/formats/index.ts';
import { withFileLock } from '../../src/hub/file-lock.ts';
import { hubFiles } from '../../src/hub/files.ts';
import type { HubFilesOptions } from '../../src/hub/hub-files.ts';
import { hubCacheDir } from '../../src/hub/hub-settings.ts';
import { type Hub, startHub } from './hub-server.ts';
import { bytesOf, optionsFor, pattern } from './tiny-hub.ts';

/** Calls of the file system that fail with a code instead. */
const refused = new Map<string, string>();
{
  const files = process.getBuiltinModule('node:fs/promises');
  const real = { ...files };
  const refusing =
    (name: 'symlink' | 'link' | 'mkdir' | 'rename') =>
    async (...args: readonly unknown[]) => {
      const code = refused.get(name);
      if (code) throw Object.assign(new Error(`${code}: refused, ${name}`), { code });
      return (real[name] as (...args: readonly unknown[]) => unknown)(...args);
    };
  const open: typeof real.open = async (...args) => {
    const handle = await real.open(...args);
    const code = refused.get('write');
    if (code && String(args[0]).endsWith('.heed.incomplete'))
      handle.write = async () => Promise.reject(Object.assign(new Error(`${code}: refused, write`), { code }));
    return handle;
  };
  const names = ['symlink', 'link', 'mkdir', 'rename'] as const;
  Object.assign(files, { open, ...Object.fromEntries(names.map(name => [name, refusing(name)])) });
}

const WEIGHTS = pattern(200_000);
const CONFIG = bytesOf('{"model_type": "gpt2"}');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const gitSha1 = (bytes: Uint8Array) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

let hub: Hub;
let home = '';
let repo = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'heed-cache-'));
  repo = join(home, 'hub/models--org--tiny');
  const files = { 'config.json': CONFIG, 'model.safetensors': WEIGHTS, '1_Pooling/config.json': CONFIG };
  hub = await startHub({
    'org/tiny': { files, branches: { 'refs/pr/1': { ...files, 'config.json': bytesOf('{}') } } },
  });
});
afterEach(async () => {
  refused.clear();
  await hub.close();
  await rm(home, { recursive: true });
});
const files = (id = 'org/tiny', options: HubFilesOptions = {}) =>
  hubFiles(id, { ...optionsFor(hub, home), ...options });
async function bytes(file: string, options?: HubFilesOptions): Promise<Uint8Array | undefined> {
  const source = await files('org/tiny', options).open(file);
  return source && readWhole(source, 1e9);
}

describe('the layout', () => {
  it('is that of the reference', async () => {
    await files().pull();
    await files('org/tiny@refs/pr/1').pull(['config.json']);
    const [main, request] = [hub.commit('org/tiny'), hub.commit('org/tiny', 'refs/pr/1')];
    expect(await readFile(join(repo, 'refs/main'), 'utf8')).toBe(main);
    expect(await readFile(join(repo, 'refs/refs/pr/1'), 'utf8')).toBe(request);
    expect((await readdir(join(repo, 'blobs'))).sort()).toEqual(
      [sha256(WEIGHTS), gitSha1(CONFIG), gitSha1(bytesOf('{}'))].sort(),
    );
    expect(await readlink(join(repo, 'snapshots', main, 'model.safetensors'))).toBe(`../../blobs/${sha256(WEIGHTS)}`);
    expect(await readlink(join(repo, 'snapshots', main, '1_Pooling/config.json'))).toBe(
      `../../../blobs/${gitSha1(CONFIG)}`,
    );
    expect(await readFile(join(repo, 'snapshots', request, 'config.json'), 'utf8')).toBe('{}');
    expect(await readdir(join(home, 'hub/.locks/models--org--tiny'))).toEqual([]);
  });

  it('has copies where there are no links', async () => {
    refused.set('symlink', 'EPERM');
    expect(await bytes('config.json')).toEqual(CONFIG);
    refused.set('link', 'ENOTSUP');
    expect(await bytes('model.safetensors')).toEqual(WEIGHTS);
    const snapshot = join(repo, 'snapshots', hub.commit('org/tiny'));
    await expect(readlink(join(snapshot, 'model.safetensors'))).rejects.toThrow('EINVAL');
    expect(new Uint8Array(await readFile(join(snapshot, 'model.safetensors')))).toEqual(WEIGHTS);
    expect((await readdir(snapshot)).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  it('that the reference has written is read, also offline', async () => {
    const commit = 'c'.repeat(40);
    await mkdir(join(repo, 'blobs'), { recursive: true });
    await mkdir(join(repo, 'snapshots', commit), { recursive: true });
    await mkdir(join(repo, 'refs'));
    await writeFile(join(repo, 'refs/main'), commit);
    await writeFile(join(repo, 'blobs', gitSha1(CONFIG)), CONFIG);
    await symlink(`../../blobs/${gitSha1(CONFIG)}`, join(repo, 'snapshots', commit, 'config.json'));
    for (const id of ['org/tiny', `org/tiny@${commit}`]) {
      const model = files(id, { offline: true });
      expect(await model.list()).toEqual(['config.json']);
      expect(new Uint8Array(await readWhole((await model.open('config.json'))!, 100))).toEqual(CONFIG);
      // What no listing knows of does not exist.
      expect(await model.open('generation_config.json')).toBeUndefined();
    }
    expect(hub.requests).toEqual([]);
  });

  it('lies where the environment says', async () => {
    const dir = (env: Record<string, string>) => hubCacheDir({ env });
    expect(await dir({ HF_HUB_CACHE: '/a', HF_HOME: '/b' })).toBe('/a');
    expect(await dir({ HF_HOME: '/b', XDG_CACHE_HOME: '/c' })).toBe('/b/hub');
    expect(await dir({ XDG_CACHE_HOME: '/c', HOME: '/d' })).toBe('/c/huggingface/hub');
    expect(await dir({ HOME: '/d' })).toBe('/d/.cache/huggingface/hub');
    expect(await dir({ HF_HUB_CACHE: '~/x', HOME: '/d' })).toBe('/d/x');
    expect(await hubCacheDir({ cacheDir: 'here', env: { HF_HUB_CACHE: '/a' } })).toBe('here');
  });

  it('is repaired where a blob or what it names is gone or cut', async () => {
    await files().pull();
    await writeFile(join(repo, 'blobs', sha256(WEIGHTS)), WEIGHTS.subarray(0, 1000));
    await rm(join(repo, 'blobs', gitSha1(CONFIG)));
    expect(await bytes('model.safetensors')).toEqual(WEIGHTS);
    expect(await bytes('config.json')).toEqual(CONFIG);
  });
});

describe('offline', () => {
  it('gives what is there and says what is not', async () => {
    await files().pull(['config.json']);
    hub.requests.length = 0;
    for (const options of [{ offline: true }, { env: { HF_HOME: home, HF_HUB_OFFLINE: '1' } }]) {
      expect(await bytes('config.json', options)).toEqual(CONFIG);
      expect(await bytes('absent.json', options)).toBeUndefined();
      await expect(bytes('model.safetensors', options)).rejects.toThrow(
        /file has not been downloaded; seen: model.safetensors: HF_HUB_OFFLINE or offline is set; .*heed pull org\/tiny@main/,
      );
    }
    await expect(
      hubFiles('org/other', { ...optionsFor(hub, home), offline: true }).open('config.json'),
    ).rejects.toThrow(
      /model has not been downloaded; seen: HF_HUB_OFFLINE.*expected: org\/other@main in .*models--org--other; to do: leave offline/,
    );
    await expect(files('org/tiny@v2', { offline: true }).list()).rejects.toThrow(/has not been downloaded/);
    await expect(files('org/tiny', { offline: true }).pull()).rejects.toThrow(/file has not been downloaded/);
    expect(hub.requests).toEqual([]);
  });

  it('is also what is left when the hub is not there, for a model that is', async () => {
    await files().pull(['config.json']);
    const away = { endpoint: 'http://127.0.0.1:1' };
    expect(await bytes('config.json', away)).toEqual(CONFIG);
    expect(await bytes('absent.json', away)).toBeUndefined();
    await expect(bytes('model.safetensors', away)).rejects.toThrow(
      /not been downloaded; seen: model.safetensors: fetch failed/,
    );
    await expect(files('org/tiny@other', away).list()).rejects.toThrow(/hub cannot be reached/);
    // An answer is an answer: a model that was taken away is not used behind its owner's back.
    hub.misbehave(/api/, { status: 401, headers: { 'x-error-code': 'RepoNotFound' } });
    await expect(bytes('config.json')).rejects.toThrow(/no such model/);
  });
});

describe('a disk that refuses', () => {
  it('is good enough for a model that is there', async () => {
    await files().pull();
    await rm(join(repo, 'trees'), { recursive: true });
    for (const call of ['write', 'mkdir', 'rename']) refused.set(call, 'EROFS');
    expect(await bytes('model.safetensors')).toEqual(WEIGHTS);
  });

  it.each([
    ['write', 'ENOSPC', /disk is full; seen: ENOSPC.*to do: make room \(heed ls, heed rm\), or set HF_HUB_CACHE/],
    ['write', 'EDQUOT', /disk is full/],
    ['mkdir', 'EACCES', /may not write into the folder of downloaded models; seen: EACCES.*to do: give it the right/],
    ['mkdir', 'EROFS', /may not write/],
    ['rename', 'EIO', /downloaded file cannot be kept; seen: EIO.*HF_HUB_CACHE/],
  ])('%s with %s is told so', async (call, code, message) => {
    refused.set(call, code);
    await expect(bytes('model.safetensors')).rejects.toThrow(message);
    refused.clear();
    expect(await bytes('model.safetensors')).toEqual(WEIGHTS);
    expect((await readdir(join(repo, 'blobs'))).filter(name => name.includes('incomplete'))).toEqual([]);
  });

  it('has no room: said before anything is fetched', async () => {
    const whole = {
      rfilename: 'model.safetensors',
      size: 2 ** 52,
      blobId: '0'.repeat(40),
      lfs: { sha256: '1'.repeat(64), size: 2 ** 52 },
    };
    hub.misbehave(/api/, { status: 200, body: JSON.stringify({ sha: 'd'.repeat(40), siblings: [whole] }) });
    await expect(bytes('model.safetensors')).rejects.toThrow(
      /no room for the file; seen: \d+ bytes free; expected: 4503599627370496 bytes/,
    );
    expect(hub.requests.filter(({ path }) => path.includes('resolve'))).toEqual([]);
  });

  it('has a file where a folder should be', async () => {
    await writeFile(join(home, 'hub'), 'x');
    await expect(bytes('config.json')).rejects.toThrow(
      /something else stands where downloaded models are kept; seen: E/,
    );
  });
});

describe('links in the folder of a model', () => {
  const victim = () => join(home, 'victim');

  it('in the place of a download are not written through', async () => {
    await files().pull(['config.json']);
    await writeFile(victim(), 'precious');
    await symlink(victim(), join(repo, 'blobs', `${sha256(WEIGHTS)}.heed.incomplete`));
    await expect(bytes('model.safetensors')).rejects.toThrow(/something else stands where .*are kept; seen: ELOOP/);
    expect(await readFile(victim(), 'utf8')).toBe('precious');
  });

  it('in the place of a file are replaced', async () => {
    await files().pull(['config.json']);
    await writeFile(victim(), 'precious');
    await symlink(victim(), join(repo, 'snapshots', hub.commit('org/tiny'), 'model.safetensors'));
    expect(await bytes('model.safetensors')).toEqual(WEIGHTS);
    expect(await readFile(victim(), 'utf8')).toBe('precious');
  });

  it('in the place of a folder are refused where they lead out of it', async () => {
    await files().pull(['config.json']);
    await mkdir(victim());
    const folder = join(repo, 'snapshots', hub.commit('org/tiny'), '1_Pooling');
    await symlink(victim(), folder);
    const pooling = () => files().pull(['1_Pooling/config.json']);
    await expect(pooling()).rejects.toThrow(/link leads out of the folder of a downloaded model; seen: .*victim/);
    expect(await readdir(victim())).toEqual([]);
    await rm(folder);
    expect((await pooling()).files).toEqual(['1_Pooling/config.json']);
  });

  it('to another disk are a good place for the whole cache', async () => {
    await mkdir(victim());
    await symlink(victim(), join(home, 'hub'));
    expect(await bytes('model.safetensors')).toEqual(WEIGHTS);
  });
});

describe('a lock', () => {
  const times = { pollMs: 5, beatMs: 20, staleMs: 1000 };
  const lock = () => join(home, 'x.lock');

  it('lets one at a time work, and is gone then', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise(done => setTimeout(done, 5));
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, () => withFileLock(lock(), work, undefined, times)));
    expect(most).toBe(1);
    expect(await readdir(home)).toEqual([]);
    await expect(withFileLock(lock(), () => Promise.reject(new Error('failed')), undefined, times)).rejects.toThrow(
      'failed',
    );
    expect(await readdir(home)).toEqual([]);
  });

  it('of a process that is gone is taken at once', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise(done => child.on('close', done));
    await writeFile(lock(), `${child.pid} ${hostname()} x\n`);
    const begin = performance.now();
    expect(await withFileLock(lock(), async () => 7, undefined, { ...times, staleMs: 60_000 })).toBe(7);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it('that nobody touches is taken after a while, one that is touched is waited for', async () => {
    await writeFile(lock(), `1 another-machine x\n`);
    const begin = performance.now();
    await withFileLock(lock(), async () => {}, undefined, times);
    expect(performance.now() - begin).toBeGreaterThan(990);
    let held = true;
    const holder = withFileLock(
      lock(),
      () => new Promise<void>(done => setTimeout(done, 2500)).then(() => void (held = false)),
      undefined,
      times,
    );
    await new Promise(done => setTimeout(done, 50));
    await withFileLock(lock(), async () => expect(held).toBe(false), undefined, times);
    await holder;
  });

  it('is not waited for when the signal says so', async () => {
    await writeFile(lock(), `${process.pid} ${hostname()} x\n`);
    const stop = new Error('enough');
    const controller = new AbortController();
    setTimeout(() => controller.abort(stop), 30);
    await expect(withFileLock(lock(), async () => {}, controller.signal)).rejects.toBe(stop);
    expect(existsSync(lock())).toBe(true);
  });
});

describe('several processes', () => {
  const script = fileURLToPath(new URL('./pull-process.ts', import.meta.url));
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  function pull(): { child: ChildProcess; result: Promise<string> } {
    const child = spawn(process.execPath, ['--import', 'tsx', script, hub.endpoint, home, 'org/tiny']);
    children.push(child);
    let out = '';
    child.stdout.on('data', text => (out += text));
    child.stderr.on('data', text => (out += text));
    return { child, result: new Promise(done => child.on('close', code => done(`${code} ${out.trim()}`))) };
  }
  const large = () => hub.requests.filter(({ host }) => host === 'cdn');

  it('fetch a file once', async () => {
    hub.misbehave(/^cdn/, { pauseMs: 100 });
    const results = await Promise.all([pull(), pull(), pull()].map(({ result }) => result));
    expect(results.map(result => result.split(' ')[0])).toEqual(['0', '0', '0']);
    expect(large().length).toBe(1);
    expect(await bytes('model.safetensors')).toEqual(WEIGHTS);
  });

  it('take over from one that was killed, where it was', async () => {
    hub.misbehave(/^cdn/, { silentAfter: 100_000 });
    const first = pull();
    const partial = join(repo, 'blobs', `${sha256(WEIGHTS)}.heed.incomplete`);
    const sizeOf = () =>
      stat(partial).then(
        ({ size }) => size,
        () => 0,
      );
    await vi.waitFor(async () => expect(await sizeOf()).toBe(100_000), { timeout: 20_000, interval: 20 });
    const second = pull();
    await vi.waitFor(() => expect(hub.requests.filter(({ path }) => path.includes('/api/')).length).toBe(2), {
      timeout: 20_000,
    });
    await new Promise(done => setTimeout(done, 300));
    expect(large().length).toBe(1);
    first.child.kill('SIGKILL');
    expect((await second.result).split(' ')[0]).toBe('0');
    expect(large().map(({ range }) => range)).toEqual([undefined, 'bytes=100000-']);
    expect(await bytes('model.safetensors')).toEqual(WEIGHTS);
    expect(await readdir(join(home, 'hub/.locks/models--org--tiny'))).toEqual([]);
  });
});
