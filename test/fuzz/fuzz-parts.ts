/** The parts of the fuzz run, by name. */
import { createRng } from '../../src/util/rng.ts';
import { formatCase, readFormatMaterials } from './format-case.ts';
import type { Case } from './fuzz-case.ts';
import { readTokenizerMaterials, tokenizerCase } from './tokenizer-case.ts';

/** Gives the case of a seed and a number; what is needed for all of them is read once. */
export type Cases = (seed: number, number: number) => Case;

export const PARTS = {
  tokenizers(): Cases {
    const materials = readTokenizerMaterials();
    return (seed, number) => tokenizerCase(createRng(seed, number), materials);
  },
  async formats(): Promise<Cases> {
    const materials = await readFormatMaterials();
    return (seed, number) => formatCase(createRng(seed, number), materials);
  },
} as const satisfies Readonly<Record<string, () => Cases | Promise<Cases>>>;

export type Part = keyof typeof PARTS;
export const isPart = (name: string): name is Part => Object.hasOwn(PARTS, name);
