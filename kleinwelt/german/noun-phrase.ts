/** German noun phrases: articles, adjectives, nouns, names, genitives, pronouns and relative clauses. */

import { numerals } from '../lexicon/function-words.ts';
import { adjectiveOf, genderOf, isPlural, nameOf, nounOf } from '../lexicon/look-up.ts';
import { attach, type Draft, draft, mark, type Scope } from '../world/draft.ts';
import type { Clause, Mention } from '../world/frame.ts';
import {
  type Agreement,
  adjectiveEnding,
  type Case,
  type Declension,
  definite,
  einWord,
  nominalFeatures,
  nounForm,
  personal,
} from './endings.ts';

/** Builds a relative clause; given by the clause builder, as each needs the other. */
export type RelativeClause = (clause: Clause, antecedent: Draft, mention: Mention, scope: Scope) => Draft[];

export interface NounPhraseContext {
  readonly scope: Scope;
  readonly relativeClause: RelativeClause;
  /** The agent of the clause with its word, whom *sein* and *ihr* refer to. */
  agent?: { readonly mention: Mention; readonly word: Draft } | undefined;
}

/** Appends the words of a mention to `out` and gives its head. Its relation is for the caller to set. */
export function nounPhrase(mention: Mention, kase: Case, context: NounPhraseContext, out: Draft[]): Draft {
  const head = single(mention, kase, context, out);
  if (mention.and !== undefined) {
    const and = draft('und', 'und', 'CCONJ', 'cc');
    out.push(and);
    const second = attach(single(mention.and, kase, context, out), head, 'conj');
    and.head = second;
  }
  if (mention.relative !== undefined) {
    out.push(...context.relativeClause(mention.relative, head, mention, context.scope));
  }
  return head;
}

function single(mention: Mention, kase: Case, context: NounPhraseContext, out: Draft[]): Draft {
  const gender = genderOf(mention);
  if (mention.form === 'pronoun') return pronoun(mention, kase, context.scope, out);
  if (mention.form === 'name') return nameWords(mention, kase, context, out);
  const noun = nounOf(mention.head);
  const plural = mention.plural === true || (mention.count ?? 1) > 1;
  const agreement: Agreement = plural ? 'plural' : gender;
  const features = nominalFeatures(kase, gender, plural);
  const form = nounForm(noun, kase, plural);
  const head = draft(form, noun.de.singular, 'NOUN', 'root', undefined, features);
  const declension = determiner(mention, kase, agreement, head, context, out);
  if (mention.adjective !== undefined) {
    const { de, stem } = adjectiveOf(mention.adjective);
    const ending = adjectiveEnding(declension, kase, agreement);
    out.push(draft(stem + ending, de, 'ADJ', 'amod', head, features));
  }
  out.push(head);
  if (mention.owner !== undefined && mention.owner.form === 'noun') {
    attach(nounPhrase(mention.owner, 'genitive', context, out), head, 'nmod');
  }
  if (mention.referent !== undefined) context.scope.here.set(mention.referent, head);
  return head;
}

/** Appends the determiner; which endings the adjective takes follows from it. */
function determiner(
  mention: Mention,
  kase: Case,
  agreement: Agreement,
  head: Draft,
  context: NounPhraseContext,
  out: Draft[],
): Declension {
  const gender = genderOf(mention);
  const plural = agreement === 'plural';
  if (mention.owner?.form === 'name') {
    const { de } = nameOf(mention.owner.head);
    const owner = draft(`${de[0]}s`, de[0]!, 'PROPN', 'nmod:poss', head, {
      ...nominalFeatures('genitive', genderOf(mention.owner), false),
    });
    const word: Draft = { ...owner, entity: { type: 'PER', begin: true } };
    out.push(word);
    if (mention.owner.referent !== undefined) context.scope.here.set(mention.owner.referent, word);
    return 'strong';
  }
  if (mention.count !== undefined) {
    const { de } = numerals[mention.count]!;
    out.push(draft(de, de, 'NUM', 'nummod', head, { NumType: 'Card' }));
    return 'strong';
  }
  switch (mention.determiner) {
    case 'the':
      out.push(
        draft(
          definite[kase][agreement],
          'der',
          'DET',
          'det',
          head,
          nominalFeatures(kase, gender, plural, 'Definite=Def|PronType=Art'),
        ),
      );
      return 'weak';
    case 'a':
      if (plural) return 'strong';
      out.push(
        draft(
          einWord('ein', kase, agreement),
          'ein',
          'DET',
          'det',
          head,
          nominalFeatures(kase, gender, plural, 'Definite=Ind|PronType=Art'),
        ),
      );
      return 'mixed';
    case 'no':
      out.push(
        draft(
          einWord('kein', kase, agreement),
          'kein',
          'DET',
          'det',
          head,
          nominalFeatures(kase, gender, plural, 'PronType=Neg'),
        ),
      );
      return 'mixed';
    case 'own': {
      const { agent } = context;
      const feminine = agent !== undefined && (isPlural(agent.mention) || genderOf(agent.mention) === 'feminine');
      const stem = feminine ? 'ihr' : 'sein';
      const word = draft(
        einWord(stem, kase, agreement),
        stem,
        'DET',
        'det:poss',
        head,
        nominalFeatures(kase, gender, plural, 'Person=3|Poss=Yes|PronType=Prs'),
      );
      // A pronoun's own antecedent is what the possessive refers to as well.
      if (agent?.word.pos === 'PRON') {
        word.refers = agent.word.refers;
        word.earlier = agent.word.earlier;
      } else word.refers = agent?.word;
      out.push(word);
      return 'mixed';
    }
    default:
      return 'strong';
  }
}

function pronoun(mention: Mention, kase: Case, scope: Scope, out: Draft[]): Draft {
  const plural = isPlural(mention);
  const gender = genderOf(mention);
  const word = draft(
    personal[kase][plural ? 'plural' : gender],
    plural ? 'sie' : personal.nominative[gender],
    'PRON',
    'root',
    undefined,
    nominalFeatures(kase, gender, plural, 'Person=3|PronType=Prs'),
  );
  if (mention.referent !== undefined) {
    word.refers = scope.here.get(mention.referent);
    if (word.refers === undefined) word.earlier = scope.earlier.get(mention.referent);
  }
  out.push(word);
  return word;
}

/** *Anna Berger*, *die Bäckerei Vogel*, *der Lindenplatz*. */
function nameWords(mention: Mention, kase: Case, context: NounPhraseContext, out: Draft[]): Draft {
  const { de, type, gender, article } = nameOf(mention.head);
  const features = nominalFeatures(kase, gender, false);
  const head: Draft = {
    ...draft(de[0]!, de[0]!, 'PROPN', 'root', undefined, features),
    entity: { type, begin: true },
  };
  if (article) {
    const more = 'Definite=Def|PronType=Art';
    out.push(draft(definite[kase][gender], 'der', 'DET', 'det', head, nominalFeatures(kase, gender, false, more)));
  }
  out.push(head);
  for (const word of de.slice(1)) {
    out.push({ ...draft(word, word, 'PROPN', 'flat', head, features), entity: { type, begin: false } });
  }
  if (mention.referent !== undefined) context.scope.here.set(mention.referent, head);
  return head;
}

/** Puts the comma in front of a subordinate clause and behind it. */
export function between(clause: readonly Draft[], root: Draft): Draft[] {
  return [mark(',', root), ...clause, mark(',', root)];
}
