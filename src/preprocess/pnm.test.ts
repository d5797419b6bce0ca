import { describe, expect, it } from 'vitest';
import { isPnm, readPnm } from './pnm.ts';

const file = (head: string, ...pixels: number[]) => new Uint8Array([...new TextEncoder().encode(head), ...pixels]);

describe('readPnm', () => {
  it('reads colours, with comments in the head', () => {
    const bytes = file('P6\n# made by hand\n2 1\n255\n', 1, 2, 3, 250, 251, 252);
    expect(isPnm(bytes)).toBe(true);
    expect(readPnm(bytes)).toEqual({ width: 2, height: 1, data: new Uint8Array([1, 2, 3, 250, 251, 252]) });
  });
  it('reads grey, scaled to 255', () => {
    expect(readPnm(file('P5 1 2 15\n', 15, 5)).data).toEqual(new Uint8Array([255, 255, 255, 85, 85, 85]));
  });
  it('refuses what is none, or ends early', () => {
    expect(() => readPnm(file('P3 1 1 255\n1 2 3'))).toThrow(/not a pixmap/);
    expect(() => readPnm(file('P6 99999 99999 255\n'))).toThrow(/not a pixmap/);
    expect(() => readPnm(file('P6 0 1 255\n'))).toThrow(/not a pixmap/);
    expect(() => readPnm(file('P6 2 2 255\n', 1, 2))).toThrow(/ends early.*2 bytes of pixels.*12/);
  });
});
