/** Sampling of single sentences: events, states, judgements, names, and two clauses joined. */

import { adjectiveOf, isAnimate, nounOf } from '../lexicon/look-up.ts';
import { givenNames, names, petNames } from '../lexicon/names.ts';
import { type Allowed, confusable, eventClause } from './events.ts';
import type { Clause, Frame, Mention, Tense } from './frame.ts';
import { agentMention, type Sampler } from './mentions.ts';
import { causesFor, classesOf, judgementsFor, nounsOfClasses, predicatesFor, speciesOf, verbsFor } from './select.ts';
import { sentimentOf } from './sentiment.ts';
import { heldOutEvent } from './split.ts';

const kinds = [
  ['event', 52],
  ['state', 10],
  ['judgement', 13],
  ['named', 3],
  ['because', 8],
  ['when', 3],
  ['if', 2],
  ['and', 4],
  ['but', 4],
  ['that', 5],
] as const;
type SentenceKind = (typeof kinds)[number][0];

/** One sentence that stands alone. Its log-probability is added to the choices. */
export function sentenceFrame(sampler: Sampler): Frame {
  const kind: SentenceKind = sampler.choices.weighted(kinds);
  switch (kind) {
    case 'event':
      return single(eventSentence(sampler));
    case 'state':
      return single(stateClause(sampler, agentMention(sampler)));
    case 'judgement':
      return single(judgementClause(sampler));
    case 'named':
      return single(namedClause(sampler));
    case 'but':
      return butSentence(sampler);
    case 'and': {
      const tense = tenseOf(sampler);
      const main = eventClause(sampler, acting(sampler, true), { tense, bare: true });
      const other = actingOther(sampler, main.agent);
      return linked(main, { word: 'and', clause: eventClause(sampler, other, { tense, bare: true }) });
    }
    case 'that':
      return thatSentence(sampler);
    default:
      return reasonSentence(sampler, kind);
  }
}

export function single(main: Clause): Frame {
  return { main, sentiment: sentimentOf(main) };
}

export function linked(main: Clause, link: NonNullable<Frame['link']>): Frame {
  return { main, link, sentiment: sentimentOf(main, link) };
}

function tenseOf({ choices }: Sampler): Tense {
  return choices.chance(0.5) ? 'present' : 'past';
}

/** Somebody who can do something. */
function acting(sampler: Sampler, single = false): Mention {
  return agentMention(sampler, { living: true, acting: true, single });
}

/** Somebody else who can do something. */
function actingOther(sampler: Sampler, than: Mention): Mention {
  return agentMention(sampler, { living: true, acting: true, single: true, except: than.head });
}

function eventSentence(sampler: Sampler): Clause {
  const { choices } = sampler;
  const agent = agentMention(sampler, { acting: true });
  const relative =
    isAnimate(agent) && agent.form === 'noun' && agent.determiner === 'the' && !agent.plural && choices.chance(0.14);
  if (!relative) return eventClause(sampler, agent);
  const clause = relativeClause(sampler, agent);
  const whole: Mention = { ...agent, relative: clause };
  // What is so is said of whom the relative clause picks out: *Der Hund, der die Katze jagt, ist müde.*
  return choices.chance(0.5)
    ? stateClause(sampler, whole, { tense: clause.tense })
    : eventClause(sampler, whole, { tense: clause.tense, bare: true });
}

function relativeClause(sampler: Sampler, agent: Mention): Clause {
  const gap: Mention = { head: agent.head, form: 'gap' };
  return eventClause(sampler, gap, { bare: true });
}

const elative = new Set(
  'wonderful,delicious,terrible,awful,great,excellent,disgusting,broken,useless,awake,tasteless'.split(','),
);

/** A degree for a quality that has degrees. */
function degreeFor({ choices }: Sampler, quality: string, negated = false): string | undefined {
  if (elative.has(quality) || adjectiveOf(quality).classes.has('colour') || !choices.chance(0.25)) return undefined;
  return negated ? 'very' : choices.pick(degreeWords);
}
const degreeWords = ['very', 'rather', 'really'];

interface StateAllowed extends Allowed {
  /** Only what can be a reason for this verb, or (if it is empty) for what somebody else does. */
  readonly cause?: string;
}

