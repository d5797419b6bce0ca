import { describe, expect, it } from 'vitest';
import { normalForm } from './normal-form.ts';

const FORMS = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const;

describe('normalForm', () => {
  it('is that of the engine, for long runs of marks too', () => {
    // Marks of many classes, some that decompose, some of class 0, and the one of the highest class.
    const marks = [...'\u0301\u0316\u0345\u0344\u05b0\u0591\u093c\u093e\u0f71\u0f73\u302e\u20e0\u1ab0\u0903'];
    let seed = 7;
    const next = () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) >> 8;
    for (let round = 0; round < 200; round++) {
      const run = Array.from({ length: 60 + (next() % 80) }, () => marks[next() % marks.length]).join('');
      for (const form of FORMS) expect(normalForm(`é${run}b${run}`, form)).toBe(`é${run}b${run}`.normalize(form));
    }
  });

  it('leaves characters that are younger than Unicode 9 as they are', () => {
    // U+107A7 is a modifier letter of Unicode 14 that decomposes to U+1DF08.
    expect(normalForm('ﬁ\u{107a7}ﬁ', 'NFKC')).toBe('fi\u{107a7}fi');
    // U+1ABF is a mark of Unicode 13: nothing moves across it.
    expect(normalForm('a\u0301\u1abf\u0316é', 'NFD')).toBe('a\u0301\u1abf\u0316e\u0301');
  });

  it('takes a million marks in an order that the engine sorts in quadratic time', () => {
    const normal = normalForm(`a${'\u0301\u0316'.repeat(500_000)}`, 'NFD');
    expect(normal === `a${'\u0316'.repeat(500_000)}${'\u0301'.repeat(500_000)}`).toBe(true);
  });
});
