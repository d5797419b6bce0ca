/** How much of what a model writes is grammatical, by the parser that knows nothing of the model and of the sampler. */
import { grammatical } from '../parser/grammatical.ts';
import { share } from './intervals.ts';
import type { Score } from './score.ts';

/** Sentences of a text, with their full stops. */
export const sentencesOf = (text: string): string[] => text.split(/(?<=[.!?])\s+/).filter(part => part.trim() !== '');

export const isGrammatical = (sentence: string): boolean =>
  grammatical(sentence, 'de').ok || grammatical(sentence, 'en').ok;

/** A text that breaks off counts as it is: its last sentence is wrong. */
export const grammaticalShare = (
  about: Pick<Score, 'name' | 'what'> & { readonly goal?: number | undefined },
  texts: readonly string[],
): Score => share(about, texts.flatMap(sentencesOf).map(isGrammatical));
