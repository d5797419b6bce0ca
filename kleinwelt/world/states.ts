/** Sampling of clauses that say how somebody or something is: states and judgements. */

import { adjectiveOf } from '../lexicon/look-up.ts';
import { givenNames, names } from '../lexicon/names.ts';
import type { Allowed } from './events.ts';
import type { Clause, Mention, Tense } from './frame.ts';
import type { Sampler } from './mentions.ts';
import { causesFor, judgementsFor, judgingClasses, predicatesFor } from './qualities.ts';
import { nounsOfClasses } from './select.ts';
import { heldOutEvent } from './split.ts';

/** Present or past, both alike. */
export function tenseOf({ choices }: Sampler): Tense {
  return choices.chance(0.5) ? 'present' : 'past';
}

/** Whether a split leaves out that somebody does this. */
export function avoid({ split }: Sampler, head: string, verb: string): boolean {
  return split !== 'combination' && heldOutEvent(head, verb);
}

/** A name, or a noun with *der*. */
export function mentionOf(head: string): Mention {
  return names.has(head) ? { head, form: 'name' } : { head, form: 'noun', determiner: 'the' };
}

const elative = new Set(
  'wonderful,delicious,terrible,awful,great,excellent,disgusting,broken,useless,awake,tasteless'.split(','),
);

/** A degree for a quality that has degrees. */
export function degreeFor({ choices }: Sampler, quality: string, negated = false): string | undefined {
  if (elative.has(quality) || adjectiveOf(quality).classes.has('colour') || !choices.chance(0.25)) return undefined;
  return negated ? 'very' : choices.pick(degreeWords);
}
const degreeWords = ['very', 'rather', 'really'];

interface StateAllowed extends Allowed {
  /** Only what can be a reason for this verb, or (if it is empty) for what somebody else does. */
  readonly cause?: string;
}

/** *Der Hund ist (nicht, sehr) müde.* */
export function stateClause(sampler: Sampler, agent: Mention, allowed: StateAllowed = {}): Clause {
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
export function judgementClause(sampler: Sampler): Clause {
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
    const qualities = judgementsFor(patient.head, judgingClasses(patient.head), split);
    return judged(sampler, { verb, tense, agent, patient, first: 'agent' }, choices.pick(qualities));
  }
  const classes = { taste: 'dishfood food', look: 'person clothing building', be: 'work dishfood building' }[verb];
  const agents = nounsOfClasses(classes).filter(head => !avoid(sampler, head, verb));
  const agent = mentionOf(choices.pick(agents));
  const adjectives = { taste: 'taste judgement', look: 'looks', be: judgingClasses(agent.head) }[verb];
  const qualities = judgementsFor(agent.head, adjectives, split).filter(key => verb !== 'taste' || key !== 'tasteless');
  return judged(sampler, { verb, tense, agent, first: 'agent' }, choices.pick(qualities));
}

function judged(sampler: Sampler, clause: Clause, quality: string): Clause {
  const negated = sampler.choices.chance(0.25);
  const degree = degreeFor(sampler, quality, negated);
  return { ...clause, quality, ...(degree && { degree }), ...(negated && { negated }) };
}

/** *... dass der Kuchen gut ist.* */
export function judgementClauseIn(sampler: Sampler, tense: Tense): Clause {
  const { choices, split } = sampler;
  const agents = nounsOfClasses('work dishfood building person').filter(head => !avoid(sampler, head, 'be'));
  const agent = mentionOf(choices.pick(agents));
  return judged(
    sampler,
    { verb: 'be', tense, agent, first: 'agent' },
    choices.pick(judgementsFor(agent.head, judgingClasses(agent.head), split)),
  );
}
