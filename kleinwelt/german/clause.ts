/**
 * German clauses: the finite verb second, first after a fronted clause, or last; separable verbs, modals, *nicht* before what is
 * not a plain object, pronouns before nouns.
 */

import { contractions, degrees } from '../lexicon/function-words.ts';
import { adjectiveOf, genderOf, isPlural, nameOf, prepositionOf, timeOf, verbOf } from '../lexicon/look-up.ts';
import type { Verb } from '../lexicon/verbs.ts';
import { attach, type Draft, type DraftClause, type DraftRole, draft, type Scope } from '../world/draft.ts';
import { finiteFeatures } from '../world/features.ts';
import type { Clause, Mention, Place, Role } from '../world/frame.ts';
import { type Case, nominalFeatures, relative } from './endings.ts';
import { between, type NounPhraseContext, nounPhrase } from './noun-phrase.ts';

/** Where the finite verb stands. `first` follows a subordinate clause that takes the first place. */
export type VerbPlace = 'second' | 'first' | 'last';

/** A question word in place of a role. */
export interface Asked {
  readonly role: Role;
  readonly word: string;
}

/** The words of a clause in order. For `last` the conjunction is the caller's. */
export function germanClause(clause: Clause, place: VerbPlace, scope: Scope, asked?: Asked): DraftClause {
  const verb = verbOf(clause.verb);
  const plural = asked?.role === 'agent' ? false : isPlural(clause.agent);
  const words = verbWords(clause, verb, plural, place);
  const { root, finite } = words;
  const roles: DraftRole[] = [];
  const context: NounPhraseContext = { scope, relativeClause };
  const part = (role: Role, drafts: Draft[]) => {
    roles.push({ role, drafts });
    return drafts;
  };
  const object = (role: 'patient' | 'recipient', mention: Mention | undefined, kase: Case, relation: string) => {
    if (mention === undefined || mention.form === 'gap' || asked?.role === role) return [];
    const drafts: Draft[] = [];
    attach(nounPhrase(mention, kase, context, drafts), root, relation);
    return part(role, drafts);
  };

  let subject: Draft[] = [];
  if (clause.agent.form !== 'gap' && asked?.role !== 'agent') {
    const head = attach(nounPhrase(clause.agent, 'nominative', context, subject), root, 'nsubj');
    context.agent = { mention: clause.agent, word: head };
    subject = part('agent', subject);
  }
  const self: Draft[] = verb.de.reflexive
    ? [draft('sich', 'sich', 'PRON', 'expl:pv', root, { Case: 'Acc', Person: '3', PronType: 'Prs', Reflex: 'Yes' })]
    : [];
  const time = clause.time === undefined || asked?.role === 'time' ? [] : part('time', timeWords(clause.time, root));
  const recipient = object('recipient', clause.recipient, 'dative', verb.kind === 'dative' ? 'obl:arg' : 'iobj');
  const prepositional = verb.de.preposition !== '';
  const patient = object('patient', clause.patient, 'accusative', prepositional ? 'obl:arg' : 'obj');
  const patientHead = patient.find(word => word.head === root);
  const governed: Draft[] =
    prepositional && patientHead !== undefined
      ? [draft(verb.de.preposition, verb.de.preposition, 'ADP', 'case', patientHead), ...patient]
      : [];
  const negation = clause.negated ? [draft('nicht', 'nicht', 'PART', 'advmod', root, { Polarity: 'Neg' })] : [];
  const where =
    clause.place === undefined || asked?.role === 'place' ? [] : part('place', placeWords(clause.place, root, context));
  const quality = asked?.role === 'quality' ? [] : qualityWords(clause, words);
  if (quality.length > 0) part('quality', quality);
  const name = asked?.role === 'name' || clause.name === undefined ? [] : part('name', nameWords(clause.name, root));

  const front =
    place !== 'second'
      ? []
      : asked !== undefined
        ? [questionWord(asked, root)]
        : { agent: subject, time, place: where, patient, recipient }[clause.first];
  const rest = (part: Draft[]) => (part === front ? [] : part);
  const isPronoun = (part: Draft[]) => part[0]?.pos === 'PRON';
  // *ihn ihm*, but *dem Jungen den Ball*; an object with a preposition stands behind *nicht*.
  const objects = prepositional ? [] : [patient, recipient].filter(part => part !== front);
  const short = objects.filter(isPronoun).flat();
  const full = objects
    .filter(part => !isPronoun(part))
    .reverse()
    .flat();
  const selfFirst = place !== 'last' && !isPronoun(subject);
  const ordered = [
    ...(selfFirst ? [...self, ...rest(subject)] : [...rest(subject), ...self]),
    ...short,
    ...rest(time),
    ...full,
    ...negation,
    ...governed,
    ...rest(where),
    ...quality,
    ...name,
  ];
  const drafts =
    place === 'last' ? [...ordered, ...words.closing, finite] : [...front, finite, ...ordered, ...words.closing];
  return { drafts, root, roles };
}

/** *wer, wen, wem, was* are pronouns, *wo, wann, wie* adverbs. */
function questionWord({ role, word }: Asked, root: Draft): Draft {
  const pos = role === 'agent' || role === 'patient' || role === 'recipient' ? 'PRON' : 'ADV';
  return draft(word, word.toLowerCase(), pos, 'dep', root, { PronType: 'Int' });
}

interface VerbWords {
  readonly finite: Draft;
  readonly root: Draft;
  /** Infinitive or particle; what stands behind the middle. */
  readonly closing: readonly Draft[];
  /** The root where it is a predicate adjective. */
  readonly predicate: Draft | undefined;
}

