/** Sampling of clauses: what an agent does, where, when and in which order it is said. */

import { englishGender, genderOf, isAnimate, isPlural, nounOf, verbOf } from '../lexicon/look-up.ts';
import type { Verb } from '../lexicon/verbs.ts';
import type { Clause, Mention, Place, Tense } from './frame.ts';
import { canOwn, objectMention, type Sampler } from './mentions.ts';
import { classesOf, eventVerbsFor, type Ground, groundsOf, homely, placesFor, timeless, timesFor } from './select.ts';

/** What nobody wants to, can or must do: no modal. */
const unwilled: ReadonlySet<string> = new Set([...timeless, 'see', 'hear', 'stand', 'lie', 'dream', 'cry', 'enjoy']);
/** Where it happens may be said. */
const anywhere: ReadonlySet<string> = new Set(
  'chase,see,hear,watch,find,look for,feed,stroke,read,paint,draw,eat,drink,wait for,greet,conceal,pick up,help,follow,listen to,show,read to'.split(
    ',',
  ),
);
const traded: ReadonlySet<string> = new Set(['buy', 'sell']);
/** Where it happens has to be said. */
const placed: ReadonlySet<string> = new Set(['sit', 'stand', 'lie', 'hide']);

/** Which parts a clause may have beyond its verb and objects. */
export interface Allowed {
  readonly tense?: Tense;
  /** No place, time, modal, negation or inversion. */
  readonly bare?: boolean;
  /** No verb of what lasts. */
  readonly doing?: boolean;
  /** A verb that it is not. */
  readonly except?: string | undefined;
}

/** What an agent does. */
export function eventClause(sampler: Sampler, agent: Mention, allowed: Allowed = {}): Clause {
  const { choices, split } = sampler;
  const number = isPlural(agent) ? 'many' : 'one';
  const what = allowed.doing ? 'doing' : 'all';
  let kinds = eventVerbsFor(agent.head, number, what, split);
  if (agent.and !== undefined) kinds = shared(kinds, eventVerbsFor(agent.and.head, number, what, split));
  const verb = choices.pick(choices.weighted(without(kinds, allowed.except)));
  return clauseWith(sampler, agent, verb, allowed);
}

type VerbChoice = ReturnType<typeof eventVerbsFor>;

function selected(kinds: VerbChoice, wanted: (verb: Verb) => boolean): VerbChoice {
  return kinds.map(([verbs, weight]) => [verbs.filter(wanted), weight] as const).filter(([verbs]) => verbs.length > 0);
}

/** What two can do together. */
function shared(one: VerbChoice, other: VerbChoice): VerbChoice {
  const known = new Set(other.flatMap(([verbs]) => verbs));
  return selected(one, verb => known.has(verb));
}

function without(kinds: VerbChoice, key: string | undefined): VerbChoice {
  return key === undefined ? kinds : selected(kinds, verb => verb.key !== key);
}

/** A clause with a given verb: its objects, then what else is allowed. */
function clauseWith(sampler: Sampler, agent: Mention, verb: Verb, allowed: Allowed = {}): Clause {
  const { choices } = sampler;
  const objects = objectsOf(sampler, agent, verb);
  const core = { verb: verb.key, agent, ...objects, first: 'agent' } as const;
  const place =
    allowed.bare && verb.kind !== 'motion' && !placed.has(verb.key) && verb.key !== 'live'
      ? undefined
      : placeOf(sampler, agent, verb);
  const tense: Tense = allowed.tense ?? (choices.chance(0.5) ? 'present' : 'past');
  const located: Clause = { ...core, tense, ...(place && { place }) };
  return allowed.bare ? located : extended(sampler, located, verb);
}

function objectsOf(sampler: Sampler, agent: Mention, verb: Verb): Pick<Clause, 'patient' | 'recipient'> {
  if (verb.kind === 'transitive') return { patient: objectMention(sampler, agent, verb.patients, verb) };
  if (verb.kind === 'dative') return { recipient: objectMention(sampler, agent, verb.patients, verb) };
  if (verb.kind !== 'give') return {};
  const recipient = objectMention(sampler, agent, receivers(agent), verb);
  return { recipient, patient: objectMention(sampler, agent, verb.patients, verb, recipient) };
}

function receivers(agent: Mention): readonly string[] {
  return canOwn(agent) ? ['person', 'kin'] : ['person'];
}

function placeOf(sampler: Sampler, agent: Mention, verb: Verb): Place | undefined {
  const { choices } = sampler;
  const tame = isTame(agent.head);
  if (verb.kind === 'motion') {
    const spots = groundsOf(verb.patients.map(key => (key === 'town' ? 'to town' : key)).join(','));
    return placeAt(choices.pick(tame ? spots : spots.filter(spot => !homely.has(spot.head))));
  }
  if (verb.key === 'live') {
    const homes = groundsOf('in').filter(spot => dwellings.has(spot.head));
    return placeAt(choices.pick(choices.chance(0.6) ? groundsOf('in town,at square') : homes));
  }
  if (verb.key === 'swim') return placeAt(choices.pick(groundsOf('in water')));
  // *Sich verstecken vor* is to hide from.
  if (verb.key === 'hide' || (verb.key === 'lie' && !classesOf(agent.head).has('animal'))) {
    return placeAt(choices.pick(placesFor(agent.head).filter(spot => spot.preposition !== 'in front of')));
  }
  if (verb.key === 'sit' || verb.key === 'lie') {
    const seat = choices.chance(0.4);
    return placeAt(
      choices.pick(seat ? groundsOf('on') : placesFor(agent.head).filter(spot => spot.preposition !== 'on')),
    );
  }
  if (traded.has(verb.key)) {
    if (classesOf(agent.head).has('org') || !choices.chance(0.3)) return undefined;
    return placeAt(choices.pick(groundsOf('at square,at')));
  }
  const p = placed.has(verb.key) ? 1 : verb.kind === 'intransitive' ? 0.5 : anywhere.has(verb.key) ? 0.2 : 0;
  return choices.chance(p) ? placeAt(choices.pick(placesFor(agent.head))) : undefined;
}

