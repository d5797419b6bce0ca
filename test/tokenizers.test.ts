/** Our own small tokenizers against the outputs of the reference libraries: every id, token, offset and text. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../src/tokenizers/index.ts';
import { checkFolder, foldersBelow } from './tokenizers/check.ts';

const folders = foldersBelow(fileURLToPath(new URL('tokenizers/data', import.meta.url)));

describe('tokenizers of our own', () => {
  it('are all there', () => {
    expect(folders.length).toBeGreaterThan(10);
  });
  it('load from a folder or one of its files', async () => {
    const folder = folders.find(name => name.endsWith('roberta-style'))!;
    const ids = (await loadTokenizer(folder)).encodeIds('Der Hund jagt die Katze.');
    expect((await loadTokenizer(`${folder}/tokenizer.json`)).encodeIds('Der Hund jagt die Katze.')).toEqual(ids);
    expect((await loadTokenizer(`${folder}/vocab.json`)).encodeIds('Der Hund jagt die Katze.')).toEqual(ids);
    await expect(loadTokenizer(`${folder}/pairs.json`)).rejects.toThrow('no tokenizer among');
    await expect(loadTokenizer(`${folder}/nowhere`)).rejects.toThrow('no such tokenizer');
  });
  for (const folder of folders) {
    for (const { folder: name, format, kind, passed, differences, skipped } of checkFolder(folder)) {
      it(`${name}, ${format}: ${kind}`, () => {
        expect(skipped).toBeUndefined();
        expect(differences).toEqual([]);
        expect(passed).toBeGreaterThan(0);
      });
    }
  }
});
