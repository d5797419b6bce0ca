/** `heed run` with a form for its output, and with what writes ahead, on a small model of stories. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/run-cli.ts';
import { fakeTerminal } from './fake-terminal.ts';

const STORIES = fileURLToPath(new URL('../../../shared/models/stories260K', import.meta.url));

const SCHEMA = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 8 }, age: { type: 'integer', minimum: 3, maximum: 99 } },
  required: ['name', 'age'],
};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-form-'));
  writeFileSync(join(folder, 'person.json'), JSON.stringify(SCHEMA));
  writeFileSync(join(folder, 'half.json'), '{"type":');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function heedRun(...options: string[]) {
  const terminal = fakeTerminal();
  const code = await runCli(['run', STORIES, 'Once upon a time', ...options], terminal, new AbortController().signal);
  return { code, out: terminal.out(), err: terminal.err() };
}

describe.skipIf(!existsSync(STORIES))('heed run on shared/models/stories260K', () => {
  it('writes JSON of a schema', async () => {
    const { code, out } = await heedRun(
      '--json-schema',
      join(folder, 'person.json'),
      '-n',
      '48',
      '-t',
      '1',
      '--seed',
      '4',
    );
    expect(code).toBe(0);
    const { name, age } = JSON.parse(out);
    expect(Array.from(name as string).length).toBeLessThanOrEqual(8);
    expect(age).toBeGreaterThanOrEqual(3);
    expect(age).toBeLessThanOrEqual(99);
  });
  it('writes what a regular expression matches', async () => {
    const { code, out } = await heedRun('--regex', ', there (was|were) [a-z ]{4,12}[.!]', '-n', '40');
    expect(code).toBe(0);
    expect(out).toMatch(/^, there (was|were) [a-z ]{4,12}[.!]\n$/);
  });
  it('writes the same with what is written ahead', async () => {
    const plain = await heedRun('-n', '30', '--json');
    const { text } = JSON.parse(plain.out);
    for (const way of [['--draft', STORIES], ['--prompt-lookup'], ['--prompt-lookup', '--draft-tokens', '2']]) {
      const { code, out } = await heedRun('-n', '30', '--json', ...way);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ text, stats: { draft: { accepted: expect.any(Number) } } });
    }
  });
  it('says what cannot be', async () => {
    const short = await heedRun('--json-schema', join(folder, 'person.json'), '-n', '5');
    expect(short).toMatchObject({ code: 1, err: expect.stringMatching(/does not fit[\s\S]*raise --max-new-tokens/) });
    expect((await heedRun('--regex', 'a(?<=b)')).err).toMatch(/looking behind, at character 5/);
    expect((await heedRun('--json-schema', join(folder, 'half.json'))).err).toMatch(/JSON schema cannot be read/);
  });
});

it.each([
  [['--regex', 'a', '--json-schema', 'x.json'], /two forms: choose one/],
  [['--draft', 'x', '--prompt-lookup'], /two ways to write ahead/],
  [['--draft-tokens', '3'], /needs --draft or --prompt-lookup/],
  [['--prompt-lookup', '--beams', '2'], /nothing is written ahead in a beam search/],
])('heed run %j is refused before anything is loaded', async (options, message) => {
  const { code, err } = await heedRun(...options);
  expect(code).toBe(2);
  expect(err).toMatch(message);
});
