/**
 * A sentence of Kleinwelt with the whole truth beside it: words with their analysis in the scheme of Universal Dependencies
 * (de Marneffe, Manning, Nivre and Zeman, "Universal Dependencies", 2021), entities, what pronouns refer to, and the meaning
 * it was made from. All offsets are in UTF-16 code units of `text`, ends are exclusive.
 */

import type { Frame, Language, Mention, Role } from './world/frame.ts';
import type { StoryPlan } from './world/story.ts';

export type EntityType = 'PER' | 'LOC' | 'ORG' | 'ANIMAL';

/** One word or punctuation mark. A contraction (*im*, *zum*) is one word with the analysis of its preposition. */
export interface Word {
  readonly text: string;
  readonly lemma: string;
  /** Universal part of speech: NOUN, PROPN, VERB, AUX, DET, ADJ, ADP, PRON, ADV, NUM, CCONJ, SCONJ, PART, PUNCT. */
  readonly pos: string;
  /** Universal features, e.g. `{ Case: 'Acc', Gender: 'Masc', Number: 'Sing' }`. */
  readonly features: Readonly<Record<string, string>>;
  /** Index of the governing word in the sentence, -1 for the root. */
  readonly head: number;
  /** Relation to the governing word, e.g. `nsubj`; `root` for the root. */
  readonly relation: string;
  readonly start: number;
  readonly end: number;
  readonly entity?: { readonly type: EntityType; readonly begin: boolean };
  /** For pronouns, possessives and relative pronouns: the head word of what is referred to; `sentence` counts in the story. */
  readonly antecedent?: { readonly sentence: number; readonly word: number };
}

/** The words `from` (inclusive) to `to` (exclusive) play `role` in the clause. */
export interface RoleSpan {
  readonly clause: 'main' | 'linked';
  readonly role: Role;
  readonly from: number;
  readonly to: number;
}

export interface Sentence {
  readonly language: Language;
  readonly text: string;
  readonly words: readonly Word[];
  readonly roles: readonly RoleSpan[];
  readonly frame: Frame;
}

/** A story or a single sentence. Sentences are joined by one space. */
export interface KleinweltDocument {
  readonly language: Language;
  readonly text: string;
  readonly sentences: readonly Sentence[];
  /** Offset of each sentence in `text`. */
  readonly starts: readonly number[];
  /** The natural logarithm of the probability of this text among all documents, the choice of language included. */
  readonly logProbability: number;
  /** What a story is built on; a single sentence has none. */
  readonly story?: StoryTruth;
}

export interface StoryTruth {
  /** The story in one sentence; names instead of pronouns, so that it stands alone. */
  readonly summary: Frame;
  /** The word of the last sentence that follows from the first: where it is, and how many words lie between the two. */
  readonly recall: Recall;
  /** The main characters, first mention first. */
  readonly characters: readonly Mention[];
  /** The same story in the other language is `realizeStory(plan, language)`. */
  readonly plan: StoryPlan;
}

export interface Recall {
  readonly sentence: number;
  readonly word: number;
  readonly answer: string;
  /** Sentence and word that state the fact. */
  readonly fact: { readonly sentence: number; readonly word: number };
  readonly distanceInWords: number;
}
