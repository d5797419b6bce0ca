/** What `heed heads` says in German and in English. */
import type { RelationPair, Role } from '../explain/index.ts';
import type { Language } from './messages.ts';

type Both = readonly [english: string, german: string];

const WORDING = {
  layer: ['layer', 'Schicht'],
  size: ['texts: {}, tokens: {}', 'Texte: {}, Tokens: {}'],
  measuring: ['measuring', 'messe'],
  ablating: ['ablating', 'ablatiere'],
  rolesTitle: ['What the heads look at', 'Wohin die Köpfe schauen'],
  rolesLegend: ['role and share of the attention in percent; {}', 'Rolle und Anteil der Aufmerksamkeit in Prozent; {}'],
  byNorms: ['shares of the value-weighted norms', 'Anteile der wertgewichteten Normen'],
  clearest: ['The clearest heads', 'Die deutlichsten Köpfe'],
  head: ['head', 'Kopf'],
  role: ['role', 'Rolle'],
  share: ['share', 'Anteil'],
  mostAttended: ['most attended', 'am meisten'],
  chance: ['chance', 'Zufall'],
  noRoles: ['No head keeps to one kind of token.', 'Kein Kopf hält sich an eine Art von Tokens.'],
  inductionTitle: ['Induction, on random tokens that are repeated', 'Induktion, auf wiederholten Zufallstokens'],
  induction: [
    'head {} looks at what followed the first copy: {} of its attention',
    'Kopf {} schaut auf das, was dem ersten Vorkommen folgte: {} seiner Aufmerksamkeit',
  ],
  copies: ['and raises that token above {} of the vocabulary', 'und hebt dieses Token über {} des Vokabulars'],
  noInduction: [
    'no head finds a repeated token again; the closest is {} with {} of its attention',
    'kein Kopf findet ein wiederholtes Token wieder; am nächsten kommt {} mit {} seiner Aufmerksamkeit',
  ],
  relationsTitle: [
    'Relations, chosen on one half of the documents and measured on the other',
    'Relationen, gewählt auf der einen Hälfte der Dokumente, gemessen auf der anderen',
  ],
  finds: ['head {} {}: {}, best fixed offset ({}) {}', 'Kopf {} {}: {}, bester fester Abstand ({}) {}'],
  noBetter: ['no better than the offset', 'nicht besser als der Abstand'],
  pairs: ['pairs: {}', 'Paare: {}'],
  noRelations: ['The corpus has too few of these relations.', 'Der Korpus enthält zu wenige dieser Relationen.'],
  noHeadBeats: [
    'No head beats the fixed offset in any of these relations.',
    'In keiner dieser Relationen schlägt ein Kopf den festen Abstand.',
  ],
  ablationTitle: ['Without {}', 'Ohne {}'],
  zero: ['weights 0', 'Gewichte 0'],
  mean: ['its mean instead', 'dafür sein Mittel'],
  uniform: ['all keys alike', 'alle Keys gleich'],
  answers: ['answers: {}, items: {}', 'Antworten: {}, Fälle: {}'],
  logProbability: ['log-probability of the answer', 'Log-Wahrscheinlichkeit der Antwort'],
  probability: ['its probability', 'ihre Wahrscheinlichkeit'],
  accuracy: ['accuracy', 'Genauigkeit'],
  medianRank: ['median rank', 'Median des Rangs'],
  otherHeads: ['other heads instead', 'andere Köpfe stattdessen'],
  beyondOthers: ['beyond what they do', 'darüber hinaus'],
  largestLosses: ['Largest losses', 'Größte Verluste'],
  lensTitle: ['Logit lens at {}', 'Logit Lens an {}'],
  embedding: ['embedding', 'Embedding'],
  ifItEnded: ['if the model ended here', 'wenn das Modell hier endete'],
  rank: ['rank', 'Rang'],
  rolloutTitle: ['Attention rollout', 'Attention Rollout'],
  interval: ['[{}, {}]', '[{}; {}]'],
  written: ['written', 'geschrieben'],
} as const satisfies Record<string, Both>;

