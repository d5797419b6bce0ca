/**
 * German clauses by the model of topological fields (Drach, "Grundgedanken der deutschen Satzlehre", 1937): what stands first, the
 * finite verb, the middle field, and the bracket of particle or infinitive that closes it; in subordinate clauses all verbs
 * stand last. What the verb asks for must be there, once each and in its case; order is checked for what German fixes.
 */

import type { Verb } from '../lexicon/verbs.ts';
import { ACCUSATIVE, type Cells, DATIVE, NOMINATIVE, PLURAL, SINGULAR } from './cells.ts';
import { type German, type Nominal, nominals, type Prepositional, prepositionals } from './german-nominal.ts';
import { follows, leaf, type Phrase, readingsAt } from './progress.ts';

export type GermanPart = Phrase &
  (
    | (Nominal & { readonly kind: 'nominal' })
    | (Prepositional & { readonly kind: 'prepositional' })
    | { readonly kind: 'time'; readonly past: boolean }
    | { readonly kind: 'reflexive' | 'not' | 'quality' }
  );
/** Parts that stand side by side. */
interface Field {
  readonly to: number;
  readonly parts: readonly GermanPart[];
}
/** A finite verb with the verb whose frame is filled: its own, or the infinitive's behind a modal. */
interface Predicate {
  readonly verb: Verb;
  readonly plural: boolean;
  readonly past: boolean;
}
export interface GermanClause extends Phrase {
  /** It says something that a clause with *dass* has to complete. */
  readonly speech: boolean;
  readonly past: boolean;
}

function partsAt(p: German, at: number): readonly GermanPart[] {
  return p.once('part', at, () => [
    ...nominals(p, at).map(nominal => ({ ...nominal, kind: 'nominal' as const })),
    ...prepositionals(p, at).map(phrase => ({ ...phrase, kind: 'prepositional' as const })),
    ...readingsAt(p, at, 'time')
      .filter(({ rest }) => follows(p, at, rest))
      .map(({ rest, past }) => ({ ...leaf('time', at), to: at + 1 + rest.length, kind: 'time' as const, past })),
    ...readingsAt(p, at, 'not').map(() => ({ ...leaf('not', at), kind: 'not' as const })),
    ...readingsAt(p, at, 'reflexive').map(() => ({ ...leaf('reflexive', at), kind: 'reflexive' as const })),
    ...qualitiesAt(p, at),
  ]);
}

function qualitiesAt(p: German, at: number): GermanPart[] {
  const degree = readingsAt(p, at, 'degree').length > 0 ? [leaf('degree', at)] : [];
  const adjective = at + degree.length;
  if (!readingsAt(p, adjective, 'adjective').some(({ ending }) => ending === '')) return [];
  const parts = degree.length > 0 ? [...degree, leaf('adjective', adjective)] : [];
  return [{ label: 'quality', from: at, to: adjective + 1, parts, kind: 'quality' }];
}

/** How many parts of a kind stand side by side at most. It keeps the runs few where phrases can be cut in many ways. */
const MOST: Readonly<Record<GermanPart['kind'], number>> = {
  ...{ nominal: 3, prepositional: 2, time: 1, reflexive: 1, not: 1, quality: 1 },
};

/** Every run of parts that begins at a word, the empty one included. */
function fieldsAt(p: German, at: number): readonly Field[] {
  return p.once('field', at, () => [
    { to: at, parts: [] },
    ...partsAt(p, at).flatMap(part =>
      fieldsAt(p, part.to)
        .filter(({ parts }) => parts.filter(({ kind }) => kind === part.kind).length < MOST[part.kind])
        .map(({ to, parts }) => ({ to, parts: [part, ...parts] })),
    ),
  ]);
}

/** Clauses whose finite verb is the second part. */
export function verbSecond(p: German, at: number): readonly GermanClause[] {
  return p.once('verb second', at, () => {
    const firsts = partsAt(p, at).filter(({ kind }) => kind !== 'not' && kind !== 'reflexive');
    if (firsts.length === 0) p.stuck(at, 'no part of a sentence begins here');
    return firsts.flatMap(first => verbFirst(p, first.to, first).map(clause => ({ ...clause, from: at })));
  });
}

