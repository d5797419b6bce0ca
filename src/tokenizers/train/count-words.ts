/**
 * Counting words for a trainer: every text is normalized and cut as a tokenizer would do it, and the pieces are counted.
 * Texts come one after the other; memory grows with the number of different words only.
 */
import { toByteChars } from '../byte-alphabet.ts';
import type { Normalizer } from '../normalizers.ts';
import { wellFormed } from '../offsets.ts';
import { BYTE_STEP, type PreTokenizerStep, preTokenizeText } from '../pre-tokenizers.ts';
import { Pace, type PaceOptions } from './pace.ts';
import { WordTable } from './word-table.ts';

/** Texts to learn from: a list, or a stream such as the lines of a file. Each counts as a text of its own. */
export type Texts = Iterable<string> | AsyncIterable<string>;

/** A word and how often it was seen. */
export interface CountedWord {
  readonly text: string;
  readonly count: number;
}

export interface CountOptions extends PaceOptions {
  readonly normalizer?: Normalizer | undefined;
  readonly preTokenizer?: readonly PreTokenizerStep[] | undefined;
  /**
   * Most different words that are remembered. Whenever there are more, those seen least often are dropped until half as
   * many are left, so that the counts of rare words become too small. Default: none is dropped, the counts are exact.
   */
  readonly maxWords?: number | undefined;
  /** Receives the length of every text, in code units. */
  readonly onText?: ((length: number) => void) | undefined;
}

/** The words of all texts in order of their first appearance. Throws the signal's reason when aborted. */
export async function countWords(texts: Texts, options: CountOptions = {}): Promise<CountedWord[]> {
  const { normalizer, preTokenizer = [], maxWords = Number.POSITIVE_INFINITY } = options;
  // Writing bytes as characters is one to one, so it can wait until the words are counted.
  const bytes = preTokenizer.at(-1) === BYTE_STEP;
  const steps = bytes ? preTokenizer.slice(0, -1) : preTokenizer;
  const table = new WordTable();
  const add = (text: string, start: number, end: number) => table.add(text, start, end);
  const pace = new Pace(options);
  let read = 0;
  for await (const text of texts) {
    const formed = wellFormed(text);
    const normal = normalizer ? normalizer.text(formed) : formed;
    preTokenizeText(steps, normal, 0, normal.length, true, add);
    options.onText?.(text.length);
    read++;
    if (table.size > maxWords) table.dropRarest(Math.floor(maxWords / 2));
    if (pace.due()) await pace.pause('read', read);
  }
  return Array.from({ length: table.size }, (_, i) => {
    const word = table.word(i);
    return { text: bytes ? toByteChars(word) : word, count: table.count(i) };
  });
}
