/**
 * Two sentences that mean the same, for sentence embeddings: translations of each other, or the same in another order (*Heute schläft
 * der Hund. Der Hund schläft heute.*, active and passive). Other rows of a batch serve as what means something else.
 */

import { verbOf } from '../lexicon/look-up.ts';
import { realize } from '../realize.ts';
import type { Clause, Frame, Language } from '../world/frame.ts';
import { halfOf, isExempt } from '../world/split.ts';
import { drawn, otherLanguage, rowsFrom, type Task } from './task.ts';

/** The columns of a sentence pair. */
export interface SimilarityRow {
  readonly sentence1: string;
  readonly sentence2: string;
  readonly label: 1;
  readonly kind: 'translation' | 'paraphrase';
}

/** One pair in four is a paraphrase, where the sentence has one. */
export const similarityRows: Task<SimilarityRow> = options =>
  rowsFrom(options, ({ rng, language, frame }) => {
    const meaning = frame();
    const { split = 'train' } = options;
    // The other order may be held out for itself.
    const isFree = (other: Frame) => split === 'combination' || isExempt(other) || halfOf(other) === split;
    const others = rng.below(4) === 0 ? paraphrases(meaning).filter(isFree) : [];
    return others.length > 0
      ? pair(meaning, drawn(others, rng), language, language, 'paraphrase')
      : pair(meaning, meaning, language, otherLanguage(language), 'translation');
  });

const pair = (a: Frame, b: Frame, first: Language, second: Language, kind: SimilarityRow['kind']): SimilarityRow => ({
  ...{ sentence1: realize(a, first).text, sentence2: realize(b, second).text },
  ...{ label: 1, kind },
});

/** The same meaning with something else in front. A clause with *no* is left alone: what it denies depends on the order. */
function paraphrases(frame: Frame): Frame[] {
  const { main, link } = frame;
  const mentions = [main.agent, main.patient, main.recipient];
  if (link || mentions.some(mention => mention?.determiner === 'no' || mention?.determiner === 'own')) return [];
  const firsts: Clause['first'][] = ['agent', ...(main.time ? ['time' as const] : [])];
  const isWhere = verbOf(main.verb).kind !== 'motion' && main.verb !== 'live';
  if (main.place && isWhere && main.first !== 'time' && !main.negated) firsts.push('place');
  return firsts.filter(first => first !== main.first).map(first => ({ ...frame, main: { ...main, first } }));
}
