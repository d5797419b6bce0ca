import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../../test/cli/fake-terminal.ts';
import { runCli } from '../run-cli.ts';

const MODEL = fileURLToPath(new URL('../../../test/formats/data/gguf/llama-q4_0.gguf', import.meta.url));
const LLAMA = fileURLToPath(new URL('../../../test/golden/data/llama', import.meta.url));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-quantize-'));
  writeFileSync(join(folder, 'text.txt'), 't3t4t5 t6t7t8t9');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function quantize(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await runCli(['quantize', ...argv], terminal, new AbortController().signal);
  return { code, out: terminal.out(), err: terminal.err() };
}

describe('heed quantize', () => {
  it('writes a file and shows what rounding did, layer by layer in one row', async () => {
    const target = join(folder, 'a.gguf');
    const { code, out } = await quantize(LLAMA, target, '--type', 'q4_k');
    expect(code).toBe(0);
    expect(out).toMatch(/blk\.#\.attn_q\.weight +\[\d+, \d+\] +\d × {2}f32 → q5_0 +\d(\.\d)? % +0\.\d+/);
    expect(out).toMatch(/KB → [\d.]+ KB {2}\d+\.\d %/);
    expect(out).toContain('no whole number of blocks');
    expect(statSync(target).size).toBeGreaterThan(10_000);
  });

  it('tells a program everything, perplexity before and after included', async () => {
    const argv = [MODEL, join(folder, 'b.gguf'), '--type', 'q8_0', '--text', join(folder, 'text.txt')];
    const { code, out } = await quantize(...argv, '--device', 'reference', '--json');
    expect(code).toBe(0);
    const { tensors, bytesBefore, bytesAfter, perplexity } = JSON.parse(out);
    expect(tensors[0]).toMatchObject({ name: 'token_embd.weight', from: 'Q4_0', to: 'Q8_0', fallback: false });
    expect(bytesAfter).toBeGreaterThan(bytesBefore);
    expect(perplexity.before.tokens).toBe(perplexity.after.tokens);
    expect(perplexity.after.perplexity / perplexity.before.perplexity).toBeCloseTo(1, 1);
  });

  it('shows how the perplexity changes, in the language of the reader', async () => {
    const argv = [MODEL, join(folder, 'e.gguf'), '--type', 'q8_0', '--text', join(folder, 'text.txt')];
    const { out } = await quantize(...argv, '--device', 'reference', '--lang', 'de');
    expect(out).toMatch(/^Perplexität [\d.,]+ → [\d.,]+ {2}[+-]\d+,\d % {2}\d+ Tokens$/m);
  });

  it('leaves a file that is there, unless told otherwise', async () => {
    const target = join(folder, 'c.gguf');
    expect((await quantize(MODEL, target, '--type', 'q8_0')).code).toBe(0);
    const { code, err } = await quantize(MODEL, target, '--type', 'f32');
    expect(code).toBe(1);
    expect(err).toContain('--force');
    expect((await quantize(MODEL, target, '--type', 'f32', '--force', '--lang', 'de')).code).toBe(0);
  });

  it('says what is missing', async () => {
    expect(await quantize(MODEL, join(folder, 'd.gguf'))).toMatchObject({ code: 2 });
    expect(await quantize(MODEL, join(folder, 'd.gguf'), '--type', 'q2_k')).toMatchObject({ code: 2 });
    const lost = await quantize(MODEL, join(folder, 'd.gguf'), '--type', 'q8_0', '--text', join(folder, 'no.txt'));
    expect(lost.err).toContain('the text cannot be read');
  });
});
