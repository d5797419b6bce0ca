/** Trainers against vocabularies that the reference libraries learned from the same texts: every piece, merge and score. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkTrainers, trainerFoldersBelow } from './tokenizers/trainers.ts';

const folders = trainerFoldersBelow(fileURLToPath(new URL('tokenizers/data', import.meta.url)));
const results = (await Promise.all(folders.map(checkTrainers))).flat();

describe('trainers', () => {
  it('are all compared', () => {
    expect(new Set(results.map(({ format }) => format)).size).toBe(31);
  });
  for (const { format, kind, passed, differences } of results) {
    it(`${format}: ${kind}`, () => {
      expect(differences).toEqual([]);
      expect(passed).toBeGreaterThan(0);
    });
  }
});