const ROLE_WORDS: Readonly<Record<Role | 'spread' | 'mixed', readonly [...Both, short: string, kurz: string]>> = {
  previous: ['previous token', 'voriges Token', 'prev', 'vor'],
  next: ['next token', 'nächstes Token', 'next', 'nach'],
  same: ['the token itself', 'das Token selbst', 'self', 'selbst'],
  induction: ['what followed its copy', 'was seinem Vorkommen folgte', 'ind', 'ind'],
  duplicate: ['its copies', 'seine Vorkommen', 'dup', 'dup'],
  first: ['first token', 'erstes Token', 'first', 'erst'],
  punctuation: ['punctuation', 'Satzzeichen', 'punct', 'satzz'],
  separators: ['separators', 'Trenntokens', 'sep', 'trenn'],
  spread: ['all alike', 'alle gleich', 'even', 'gleich'],
  mixed: ['mixed', 'gemischt', '·', '·'],
};

/** What a head does that finds the dependent of a word, and the head of one. */
const RELATION_WORDS: Readonly<Record<string, Readonly<Record<RelationPair['direction'], Both>>>> = {
  nsubj: {
    toDependent: ['finds the subject of the verb', 'findet das Subjekt des Verbs'],
    toHead: ['finds the verb of the subject', 'findet das Verb des Subjekts'],
  },
  obj: {
    toDependent: ['finds the object of the verb', 'findet das Objekt des Verbs'],
    toHead: ['finds the verb of the object', 'findet das Verb des Objekts'],
  },
  iobj: {
    toDependent: ['finds the indirect object of the verb', 'findet das indirekte Objekt des Verbs'],
    toHead: ['finds the verb of the indirect object', 'findet das Verb des indirekten Objekts'],
  },
  det: {
    toDependent: ['finds the determiner of the noun', 'findet den Artikel des Nomens'],
    toHead: ['finds the noun of the determiner', 'findet das Nomen des Artikels'],
  },
  amod: {
    toDependent: ['finds the adjective of the noun', 'findet das Adjektiv des Nomens'],
    toHead: ['finds the noun of the adjective', 'findet das Nomen des Adjektivs'],
  },
  case: {
    toDependent: ['finds the preposition of the noun', 'findet die Präposition des Nomens'],
    toHead: ['finds the noun of the preposition', 'findet das Nomen der Präposition'],
  },
  'compound:prt': {
    toDependent: ['finds the particle of the verb', 'findet die Partikel des Verbs'],
    toHead: ['finds the verb of the particle', 'findet das Verb der Partikel'],
  },
  antecedent: {
    toDependent: ['finds the pronoun of its antecedent', 'findet das Pronomen des Bezugsworts'],
    toHead: ['finds the antecedent of the pronoun', 'findet das Bezugswort des Pronomens'],
  },
};

export interface HeadsWording {
  say(key: keyof typeof WORDING, ...values: readonly (string | number)[]): string;
  role(role: Role | 'spread' | 'mixed'): string;
  /** In at most six letters. */
  shortRole(role: Role | 'spread' | 'mixed'): string;
  relation(relation: string, direction: RelationPair['direction']): string;
}

export function headsWording(language: Language): HeadsWording {
  const at = language === 'en' ? 0 : 1;
  return {
    say(key, ...values) {
      const rest = [...values];
      return WORDING[key][at].replace(/\{\}/g, () => String(rest.shift() ?? ''));
    },
    role: role => ROLE_WORDS[role][at],
    shortRole: role => ROLE_WORDS[role][2 + at]!,
    relation: (relation, direction) =>
      RELATION_WORDS[relation]?.[direction][at] ??
      (direction === 'toHead'
        ? [`finds the head of ${relation}`, `findet den Kopf von ${relation}`]
        : [`finds the dependent of ${relation}`, `findet das Abhängige von ${relation}`])[at]!,
  };
}
