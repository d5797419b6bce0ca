/** English noun phrases: determiner, adjectives and noun; owners with *'s*; names; relative clauses; two joined by *and*. */

import {
  ALL,
  articleBefore,
  DENIED,
  type EnglishCells,
  type EnglishReading,
  OBJECT,
  ONE,
  PLURAL,
  SUBJECT,
  UNCOUNTED,
} from './english-words.ts';
import { follows, leaf, type Phrase, type Progress, readingsAt } from './progress.ts';

/** An English parse: nouns need clauses, and clauses need nouns. */
export interface English extends Progress<EnglishReading> {
  /** The relative clauses that begin at *who* or *that* and say something of a head in this number. */
  relatives(at: number, head: Nominal): readonly Phrase[];
}
export interface Nominal extends Phrase {
  readonly cells: EnglishCells;
  readonly pronoun: boolean;
  readonly human: boolean;
}

/** Whether a word stands here, or with a capital where the sentence begins. */
export const isAt = (p: English, at: number, word: string): boolean =>
  p.tokens[at]?.text === word || (at === 0 && p.tokens[0]?.text.toLowerCase() === word);

/** The noun phrases that begin at a word. */
export function nominals(p: English, at: number): readonly Nominal[] {
  return p.once('nominal', at, () => {
    const pronouns = readingsAt(p, at, 'pronoun').map(({ cells }) => ({
      ...leaf('pronoun', at),
      ...{ cells, pronoun: true, human: false },
    }));
    const full = single(p, at);
    return [...pronouns, ...full, ...full.flatMap(first => joined(p, first))];
  });
}

function joined(p: English, first: Nominal): Nominal[] {
  if (!isAt(p, first.to, 'and')) return [];
  return single(p, first.to + 1).map(second => ({
    ...{ label: 'pair', from: first.from, to: second.to, parts: [first, leaf('and', first.to), second] },
    ...{ cells: PLURAL & placesOf(first) & placesOf(second), pronoun: false, human: first.human && second.human },
  }));
}

/** Where what it is a part of may stand: with *any* only behind *not*. */
const placesOf = ({ cells }: Nominal): EnglishCells => (cells & SUBJECT ? ALL : DENIED);

function single(p: English, at: number): readonly Nominal[] {
  return p.once('single', at, () => {
    const heads = [
      ...headed(p, at, [], PLURAL | UNCOUNTED),
      ...readingsAt(p, at, 'name').flatMap(name => named(p, at, name)),
    ];
    for (const { cells, article } of readingsAt(p, at, 'determiner')) {
      const next = p.tokens[at + 1]?.text ?? '';
      if (article === undefined || article === 'the' || article === articleBefore(next))
        heads.push(...headed(p, at, [leaf('determiner', at)], cells));
      else p.stuck(at + 1, `${articleBefore(next)} stands before this word`, at);
    }
    // An owner determines what follows it, which may own something again.
    for (const head of heads)
      if (p.tokens[head.to]?.text === ownerMark(p, head)) {
        const owner = { label: 'owner', from: at, to: head.to + 1, parts: [head, leaf('mark', head.to)] };
        heads.push(...headed(p, at, [owner], placesOf(head)));
      }
    return heads.flatMap(head => [
      head,
      ...p.relatives(head.to, head).map(clause => ({ ...head, to: clause.to, parts: [...head.parts, clause] })),
    ]);
  });
}

/** *the men's*, but *the boys'*. */
const ownerMark = (p: English, { cells, to }: Nominal) =>
  cells & PLURAL && /s$/.test(p.tokens[to - 1]!.text) ? "'" : "'s";

function named(p: English, at: number, name: { rest: readonly string[]; human: boolean }): Nominal[] {
  if (!follows(p, at, name.rest)) return [];
  const to = at + 1 + name.rest.length;
  return [{ label: 'name', from: at, to, parts: [], cells: ONE, pronoun: false, human: name.human }];
}

/** Adjectives and a noun behind what determines them. */
function headed(p: English, from: number, before: readonly Phrase[], determined: EnglishCells): Nominal[] {
  const found: Nominal[] = [];
  const parts = [...before];
  let at = before.at(-1)?.to ?? from;
  for (;;) {
    for (const noun of readingsAt(p, at, 'noun')) {
      const cells = determined & noun.cells;
      if (!follows(p, at, noun.rest)) continue;
      if (!cells)
        p.stuck(at, before.length > 0 ? 'this noun does not fit its determiner' : 'this noun lacks a determiner');
      else {
        const word = { ...leaf('noun', at), to: at + 1 + noun.rest.length };
        found.push({
          ...{ label: 'nominal', from, to: word.to, parts: [...parts, word] },
          ...{ cells, pronoun: false, human: noun.human },
        });
      }
    }
    if (!readingsAt(p, at, 'adjective').some(({ attribute }) => attribute)) {
      if (at > from && found.length === 0) p.stuck(at, 'a noun is missing');
      return found;
    }
    parts.push(leaf('adjective', at++));
  }
}

export const asSubject = ({ cells }: Nominal): EnglishCells => cells & SUBJECT;
/** `negated`: of a verb with *not*. */
export const asObject = ({ cells }: Nominal, negated = false): EnglishCells =>
  cells & (negated ? OBJECT | DENIED : OBJECT);