/** *Der Hund ist (nicht, sehr) müde.* */
function stateClause(sampler: Sampler, agent: Mention, allowed: StateAllowed = {}): Clause {
  const { choices, split } = sampler;
  const suitable =
    allowed.cause !== undefined ? causesFor(agent.head, allowed.cause, split) : predicatesFor(agent.head, split);
  const qualities = suitable.filter(key => key !== agent.adjective);
  const quality = choices.pick(qualities);
  const tense = allowed.tense ?? tenseOf(sampler);
  const negated = !allowed.bare && choices.chance(0.15);
  const degree = degreeFor(sampler, quality, negated);
  return {
    verb: 'be',
    tense,
    agent,
    quality,
    ...(degree && { degree }),
    ...(negated && { negated }),
    first: 'agent',
  };
}

/** *Anna findet den Kuchen gut. Die Suppe schmeckt nicht gut. Das Haus sieht schön aus. Der Film ist spannend.* */
function judgementClause(sampler: Sampler): Clause {
  const { choices, split } = sampler;
  const verb = choices.weighted([
    ['consider', 3],
    ['taste', 2],
    ['look', 2],
    ['be', 3],
  ] as const);
  const tense = tenseOf(sampler);
  if (verb === 'consider') {
    const people = choices.chance(0.5);
    const agents = people ? givenNames : nounsOfClasses('person');
    const agent = mentionOf(choices.pick(agents.filter(head => !avoid(sampler, head, verb))));
    const patient = mentionOf(choices.pick(nounsOfClasses('work dishfood person').filter(head => head !== agent.head)));
    const qualities = judgementsFor(patient.head, classFor(patient.head), split);
    return judged(sampler, { verb, tense, agent, patient, first: 'agent' }, choices.pick(qualities));
  }
  const classes = { taste: 'dishfood food', look: 'person clothing building', be: 'work dishfood building' }[verb];
  const agents = nounsOfClasses(classes).filter(head => !avoid(sampler, head, verb));
  const agent = mentionOf(choices.pick(agents));
  const adjectives = { taste: 'taste judgement', look: 'looks', be: classFor(agent.head) }[verb];
  const qualities = judgementsFor(agent.head, adjectives, split).filter(key => verb !== 'taste' || key !== 'tasteless');
  return judged(sampler, { verb, tense, agent, first: 'agent' }, choices.pick(qualities));
}

function classFor(head: string): string {
  const classes = classesOf(head);
  if (classes.has('person')) return 'character';
  if (classes.has('work')) return 'work judgement';
  if (classes.has('dishfood') || classes.has('food')) return 'taste judgement';
  return 'looks';
}

function judged(sampler: Sampler, clause: Clause, quality: string): Clause {
  const negated = sampler.choices.chance(0.25);
  const degree = degreeFor(sampler, quality, negated);
  return { ...clause, quality, ...(degree && { degree }), ...(negated && { negated }) };
}

function avoid({ split }: Sampler, head: string, verb: string): boolean {
  return split !== 'combination' && heldOutEvent(head, verb);
}

/** A name, or a noun with *der*. */
function mentionOf(head: string): Mention {
  return names.has(head) ? { head, form: 'name' } : { head, form: 'noun', determiner: 'the' };
}

/** *Der Hund heißt Bello. Annas Katze hieß Minka. Die Lehrerin heißt Clara.* */
function namedClause(sampler: Sampler): Clause {
  const { choices } = sampler;
  const verb = 'be called';
  const tense = tenseOf(sampler);
  if (choices.chance(0.6)) {
    const name = choices.pick(petNames.filter(key => !avoid(sampler, speciesOf(key), verb)));
    const head = speciesOf(name);
    const owner: Mention | undefined = choices.chance(0.4)
      ? { head: choices.pick(givenNames), form: 'name' }
      : undefined;
    const agent: Mention = { head, form: 'noun', determiner: 'the', ...(owner && { owner }) };
    return { verb, tense, agent, name, first: 'agent' };
  }
  const head = choices.pick(nounsOfClasses('person').filter(key => key !== 'child' && !avoid(sampler, key, verb)));
  const feminine = head === 'girl' || nounOf(head).de.gender === 'feminine';
  const name = choices.pick(feminine ? givenNames.slice(0, 10) : givenNames.slice(10));
  return { verb, tense, agent: { head, form: 'noun', determiner: 'the' }, name, first: 'agent' };
}

