/**
 * Scores of answers to questions as the scripts of SQuAD 1.1 and 2.0 have them (Rajpurkar et al. 2016, 2018): exact match
 * and F1 of the words, each with the best of several right answers.
 */

import { ConfigError } from '../../errors.ts';
import { ANSWER_LANGUAGES, type AnswerLanguage, answerWords } from './answer-text.ts';
import { checkPaired } from './paired-lists.ts';

export interface AnswerOptions {
  /**
   * 2 (default): a question may have no answer, which is said by an empty prediction and by no (or only empty) right
   * answers. 1: every question has an answer, and an empty F1 is 0.
   */
  readonly version?: 1 | 2 | undefined;
  /** Whose articles and punctuation do not count. Default `en`. */
  readonly language?: AnswerLanguage | undefined;
  /** How likely it is that each question has no answer, with version 2. Needs `noAnswerThreshold`. */
  readonly noAnswerProbabilities?: readonly number[] | undefined;
  /** Questions with a higher probability of no answer count as answered by nothing. */
  readonly noAnswerThreshold?: number | undefined;
}

/** Exact match and F1, from 0 to 1. */
export interface AnswerScore {
  readonly exactMatch: number;
  readonly f1: number;
}

export interface AnswerReport extends AnswerScore {
  readonly items: readonly AnswerScore[];
  /** Questions that have an answer, and that have none, where there are such. */
  readonly answerable?: (AnswerScore & { readonly count: number }) | undefined;
  readonly unanswerable?: (AnswerScore & { readonly count: number }) | undefined;
}

/**
 * The score of one answer against the right ones. Throws `ConfigError` with version 1 for no right answer, and for an
 * unknown language.
 */
export function scoreAnswer(
  prediction: string,
  answers: readonly string[],
  { version = 2, language = 'en' }: AnswerOptions = {},
): AnswerScore {
  if (!ANSWER_LANGUAGES.includes(language)) {
    throw new ConfigError('unknown language of answers', {
      seen: String(language),
      expected: ANSWER_LANGUAGES.join(', '),
      where: 'scoreAnswer',
    });
  }
  if (version === 1 && answers.length === 0) {
    throw new ConfigError('a question without an answer', {
      seen: '[]',
      expected: 'one or more right answers',
      fix: 'use version 2, where questions may have none',
      where: 'scoreAnswer',
    });
  }
  const predicted = answerWords(prediction, language);
  const right = answers.map(answer => answerWords(answer, language));
  const candidates = version === 1 ? right : answersThatSay(right);
  return {
    exactMatch: Math.max(...candidates.map(answer => (answer.join(' ') === predicted.join(' ') ? 1 : 0))),
    f1: Math.max(...candidates.map(answer => wordF1(predicted, answer, version))),
  };
}

/**
 * The scores of all answers and their means, overall and for questions with and without an answer. Throws `ConfigError`
 * for no items, lists of different lengths, and as `scoreAnswer` does.
 */
export function scoreAnswers(
  predictions: readonly string[],
  answers: readonly (readonly string[])[],
  options: AnswerOptions = {},
): AnswerReport {
  checkPaired(predictions, answers, 'scoreAnswers');
  const { noAnswerProbabilities, noAnswerThreshold, language = 'en' } = options;
  if ((noAnswerProbabilities === undefined) !== (noAnswerThreshold === undefined)) {
    throw new ConfigError('probabilities of no answer and their threshold belong together', {
      seen: noAnswerThreshold === undefined ? 'only the probabilities' : 'only the threshold',
      expected: 'both or neither',
      where: 'scoreAnswers',
    });
  }
  if (noAnswerProbabilities) checkPaired(noAnswerProbabilities, answers, 'scoreAnswers, noAnswerProbabilities');
  const hasAnswer = answers.map(list => list.some(answer => answerWords(answer, language).length > 0));
  const items = predictions.map((prediction, i) => {
    if (noAnswerProbabilities && noAnswerProbabilities[i]! > noAnswerThreshold!) {
      const score = hasAnswer[i] ? 0 : 1;
      return { exactMatch: score, f1: score };
    }
    return scoreAnswer(prediction, answers[i]!, options);
  });
  return {
    ...meanScore(items),
    items,
    answerable: countedMean(items.filter((_, i) => hasAnswer[i])),
    unanswerable: countedMean(items.filter((_, i) => !hasAnswer[i])),
  };
}

/** Right answers that have words; if none has, the answer is that there is none. */
function answersThatSay(answers: readonly string[][]): readonly string[][] {
  const withWords = answers.filter(answer => answer.length > 0);
  return withWords.length > 0 ? withWords : [[]];
}

function wordF1(predicted: readonly string[], answer: readonly string[], version: 1 | 2): number {
  if (version === 2 && (predicted.length === 0 || answer.length === 0))
    return predicted.length === answer.length ? 1 : 0;
  const left = new Map<string, number>();
  for (const word of answer) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of predicted) {
    const count = left.get(word) ?? 0;
    if (count > 0) common++;
    left.set(word, count - 1);
  }
  if (common === 0) return 0;
  const precision = common / predicted.length;
  const recall = common / answer.length;
  return (2 * precision * recall) / (precision + recall);
}

function meanScore(items: readonly AnswerScore[]): AnswerScore {
  return {
    exactMatch: items.reduce((sum, item) => sum + item.exactMatch, 0) / items.length,
    f1: items.reduce((sum, item) => sum + item.f1, 0) / items.length,
  };
}

function countedMean(items: readonly AnswerScore[]) {
  return items.length > 0 ? { ...meanScore(items), count: items.length } : undefined;
}
