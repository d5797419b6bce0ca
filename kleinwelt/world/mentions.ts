/** Sampling of who and what: names, nouns with determiner, number, adjective and owner. */

import { isPlural, nounOf } from '../lexicon/look-up.ts';
import { familyNames, givenNames, organisationNames, petNames } from '../lexicon/names.ts';
import type { Verb } from '../lexicon/verbs.ts';
import type { Choices } from './choices.ts';
import type { Mention } from './frame.ts';
import { attributesFor } from './qualities.ts';
import { actors, classesOf, nounsOfClasses, speciesOf } from './select.ts';
import type { Split } from './split.ts';

/** What all samplers need. */
export interface Sampler {
  readonly choices: Choices;
  readonly split: Split;
  /** Nouns and given names that a story keeps for its characters and its fact. */
  readonly absent?: ReadonlySet<string>;
}

const nobody: ReadonlySet<string> = new Set();

/** The keys of a list that are free. */
export function free({ absent = nobody }: Sampler, keys: readonly string[]): readonly string[] {
  return absent.size === 0 ? keys : keys.filter(key => !absent.has(key));
}

/** A person by name, with a family name sometimes. `others` are the keys of somebody else. */
function personName(sampler: Sampler, ...others: readonly (string | undefined)[]): Mention {
  const { choices } = sampler;
  const names = free(sampler, givenNames);
  const taken = others.map(other => other?.split(' ')[0]);
  const given = choices.pick(names.filter(name => !taken.includes(name)));
  const head = choices.chance(0.2) ? `${given} ${choices.pick(familyNames)}` : given;
  return { head, form: 'name' };
}

/** A noun's adjective, or none. */
function withAdjective({ choices, split }: Sampler, mention: Mention, p: number): Mention {
  const options = attributesFor(mention.head, split);
  if (options.length === 0 || !choices.chance(p)) return mention;
  return { ...mention, adjective: choices.pick(options) };
}

const agentKinds = [
  ['name', 32],
  ['person', 26],
  ['animal', 28],
  ['pet name', 5],
  ['organisation', 2],
  ['thing', 7],
] as const;
type AgentKind = (typeof agentKinds)[number][0];
const livingKinds = agentKinds.slice(0, 3);

interface AgentOptions {
  readonly living?: boolean;
  /** Only who can do something. */
  readonly acting?: boolean;
  /** One, with *der* or a name. */
  readonly single?: boolean;
  /** No *ein*. */
  readonly definite?: boolean;
  /** A noun or name that it is not. */
  readonly except?: string;
}

/** Who does it. `living` leaves out things, organisations and names of animals. */
export function agentMention(sampler: Sampler, options: AgentOptions = {}): Mention {
  const { living = false, single = false, definite = single, acting = false, except } = options;
  const { choices } = sampler;
  const kind: AgentKind = choices.weighted(living ? livingKinds : agentKinds);
  switch (kind) {
    case 'name': {
      const mention = personName(sampler, except);
      if (single || mention.head.includes(' ') || !choices.chance(0.08)) return mention;
      const others = free(sampler, givenNames).filter(name => name !== mention.head);
      return { ...mention, and: { head: choices.pick(others), form: 'name' } };
    }
    case 'pet name':
      return { head: choices.pick(free(sampler, petNames)), form: 'name' };
    case 'organisation':
      return { head: choices.pick(organisationNames), form: 'name' };
    default: {
      const classes = kind === 'thing' ? (acting ? 'small machine work' : 'small machine') : kind;
      const heads = free(sampler, acting ? actors(classes, sampler.split) : nounsOfClasses(classes));
      const head = choices.pick(except === undefined ? heads : heads.filter(key => key !== except));
      const only = classesOf(head).has('parent');
      const many = !only && nounOf(head).de.plural !== '' && choices.chance(single ? 0 : 0.14);
      if (many) {
        const counted = choices.chance(0.4);
        const mention: Mention = counted
          ? { head, form: 'noun', count: choices.pick(counts) }
          : { head, form: 'noun', plural: true, determiner: 'the' };
        return withAdjective(sampler, mention, 0.15);
      }
      const determiner = choices.chance(definite || only || kind === 'thing' ? 0 : 0.12) ? 'a' : 'the';
      return withAdjective(sampler, { head, form: 'noun', determiner }, 0.2);
    }
  }
}
const counts = [2, 3, 4, 5, 6];

