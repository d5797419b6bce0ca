/**
 * English clauses: subject, verb group, what the verb asks for, place, time. In a relative clause one noun phrase is missing, the
 * one that the relative pronoun stands for.
 */

import type { Verb } from '../lexicon/verbs.ts';
import { asObject, asSubject, type English, isAt, type Nominal, nominals } from './english-nominal.ts';
import { ALL, type EnglishCells, PLURAL, SINGULAR } from './english-words.ts';
import { follows, leaf, type Phrase, readingsAt } from './progress.ts';

export interface EnglishClause extends Phrase {
  /** It says something that a clause with *that* has to complete. */
  readonly speech: boolean;
  readonly past: boolean;
}
/** The verbs of a clause: which verb fills its frame, and the number that its subject must have. */
interface Group {
  readonly verb: Verb | 'be' | 'called';
  readonly passive: boolean;
  /** The numbers of its subject. */
  readonly cells: EnglishCells;
  readonly past: boolean;
  readonly negated: boolean;
  readonly to: number;
}
type Finite = Pick<Group, 'cells' | 'past' | 'negated'>;
/** Places up to which something was read, and whether the gap of a relative clause is in it. */
interface Read {
  readonly to: number;
  readonly gap: boolean;
  readonly parts: readonly Phrase[];
}
const MOTION = ['into', 'onto', 'up', 'over', 'to'];

/** Statements that begin at a word, a time or place in front included. */
export function clausesAt(p: English, at: number): readonly EnglishClause[] {
  return p.once('clause', at, () => {
    const fronts = [...timesAt(p, at), ...placesAt(p, at)];
    return [undefined, ...fronts].flatMap(front => {
      const from = front?.to ?? at;
      const subjects = nominals(p, from);
      if (subjects.length === 0) p.stuck(from, 'a subject is to be here');
      return subjects.flatMap(subject => predicates(p, subject.to, asSubject(subject), { front, subject }, false));
    });
  });
}

/** What a relative clause says: of its subject, or with a subject of its own and a gap for an object. */
export function gappedClauses(p: English, at: number, head: EnglishCells): EnglishClause[] {
  return [
    ...predicates(p, at, head, {}, false),
    ...nominals(p, at).flatMap(subject => predicates(p, subject.to, asSubject(subject), { subject }, true)),
  ];
}

/** Verb group and all behind it. `gap`: one noun phrase behind it is missing. */
function predicates(
  p: English,
  at: number,
  subject: EnglishCells,
  before: { readonly front?: (Phrase & { motion?: boolean; past?: boolean }) | undefined; readonly subject?: Nominal },
  gap: boolean,
): EnglishClause[] {
  const lead = [before.front, before.subject].filter(phrase => phrase !== undefined);
  const groups = groupsAt(p, at);
  if (groups.length === 0) p.stuck(at, 'the verb is to be here');
  return groups.flatMap(group => {
    if (!(group.cells & subject)) {
      p.stuck(group.to, 'verb and subject differ in number', at);
      return [];
    }
    const verbs = { label: 'verbs', from: at, to: group.to, parts: [] };
    return complements(p, group, gap)
      .filter(read => read.gap === gap)
      .flatMap(read => adjuncts(p, read, group, before.front).map(last => ({ read, last })))
      .map(({ read, last }) => ({
        ...{ label: 'clause', from: lead[0]?.from ?? at, to: last.to },
        parts: [...lead, verbs, ...read.parts, ...last.parts],
        speech: typeof group.verb !== 'string' && group.verb.kind === 'speech',
        past: group.past,
      }));
  });
}

