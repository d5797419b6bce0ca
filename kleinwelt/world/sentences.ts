/** Sampling of single sentences: events, states, judgements, names, and two clauses joined. */

import { isAnimate, nounOf } from '../lexicon/look-up.ts';
import { givenNames, petNames } from '../lexicon/names.ts';
import { confusable, eventClause, reversible } from './events.ts';
import type { Clause, Frame, Mention, Tense } from './frame.ts';
import { agentMention, type Sampler } from './mentions.ts';
import { contrastsFor } from './qualities.ts';
import { classesOf, nounsOfClasses, speciesOf, verbsFor } from './select.ts';
import { sentimentOf } from './sentiment.ts';
import { avoid, degreeFor, judgementClause, judgementClauseIn, mentionOf, stateClause, tenseOf } from './states.ts';

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
      return single(stateClause(sampler, agentMention(sampler, { definite: true })));
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

/** *Die Suppe ist kalt, aber sie schmeckt gut.* The second half judges, the first speaks for the contrary. */
function butSentence(sampler: Sampler): Frame {
  const { choices, split } = sampler;
  const heads = nounsOfClasses('work dishfood clothing building');
  const head = choices.pick(heads.filter(key => contrastsFor(key, split).length > 0));
  const tense = tenseOf(sampler);
  const { opening, closing } = choices.pick(contrastsFor(head, split));
  const agent: Mention = { head, form: 'noun', determiner: 'the', referent: 1 };
  const main: Clause = { verb: 'be', tense, agent, quality: choices.pick(opening), first: 'agent' };
  const tastes = classesOf(head).has('dishfood') && choices.chance(0.5) && !avoid(sampler, head, 'taste');
  const quality = choices.pick(closing.filter(key => !tastes || key !== 'tasteless'));
  const degree = degreeFor(sampler, quality);
  const clause: Clause = {
    verb: tastes ? 'taste' : 'be',
    tense,
    agent: { head, form: 'pronoun', referent: 1 },
    quality,
    ...(degree && { degree }),
    first: 'agent',
  };
  return linked(main, { word: 'but', clause });
}

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

/**
 * *Anna lacht, weil sie glücklich ist. Als der Hund bellte, lief die Katze weg.* The clause that is read second has a pronoun
 * for the first one's agent where nothing else could be meant (*Falls Anna singt, weckt Anna die Katze*, as *sie* could be woken),
 * or another agent.
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
  const except = same ? opening.verb : undefined;
  const why = word === 'because' && !first && choices.chance(same ? 0.8 : 0.4);
  const later = why
    ? stateClause(sampler, next, { ...bare, cause: same ? opening.verb : '' })
    : eventClause(sampler, next, { ...(word === 'because' && !first ? bare : doing), except });
  if (!first) return linked(earlier, { word, clause: later });
  const named = { ...later, agent: { ...mentionOf(agent.head), referent: 1 } };
  return linked(same && reversible(later) ? named : later, { word, clause: earlier, first });
}
