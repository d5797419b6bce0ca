/** Stories and sentences as rows of text: what the language models learn. */
import { sampleDocument } from '../document.ts';
import { createChoices } from '../world/choices.ts';
import type { Split } from '../world/split.ts';
import type { Fields } from './stream.ts';

/** Tells these from the streams of the tasks. */
const STREAM = 72;

export function* documentRows({ seed, split }: { readonly seed: number; readonly split: Split }): Generator<Fields> {
  for (let number = 0; ; number++) yield { text: sampleDocument(createChoices(seed, STREAM, number), { split }).text };
}