/** Whether *sein* or *ihr* may refer to it: *das Kind* has no gender in English. */
export function canOwn(agent: Mention): boolean {
  if (isPlural(agent)) return classesOf(agent.head).has('person');
  if (agent.head === 'child') return false;
  return classesOf(agent.head).has('person') && agent.form !== 'gap';
}

/** What a verb is done to, or who gets something (`classes` then says who). */
export function objectMention(
  sampler: Sampler,
  agent: Mention,
  classes: readonly string[],
  verb: Verb,
  other?: Mention,
): Mention {
  const { choices } = sampler;
  const people = classes.includes('person');
  const animals = classes.includes('pet') || classes.includes('animal');
  const kind = choices.weighted([
    ['noun', 6],
    ['name', people ? 3 : 0],
    ['pet name', animals ? 1 : 0],
  ] as const);
  if (kind === 'name') return personName(sampler, agent.head, agent.and?.head);
  if (kind === 'pet name')
    return { head: choices.pick(free(sampler, petNames).filter(name => name !== agent.head)), form: 'name' };
  const owns = canOwn(agent);
  const taken = speciesOf(agent.head);
  const drinks = verb.key === 'drink' && !classesOf(agent.head).has('person');
  const heads = free(sampler, nounsOfClasses(drinks ? 'plain' : classes.join(' '))).filter(
    head => head !== taken && head !== other?.head && (owns || !classesOf(head).has('kin')),
  );
  const head = choices.pick(heads);
  return dress(sampler, head, owns, verb);
}

/** Determiner, number, adjective and owner for a noun that is an object. */
function dress(sampler: Sampler, head: string, owns: boolean, verb: Verb): Mention {
  const { choices } = sampler;
  const classes = classesOf(head);
  const noun = nounOf(head);
  if (classes.has('kin')) {
    if (choices.chance(0.75)) return { head, form: 'noun', determiner: 'own' };
    return {
      head,
      form: 'noun',
      determiner: 'the',
      owner: { head: choices.pick(free(sampler, givenNames)), form: 'name' },
    };
  }
  const plain = { head, form: 'noun' } as const;
  if (noun.de.plural === '') {
    const mass = classes.has('drink') || classes.has('dishfood') || classes.has('grass');
    const bare = mass && choices.chance(0.5);
    return withAdjective(sampler, { ...plain, determiner: bare ? 'none' : 'the' }, 0.2);
  }
  // *Der Vater*, not *ein Vater* or *drei Väter*: there is one in each house.
  if (classes.has('parent')) return withAdjective(sampler, { ...plain, determiner: 'the' }, 0.2);
  if (!lone.has(verb.key) && choices.chance(0.16)) {
    const how = choices.weighted([
      ['the', 4],
      ['count', 4],
      ['none', classes.has('person') ? 0 : 2],
    ] as const);
    if (how === 'count') return withAdjective(sampler, { ...plain, count: choices.pick(counts) }, 0.2);
    return withAdjective(sampler, { ...plain, plural: true, determiner: how }, 0.2);
  }
  const thing = classes.has('thing') || classes.has('pet');
  const determiner = choices.weighted([
    ['the', verb.key === 'have' ? 0 : 50],
    ['a', verb.key === 'forget' || verb.key === 'lose' ? 5 : 30],
    ['own', owns && thing && verb.key !== 'have' && verb.key !== 'belong to' ? 14 : 0],
    ['owner', thing && !given.has(verb.key) ? 7 : 0],
  ] as const);
  if (determiner === 'owner')
    return withAdjective(sampler, { ...plain, determiner: 'the', owner: owner(sampler) }, 0.15);
  return withAdjective(sampler, { ...plain, determiner }, 0.22);
}

// What is done with one thing at a time.
const lone: ReadonlySet<string> = new Set(['have', 'wear', 'put on']);
// What nobody does with the things of others.
const given: ReadonlySet<string> = new Set(['have', 'give', 'present', 'lend', 'wear', 'put on', 'buy', 'sell']);

function owner(sampler: Sampler): Mention {
  const { choices } = sampler;
  if (choices.chance(0.6)) return { head: choices.pick(free(sampler, givenNames)), form: 'name' };
  return { head: choices.pick(free(sampler, nounsOfClasses('person'))), form: 'noun', determiner: 'the' };
}
