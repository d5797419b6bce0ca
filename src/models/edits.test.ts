import { describe, expect, it } from 'vitest';
import {
  applyEdits,
  DELETE,
  generatorInput,
  INSERT,
  KEEP,
  REPLACE,
  readFillings,
  type Tag,
  taggerInput,
  writtenFillings,
} from './edits.ts';

const TEXT = [10, 11, 12, 13];
const TAGGED: Tag[] = [INSERT, KEEP, REPLACE, DELETE, INSERT];

describe('edits', () => {
  it('keep, delete, replace, and insert behind a token or the start', () => {
    expect(applyEdits(TEXT, TAGGED, [[1, 2], [3], [4]])).toEqual([1, 2, 10, 3, 13, 4]);
    expect(applyEdits(TEXT, [KEEP, KEEP, KEEP, KEEP, KEEP], [])).toEqual(TEXT);
    expect(applyEdits([], [INSERT], [[5]])).toEqual([5]);
  });
  it('are what the networks read, with types', () => {
    expect(taggerInput(9, TEXT, [20])).toEqual({ ids: [9, ...TEXT, 20], types: [0, 0, 0, 0, 0, 3] });
    expect(generatorInput(9, TEXT, TAGGED, [20])).toEqual({ ids: [9, 10, 11, 13, 20], types: [1, 0, 2, 1, 3] });
  });
  it('have fillings that can be written and read', () => {
    const markers = [30, 31, 32];
    const fillings = [[1, 2], [], [4]];
    const written = writtenFillings(fillings, markers, 0);
    expect(written).toEqual([30, 1, 2, 31, 32, 4, 0]);
    expect(readFillings(written, markers, 0, 3)).toEqual(fillings);
    // What a network writes need not be in order, complete or ended.
    expect(readFillings([7, 32, 5, 30, 6], markers, 0, 3)).toEqual([[6], [], [5]]);
    expect(readFillings([30, 1, 31, 2, 0, 3], markers, 0, 1)).toEqual([[1]]);
  });
});
