/** A vocabulary of whole words, the most frequent first: huggingface/tokenizers models/wordlevel/trainer.rs. */
import { ConfigError } from '../../errors.ts';
import { byCodePoints, checkVocabSize, uniqueTokens } from './alphabet.ts';
import type { CountedWord } from './count-words.ts';

export interface WordLevelTrainerOptions {
  /** Size of the vocabulary, special tokens included; default 30000. */
  readonly vocabSize?: number | undefined;
  /** Words seen less often are left out; default 0. */
  readonly minFrequency?: number | undefined;
  /** The first entries of the vocabulary. */
  readonly specialTokens?: readonly string[] | undefined;
}

/** The tokens in the order of their ids; equally frequent words by code points. Throws ConfigError. */
export function trainWordLevel(
  words: readonly CountedWord[],
  options: WordLevelTrainerOptions = {},
): readonly string[] {
  const { vocabSize = 30000, minFrequency = 0, specialTokens = [] } = options;
  checkVocabSize(vocabSize);
  if (specialTokens.length > vocabSize)
    throw new ConfigError('the special tokens alone are more than the vocabulary may hold', {
      seen: `${specialTokens.length}`,
      expected: `at most ${vocabSize}`,
    });
  const ordered = [...words].sort((a, b) => b.count - a.count || byCodePoints(a.text, b.text));
  const frequent = ordered.filter(({ count }) => count >= minFrequency).map(({ text }) => text);
  return uniqueTokens([...specialTokens, ...frequent]).slice(0, vocabSize);
}
