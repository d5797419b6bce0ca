/**
 * What two answers to a question must have in common to be the same: their words without case, punctuation and articles.
 * English: the script of SQuAD (Rajpurkar et al. 2016). German: that of MLQA (Lewis et al. 2020), which has the German
 * articles and takes all of Unicode's punctuation for punctuation, so also „ “ and – .
 */

import { words } from './whitespace.ts';

/** The languages whose articles are known; `none` has no articles and all of Unicode's punctuation. */
export type AnswerLanguage = 'en' | 'de' | 'none';

interface Rules {
  readonly punctuation: RegExp;
  readonly articles: RegExp | undefined;
}

/** Articles stand between characters that are no letter, digit or underscore, in any script. */
const wholeWords = (alternatives: string) =>
  new RegExp(`(?<![\\p{L}\\p{N}_])(?:${alternatives})(?![\\p{L}\\p{N}_])`, 'gu');

/** ASCII's punctuation includes the symbols $ + < = > ^ ` | ~, which Unicode does not call punctuation. */
const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/gu;
const ALL_PUNCTUATION = /[!-/:-@[-`{-~]|\p{P}/gu;

const RULES: Readonly<Record<AnswerLanguage, Rules>> = {
  en: { punctuation: ASCII_PUNCTUATION, articles: wholeWords('a|an|the') },
  de: {
    punctuation: ALL_PUNCTUATION,
    articles: wholeWords('eine[nmrs]?|ein|der|die|das|den|dem|des'),
  },
  none: { punctuation: ALL_PUNCTUATION, articles: undefined },
};

/** Languages that `answerWords` knows. */
export const ANSWER_LANGUAGES = Object.keys(RULES) as readonly AnswerLanguage[];

/** The words of an answer that count: lowercase, without punctuation, without articles. */
export function answerWords(answer: string, language: AnswerLanguage = 'en'): string[] {
  const { punctuation, articles } = RULES[language];
  const bare = answer.toLowerCase().replace(punctuation, '');
  return words(articles ? bare.replace(articles, ' ') : bare);
}
