/**
 * The meaning of a sentence, the same for both languages. German and English text are functions of it, and no two frames
 * have the same text in either, so that a translation is a function of the source text. What is only order (which part of
 * the sentence comes first) belongs to the frame for that reason.
 *
 * Words are named by the key of their lexeme (`lexicon/`), which is the English lemma: `dog`, `chase`, `red`.
 */

export type Language = 'de' | 'en';
export type Sentiment = 'positive' | 'negative' | 'neutral';
export type Tense = 'present' | 'past';

/** What a part of a clause is in its event. `quality` is a predicate adjective. */
export type Role = 'agent' | 'patient' | 'recipient' | 'place' | 'time' | 'quality' | 'name';

/** Somebody or something that is talked about. */
export interface Mention {
  /** Key of a noun, or of a name where `form` is `name`; for a pronoun that of what it stands for. */
  readonly head: string;
  /** `pronoun` and `gap` (in a relative clause) stand for `head`; a pronoun's gender is that of its lexeme. */
  readonly form: 'noun' | 'name' | 'pronoun' | 'gap';
  readonly plural?: boolean;
  /** `own` is *sein, ihr*: the owner is the agent of the same clause. Names and pronouns have none. */
  readonly determiner?: 'the' | 'a' | 'own' | 'no' | 'none';
  /** 2 to 6, in place of a determiner: *drei Äpfel*. */
  readonly count?: number;
  readonly adjective?: string;
  /** *das Boot des Fischers*, *Annas Boot*. Only with determiner `the`. */
  readonly owner?: Mention;
  /** *der Hund, der die Katze jagt*: one of its roles is a `gap`. */
  readonly relative?: Clause;
  /** *Anna und Paul*: a second name or noun; the whole is plural. */
  readonly and?: Mention;
  /** Who it is, through a story: equal numbers are the same. Pronouns refer to the last noun or name of it. */
  readonly referent?: number;
}

/** Where, or where to: whether the German case is dative or accusative follows from the verb. */
export interface Place {
  /** Key of a preposition: `in`, `on`, `under`, `behind`, `to` ... */
  readonly preposition: string;
  readonly ground: Mention;
}

/** One event or state: a verb with its roles. */
export interface Clause {
  readonly verb: string;
  readonly tense: Tense;
  readonly modal?: string;
  readonly negated?: boolean;
  readonly agent: Mention;
  readonly patient?: Mention;
  readonly recipient?: Mention;
  readonly place?: Place;
  /** Key of a time: `today`, `in the morning`. */
  readonly time?: string;
  /** Predicate adjective: *ist müde*, *findet ... schön*. */
  readonly quality?: string;
  /** An adverb of degree before the quality: *sehr*. */
  readonly degree?: string;
  /** Key of a name: *heißt Bello*. */
  readonly name?: string;
  /** What stands first in a main clause. A patient or recipient that stands first is German order and English passive. */
  readonly first: 'agent' | 'time' | 'place' | 'patient' | 'recipient';
}

/** A sentence: a clause, perhaps with a second one. */
export interface Frame {
  readonly main: Clause;
  /** `because`, `when`, `if`, `that`: a subordinate clause; `and`, `but`: two main clauses. */
  readonly link?: {
    readonly word: 'because' | 'when' | 'if' | 'that' | 'and' | 'but';
    readonly clause: Clause;
    /** The subordinate clause comes first: *Weil der Hund bellt, ...* */
    readonly first?: boolean;
  };
  readonly sentiment: Sentiment;
}
