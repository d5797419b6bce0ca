/** English sentences: a clause, or two that are joined. */

import { clausesAt, type EnglishClause, gappedClauses } from './english-clause.ts';
import { type English, isAt } from './english-nominal.ts';
import { type EnglishReading, samePlaces } from './english-words.ts';
import { createProgress, leaf, type Phrase, type Token } from './progress.ts';

const SUBORDINATE = ['because', 'when', 'if', 'that'];

/** The state of a parse of English words. */
export function createEnglish(tokens: readonly Token<EnglishReading>[]): English {
  const p: English = {
    ...createProgress(tokens),
    relatives(at, head) {
      if (!(isAt(p, at, 'that') || (isAt(p, at, 'who') && head.human))) return [];
      // A head is seen here without its case, which is that of its own clause.
      const number = samePlaces(head.cells);
      return p.once(`relative ${number}`, at, () =>
        gappedClauses(p, at + 1, number)
          .filter(({ speech }) => !speech)
          .map(clause => ({
            label: 'relative clause',
            from: at,
            to: clause.to,
            parts: [leaf('relative', at), clause],
          })),
      );
    },
  };
  return p;
}

/** The sentences that begin at a word, up to the mark that ends them. */
export function englishSentences(p: English): readonly Phrase[] {
  const early = subordinates(p, 0)
    .filter(({ label, to }) => label !== 'that' && p.tokens[to]?.text === ',')
    .flatMap(clause =>
      clausesAt(p, clause.to + 1)
        .filter(({ speech }) => !speech)
        .map(main => sentence([clause, leaf('comma', clause.to), main])),
    );
  const plain = clausesAt(p, 0).flatMap(main => [
    ...(main.speech ? [] : [sentence([main]), ...conjoined(p, main)]),
    ...subordinates(p, main.to)
      .filter(({ label }) => main.speech === (label === 'that'))
      .map(clause => sentence([main, clause])),
  ]);
  return [...early, ...plain];
}

const sentence = (parts: readonly Phrase[]): Phrase => ({
  ...{ label: 'sentence', from: parts[0]!.from, to: parts.at(-1)!.to },
  parts,
});

/** A second main clause: *and*, or *but* behind a comma. */
function conjoined(p: English, main: EnglishClause): Phrase[] {
  const at = p.tokens[main.to]?.text === ',' ? main.to + 1 : main.to;
  if (!isAt(p, at, 'and') && !(isAt(p, at, 'but') && at > main.to)) return [];
  return clausesAt(p, at + 1)
    .filter(({ speech }) => !speech)
    .map(second => sentence([main, leaf('conjunction', at), second]));
}

/** *because he is tired*: labelled with the conjunction. */
function subordinates(p: English, at: number): Phrase[] {
  const word = SUBORDINATE.find(conjunction => isAt(p, at, conjunction));
  if (word === undefined) return [];
  return clausesAt(p, at + 1)
    .filter(({ speech }) => !speech)
    .map(clause => ({ label: word, from: at, to: clause.to, parts: [leaf('conjunction', at), clause] }));
}
