/** A fixed piece of the fuzz run: the first cases of one seed in each part, each one as in `npm run fuzz`. */
import { describe, expect, it } from 'vitest';
import { bytesSource, openGguf, openSafetensors } from '../../src/formats/index.ts';
import { createRng } from '../../src/util/rng.ts';
import { readFormatMaterials } from './format-case.ts';
import { ALL_DTYPES } from './format-materials.ts';
import type { Outcome } from './fuzz-case.ts';
import { PARTS, type Part } from './fuzz-parts.ts';
import { hostileRegex, mutatedJson } from './mutated-file.ts';
import { randomText } from './random-text.ts';
import { readTokenizerMaterials } from './tokenizer-case.ts';

const CASES = 1500;

describe('texts and files, random and wrong', () => {
  it.each(Object.keys(PARTS) as Part[])(`%s hold or are refused, in ${CASES} cases`, async part => {
    const outcomes: Record<Outcome, number> = { held: 0, refused: 0 };
    const caseOf = await PARTS[part]();
    for (let number = 0; number < CASES; number++) {
      const { what, run } = caseOf(1, number);
      try {
        outcomes[await run()]++;
      } catch (cause) {
        throw new Error(`case ${number}: ${what}`, { cause });
      }
    }
    expect(outcomes.held).toBeGreaterThan(CASES / 10);
    expect(outcomes.refused).toBeGreaterThan(CASES / 10);
  });
  it('covers every committed tokenizer, some of which give back every text', () => {
    const { subjects, texts } = readTokenizerMaterials();
    expect(subjects.length).toBeGreaterThan(15);
    expect(subjects.filter(({ lossless }) => lossless === 'always').length).toBeGreaterThanOrEqual(2);
    expect(texts.length).toBeGreaterThan(100);
  });
  it('covers weights files of every format and every dtype', async () => {
    const { safetensors, gguf, torch, archives } = await readFormatMaterials();
    for (const list of [safetensors, torch, archives]) expect(list.length).toBeGreaterThan(12);
    const found = new Set<string>();
    for (const { name, bytes } of [...safetensors, ...gguf]) {
      const open = name.includes('every') || name.endsWith('.gguf') ? openGguf : openSafetensors;
      const tensors = await open(bytesSource(bytes)).then(
        checkpoint => [...checkpoint.tensors.values()],
        () => [],
      );
      for (const { dtype } of tensors) found.add(dtype);
    }
    expect([...found].sort()).toEqual([...ALL_DTYPES].sort());
  });
  it('is the same each time', async () => {
    const { texts } = readTokenizerMaterials();
    const [tokenizers, formats] = [PARTS.tokenizers(), await PARTS.formats()];
    const draw = () => [
      randomText(createRng(5, 6), texts),
      hostileRegex(createRng(7)),
      ...[1, 2, 3, 4].flatMap(number => [tokenizers(3, number).what, formats(3, number).what]),
    ];
    expect(draw()).toEqual(draw());
    const files = () =>
      Array.from({ length: 300 }, (_, i) =>
        JSON.stringify(mutatedJson(createRng(i), '{"normalizer":{"a":[1,"b"]},"c":0}')),
      );
    expect(files()).toEqual(files());
  });
});
