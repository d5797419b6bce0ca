/** Words on their way to a sentence: their governors are other drafts, as no word has a number before the order is known. */

import type { EntityType, RoleSpan, Sentence, Word } from '../sentence.ts';
import type { Frame, Language, Role } from './frame.ts';

export interface Draft {
  text: string;
  readonly lemma: string;
  readonly pos: string;
  readonly features: Readonly<Record<string, string>>;
  /** Undefined for the root. */
  head: Draft | undefined;
  relation: string;
  /** Written without a space before it. */
  readonly close?: boolean;
  readonly entity?: { readonly type: EntityType; readonly begin: boolean };
  /** The word of the same sentence that this one refers to. */
  refers?: Draft | undefined;
  /** The same in an earlier sentence. */
  earlier?: WordPlace | undefined;
}

export interface WordPlace {
  readonly sentence: number;
  readonly word: number;
}

/** A run of drafts that plays a role. */
export interface DraftRole {
  readonly role: Role;
  readonly drafts: readonly Draft[];
}

/** A clause in order, the head of its tree and who plays which role. */
export interface DraftClause {
  readonly drafts: Draft[];
  readonly root: Draft;
  readonly roles: readonly DraftRole[];
}

/** What can be referred to: nouns and names of earlier sentences, and those of this one. */
export interface Scope {
  /** Where each referent was last named; what a sentence names is added when it is assembled. */
  readonly earlier: Map<number, WordPlace>;
  readonly here: Map<number, Draft>;
}

const none: Readonly<Record<string, string>> = {};

/** A word without a place in the tree yet. */
export function draft(
  text: string,
  lemma: string,
  pos: string,
  relation: string,
  head?: Draft,
  features: Readonly<Record<string, string>> = none,
): Draft {
  return { text, lemma, pos, features, head, relation };
}

/** A punctuation mark. */
export function mark(text: string, head: Draft): Draft {
  return { text, lemma: text, pos: 'PUNCT', features: none, head, relation: 'punct', close: true };
}

/** Attaches `child` to `head` and gives it back. */
export function attach(child: Draft, head: Draft, relation: string): Draft {
  child.head = head;
  child.relation = relation;
  return child;
}

/** Words in order to a sentence: capital, spaces, offsets, indices. `number` is its place in the story. */
export function assemble(
  drafts: readonly Draft[],
  clauses: readonly { readonly clause: 'main' | 'linked'; readonly roles: readonly DraftRole[] }[],
  frame: Frame,
  language: Language,
  number: number,
  scope: Scope,
): Sentence {
  // A comma that closes a relative clause is swallowed by the mark that follows.
  const kept = drafts.filter((word, index) => !(word.text === ',' && drafts[index + 1]?.pos === 'PUNCT'));
  const indices = new Map<Draft, number>();
  for (let i = 0; i < kept.length; i++) indices.set(kept[i]!, i);
  const first = kept[0]!;
  first.text = first.text[0]!.toUpperCase() + first.text.slice(1);
  let text = '';
  const words: Word[] = [];
  for (const word of kept) {
    if (text !== '' && !word.close) text += ' ';
    const start = text.length;
    text += word.text;
    const antecedent =
      word.refers !== undefined ? { sentence: number, word: indices.get(word.refers) ?? -1 } : word.earlier;
    words.push({
      text: word.text,
      lemma: word.lemma,
      pos: word.pos,
      features: word.features,
      head: word.head === undefined ? -1 : (indices.get(word.head) ?? -1),
      relation: word.head === undefined ? 'root' : word.relation,
      start,
      end: text.length,
      ...(word.entity && { entity: word.entity }),
      ...(antecedent && { antecedent }),
    });
  }
  const roles: RoleSpan[] = [];
  for (const { clause, roles: parts } of clauses) {
    for (const { role, drafts: span } of parts) {
      const last = span[span.length - 1]!;
      const end = indices.get(last) ?? indices.get(span[span.length - 2]!)!;
      const from = indices.get(span[0]!)!;
      roles.push({ clause, role, from, to: last.text === ',' && indices.has(last) ? end : end + 1 });
    }
  }
  for (const [referent, word] of scope.here)
    scope.earlier.set(referent, { sentence: number, word: indices.get(word)! });
  return { language, text, words, roles, frame };
}
