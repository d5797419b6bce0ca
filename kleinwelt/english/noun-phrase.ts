/** English noun phrases. */

import { numerals } from '../lexicon/function-words.ts';
import { englishGender, isHuman, isPlural, nameOf, nounOf } from '../lexicon/look-up.ts';
import { attach, type Draft, draft, type Scope } from '../world/draft.ts';
import type { Clause, Mention } from '../world/frame.ts';

export type EnglishCase = 'subject' | 'object';
export type RelativeClause = (clause: Clause, antecedent: Draft, mention: Mention, scope: Scope) => Draft[];

export interface NounPhraseContext {
  readonly scope: Scope;
  readonly relativeClause: RelativeClause;
  agent?: { readonly mention: Mention; readonly word: Draft } | undefined;
}

const pronouns = {
  subject: { he: 'he', she: 'she', it: 'it', they: 'they' },
  object: { he: 'him', she: 'her', it: 'it', they: 'them' },
} as const;
const possessives = { he: 'his', she: 'her', it: 'its', they: 'their' } as const;
const genderFeature = { he: 'Masc', she: 'Fem', it: 'Neut', they: undefined } as const;

/** Appends the words of a mention to `out` and gives its head. Its relation is for the caller to set. */
export function nounPhrase(mention: Mention, kase: EnglishCase, context: NounPhraseContext, out: Draft[]): Draft {
  const head = single(mention, kase, context, out);
  if (mention.and !== undefined) {
    const and = draft('and', 'and', 'CCONJ', 'cc');
    out.push(and);
    and.head = attach(single(mention.and, kase, context, out), head, 'conj');
  }
  if (mention.relative !== undefined) {
    out.push(...context.relativeClause(mention.relative, head, mention, context.scope));
  }
  return head;
}

function kindOf(mention: Mention): 'he' | 'she' | 'it' | 'they' {
  return isPlural(mention) ? 'they' : englishGender(mention);
}

function single(mention: Mention, kase: EnglishCase, context: NounPhraseContext, out: Draft[]): Draft {
  if (mention.form === 'pronoun') return pronoun(mention, kase, context.scope, out);
  if (mention.form === 'name') return nameWords(mention, context.scope, out);
  const noun = nounOf(mention.head);
  const plural = mention.plural === true || (mention.count ?? 1) > 1;
  const words = plural ? noun.en.plural : noun.en.singular;
  const lemma = noun.en.singular[noun.en.singular.length - 1]!;
  const head = draft(
    words[words.length - 1]!,
    lemma,
    'NOUN',
    'root',
    undefined,
    numberFeatures[plural ? 'Plur' : 'Sing'],
  );
  const start = out.length;
  if (mention.adjective !== undefined) out.push(draft(mention.adjective, mention.adjective, 'ADJ', 'amod', head));
  for (const word of words.slice(0, -1)) out.push(draft(word, word, 'NOUN', 'compound', head));
  out.push(head);
  out.splice(start, 0, ...determiner(mention, head, out[start]!.text, context));
  if (mention.referent !== undefined) context.scope.here.set(mention.referent, head);
  return head;
}

const numberFeatures = { Sing: { Number: 'Sing' }, Plur: { Number: 'Plur' } } as const;
const article = { definite: { Definite: 'Def', PronType: 'Art' }, indefinite: { Definite: 'Ind', PronType: 'Art' } };

/** The article before a word: by its first sound, which for *useful* is no vowel. */
function indefiniteArticle(next: string): 'a' | 'an' {
  return /^[aeiou]/.test(next) && !next.startsWith('use') ? 'an' : 'a';
}

function determiner(mention: Mention, head: Draft, next: string, context: NounPhraseContext): Draft[] {
  if (mention.owner !== undefined) {
    const drafts: Draft[] = [];
    const owner = attach(nounPhrase(mention.owner, 'object', context, drafts), head, 'nmod:poss');
    drafts.push({ ...draft("'s", "'s", 'PART', 'case', owner), close: true });
    return drafts;
  }
  if (mention.count !== undefined) {
    const { en } = numerals[mention.count]!;
    return [draft(en, en, 'NUM', 'nummod', head, { NumType: 'Card' })];
  }
  switch (mention.determiner) {
    case 'the':
      return [draft('the', 'the', 'DET', 'det', head, article.definite)];
    case 'a':
      if (mention.plural) return [];
      return [draft(indefiniteArticle(next), 'a', 'DET', 'det', head, article.indefinite)];
    case 'no': {
      // The verb has the *not*: *does not chase a dog, any dogs, does not drink any milk*.
      const any = mention.plural || nounOf(mention.head).en.plural.length === 0;
      if (any) return [draft('any', 'any', 'DET', 'det', head, { PronType: 'Ind' })];
      return [draft(indefiniteArticle(next), 'a', 'DET', 'det', head, article.indefinite)];
    }
    case 'own': {
      const { agent } = context;
      const kind = agent === undefined ? 'it' : kindOf(agent.mention);
      const word = draft(possessives[kind], possessives[kind], 'PRON', 'nmod:poss', head, {
        Person: '3',
        Poss: 'Yes',
        PronType: 'Prs',
      });
      if (agent?.word.pos === 'PRON') {
        word.refers = agent.word.refers;
        word.earlier = agent.word.earlier;
      } else word.refers = agent?.word;
      return [word];
    }
    default:
      return [];
  }
}

function pronoun(mention: Mention, kase: EnglishCase, scope: Scope, out: Draft[]): Draft {
  const kind = kindOf(mention);
  const gender = genderFeature[kind];
  const word = draft(pronouns[kase][kind], kind, 'PRON', 'root', undefined, {
    Case: kase === 'subject' ? 'Nom' : 'Acc',
    ...(gender && { Gender: gender }),
    Number: kind === 'they' ? 'Plur' : 'Sing',
    Person: '3',
    PronType: 'Prs',
  });
  if (mention.referent !== undefined) {
    word.refers = scope.here.get(mention.referent);
    if (word.refers === undefined) word.earlier = scope.earlier.get(mention.referent);
  }
  out.push(word);
  return word;
}

function nameWords(mention: Mention, scope: Scope, out: Draft[]): Draft {
  const { en, type } = nameOf(mention.head);
  const head: Draft = {
    ...draft(en[0]!, en[0]!, 'PROPN', 'root', undefined, numberFeatures.Sing),
    entity: { type, begin: true },
  };
  out.push(head);
  for (const word of en.slice(1)) {
    out.push({ ...draft(word, word, 'PROPN', 'flat', head, numberFeatures.Sing), entity: { type, begin: false } });
  }
  if (mention.referent !== undefined) scope.here.set(mention.referent, head);
  return head;
}

/** *who* or *that*: the relative pronoun for a mention. */
export function relativePronoun(mention: Mention): 'who' | 'that' {
  return isHuman(mention) ? 'who' : 'that';
}
