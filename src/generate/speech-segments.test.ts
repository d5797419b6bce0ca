import { describe, expect, it } from 'vitest';
import { timedPieces } from './speech-segments.ts';

/** Times are 100, 101, ...; the rest is text. The window has 50 steps of recording. */
const pieces = (ids: number[]) => timedPieces(ids, 100, 50);

describe('timedPieces', () => {
  it('cuts where times meet; what is not finished is heard again', () => {
    expect(pieces([100, 1, 2, 105, 105, 3, 120, 122, 4])).toEqual({
      pieces: [
        { start: 0, end: 5, ids: [100, 1, 2, 105] },
        { start: 5, end: 20, ids: [105, 3, 120] },
      ],
      next: 20,
    });
  });
  it('with a single time at the end the window is done', () => {
    expect(pieces([102, 1, 105, 107, 3, 120])).toEqual({
      pieces: [
        { start: 2, end: 5, ids: [102, 1, 105] },
        { start: 7, end: 20, ids: [107, 3, 120] },
      ],
      next: 50,
    });
  });
  it('without a pair all is one piece', () => {
    expect(pieces([103, 1, 2, 130])).toEqual({ pieces: [{ start: 3, end: 30, ids: [103, 1, 2, 130] }], next: 50 });
    expect(pieces([103, 1, 2])).toEqual({ pieces: [{ start: 3, end: 50, ids: [103, 1, 2] }], next: 50 });
    expect(pieces([1, 2])).toEqual({ pieces: [{ start: 0, end: 50, ids: [1, 2] }], next: 50 });
    expect(pieces([])).toEqual({ pieces: [{ start: 0, end: 50, ids: [] }], next: 50 });
  });
  it('never stays where it is', () => {
    expect(pieces([100, 1, 100, 100]).next).toBe(50);
    expect(pieces([100, 100]).next).toBe(50);
  });
});