function verbWords(clause: Clause, verb: Verb, plural: boolean, place: VerbPlace): VerbWords {
  const { de } = verb;
  const features = finiteFeatures(clause, plural);
  const form = (which: Verb) =>
    clause.tense === 'present'
      ? plural
        ? which.de.pluralPresent
        : which.de.present
      : plural
        ? which.de.pluralPast
        : which.de.past;
  const lemma = de.particle + de.infinitive;
  if (clause.verb === 'be') {
    const adjective = clause.quality === undefined ? undefined : adjectiveOf(clause.quality);
    if (adjective === undefined) {
      const finite = draft(form(verb), lemma, 'AUX', 'root', undefined, features);
      return { finite, root: finite, closing: [], predicate: undefined };
    }
    const root = draft(adjective.de, adjective.de, 'ADJ', 'root');
    return { finite: draft(form(verb), lemma, 'AUX', 'cop', root, features), root, closing: [], predicate: root };
  }
  if (clause.modal !== undefined) {
    const modal = verbOf(clause.modal);
    const root = draft(de.particle + de.infinitive, lemma, 'VERB', 'root', undefined, { VerbForm: 'Inf' });
    const finite = draft(form(modal), modal.de.infinitive, 'AUX', 'aux', root, features);
    return { finite, root, closing: [root], predicate: undefined };
  }
  if (de.particle !== '' && place !== 'last') {
    const root = draft(form(verb), lemma, 'VERB', 'root', undefined, features);
    const particle = draft(de.particle, de.particle, 'ADP', 'compound:prt', root);
    return { finite: root, root, closing: [particle], predicate: undefined };
  }
  const root = draft(de.particle + form(verb), lemma, 'VERB', 'root', undefined, features);
  return { finite: root, root, closing: [], predicate: undefined };
}

function qualityWords(clause: Clause, words: VerbWords): Draft[] {
  if (clause.quality === undefined) return [];
  const { de } = adjectiveOf(clause.quality);
  const head = words.predicate ?? draft(de, de, 'ADJ', 'xcomp', words.root);
  if (clause.degree === undefined) return [head];
  const degree = degrees[clause.degree]!;
  return [draft(degree, degree, 'ADV', 'advmod', head), head];
}

function nameWords(key: string, root: Draft): Draft[] {
  const { de, gender, type } = nameOf(key);
  const features = nominalFeatures('nominative', gender, false);
  const head = draft(de[0]!, de[0]!, 'PROPN', 'xcomp', root, features);
  return [{ ...head, entity: { type, begin: true } }];
}

function timeWords(key: string, root: Draft): Draft[] {
  const { de } = timeOf(key);
  const last = de[de.length - 1]!;
  const noun = last[0] !== last[0]!.toLowerCase();
  const head = draft(last, last, noun ? 'NOUN' : 'ADV', noun ? 'obl:tmod' : 'advmod', root);
  const preposition = de[0] === 'am' || de[0] === 'im' || de[0] === 'in';
  if (preposition) attach(head, root, 'obl');
  return [
    ...de.slice(0, -1).map((word, index) => {
      const first = index === 0 && preposition;
      return draft(
        word,
        lemmas[word] ?? word,
        first ? 'ADP' : word.startsWith('letzt') ? 'ADJ' : 'DET',
        first ? 'case' : word.startsWith('letzt') ? 'amod' : 'det',
        head,
      );
    }),
    head,
  ];
}

const lemmas: Readonly<Record<string, string>> = {
  am: 'an',
  im: 'in',
  der: 'der',
  jeden: 'jeder',
  letzte: 'letzter',
  letztes: 'letzter',
};

function placeWords(place: Place, root: Draft, context: NounPhraseContext): Draft[] {
  const preposition = prepositionOf(place.preposition);
  const drafts: Draft[] = [];
  const head = attach(nounPhrase(place.ground, preposition.case, context, drafts), root, 'obl');
  const article = drafts[0]!;
  const contracted = article.pos === 'DET' ? contractions[`${preposition.de} ${article.text}`] : undefined;
  if (contracted !== undefined) drafts[0] = draft(contracted, preposition.de, 'ADP', 'case', head, article.features);
  else drafts.unshift(draft(preposition.de, preposition.de, 'ADP', 'case', head));
  return drafts;
}

/** *, der die Katze jagt,*: the gap's case is that of its role, its gender and number those of the antecedent. */
function relativeClause(clause: Clause, antecedent: Draft, mention: Mention, scope: Scope): Draft[] {
  const role = clause.agent.form === 'gap' ? 'agent' : clause.recipient?.form === 'gap' ? 'recipient' : 'patient';
  const kase = role === 'agent' ? 'nominative' : role === 'recipient' ? 'dative' : 'accusative';
  const plural = isPlural(mention);
  const gender = genderOf(mention);
  const { drafts, root } = germanClause(clause, 'last', scope);
  const features = nominalFeatures(kase, gender, plural, 'PronType=Rel');
  const relation = role === 'agent' ? 'nsubj' : role === 'patient' ? 'obj' : 'obl:arg';
  const word = draft(relative[kase][plural ? 'plural' : gender], 'der', 'PRON', relation, root, features);
  word.refers = antecedent;
  attach(root, antecedent, 'acl:relcl');
  return between([word, ...drafts], root);
}

/** A subordinate clause with its conjunction, without commas. */
export function subordinate(word: string, clause: Clause, scope: Scope): DraftClause {
  const built = germanClause(clause, 'last', scope);
  return { ...built, drafts: [draft(word, word, 'SCONJ', 'mark', built.root), ...built.drafts] };
}
