/** `heed pull`, `ls`, `rm`, `verify`, and the other commands with ids of a hub. */

import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { widthOf } from '../../src/cli/layout.ts';
import { createMessages } from '../../src/cli/messages.ts';
import { createNumbers } from '../../src/cli/numbers.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { createTransferBar } from '../../src/cli/transfer-bar.ts';
import { fakeTerminal } from '../cli/fake-terminal.ts';
import { type Hub, startHub } from './hub-server.ts';
import { bytesOf, checkpointFiles } from './tiny-hub.ts';

const GPT2 = fileURLToPath(new URL('../golden/data/gpt2', import.meta.url));
const TOKENIZER = fileURLToPath(new URL('../tokenizers/data/added-tokens-bpe/tokenizer.json', import.meta.url));

let hub: Hub;
let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'heed-hub-cli-'));
  const files = { ...checkpointFiles('gpt2'), 'README.md': bytesOf('not needed') };
  hub = await startHub({
    'org/tiny': { files, branches: { v2: { ...files, 'config.json': bytesOf('{"model_type": "gpt2"}') } } },
    'org/words': { files: { ...files, 'tokenizer.json': new Uint8Array(readFileSync(TOKENIZER)) } },
  });
});
afterEach(async () => {
  await hub.close();
  await rm(home, { recursive: true });
});

async function heed(argv: readonly string[], options: Partial<Terminal> & { input?: string } = {}) {
  const env = { HF_HOME: home, HF_ENDPOINT: hub.endpoint, ...options.env };
  const terminal = fakeTerminal({ ...options, env });
  const code = await runCli(argv, terminal, new AbortController().signal);
  return { code, out: terminal.out(), err: terminal.err() };
}
const repo = () => join(home, 'hub/models--org--tiny');

describe('heed pull', () => {
  it('fetches what a model needs, once', async () => {
    const first = await heed(['pull', 'org/tiny']);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toMatch(/^org\/tiny [0-9a-f]{7} {2}3 files, 129 KB fetched, [\d.]+ m?s\n$/);
    expect((await heed(['pull', 'org/tiny'])).out).toMatch(/3 files, everything is there\n$/);
    expect((await heed(['pull', 'org/tiny', '--lang', 'de'])).out).toMatch(/3 Dateien, alles ist da\n$/);
  });
  it('fetches single files, and tells a program what it did', async () => {
    const { code, out } = await heed(['pull', 'org/tiny@v2', '--file', 'README.md', '--json']);
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { repo: 'org/tiny', commit: hub.commit('org/tiny', 'v2'), files: ['README.md'], fetchedBytes: 10 },
    ]);
  });
  it('shows on a terminal how far it is', async () => {
    const { err } = await heed(['pull', 'org/tiny'], { interactiveErrors: true });
    expect(err).toMatch(/\rorg\/tiny {2}[█░]{12,24} {2}[\d.]+ K?B \/ 129 KB/);
    expect(err.endsWith('\r\x1b[K')).toBe(true);
  });
  it('goes on where it was stopped, and counts what came this time', async () => {
    hub.misbehave(/^cdn/, { silentAfter: 100_000 });
    const env = { HF_HOME: home, HF_ENDPOINT: hub.endpoint };
    const interrupt = new AbortController();
    const terminal = fakeTerminal({ env, interactiveErrors: true });
    const running = runCli(['pull', 'org/tiny', '--lang', 'de'], terminal, interrupt.signal);
    const fetched = async () => {
      const names = await readdir(join(repo(), 'blobs'));
      const sizes = names.map(async name => (await stat(join(repo(), 'blobs', name))).size);
      expect(await Promise.all(sizes)).toContain(100_000);
    };
    await vi.waitFor(fetched, { timeout: 20_000, interval: 20 });
    interrupt.abort(new Error('Ctrl-C'));
    expect(await running).toBe(130);
    expect(terminal.err()).toMatch(
      /\r\x1b\[KAngehalten\. Was geladen ist, bleibt: Derselbe Befehl macht dort weiter\.\n$/,
    );
    expect((await heed(['pull', 'org/tiny'])).out).toMatch(/3 files, 2[89](\.\d)? KB fetched/);
  });
  it('says what is wrong', async () => {
    expect((await heed(['pull', './folder'])).code).toBe(2);
    const { code, err } = await heed(['pull', 'org/absent']);
    expect(code).toBe(1);
    expect(err).toContain('heed: there is no such model, or it is private');
  });
});

describe('the bar', () => {
  const shown = (language: 'en' | 'de', columns = 80) => {
    let ms = 0;
    const terminal = fakeTerminal({ interactiveErrors: true, columns });
    const bar = createTransferBar(terminal, createMessages(language), createNumbers(language), () => ms);
    for (const [at, bytes] of [
      [0, 0],
      [50, 1],
      [2000, 20e6],
      [4000, 40e6],
    ] as const) {
      ms = at;
      bar.show('model.safetensors', bytes, 100e6);
    }
    return terminal.err().split('\r').slice(1);
  };
  it('knows the speed and the time that is left', () => {
    expect(shown('en')).toEqual([
      'model.safetensors  ░░░░░░░░░░░░  0 B / 100 MB\x1b[K',
      'model.safetensors  ██░░░░░░░░░░  20 MB / 100 MB  10 MB/s  8 s left\x1b[K',
      'model.safetensors  █████░░░░░░░  40 MB / 100 MB  10 MB/s  6 s left\x1b[K',
    ]);
    expect(shown('de').at(-1)).toContain('10 MB/s  noch 6 s');
  });
  it('takes no more than a line', () => {
    for (const line of shown('en', 50)) expect(widthOf(line.replace('\x1b[K', ''))).toBeLessThan(50);
  });
});

