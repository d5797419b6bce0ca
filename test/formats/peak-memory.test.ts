/** Opening takes memory in proportion to the file, whatever the file says: measured from outside, in a process of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { HOSTILE } from './hostile-files.ts';

/** Of a hostile file, about. */
const FILE_BYTES = 4 << 20;
/** Bytes of memory for one of the file, garbage that was not yet collected among them. */
const MOST_PER_BYTE = 28;
/** What the engine takes for anything at all. */
const MOST_FOR_SMALL = 48 << 20;

interface Opened {
  readonly file: string;
  readonly grownBytes: number;
  readonly outcome: string;
}

const script = fileURLToPath(new URL('open-process.ts', import.meta.url));
function open(files: readonly string[]): Opened[] {
  const flags = ['--import', 'tsx', '--expose-gc', '--max-semi-space-size=1'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, script], {
    input: JSON.stringify(files),
    encoding: 'utf8',
  });
  expect(`${status} ${stderr}`).toMatch(/^0 /);
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Opened);
}

const data = fileURLToPath(new URL('data/', import.meta.url));
const golden = fileURLToPath(new URL('../../../shared/golden/', import.meta.url));
const small = [`${data}safetensors-corrupt`, `${data}pickle/hostile`, `${golden}gguf/corrupt`]
  .filter(existsSync)
  .flatMap(folder => readdirSync(folder).map(name => `${folder}/${name}`))
  .filter(file => /\.(safetensors|bin|gguf)$/.test(file));
const indexes = readdirSync(`${data}sharded-bad`).map(name => `${data}sharded-bad/${name}`);

describe('peak memory', () => {
  it('of files that say as much as they can in few bytes is a small multiple of their size', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heed-hostile-'));
    try {
      const files: string[] = [];
      for (const [name, make] of Object.entries(HOSTILE)) {
        const bytes = make(FILE_BYTES);
        expect(bytes.length).toBeLessThan(3 * FILE_BYTES);
        files.push(join(folder, name));
        await writeFile(files.at(-1)!, bytes);
      }
      const opened = open(files);
      expect(opened.length).toBe(files.length);
      for (const { file, grownBytes, outcome } of opened)
        expect(grownBytes / FILE_BYTES, `${file}: ${outcome}`).toBeLessThan(MOST_PER_BYTE);
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 240_000);

  it('of small files that claim to be large is what the engine takes anyway', () => {
    const opened = open([...small, ...indexes]);
    expect(opened.length).toBeGreaterThan(80);
    for (const { file, grownBytes, outcome } of opened)
      expect(grownBytes, `${file}: ${outcome}`).toBeLessThan(MOST_FOR_SMALL);
    expect(opened.filter(({ outcome }) => outcome === 'opened').length).toBeLessThan(4);
  });
});
