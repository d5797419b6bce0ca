/**
 * German noun phrases and what is made of them: determiner, adjectives and noun that agree; names; owners in the genitive; relative
 * clauses; two joined by *und*; prepositions.
 */

import { ALL, asPlural, type Cells, GENITIVE, PLURAL, SINGULAR, sameColumns } from './cells.ts';
import { type Declension, ENDINGS, type GermanReading } from './german-words.ts';
import { follows, leaf, type Phrase, type Progress, readingsAt } from './progress.ts';

/** A German parse: nouns need clauses, and clauses need nouns. */
export interface German extends Progress<GermanReading> {
  /** The relative clauses that begin at a comma and say something of a noun with these cells. */
  relatives(at: number, cells: Cells): readonly Phrase[];
}
export interface Nominal extends Phrase {
  readonly cells: Cells;
  readonly pronoun: boolean;
  /** The name of a town, which takes *nach* where other goals take *zu*. */
  readonly town?: boolean | undefined;
}
export interface Prepositional extends Phrase {
  readonly preposition: string;
  readonly cells: Cells;
  readonly town?: boolean | undefined;
}

/** The noun phrases that begin at a word. */
export function nominals(p: German, at: number): readonly Nominal[] {
  return p.once('nominal', at, () => {
    const pronouns = readingsAt(p, at, 'pronoun').map(({ cells }) => ({
      ...leaf('pronoun', at),
      ...{ cells, pronoun: true },
    }));
    const full = single(p, at);
    return [...pronouns, ...full, ...full.flatMap(first => joined(p, first))];
  });
}

/** *Anna und Paul*: the cases of both, in the plural. */
function joined(p: German, first: Nominal): Nominal[] {
  if (!readingsAt(p, first.to, 'conjunction').some(({ conjunction }) => conjunction === 'und')) return [];
  return single(p, first.to + 1)
    .map(second => ({
      ...{ label: 'pair', from: first.from, to: second.to, parts: [first, leaf('and', first.to), second] },
      ...{ cells: asPlural(first.cells) & asPlural(second.cells), pronoun: false },
      town: first.town && second.town,
    }))
    .filter(({ cells }) => cells !== 0);
}

/** A phrase with one head, which is no pronoun. */
function single(p: German, at: number): readonly Nominal[] {
  return p.once('single', at, () => {
    const heads: Nominal[] = namesAt(p, at, false);
    for (const { declension, cells } of readingsAt(p, at, 'determiner'))
      heads.push(...headed(p, at, [leaf('determiner', at)], declension, cells));
    for (const _ of readingsAt(p, at, 'numeral')) heads.push(...headed(p, at, [leaf('number', at)], 'strong', PLURAL));
    for (const owner of ownersAt(p, at)) heads.push(...headed(p, at, [owner], 'strong', ALL));
    heads.push(...headed(p, at, [], 'strong', ALL, true));
    return heads.flatMap(head => withRelative(p, head));
  });
}

/**
 * Adjectives and a noun, or a name with the article, behind what determines them.
 * @param bare nothing does: plurals and what has none (*Äpfel*, *Milch*)
 */
function headed(
  p: German,
  from: number,
  before: readonly Phrase[],
  declension: Declension,
  determined: Cells,
  bare = false,
): Nominal[] {
  const found: Nominal[] = [];
  const parts = [...before];
  let at = before.at(-1)?.to ?? from;
  let cells = determined;
  if (before[0]?.label === 'determiner' && cells & PLURAL && readingsAt(p, at, 'numeral').length > 0) {
    cells &= PLURAL;
    parts.push(leaf('number', at++));
  }
  for (;;) {
    for (const noun of readingsAt(p, at, 'noun')) {
      const both = cells & noun.cells & (bare && !noun.bare ? PLURAL : ALL);
      if (!both) {
        p.stuck(at, 'the words before this noun do not agree with it');
        continue;
      }
      const phrase = { label: 'nominal', from, to: at + 1, parts: [...parts, leaf('noun', at)], cells: both };
      found.push({ ...phrase, pronoun: false }, ...withOwner(p, { ...phrase, pronoun: false }));
    }
    if (declension === 'weak')
      for (const name of namesAt(p, at, true))
        if (name.cells & cells)
          found.push({ ...name, from, parts: [...parts, ...name.parts], cells: name.cells & cells });
    let fitting = 0;
    for (const { ending } of readingsAt(p, at, 'adjective')) fitting |= ENDINGS[declension][ending] ?? 0;
    if (!(cells & fitting)) {
      if (fitting) p.stuck(at, 'the ending of this adjective does not fit');
      else if (at > from && found.length === 0) p.stuck(at, 'a noun is missing');
      return found;
    }
    cells &= fitting;
    parts.push(leaf('adjective', at++));
  }
}

/** *das Boot des Fischers*: the owner stands behind, in the genitive. */
function withOwner(p: German, owned: Nominal): Nominal[] {
  const behind = readingsAt(p, owned.to, 'determiner').length > 0 ? single(p, owned.to) : [];
  return behind
    .filter(({ cells }) => cells & GENITIVE)
    .map(owner => ({ ...owned, to: owner.to, parts: [...owned.parts, owner] }));
}

/** *Annas*, *Paul Bergers*: an owner that stands in front. */
function ownersAt(p: German, at: number): Phrase[] {
  return readingsAt(p, at, 'name')
    .filter(({ genitive, rest }) => genitive && follows(p, at, rest))
    .map(({ rest }) => nameLeaf('owner', at, rest));
}

function namesAt(p: German, at: number, article: boolean): Nominal[] {
  return readingsAt(p, at, 'name')
    .filter(name => !name.genitive && name.article === article && follows(p, at, name.rest))
    .map(({ cells, rest, town }) => ({
      ...nameLeaf('name', at, rest),
      ...{ cells: cells & SINGULAR, pronoun: false, town },
    }));
}
const nameLeaf = (label: string, at: number, rest: readonly string[]): Phrase => ({
  ...{ label, from: at, to: at + 1 + rest.length },
  parts: [],
});

function withRelative(p: German, head: Nominal): Nominal[] {
  if (p.tokens[head.to]?.text !== ',') return [head];
  const relatives = p.relatives(head.to, sameColumns(head.cells));
  return [head, ...relatives.map(clause => ({ ...head, to: clause.to, parts: [...head.parts, clause] }))];
}

/** The prepositional phrases that begin at a word: *im Garten*, *auf den Baum*. */
export function prepositionals(p: German, at: number): readonly Prepositional[] {
  return p.once('prepositional', at, () =>
    readingsAt(p, at, 'preposition').flatMap(({ preposition, contracted }) => {
      const head = leaf('preposition', at);
      const grounds = contracted
        ? headed(p, at, [head], 'weak', contracted).flatMap(n => withRelative(p, n))
        : nominals(p, at + 1).map(nominal => ({ ...nominal, parts: [head, nominal] }));
      return grounds.map(({ to, parts, cells, town }) => ({
        ...{ label: 'prepositional', from: at, to, parts },
        ...{ preposition, cells, town },
      }));
    }),
  );
}
