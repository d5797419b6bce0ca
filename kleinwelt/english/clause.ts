/**
 * English clauses: subject, verb, objects, place, time; a time or place that stands first goes before the subject. What German
 * says by putting an object first English says by the passive.
 */

import { adjectiveOf, isPlural, nameOf, prepositionOf, timeOf, verbOf } from '../lexicon/look-up.ts';
import type { Verb } from '../lexicon/verbs.ts';
import { attach, type Draft, type DraftClause, type DraftRole, draft, type Scope } from '../world/draft.ts';
import { finiteFeatures } from '../world/features.ts';
import type { Clause, Mention, Place, Role } from '../world/frame.ts';
import { type NounPhraseContext, nounPhrase, relativePronoun } from './noun-phrase.ts';

/** The parts of a clause before they are put in order; questions order them differently. */
export interface EnglishParts {
  readonly root: Draft;
  /** Finite auxiliary, negation and what follows it, main verb last; the main verb alone if there is no auxiliary. */
  readonly verb: readonly Draft[];
  readonly subject: readonly Draft[];
  readonly objects: readonly Draft[];
  readonly quality: readonly Draft[];
  readonly particle: readonly Draft[];
  readonly place: readonly Draft[];
  readonly time: readonly Draft[];
  readonly roles: readonly DraftRole[];
}

/** Builds the parts. With `asked` its role is left out, and *do* stands in the verb group where a question needs it. */
export function englishParts(clause: Clause, scope: Scope, asked?: Role): EnglishParts {
  const verb = verbOf(clause.verb);
  const passive = clause.first === 'patient' || clause.first === 'recipient';
  const surface = passive ? clause[clause.first as 'patient' | 'recipient']! : clause.agent;
  const surfaceRole: Role = passive ? clause.first : 'agent';
  const plural = asked === surfaceRole && asked === 'agent' ? false : isPlural(surface);
  const context: NounPhraseContext = { scope, relativeClause };
  const roles: DraftRole[] = [];
  const part = (role: Role, drafts: Draft[]) => {
    roles.push({ role, drafts });
    return drafts;
  };
  // *Keinen Hund* is *not a dog*.
  const said: Clause = clause.patient?.determiner === 'no' ? { ...clause, negated: true } : clause;
  const { words, root } = verbWords(said, verb, plural, passive, asked !== undefined && asked !== surfaceRole);

  let subject: Draft[] = [];
  if (surface.form !== 'gap' && asked !== surfaceRole) {
    const drafts: Draft[] = [];
    const head = attach(nounPhrase(surface, 'subject', context, drafts), root, passive ? 'nsubj:pass' : 'nsubj');
    if (!passive) context.agent = { mention: clause.agent, word: head };
    subject = part(surfaceRole, drafts);
  } else if (asked === 'agent') context.agent = { mention: clause.agent, word: root };
  const objects: Draft[] = [];
  const object = (
    role: 'agent' | 'patient' | 'recipient',
    mention: Mention | undefined,
    preposition: string,
    relation: string,
  ) => {
    if (mention === undefined || mention.form === 'gap' || role === surfaceRole) return;
    const drafts: Draft[] = [];
    if (asked === role) {
      if (preposition !== '') objects.push(draft(preposition, preposition, 'ADP', 'case', root));
      return;
    }
    const head = attach(nounPhrase(mention, 'object', context, drafts), root, relation);
    if (preposition !== '') objects.push(draft(preposition, preposition, 'ADP', 'case', head));
    objects.push(...part(role, drafts));
  };
  const governed = verb.en.preposition;
  if (passive) object('agent', clause.agent, 'by', 'obl:agent');
  else if (verb.kind === 'give') {
    // A pronoun that is given comes first: *gives it to the boy*.
    const late = clause.patient?.form === 'pronoun';
    if (late) object('patient', clause.patient, '', 'obj');
    object('recipient', clause.recipient, late ? 'to' : '', late ? 'obl' : 'iobj');
    if (!late) object('patient', clause.patient, '', 'obj');
  } else {
    const relation = governed === '' ? 'obj' : 'obl';
    object('patient', clause.patient, governed, relation);
    object('recipient', clause.recipient, governed, relation);
  }
  const particle =
    verb.en.particle === ''
      ? []
      : verb.en.particle.split('_').map(word => draft(word, word, 'ADP', 'compound:prt', root));
  const quality = asked === 'quality' ? [] : qualityWords(clause, root);
  if (quality.length > 0) part('quality', quality);
  const name = clause.name === undefined || asked === 'name' ? [] : part('name', nameWord(clause.name, root));
  const place =
    clause.place === undefined || asked === 'place' ? [] : part('place', placeWords(clause.place, root, context));
  const time = clause.time === undefined || asked === 'time' ? [] : part('time', timeWords(clause.time, root));
  return { root, verb: words, subject, objects, quality: [...quality, ...name], particle, place, time, roles };
}

