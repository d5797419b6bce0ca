/** Our own small tokenizers against the outputs of the reference libraries: every id, token, offset and text. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkFolder, foldersBelow } from './tokenizers/check.ts';

const folders = foldersBelow(fileURLToPath(new URL('tokenizers/data', import.meta.url)));

describe('tokenizers of our own', () => {
  it('are all there', () => {
    expect(folders.length).toBe(6);
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