/** The finite verb and all behind it; `first` stands in front, unless that is a subordinate clause. */
export function verbFirst(p: German, at: number, first?: GermanPart): readonly GermanClause[] {
  const finites = readingsAt(p, at, 'finite').filter(({ joined }) => !joined);
  if (finites.length === 0) p.stuck(at, 'the finite verb is to be here');
  return finites.flatMap(({ verb, plural, past }) =>
    fieldsAt(p, at + 1).flatMap(({ to, parts }) =>
      bracketsAt(p, to, verb).flatMap(bracket => {
        const clause = complete(p, { verb: bracket.verb, plural, past }, first, parts, bracket.to, at);
        const all = [...(first ? [first] : []), leaf('verb', at), ...parts, ...bracket.parts];
        return clause ? [{ ...clause, label: 'clause', from: first?.from ?? at, to: bracket.to, parts: all }] : [];
      }),
    ),
  );
}

/** What closes the clause of a verb: nothing, its particle, or the infinitive that a modal asks for. */
function bracketsAt(p: German, at: number, verb: Verb): { verb: Verb; to: number; parts: Phrase[] }[] {
  if (verb.kind === 'modal') {
    const infinitives = readingsAt(p, at, 'infinitive').filter(r => r.verb.kind !== 'modal');
    if (infinitives.length === 0) p.stuck(at, 'the infinitive of the modal verb is missing');
    return infinitives.map(r => ({ verb: r.verb, to: at + 1, parts: [leaf('infinitive', at)] }));
  }
  if (verb.de.particle === '') return [{ verb, to: at, parts: [] }];
  if (p.tokens[at]?.text !== verb.de.particle) {
    p.stuck(at, `the particle of ${verb.de.particle}${verb.de.infinitive} is missing`);
    return [];
  }
  return [{ verb, to: at + 1, parts: [leaf('particle', at)] }];
}

/** Clauses with all verbs at the end, behind a conjunction or a relative pronoun, which is `first`. */
export function verbLast(p: German, at: number, first?: GermanPart): readonly GermanClause[] {
  return fieldsAt(p, at).flatMap(({ to, parts }) =>
    clustersAt(p, to).flatMap(({ predicate, end }) => {
      const clause = complete(p, predicate, first, parts, end, end - 1);
      const verbs = Array.from({ length: end - to }, (_, i) => leaf('verb', to + i));
      const all = [...(first ? [first] : []), ...parts, ...verbs];
      return clause ? [{ ...clause, label: 'clause', from: first?.from ?? at, to: end, parts: all }] : [];
    }),
  );
}

/** *jagt*, *aufhebt*, *jagen will*. */
function clustersAt(p: German, at: number): { predicate: Predicate; end: number }[] {
  const alone = readingsAt(p, at, 'finite')
    .filter(({ verb, joined }) => verb.kind !== 'modal' && joined === (verb.de.particle !== ''))
    .map(predicate => ({ predicate, end: at + 1 }));
  const modals = readingsAt(p, at, 'infinitive').flatMap(({ verb }) =>
    readingsAt(p, at + 1, 'finite')
      .filter(finite => finite.verb.kind === 'modal' && verb.kind !== 'modal')
      .map(({ plural, past }) => ({ predicate: { verb, plural, past }, end: at + 2 })),
  );
  if (alone.length + modals.length === 0) p.stuck(at, 'the clause is to end with its verb');
  return [...alone, ...modals];
}

/** Whether the parts are what the verb asks for, in an order that German has. */
function complete(
  p: German,
  predicate: Predicate,
  first: GermanPart | undefined,
  middle: readonly GermanPart[],
  to: number,
  at: number,
): Pick<GermanClause, 'speech' | 'past'> | undefined {
  const { verb, past } = predicate;
  const why = missing(predicate, first, middle) ?? disorder(middle, predicate);
  if (!why) return { speech: verb.kind === 'speech', past };
  p.stuck(to, why, at);
  return undefined;
}

/** The cells of the noun phrases that a verb asks for, its subject first. */
function slotsOf({ verb, plural }: Predicate): Cells[] {
  const subject = NOMINATIVE & (plural ? PLURAL : SINGULAR);
  if (verb.kind === 'transitive') return verb.de.preposition ? [subject] : [subject, ACCUSATIVE];
  if (verb.kind === 'dative') return [subject, DATIVE];
  if (verb.kind === 'give') return [subject, DATIVE, ACCUSATIVE];
  if (verb.key === 'consider') return [subject, ACCUSATIVE];
  return verb.key === 'be called' ? [subject, NOMINATIVE] : [subject];
}

/** Whether the noun phrases fill the slots, each one. */
function fills(slots: readonly Cells[], filled: readonly Cells[]): boolean {
  if (slots.length !== filled.length) return false;
  const [slot, ...others] = slots;
  if (slot === undefined) return true;
  return filled.some((cells, i) => cells & slot && fills(others, filled.toSpliced(i, 1)));
}