/** A statement in order. */
export function englishClause(clause: Clause, scope: Scope): DraftClause {
  const parts = englishParts(clause, scope);
  const { root, roles, subject, verb, objects, quality, particle, place, time } = parts;
  const front = clause.first === 'time' ? time : clause.first === 'place' ? place : [];
  const passive = clause.first === 'patient' || clause.first === 'recipient';
  const drafts = [
    ...front,
    ...subject,
    ...verb,
    ...(passive || isEarly(particle, clause) ? [...particle, ...objects] : [...objects, ...particle]),
    ...quality,
    ...(front === place ? [] : place),
    ...(front === time ? [] : time),
  ];
  return { drafts, root, roles };
}

/** *picks up the ball*, but *picks it up*, *puts the coat on*. */
function isEarly(particle: readonly Draft[], clause: Clause): boolean {
  return particle[0]?.text === 'up' && clause.patient?.form !== 'pronoun';
}

function verbWords(
  clause: Clause,
  verb: Verb,
  plural: boolean,
  passive: boolean,
  inverted: boolean,
): { words: Draft[]; root: Draft } {
  const features = finiteFeatures(clause, plural);
  const { en } = verb;
  const past = clause.tense === 'past';
  const be = past ? (plural ? 'were' : 'was') : plural ? 'are' : 'is';
  const not = (root: Draft) =>
    clause.negated ? [draft('not', 'not', 'PART', 'advmod', root, { Polarity: 'Neg' })] : [];
  const auxiliary = (text: string, lemma: string, root: Draft, relation: string) =>
    draft(text, lemma, 'AUX', relation, root, features);
  if (clause.verb === 'be' || clause.verb === 'be called') {
    if (clause.verb === 'be called') {
      const root = draft('called', 'call', 'VERB', 'root', undefined, participle);
      return { words: [auxiliary(be, 'be', root, 'aux:pass'), ...not(root), root], root };
    }
    if (clause.quality === undefined) {
      const root = draft(be, 'be', 'AUX', 'root', undefined, features);
      return { words: [root, ...not(root)], root };
    }
    const root = draft(clause.quality, clause.quality, 'ADJ', 'root');
    return { words: [auxiliary(be, 'be', root, 'cop'), ...not(root)], root };
  }
  if (passive) {
    const root = draft(en.participle, en.base, 'VERB', 'root', undefined, participle);
    return { words: [auxiliary(be, 'be', root, 'aux:pass'), ...not(root), root], root };
  }
  const bare = () => draft(en.base, en.base, 'VERB', 'root', undefined, { VerbForm: 'Inf' });
  const does = past ? 'did' : plural ? 'do' : 'does';
  switch (clause.modal) {
    case 'can': {
      const root = bare();
      const text = past ? 'could' : clause.negated && !inverted ? 'cannot' : 'can';
      const rest = text === 'cannot' ? [] : not(root);
      return { words: [auxiliary(text, 'can', root, 'aux'), ...rest, root], root };
    }
    case 'must': {
      const root = bare();
      const to = draft('to', 'to', 'PART', 'mark', root);
      if (!past) return { words: [auxiliary('must', 'must', root, 'aux'), root], root };
      const have = draft('have', 'have', 'AUX', 'aux', root, { VerbForm: 'Inf' });
      const had = inverted ? [auxiliary('did', 'do', root, 'aux'), have] : [auxiliary('had', 'have', root, 'aux')];
      return { words: [...had, to, root], root };
    }
    case 'want': {
      // *wants to chase*: the wanting verb governs in English, but the event's verb is what both languages share as root.
      const root = bare();
      const to = draft('to', 'to', 'PART', 'mark', root);
      const supported = clause.negated || inverted;
      const text = supported ? 'want' : past ? 'wanted' : plural ? 'want' : 'wants';
      const want = draft(text, 'want', 'AUX', 'aux', root, supported ? { VerbForm: 'Inf' } : features);
      const support = supported ? [auxiliary(does, 'do', root, 'aux'), ...not(root)] : [];
      return { words: [...support, want, to, root], root };
    }
    default:
  }
  if (clause.negated || inverted) {
    const root = bare();
    return { words: [auxiliary(does, 'do', root, 'aux'), ...not(root), root], root };
  }
  const text = past ? en.past : plural ? en.base : en.present;
  const root = draft(text, en.base, 'VERB', 'root', undefined, features);
  return { words: [root], root };
}