function groupsAt(p: English, at: number): readonly Group[] {
  return p.once('group', at, () => {
    const found: Group[] = [];
    const number = (plural: boolean | undefined) => (plural === undefined ? ALL : plural ? PLURAL : SINGULAR);
    for (const { plural, past } of readingsAt(p, at, 'be')) {
      const negated = isAt(p, at + 1, 'not');
      const to = negated ? at + 2 : at + 1;
      const be = { cells: number(plural), past, negated };
      found.push({ ...be, verb: 'be', passive: false, to });
      if (isAt(p, to, 'called')) found.push({ ...be, verb: 'called', passive: false, to: to + 1 });
      for (const { verb } of verbForms(p, to, 'participle')) found.push({ ...be, verb, passive: true, to: to + 1 });
    }
    for (const { plural, past } of readingsAt(p, at, 'do'))
      if (isAt(p, at + 1, 'not')) found.push(...infinitives(p, at + 2, { cells: number(plural), past, negated: true }));
    for (const { verb, form } of readingsAt(p, at, 'verb')) {
      const past = form === 'past';
      const finite = { cells: number(past ? undefined : form === 'base'), past, negated: false };
      if (form === 'participle') continue;
      if (verb.kind === 'modal') found.push(...infinitives(p, at, finite, verb));
      else found.push({ ...finite, verb, passive: false, to: at + 1 });
    }
    if (isAt(p, at, 'cannot')) found.push(...bare(p, at + 1, { cells: ALL, past: false, negated: true }));
    return found;
  });
}

const verbForms = (p: English, at: number, form: string) => readingsAt(p, at, 'verb').filter(r => r.form === form);

/** What follows *do not*: a base form, or *want to* and one. With a modal: what follows it at `at`. */
function infinitives(p: English, at: number, finite: Finite, modal?: Verb): Group[] {
  if (!modal)
    return [...bare(p, at, finite), ...(isAt(p, at, 'want') && isAt(p, at + 1, 'to') ? bare(p, at + 2, finite) : [])];
  if (modal.key === 'want' || (modal.key === 'must' && finite.past))
    return isAt(p, at + 1, 'to') ? bare(p, at + 2, finite) : [];
  const negated = isAt(p, at + 1, 'not');
  return bare(p, negated ? at + 2 : at + 1, { ...finite, cells: ALL, negated });
}

function bare(p: English, at: number, finite: Finite): Group[] {
  const found = verbForms(p, at, 'base').filter(({ verb }) => verb.kind !== 'modal');
  if (found.length === 0) p.stuck(at, 'the base form of a verb is to be here');
  return found.map(({ verb }) => ({ ...finite, verb, passive: false, to: at + 1 }));
}

/** What the verb asks for, behind it. */
function complements(p: English, group: Group, gap: boolean): Read[] {
  const { verb, passive, to } = group;
  const nothing: Read = { to, gap: false, parts: [] };
  const object = (read: Read, gap: boolean, full = false) => objects(p, group, read, gap, full);
  if (verb === 'called') return readingsAt(p, to, 'name').map(() => add(nothing, leaf('name', to)));
  if (verb === 'be')
    return [...qualitiesAt(p, to), ...placesAt(p, to).filter(({ motion }) => !motion)].map(part => add(nothing, part));
  const { preposition } = verb.en;
  const particle = verb.en.particle.split('_');
  if (passive) {
    const plain = words(p, [nothing], preposition, ...particle);
    const complete = verb.kind === 'give' ? plain.flatMap(read => object(read, false)) : plain;
    const agents = complete.flatMap(read => (isAt(p, read.to, 'by') ? object({ ...read, to: read.to + 1 }, gap) : []));
    if (agents.length === 0) p.stuck(to, 'who does it is missing');
    return agents;
  }
  switch (verb.kind) {
    case 'transitive':
    case 'dative': {
      const behind = words(p, [nothing], preposition).flatMap(read => object(read, gap));
      const early =
        verb.en.particle === '' ? [] : words(p, [nothing], ...particle).flatMap(read => object(read, gap, true));
      return [...words(p, behind, ...particle), ...early];
    }
    case 'give': {
      const first = object(nothing, gap);
      const two = first.flatMap(read => object(read, gap && !read.gap));
      const toWhom = words(p, first, 'to').flatMap(read => object(read, gap && !read.gap));
      return words(p, [...two, ...toWhom], ...particle);
    }
    case 'judge': {
      const judged = verb.key === 'consider' ? object(nothing, gap) : [nothing];
      return judged.flatMap(read => qualitiesAt(p, read.to).map(part => add(read, part)));
    }
    default:
      return words(p, [nothing], ...particle);
  }
}

