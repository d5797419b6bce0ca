/**
 * What a sentence says of the world: good, bad, or neither. A function of the frame. What a relative clause says in passing does
 * not count.
 *
 * To deny what is bad is not yet to praise: *nicht schlecht, nicht enttäuscht, hasst ... nicht* are neutral. To deny what is good is
 * a judgement (*nicht gut, nicht freundlich*) or a dislike (*mag ... nicht, liebt keinen ...*), and negative, but who is not glad
 * need not be sad, and whom somebody does not or cannot praise or admire is not blamed for that: these are neutral.
 */

import { adjectiveOf } from '../lexicon/look-up.ts';
import type { Clause, Frame, Sentiment } from './frame.ts';

type Polarity = -1 | 0 | 1;

/** What a verb says, and what it says when it is denied. A modal changes nothing. */
const verbs: Readonly<Record<string, readonly [said: Polarity, denied: Polarity]>> = {
  love: [1, -1],
  like: [1, -1],
  enjoy: [1, -1],
  please: [1, -1],
  admire: [1, 0],
  praise: [1, 0],
  hate: [-1, 0],
  despise: [-1, 0],
  scold: [-1, 0],
};

/** The same of a predicate adjective. */
function quality(key: string): readonly [said: Polarity, denied: Polarity] {
  const { judgement, classes } = adjectiveOf(key);
  return [judgement, judgement === 1 && !classes.has('feeling') ? -1 : 0];
}

function polarity(clause: Clause): Polarity {
  const [said, denied] = clause.quality === undefined ? (verbs[clause.verb] ?? [0, 0]) : quality(clause.quality);
  return clause.negated || clause.patient?.determiner === 'no' ? denied : said;
}

/**
 * The judgement of a sentence. After *aber* the second half decides, two halves with *und* count alike, so that contrary ones are
 * neutral; otherwise the main clause decides, if it judges at all.
 */
export function sentimentOf(main: Clause, link?: Frame['link']): Sentiment {
  const first = polarity(main);
  const second = link === undefined ? 0 : polarity(link.clause);
  const value = link?.word === 'but' ? second : link?.word === 'and' ? first + second : first || second;
  return value > 0 ? 'positive' : value < 0 ? 'negative' : 'neutral';
}