const participle = { Tense: 'Past', VerbForm: 'Part', Voice: 'Pass' } as const;

function qualityWords(clause: Clause, root: Draft): Draft[] {
  if (clause.quality === undefined) return [];
  const { key } = adjectiveOf(clause.quality);
  const head = clause.verb === 'be' ? root : draft(key, key, 'ADJ', 'xcomp', root);
  if (clause.degree === undefined) return [head];
  return [draft(clause.degree, clause.degree, 'ADV', 'advmod', head), head];
}

function nameWord(key: string, root: Draft): Draft[] {
  const { en, type } = nameOf(key);
  return [{ ...draft(en[0]!, en[0]!, 'PROPN', 'xcomp', root, { Number: 'Sing' }), entity: { type, begin: true } }];
}

function timeWords(key: string, root: Draft): Draft[] {
  const { en } = timeOf(key);
  const last = en[en.length - 1]!;
  if (en.length === 1) return [draft(last, last, 'ADV', 'advmod', root)];
  const preposition = en[0] === 'in' || en[0] === 'on' || en[0] === 'at';
  const head = draft(last, last, last === 'Sunday' || last === 'Monday' ? 'PROPN' : 'NOUN', 'root');
  attach(head, root, preposition ? 'obl' : 'obl:tmod');
  const before = en.slice(0, -1).map((word, index) => {
    if (index === 0 && preposition) return draft(word, word, 'ADP', 'case', head);
    return word === 'last' ? draft(word, word, 'ADJ', 'amod', head) : draft(word, word, 'DET', 'det', head);
  });
  return [...before, head];
}

function placeWords(place: Place, root: Draft, context: NounPhraseContext): Draft[] {
  const { en } = prepositionOf(place.preposition);
  const drafts: Draft[] = [];
  const head = attach(nounPhrase(place.ground, 'object', context, drafts), root, 'obl');
  const [first, ...more] = en.map(word => draft(word, word, 'ADP', 'case', head));
  for (const word of more) attach(word, first!, 'fixed');
  return [first!, ...more, ...drafts];
}

function relativeClause(clause: Clause, antecedent: Draft, mention: Mention, scope: Scope): Draft[] {
  const { drafts, root } = englishClause(clause, scope);
  const text = relativePronoun(mention);
  const relation = clause.agent.form === 'gap' ? 'nsubj' : 'obj';
  const word = draft(text, text, 'PRON', relation, root, { PronType: 'Rel' });
  word.refers = antecedent;
  attach(root, antecedent, 'acl:relcl');
  return [word, ...drafts];
}