const add = (read: Read, part: Phrase): Read => ({ ...read, to: part.to, parts: [...read.parts, part] });

/** The same with words behind it that must be there. */
function words(p: English, reads: readonly Read[], ...needed: string[]): Read[] {
  const all = needed.filter(word => word !== '');
  return reads.flatMap(read => {
    const missing = all.findIndex((word, i) => !isAt(p, read.to + i, word));
    if (missing < 0) return [all.reduce((r, _, i) => add(r, leaf('word', read.to + i)), read)];
    p.stuck(read.to + missing, `${all[missing]} is missing`);
    return [];
  });
}

/** The same with a noun phrase behind it, or with the gap for one. */
function objects(p: English, { negated }: Group, read: Read, gap: boolean, full: boolean): Read[] {
  const found = nominals(p, read.to).filter(nominal => asObject(nominal, negated) && !(full && nominal.pronoun));
  if (found.length === 0 && !gap) p.stuck(read.to, 'an object is to be here');
  return [...found.map(part => add(read, part)), ...(gap ? [{ ...read, gap: true }] : [])];
}

function qualitiesAt(p: English, at: number): Phrase[] {
  const adjective = readingsAt(p, at, 'degree').length > 0 ? at + 1 : at;
  if (readingsAt(p, adjective, 'adjective').length > 0)
    return [{ label: 'quality', from: at, to: adjective + 1, parts: [] }];
  p.stuck(adjective, 'an adjective is to be here');
  return [];
}

/** Nothing, a place, a time, or both; a place is where to for a verb of motion, and where for others. */
function adjuncts(
  p: English,
  { to }: Read,
  { verb, past }: Group,
  front?: Phrase & { motion?: boolean; past?: boolean },
): { to: number; parts: Phrase[] }[] {
  const motion = typeof verb !== 'string' && verb.kind === 'motion';
  const fits = (part: { motion?: boolean; past?: boolean }) =>
    part.motion === undefined ? !part.past || past : part.motion === motion;
  if (front && !fits(front)) {
    p.stuck(to, 'time or place in front does not fit the verb', front.from);
    return [];
  }
  const [places, times] = [(at: number) => placesAt(p, at).filter(fits), (at: number) => timesAt(p, at).filter(fits)];
  const one = [...(front?.motion === undefined ? places(to) : []), ...(front?.past === undefined ? times(to) : [])];
  const two = front
    ? []
    : one.flatMap(first =>
        (first.motion === undefined ? places(first.to) : times(first.to)).map(last => [first, last]),
      );
  return [[], ...one.map(part => [part]), ...two].map(parts => ({ to: parts.at(-1)?.to ?? to, parts }));
}

type Adjunct = Phrase & { motion?: boolean; past?: boolean };

function placesAt(p: English, at: number): readonly Adjunct[] {
  return p.once('place', at, () =>
    readingsAt(p, at, 'preposition')
      .filter(({ rest }) => follows(p, at, rest))
      .flatMap(({ preposition, rest }) =>
        nominals(p, at + 1 + rest.length)
          .filter(ground => asObject(ground))
          .map(ground => ({
            ...{ label: 'place', from: at, to: ground.to, parts: [leaf('preposition', at), ground] },
            motion: MOTION.includes(preposition),
          })),
      ),
  );
}

function timesAt(p: English, at: number): readonly Adjunct[] {
  return readingsAt(p, at, 'time')
    .filter(({ rest }) => follows(p, at, rest))
    .map(({ rest, past }) => ({ label: 'time', from: at, to: at + 1 + rest.length, parts: [], past }));
}