describe('heed ls', () => {
  it('lists revisions with their sizes', async () => {
    expect((await heed(['ls'])).out).toMatch(/^No models have been downloaded/);
    await heed(['pull', 'org/tiny']);
    await heed(['pull', 'org/tiny@v2']);
    const [main, v2] = [hub.commit('org/tiny'), hub.commit('org/tiny', 'v2')];
    const { out } = await heed(['ls']);
    expect(out).toMatch(/^model +revision +size +last used\n/);
    expect(out).toMatch(
      new RegExp(`^org/tiny +main ${main.slice(0, 7)} +129 KB +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d$`, 'm'),
    );
    expect(out).toMatch(new RegExp(`^org/tiny +v2 ${v2.slice(0, 7)} +128 KB`, 'm'));
    // The weights are there once.
    expect(out).toMatch(/^ +total +129 KB$/m);
    expect((await heed(['ls', '--lang', 'de'])).out).toMatch(/^Modell +Revision +Größe +zuletzt benutzt\n/);
    const json = JSON.parse((await heed(['ls', '--json'])).out);
    expect(
      json.map((entry: { revisions: string[]; commit: string }) => [entry.revisions, entry.commit]).sort(),
    ).toEqual(
      [
        [['main'], main],
        [['v2'], v2],
      ].sort(),
    );
    expect((await heed(['ls', '--cache-dir', join(home, 'elsewhere'), '--json'])).out).toBe('[]\n');
  });
});

describe('heed rm', () => {
  it('asks, and removes when the answer is yes', async () => {
    await heed(['pull', 'org/tiny']);
    const no = await heed(['rm', 'org/tiny'], { input: 'n', keyboard: true });
    expect(no).toMatchObject({ code: 1, out: '', err: 'Remove org/tiny (129 KB)? [y/N] Nothing was removed.\n' });
    expect(await readdir(join(repo(), 'blobs'))).toHaveLength(3);
    const piped = await heed(['rm', 'org/tiny'], { input: '' });
    expect(piped.code).toBe(1);
    expect(piped.err).toMatch(/nobody can be asked.*\n.*\n.*--yes/);
    const yes = await heed(['rm', 'org/tiny', '--lang', 'de'], { input: 'j', keyboard: true });
    expect(yes).toMatchObject({
      code: 0,
      out: 'org/tiny  129 KB gelöscht\n',
      err: 'org/tiny (129 KB) löschen? [j/N] ',
    });
    expect(await readdir(join(home, 'hub'))).toEqual(['.locks']);
    const again = await heed(['rm', 'org/tiny', '--yes']);
    expect(again.code).toBe(1);
    expect(again.err).toMatch(
      /no such model among the downloaded ones\n +seen: +org\/tiny\n +expected: there are none/,
    );
  });
  it('leaves to other revisions what is theirs', async () => {
    await heed(['pull', 'org/tiny']);
    await heed(['pull', 'org/tiny@v2']);
    const v2 = hub.commit('org/tiny', 'v2');
    expect((await heed(['rm', `org/tiny@${v2.slice(0, 7)}`, '--yes', '--json'])).out).toContain('"bytes": 22');
    expect(await readdir(join(repo(), 'snapshots'))).toEqual([hub.commit('org/tiny')]);
    expect(await readdir(join(repo(), 'refs'))).toEqual(['main']);
    expect((await heed(['verify', 'org/tiny'])).code).toBe(0);
    expect((await heed(['rm', 'org/tiny@v2', '--yes'])).err).toMatch(/no such revision among the downloaded ones/);
  });
});

describe('heed verify', () => {
  it('finds what is damaged and what is gone', async () => {
    await heed(['pull', 'org/tiny']);
    const good = await heed(['verify', 'org/tiny']);
    expect(good).toMatchObject({ code: 0, err: '' });
    expect(good.out).toMatch(
      /^[0-9a-f]{7} {2}config.json +right\n.*generation_config.json +right\n.*model.safetensors +right\n$/,
    );
    const { files } = JSON.parse((await heed(['verify', 'org/tiny', '--json'])).out);
    await writeFile(files[2].file, 'damaged');
    await rm(files[0].file);
    const bad = await heed(['verify', 'org/tiny@main', '--lang', 'de']);
    expect(bad.code).toBe(1);
    expect(bad.out).toMatch(/config.json +fehlt\n.*richtig\n.*model.safetensors +beschädigt\n$/);
    expect(bad.err).toContain(`  ${files[2].file}\n`);
    await rm(files[2].file);
    await heed(['pull', 'org/tiny']);
    expect((await heed(['verify', 'org/tiny'])).code).toBe(0);
  });
});

describe('other commands', () => {
  it('run, inspect and tokenize take ids', async () => {
    const run = (model: string) =>
      heed(['run', model, '--ids', '5,17,42', '-n', '4', '--device', 'reference', '--greedy']);
    const { code, out } = await run('org/tiny');
    expect([code, out]).toEqual([0, (await run(GPT2)).out]);
    await heed(['rm', 'org/tiny', '--yes']);
    const inspect = await heed(['inspect', 'org/tiny', '--json']);
    expect(inspect.code).toBe(0);
    expect(JSON.parse(inspect.out)).toEqual(JSON.parse((await heed(['inspect', GPT2, '--json'])).out));
    expect(await readdir(join(repo(), 'blobs'))).toHaveLength(1);
    const words = await heed(['tokenize', 'org/words', 'abc', '--ids']);
    expect(words).toMatchObject({ code: 0, out: (await heed(['tokenize', TOKENIZER, 'abc', '--ids'])).out });
    expect((await heed(['tokenize', 'org/tiny', 'abc'])).err).toContain('the model has no tokenizer');
  });
});