/**
 * Whether the noun phrases are the subject and the objects. In the middle field the subject stands before all objects that are no
 * pronouns, and as a pronoun before all.
 */
function governs(predicate: Predicate, first: GermanPart | undefined, middle: readonly GermanPart[]): boolean {
  const [subject, ...objects] = slotsOf(predicate) as [Cells, ...Cells[]];
  const front = first?.kind === 'nominal' ? [first] : [];
  const all = [...front, ...middle.filter(part => part.kind === 'nominal')];
  const named = predicate.verb.key === 'be called';
  return all.some(
    ({ cells, pronoun: light }, i) =>
      (cells & subject) !== 0 &&
      all
        .slice(front.length, Math.max(i, front.length))
        .every(({ pronoun, label }) => !light && (pronoun || (named && label === 'name'))) &&
      (!named || all.toSpliced(i, 1).every(({ label }) => label === 'name')) &&
      fills(
        objects,
        all.toSpliced(i, 1).map(nominal => nominal.cells),
      ),
  );
}

/** What keeps the parts from being what the verb asks for. */
function missing(
  predicate: Predicate,
  first: GermanPart | undefined,
  middle: readonly GermanPart[],
): string | undefined {
  const { verb, past } = predicate;
  const parts = first ? [first, ...middle] : middle;
  const count = (kind: GermanPart['kind']) => parts.filter(part => part.kind === kind).length;
  if (!governs(predicate, first, middle)) return 'subject and objects of this verb are not what is here';
  if (count('reflexive') !== Number(verb.de.reflexive)) return 'a reflexive pronoun too many or too few';
  if (count('not') > 1 || count('time') > 1) return 'something is said twice';
  if (parts.some(part => part.kind === 'time' && part.past) && !past) return 'the time is past and the verb is not';
  let [objects, places] = [0, 0];
  for (const part of parts)
    if (part.kind === 'prepositional') {
      const object = verb.de.preposition === part.preposition && part.cells & ACCUSATIVE;
      if (object && objects === 0) objects++;
      else if (isPlace(part, verb.kind === 'motion')) places++;
      else return 'this verb has no such prepositional phrase';
    }
  if (objects !== Number(verb.de.preposition !== '')) return 'the prepositional object is missing';
  const qualities = count('quality');
  const wanted = verb.kind === 'judge' || verb.key === 'be' ? 1 : 0;
  if (verb.key === 'be' ? qualities + places < 1 || qualities > 1 : qualities !== wanted)
    return 'a predicate adjective too many or too few';
  return places > 1 ? 'two places' : undefined;
}

/** Where: the dative; where to: the accusative, or *zu*; to a town *nach*. */
function isPlace({ preposition, cells, town }: Prepositional, motion: boolean): boolean {
  if (preposition === 'nach') return motion && town === true;
  if (preposition === 'über') return motion && (cells & ACCUSATIVE) !== 0;
  if (motion && town) return false;
  if (preposition === 'zu') return motion && (cells & DATIVE) !== 0;
  if (preposition === 'bei') return !motion && (cells & DATIVE) !== 0;
  return (cells & (motion ? ACCUSATIVE : DATIVE)) !== 0;
}

/** What is in an order that German does not have. Of what stands in front of the verb, any may. */
function disorder(middle: readonly GermanPart[], predicate: Predicate): string | undefined {
  const [subject] = slotsOf(predicate) as [Cells];
  const light = (part: GermanPart) => part.kind === 'reflexive' || (part.kind === 'nominal' && part.pronoun);
  // *er sich*, *es ihr*: which of two others is the subject is for `governs` to say.
  const rank = (part: GermanPart) => (part.kind !== 'nominal' ? 1 : part.cells & DATIVE ? 2 : 0);
  const isSubject = (part: GermanPart) => part.kind === 'nominal' && (part.cells & subject) !== 0;
  for (const [i, part] of middle.entries()) {
    const before = middle.slice(0, i);
    const after = (...kinds: GermanPart['kind'][]) => before.some(({ kind }) => kinds.includes(kind));
    if (light(part) && before.some(other => !light(other) && !isSubject(other))) return 'a pronoun stands too late';
    if (light(part) && before.some(other => light(other) && rank(other) > rank(part)))
      return 'these pronouns stand in another order';
    if (part.kind === 'nominal' && predicate.verb.key !== 'be called' && after('not', 'quality'))
      return 'a noun phrase stands too late';
    if (part.kind === 'time' && after('not', 'quality', 'prepositional')) return 'the time stands too late';
    if (part.kind !== 'quality' && after('quality')) return 'a predicate adjective stands last';
  }
  return undefined;
}
