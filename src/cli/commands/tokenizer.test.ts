import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../../test/cli/fake-terminal.ts';
import { loadTokenizer } from '../../tokenizers/index.ts';
import { runCli } from '../run-cli.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-tokenizer-'));
  const lines = Array.from({ length: 200 }, (_, i) => `Das Hausboot ${i} liegt am Haus, und der Hund jagt die Katze.`);
  writeFileSync(join(folder, 'a.txt'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'b.txt'), 'ohne Zeilenende');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function train(...argv: string[]) {
  const terminal = fakeTerminal();
  const files = [join(folder, 'a.txt'), join(folder, 'b.txt')];
  const code = await runCli(['tokenizer', 'train', ...files, ...argv], terminal, new AbortController().signal);
  return { code, out: terminal.out(), err: terminal.err() };
}

describe('heed tokenizer train', () => {
  it('writes a tokenizer and says what it can do', async () => {
    const out = join(folder, 'bytes');
    const { code, out: text } = await train('--type', 'byte-bpe', '--vocab-size', '300', '--out', out, '--lang', 'de');
    expect(code).toBe(0);
    expect(text).toContain('Zeichen je Token');
    expect(text).toContain('201 Zeilen');
    expect(readdirSync(out)).toEqual(['tokenizer.json']);
    const tokenizer = await loadTokenizer(out);
    expect(tokenizer.vocabSize).toBe(300);
    expect(tokenizer.decode(tokenizer.encodeIds('Hausboot ü'))).toBe('Hausboot ü');
  });
  it('leaves a tokenizer that is there, unless told otherwise', async () => {
    const out = join(folder, 'words');
    const argv = ['--type', 'wordlevel', '--out', out];
    expect((await train(...argv)).code).toBe(0);
    const before = readFileSync(join(out, 'tokenizer.json'), 'utf8');
    const refused = await train(...argv, '--lowercase');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('--force');
    expect(readFileSync(join(out, 'tokenizer.json'), 'utf8')).toBe(before);
    expect((await train(...argv, '--lowercase', '--force')).code).toBe(0);
    expect(readFileSync(join(out, 'tokenizer.json'), 'utf8')).not.toContain('"Hausboot"');
  });
  it('gives its facts as JSON', async () => {
    const out = join(folder, 'pieces');
    const argv = ['--type', 'unigram', '--vocab-size', '120', '--special', '<pad>', '--out', out, '--json'];
    const facts = JSON.parse((await train(...argv)).out);
    expect(facts).toMatchObject({ type: 'unigram', lines: 201, merges: null });
    expect(facts.charactersPerToken).toBeGreaterThan(1);
    expect((await loadTokenizer(out)).tokenToId('<pad>')).toBe(1);
  });
  it('refuses before it reads', async () => {
    const out = join(folder, 'nothing');
    expect((await train('--out', out)).err).toContain('--type is missing');
    expect((await train('--type', 'bpe')).err).toContain('--out is missing');
    const missing = await train(join(folder, 'nowhere.txt'), '--type', 'bpe', '--out', out);
    expect(missing.err).toContain('no such file');
    expect(existsSync(out)).toBe(false);
    const terminal = fakeTerminal();
    expect(await runCli(['tokenizer', 'trian', 'a.txt'], terminal, new AbortController().signal)).toBe(2);
    expect(terminal.err()).toContain('did you mean train?');
  });
});
