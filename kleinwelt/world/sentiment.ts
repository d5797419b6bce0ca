/** What a sentence says of the world: good, bad, or neither. A function of the frame. */

import { adjectiveOf } from '../lexicon/look-up.ts';
import type { Clause, Frame, Sentiment } from './frame.ts';

const verbs: Readonly<Record<string, 1 | -1>> = {
  love: 1,
  like: 1,
  enjoy: 1,
  admire: 1,
  praise: 1,
  please: 1,
  hate: -1,
  despise: -1,
  scold: -1,
};

/** 1, -1 or 0 for one clause. Negation turns it round: *nicht gut*, *mag die Suppe nicht*, *mag keine Suppe*. */
function polarity(clause: Clause): number {
  const said = clause.quality === undefined ? (verbs[clause.verb] ?? 0) : adjectiveOf(clause.quality).judgement;
  const negated = clause.negated || clause.patient?.determiner === 'no';
  return said === 0 ? 0 : negated ? -said : said;
}

/** The judgement of a sentence: after *aber* the second half decides, otherwise the main clause, if it judges at all. */
export function sentimentOf(main: Clause, link?: Frame['link']): Sentiment {
  const linked = link === undefined ? 0 : polarity(link.clause);
  const value = link?.word === 'but' ? linked : polarity(main) || linked;
  return value > 0 ? 'positive' : value < 0 ? 'negative' : 'neutral';
}