/** *Die Suppe ist kalt, aber sie schmeckt gut.* The second half judges, the first says the contrary or a plain quality. */
function butSentence(sampler: Sampler): Frame {
  const { choices, split } = sampler;
  const head = choices.pick(
    nounsOfClasses('work dishfood clothing building').filter(key => !avoid(sampler, key, 'be')),
  );
  const agent: Mention = { head, form: 'noun', determiner: 'the', referent: 1 };
  const tense = tenseOf(sampler);
  const signs = signsOf(judgementsFor(head, classFor(head), split));
  const good = choices.pick(signs);
  const opening = predicatesFor(head, split).filter(
    key => adjectiveOf(key).judgement === 0 && !isColour(key) && !(good === 1 ? welcome : unwelcome).has(key),
  );
  const closing = judgementsFor(head, classFor(head), split).filter(key => adjectiveOf(key).judgement === good);
  const quality = choices.pick(opening);
  const main: Clause = { verb: 'be', tense, agent, quality, first: 'agent' };
  const tastes = classesOf(head).has('dishfood') && choices.chance(0.5) && !avoid(sampler, head, 'taste');
  const second = choices.pick(closing.filter(key => !tastes || key !== 'tasteless'));
  const degree = degreeFor(sampler, second);
  const clause: Clause = {
    verb: tastes ? 'taste' : 'be',
    tense,
    agent: { head, form: 'pronoun', referent: 1 },
    quality: second,
    ...(degree && { degree }),
    first: 'agent',
  };
  return linked(main, { word: 'but', clause });
}

function signsOf(qualities: readonly string[]): readonly number[] {
  return [1, -1].filter(sign => qualities.some(key => adjectiveOf(key).judgement === sign && key !== 'tasteless'));
}

const isColour = (key: string) => adjectiveOf(key).classes.has('colour');

// After what is welcome, *aber* brings something bad, and the other way round.
const welcome = new Set('new,clean,fresh,cheap,light'.split(','));
const unwelcome = new Set('old,dirty,heavy,expensive,cold'.split(','));

/** *Anna sagt, dass der Hund schläft.* */
function thatSentence(sampler: Sampler): Frame {
  const { choices, split } = sampler;
  const tense = tenseOf(sampler);
  const named = choices.chance(0.5);
  const agent = mentionOf(choices.pick(named ? givenNames : nounsOfClasses('person')));
  const verb = choices.pick(verbsFor(agent.head, 'speech', 'one', 'all', split));
  const main: Clause = { verb: verb.key, tense, agent, first: 'agent' };
  const about = choices.chance(0.4)
    ? judgementClauseIn(sampler, tense)
    : eventClause(sampler, actingOther(sampler, agent), { tense, bare: true });
  return linked(main, { word: 'that', clause: about });
}

function judgementClauseIn(sampler: Sampler, tense: Tense): Clause {
  const { choices, split } = sampler;
  const agents = nounsOfClasses('work dishfood building person').filter(head => !avoid(sampler, head, 'be'));
  const agent = mentionOf(choices.pick(agents));
  return judged(
    sampler,
    { verb: 'be', tense, agent, first: 'agent' },
    choices.pick(judgementsFor(agent.head, classFor(agent.head), split)),
  );
}

/**
 * *Anna lacht, weil sie glücklich ist. Als der Hund bellte, lief die Katze weg.* The clause that is read second has a pronoun
 * for the first one's agent where nothing else could be meant, or another agent.
 */
function reasonSentence(sampler: Sampler, word: 'because' | 'when' | 'if'): Frame {
  const { choices } = sampler;
  const tense: Tense = word === 'when' ? 'past' : word === 'if' ? 'present' : tenseOf(sampler);
  const first = choices.chance(word === 'because' ? 0.25 : 0.6);
  const agent = acting(sampler, true);
  const bare = { tense, bare: true } as const;
  const state = word === 'because' && first && choices.chance(0.6);
  const doing = { ...bare, doing: true };
  const opening = state ? stateClause(sampler, agent, { ...bare, cause: '' }) : eventClause(sampler, agent, doing);
  const clear = ![opening.patient, opening.recipient, opening.place?.ground].some(other => confusable(agent, other));
  const same = agent.head !== 'child' && agent.head !== 'girl' && clear && choices.chance(0.7);
  const earlier: Clause = same ? { ...opening, agent: { ...agent, referent: 1 } } : opening;
  const next: Mention = same ? { head: agent.head, form: 'pronoun', referent: 1 } : actingOther(sampler, agent);
  const why = word === 'because' && !first && choices.chance(same ? 0.7 : 0.4);
  const later = why
    ? stateClause(sampler, next, { ...bare, cause: same ? opening.verb : '' })
    : eventClause(sampler, next, word === 'because' && !first ? bare : doing);
  return first ? linked(later, { word, clause: earlier, first }) : linked(earlier, { word, clause: later });
}
