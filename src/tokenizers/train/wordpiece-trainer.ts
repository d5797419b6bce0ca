/**
 * Trains a WordPiece vocabulary as huggingface/tokenizers does: by byte pair encoding with `##` before what continues a
 * word. The merges are not part of the model. (The original of Schuster and Nakajima 2012 chooses pairs by likelihood.)
 */
import { type BpeTrainerOptions, trainBpe } from './bpe-trainer.ts';
import type { CountedWord } from './count-words.ts';

/** `continuingSubwordPrefix` is `##` by default. */
export type WordPieceTrainerOptions = BpeTrainerOptions;

/** The tokens of a WordPiece vocabulary in the order of their ids. `start`, errors: see `trainBpe`. */
export async function trainWordPiece(
  words: readonly CountedWord[],
  options: WordPieceTrainerOptions = {},
  start?: readonly string[],
): Promise<readonly string[]> {
  const { continuingSubwordPrefix = '##' } = options;
  const { vocab } = await trainBpe(words, { ...options, continuingSubwordPrefix }, start);
  return vocab;
}
