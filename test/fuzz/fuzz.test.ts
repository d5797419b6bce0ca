/** A fixed part of the fuzz run: the first cases of one seed, each one as in `npm run fuzz`. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/util/rng.ts';
import { fuzzCase, type Outcome, readMaterials } from './fuzz-case.ts';
import { hostileRegex, mutatedJson } from './mutated-file.ts';
import { randomText } from './random-text.ts';

const CASES = 1500;
const materials = readMaterials();

describe('random texts and files that are wrong', () => {
  it(`hold or are refused, in ${CASES} cases`, () => {
    const outcomes: Record<Outcome, number> = { held: 0, refused: 0 };
    for (let number = 0; number < CASES; number++) {
      const { what, run } = fuzzCase(1, number, materials);
      try {
        outcomes[run()]++;
      } catch (cause) {
        throw new Error(`case ${number}: ${what}`, { cause });
      }
    }
    expect(outcomes.held).toBeGreaterThan(CASES / 2);
    expect(outcomes.refused).toBeGreaterThan(CASES / 10);
  });
  it('covers every committed tokenizer, some of which give back every text', () => {
    const { subjects, texts } = materials;
    expect(subjects.length).toBeGreaterThan(15);
    expect(subjects.filter(({ lossless }) => lossless === 'always').length).toBeGreaterThanOrEqual(2);
    expect(texts.length).toBeGreaterThan(100);
  });
  it('is the same each time', () => {
    const draw = () => [
      randomText(createRng(5, 6), materials.texts),
      hostileRegex(createRng(7)),
      fuzzCase(3, 4, materials).what,
    ];
    expect(draw()).toEqual(draw());
    const files = () =>
      Array.from({ length: 300 }, (_, i) =>
        JSON.stringify(mutatedJson(createRng(i), '{"normalizer":{"a":[1,"b"]},"c":0}')),
      );
    expect(files()).toEqual(files());
  });
});