function isTame(head: string): boolean {
  const classes = classesOf(head);
  return classes.has('person') || (classes.has('pet') && !classes.has('farm')) || head === 'mouse';
}

const dwellings: ReadonlySet<string> = new Set(['house', 'hut', 'castle', 'mill', 'houseboat', 'village', 'forest']);

/** A place with its article where it has one. */
export function placeAt({ preposition, head }: Ground): Place {
  const name = head[0] !== head[0]!.toLowerCase();
  return { preposition, ground: name ? { head, form: 'name' } : { head, form: 'noun', determiner: 'the' } };
}

const isNamed = (mention: Mention | undefined) => mention?.form === 'name';
const isDefinite = (mention: Mention | undefined) =>
  mention === undefined || isNamed(mention) || mention.determiner === 'the' || mention.determiner === 'own';

function extended({ choices }: Sampler, clause: Clause, verb: Verb): Clause {
  const { tense, patient, recipient, place, agent } = clause;
  const modal = !unwilled.has(verb.key) && isAnimate(agent) && choices.chance(0.12) ? choices.pick(modals) : undefined;
  const withModal: Clause = modal === undefined ? clause : { ...clause, modal };
  const definite = isDefinite(patient) && isDefinite(recipient);
  const deniable = (verb.kind === 'motion' || place === undefined) && modal !== 'must';
  const fullPlural = patient?.count !== undefined || recipient?.count !== undefined;
  if (deniable && definite && choices.chance(0.1))
    return timed(choices, { ...withModal, negated: true }, verb, 0.2, true);
  const noneOf =
    deniable &&
    modal === undefined &&
    !definite &&
    isDefinite(recipient) &&
    !fullPlural &&
    patient?.adjective === undefined;
  if (noneOf && patient !== undefined && choices.chance(0.12)) {
    return timed(choices, { ...withModal, patient: { ...patient, determiner: 'no' } }, verb, 0.2, true);
  }
  const inverted = inversionOf(clause, verb);
  if (inverted !== undefined && modal === undefined && choices.chance(0.14)) {
    const time = choices.chance(0.2) ? choices.pick(timesFor(tense)) : undefined;
    return { ...withModal, first: inverted, ...(time && { time }) };
  }
  return timed(choices, withModal, verb, 0.3, false);
}

const modals = ['want', 'can', 'must'];

function timed(choices: Sampler['choices'], clause: Clause, verb: Verb, p: number, alwaysFirst: boolean): Clause {
  const { place, tense } = clause;
  if (!timeless.has(verb.key) && choices.chance(p)) {
    const time = choices.pick(timesFor(tense));
    return { ...clause, time, first: alwaysFirst || choices.chance(0.5) ? 'time' : 'agent' };
  }
  const fronted = place !== undefined && verb.kind !== 'motion' && verb.key !== 'live' && !clause.negated;
  return fronted && choices.chance(0.2) ? { ...clause, first: 'place' } : clause;
}

/**
 * The object that may stand first: where German shows by its form that it is no subject, and the English passive is good.
 */
function inversionOf(clause: Clause, verb: Verb): 'patient' | 'recipient' | undefined {
  const { patient, recipient, agent, place } = clause;
  const unusual =
    verb.en.preposition !== '' || verb.en.particle !== '' || verb.de.preposition !== '' || place !== undefined;
  if (unusual || timeless.has(verb.key) || (agent.form !== 'noun' && agent.form !== 'name')) return undefined;
  const plain = (mention: Mention | undefined) =>
    mention?.form === 'noun' && mention.determiner === 'the' && mention.owner === undefined;
  if (verb.kind === 'transitive' && plain(patient)) {
    return !isPlural(patient!) && nounOf(patient!.head).de.gender === 'masculine' ? 'patient' : undefined;
  }
  return verb.kind === 'dative' && verb.key !== 'please' && plain(recipient) ? 'recipient' : undefined;
}

/** Whether a pronoun for `a` could as well mean `b`, in either language. */
export function confusable(a: Mention, b: Mention | undefined): boolean {
  if (b === undefined) return false;
  const german = (mention: Mention) => (isPlural(mention) ? 'plural' : genderOf(mention));
  const english = (mention: Mention) => (isPlural(mention) ? 'they' : englishGender(mention));
  return german(a) === german(b) || english(a) === english(b);
}

/** Whether a German pronoun that is the agent could as well be the object behind the verb: *Am Abend weckt sie Minka.* */
export function reversible({ verb, agent, patient }: Clause): boolean {
  if (agent.form !== 'pronoun' || isPlural(agent) || genderOf(agent) === 'masculine') return false;
  // The verb's number, *auf* and *den, ihn* tell them apart, and what the object cannot do.
  if (patient === undefined || isPlural(patient) || verbOf(verb).de.preposition !== '') return false;
  if (patient.form !== 'name' && genderOf(patient) === 'masculine') return false;
  return verbOf(verb).agents.some(word => classesOf(patient.head).has(word));
}
