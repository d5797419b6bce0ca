/** German sentences: a clause, or two that are joined. */

import { sameColumns } from './cells.ts';
import { type GermanClause, type GermanPart, verbFirst, verbLast, verbSecond } from './german-clause.ts';
import type { German } from './german-nominal.ts';
import type { GermanReading } from './german-words.ts';
import { createProgress, leaf, type Phrase, readingsAt, type Token } from './progress.ts';

const SUBORDINATE = ['weil', 'falls', 'als', 'dass'];

/** The state of a parse of German words. */
export function createGerman(tokens: readonly Token<GermanReading>[]): German {
  const p: German = {
    ...createProgress(tokens),
    relatives: (at, cells) => p.once(`relative ${cells}`, at, () => relativesAt(p, at, cells)),
  };
  return p;
}

/** The sentences that begin at a word, up to the mark that ends them. */
export function germanSentences(p: German): readonly Phrase[] {
  const early = subordinates(p, 0).flatMap(clause =>
    comma(p, clause.to).flatMap(at =>
      verbFirst(p, at)
        .filter(({ speech }) => !speech)
        .map(main => sentence([clause, leaf('comma', clause.to), main])),
    ),
  );
  const plain = verbSecond(p, 0).flatMap(main => [
    ...(main.speech ? [] : [sentence([main])]),
    ...comma(p, main.to).flatMap(at => behind(p, main, at)),
    ...conjoined(p, main),
  ]);
  return [...early, ...plain];
}

const sentence = (parts: readonly Phrase[]): Phrase => ({
  ...{ label: 'sentence', from: parts[0]!.from, to: parts.at(-1)!.to },
  parts,
});

/** A subordinate clause behind the main one: *dass* where that is to be completed, others where it is not. */
function behind(p: German, main: GermanClause, at: number): Phrase[] {
  return subordinates(p, at)
    .filter(clause => main.speech === (clause.label === 'dass'))
    .map(clause => sentence([main, leaf('comma', main.to), clause]));
}

/** A second main clause: *und*, or *aber* behind a comma. */
function conjoined(p: German, main: GermanClause): Phrase[] {
  if (main.speech) return [];
  const at = p.tokens[main.to]?.text === ',' ? main.to + 1 : main.to;
  const words = readingsAt(p, at, 'conjunction').map(({ conjunction }) => conjunction);
  if (!words.includes('und') && !(words.includes('aber') && at > main.to)) return [];
  return verbSecond(p, at + 1)
    .filter(({ speech }) => !speech)
    .map(second => sentence([main, leaf('conjunction', at), second]));
}

/** *weil er müde ist*: labelled with the conjunction. *als* tells of the past. */
function subordinates(p: German, at: number): (Phrase & { label: string })[] {
  const word = readingsAt(p, at, 'conjunction').find(({ conjunction }) => SUBORDINATE.includes(conjunction));
  if (!word) return [];
  return verbLast(p, at + 1).flatMap(clause => {
    if (word.conjunction === 'als' && !clause.past) {
      p.stuck(clause.to, 'als tells of the past', at);
      return [];
    }
    if (clause.speech) return [];
    return [{ label: word.conjunction, from: at, to: clause.to, parts: [leaf('conjunction', at), clause] }];
  });
}

/** *, der die Katze jagt,*: the closing comma is a part of it, unless the sentence ends or another clause shares it. */
function relativesAt(p: German, at: number, cells: number): Phrase[] {
  return readingsAt(p, at + 1, 'relative').flatMap(relative => {
    const fitting = relative.cells & sameColumns(cells);
    if (!fitting) {
      p.stuck(at + 1, 'the relative pronoun does not agree with its noun');
      return [];
    }
    const pronoun: GermanPart = {
      ...{ ...leaf('relative', at + 1), kind: 'nominal', cells: fitting, pronoun: true },
    };
    return verbLast(p, at + 2, pronoun)
      .filter(({ speech }) => !speech)
      .flatMap(clause => {
        const next = p.tokens[clause.to]?.text;
        const found = { label: 'relative clause', from: at, parts: [leaf('comma', at), clause] };
        if (next === ',') return [clause.to, clause.to + 1].map(to => ({ ...found, to }));
        if (next === '.') return [{ ...found, to: clause.to }];
        p.stuck(clause.to, 'a comma closes the relative clause');
        return [];
      });
  });
}

/** The place behind a comma, if one is here. */
const comma = (p: German, at: number): number[] => (p.tokens[at]?.text === ',' ? [at + 1] : []);
