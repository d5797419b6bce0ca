/**
 * Facts and the sentence that says them: who, what verb, whom, as in WebNLG (Gardent et al. 2017), then all else that the sentence
 * depends on, so that the text is a function of the facts: `Hund | jagen | Katze ; agent klein ; patient eine ; past`. Lemmas are
 * those of the language that is to be written.
 */

import { conjunctions, degrees, numerals } from '../lexicon/function-words.ts';
import { adjectiveOf, isName, nameOf, nounOf, prepositionOf, timeOf, verbOf } from '../lexicon/look-up.ts';
import { realize } from '../realize.ts';
import type { Clause, Frame, Language, Mention } from '../world/frame.ts';
import { LANGUAGE_NAMES, rowsFrom, type Task } from './task.ts';
import type { TextPairRow } from './translation.ts';

export const dataToTextRows: Task<TextPairRow> = options =>
  rowsFrom(options, ({ language, frame }) => {
    const meaning = frame();
    const source = `${LANGUAGE_NAMES[language]} from data: ${facts(meaning, language)}`;
    return { source, target: realize(meaning, language).text };
  });

/** All that the text of a frame depends on, in one line. */
export function facts({ main, link }: Frame, language: Language): string {
  const first = clauseFacts(main, language);
  if (!link) return first.join(' ; ');
  const word = language === 'de' ? conjunctions[link.word]! : link.word;
  const order = link.first ? ['first'] : [];
  return [...first, [word, ...order].join(' '), ...clauseFacts(link.clause, language)].join(' ; ');
}

function clauseFacts(clause: Clause, language: Language): string[] {
  const { agent, recipient, patient, place, time, quality, degree, name, modal, negated, tense, first } = clause;
  const { de, en } = verbOf(clause.verb);
  const verb =
    language === 'de'
      ? (de.reflexive ? 'sich ' : '') + de.particle + de.infinitive
      : [en.base, ...(en.particle + en.preposition).split('_')].join(' ');
  const heads = [recipient, patient].filter(mention => mention !== undefined).map(mention => head(mention, language));
  const said = quality === undefined ? [] : [language === 'de' ? adjectiveOf(quality).de : quality];
  return [
    [head(agent, language), verb.trim(), ...heads, ...said, ...(name === undefined ? [] : nameOf(name)[language])].join(
      ' | ',
    ),
    ...mentionFacts('agent', agent, language),
    ...mentionFacts('recipient', recipient, language),
    ...mentionFacts('patient', patient, language),
    ...(place ? [`place ${placeWord(place.preposition, language)} ${head(place.ground, language)}`] : []),
    ...mentionFacts('place', place?.ground, language),
    ...(time === undefined ? [] : [`time ${timeOf(time)[language].join(' ')}`]),
    ...(degree === undefined ? [] : [`degree ${language === 'de' ? degrees[degree] : degree}`]),
    ...(modal === undefined ? [] : [`modal ${language === 'de' ? verbOf(modal).de.infinitive : modal}`]),
    ...(negated ? ['not'] : []),
    ...(tense === 'past' ? ['past'] : []),
    ...(first === 'agent' ? [] : [`first ${first}`]),
  ];
}

/** Where, or where to: of two prepositions with one form the key says which. */
function placeWord(key: string, language: Language): string {
  const { de, en, case: kase } = prepositionOf(key);
  return language === 'de' ? `${de} ${kase}` : en.join(' ');
}

function head({ head: key }: Mention, language: Language): string {
  if (isName(key)) return nameOf(key)[language].join(' ');
  const { de, en } = nounOf(key);
  return language === 'de' ? de.singular : en.singular.join(' ');
}

/** What a mention is beyond its head; *der* in the singular is not said. */
function mentionFacts(role: string, mention: Mention | undefined, language: Language): string[] {
  if (!mention) return [];
  const { form, determiner, count, plural, adjective, owner, relative, and } = mention;
  const said = [
    ...(form === 'pronoun' || form === 'gap' ? [form] : []),
    ...(count === undefined ? [] : [numerals[count]![language]]),
    ...(determiner === undefined || determiner === 'the' || form !== 'noun' ? [] : [determiner]),
    ...(plural ? ['plural'] : []),
    ...(adjective === undefined ? [] : [language === 'de' ? adjectiveOf(adjective).de : adjective]),
  ];
  return [
    ...(said.length > 0 ? [`${role} ${said.join(' ')}`] : []),
    ...(owner ? [`${role} of ${head(owner, language)}`, ...mentionFacts(`${role} owner`, owner, language)] : []),
    ...(and ? [`${role} and ${head(and, language)}`, ...mentionFacts(`${role} other`, and, language)] : []),
    ...(relative ? [`${role} who`, ...clauseFacts(relative, language), 'so'] : []),
  ];
}
