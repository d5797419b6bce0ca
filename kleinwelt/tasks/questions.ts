/**
 * Questions whose answer stands in the text, in SQuAD's form (Rajpurkar et al. 2016). The text is a story, or one to six sentences.
 * The verb that is asked about is written in no other clause of it, so that a question has one answer. In stories a pronoun in
 * the question is named, the answer to a pronoun is what it refers to, and other names of the same one are right as well.
 */

import { adjectiveOf, verbOf } from '../lexicon/look-up.ts';
import { realize, realizeQuestion } from '../realize.ts';
import type { KleinweltDocument, RoleSpan, Sentence } from '../sentence.ts';
import type { Clause, Frame, Language, Mention, Role } from '../world/frame.ts';
import { type Draw, drawn, rowsFrom, type Task } from './task.ts';

/** The columns of `questionAnswering`. */
export interface QuestionRow {
  readonly context: string;
  readonly question: string;
  /** At least one. The first is that of the sentence asked about, the others name the same one elsewhere. */
  readonly answers: { readonly text: readonly string[]; readonly answer_start: readonly number[] };
}
interface Context {
  readonly sentences: readonly Sentence[];
  readonly characters: readonly Mention[];
}
/** A stretch of a sentence. */
interface Answer {
  readonly sentence: number;
  readonly from: number;
  readonly to: number;
}

export const questionRows: Task<QuestionRow> = options =>
  rowsFrom(options, draw => {
    const context = draw.rng.below(2) === 0 ? loose(draw) : told(draw.story());
    const { sentences, characters } = context;
    const asked = sentences.flatMap((sentence, i) => {
      if (!isUnique(sentence.frame, sentences)) return [];
      const main = resolved(sentence.frame.main, characters);
      return sentence.roles.flatMap(span => {
        const answer = isAskable(main, span) ? answerTo(context, i, span) : undefined;
        return answer ? [{ frame: { ...sentence.frame, main }, sentence, span, answer }] : [];
      });
    });
    if (asked.length === 0) return undefined;
    const { frame, sentence, span, answer } = drawn(asked, draw.rng);
    const question = realizeQuestion(frame, span.role, draw.language);
    const first = textOf(sentences, answer);
    const starts = new Map([[first.text, first.start]]);
    for (const { text, start } of namings(context, sentence, span).map(other => textOf(sentences, other)))
      if (!starts.has(text) && !question.includes(text)) starts.set(text, start);
    return {
      context: sentences.map(({ text }) => text).join(' '),
      question,
      answers: { text: [...starts.keys()], answer_start: [...starts.values()] },
    };
  });

/** Sentences without a common story. */
const loose = ({ rng, language, frame }: Draw): Context => ({
  sentences: Array.from({ length: 1 + rng.below(6) }, (_, i) => realize(frame(), language, i)),
  characters: [],
});
const told = ({ sentences, story }: KleinweltDocument): Context => ({
  sentences,
  characters: story?.characters ?? [],
});

/** Whether no other clause has the verb of the main clause, as a reader sees it. A clause of saying asks for more than its roles. */
function isUnique({ main, link }: Frame, sentences: readonly Sentence[]): boolean {
  const all = sentences.flatMap(({ frame, language }) => verbsOf(frame).map(key => stemVerb(key, language)));
  const own = stemVerb(main.verb, sentences[0]!.language);
  return link?.word !== 'that' && all.filter(verb => verb === own).length === 1;
}
/** *machen* for *aufmachen* and *zumachen*, *look* for *look for* and *look after*. */
function stemVerb(key: string, language: Language): string {
  const { de, en } = verbOf(key);
  return language === 'de' ? de.infinitive : en.base;
}
const verbsOf = ({ main, link }: Frame): string[] => [main, ...(link ? [link.clause] : [])].flatMap(clauseVerbs);
const clauseVerbs = ({ verb, agent, patient, recipient }: Clause): string[] => [
  verb,
  ...[agent, patient, recipient].flatMap(mention => (mention?.relative ? clauseVerbs(mention.relative) : [])),
];

/** The clause with characters in place of their pronouns. */
function resolved(clause: Clause, characters: readonly Mention[]): Clause {
  const known = (mention: Mention) =>
    mention.form === 'pronoun' ? (characters[(mention.referent ?? 0) - 1] ?? mention) : mention;
  const { agent, patient, recipient } = clause;
  return {
    ...clause,
    agent: known(agent),
    ...(patient && { patient: known(patient) }),
    ...(recipient && { recipient: known(recipient) }),
  };
}

/** Whether what remains of the clause says who is meant: no pronoun, and no *sein* whose owner is asked for. */
function isAskable(main: Clause, span: RoleSpan): boolean {
  if (span.clause !== 'main') return false;
  const { agent, patient, recipient, place, quality, negated } = main;
  // Nobody asks how something is not, and a colour is no answer to *how*.
  if (span.role === 'quality' && (negated || adjectiveOf(quality!).classes.has('colour'))) return false;
  // *keinen Gast* is no answer.
  if (span.role === 'patient' && patient?.determiner === 'no') return false;
  return Object.entries({ agent, patient, recipient, place: place?.ground }).every(
    ([role, mention]) =>
      role === span.role ||
      !mention ||
      (mention.form !== 'pronoun' && !(span.role === 'agent' && mention.determiner === 'own')),
  );
}

/** Where the answer stands: the span, or that of what its pronoun refers to. */
function answerTo({ sentences }: Context, sentence: number, span: RoleSpan): Answer | undefined {
  const { pos, relation, antecedent } = sentences[sentence]!.words[span.from]!;
  // *her newspaper* begins with a pronoun, but is none.
  if (pos !== 'PRON' || relation.startsWith('nmod')) return { sentence, from: span.from, to: span.to };
  if (!antecedent) return undefined;
  const { words, roles } = sentences[antecedent.sentence]!;
  // An owner is named in the genitive, which is no answer.
  if (words[antecedent.word]!.relation.startsWith('nmod')) return undefined;
  const around = roles.filter(({ from, to }) => from <= antecedent.word && antecedent.word < to);
  const least = around.sort((a, b) => a.to - a.from - (b.to - b.from))[0];
  return least && { sentence: antecedent.sentence, from: least.from, to: least.to };
}

/** All stretches that name the character of a story who plays a role: *the dog*, *Marta's dog*, *Bruno* for who is called so. */
function namings({ sentences, characters }: Context, { frame }: Sentence, asked: RoleSpan): Answer[] {
  const referent = asked.role === 'name' ? undefined : namedBy(frame, asked)?.referent;
  // Numbers of referents mean nothing beyond the sentence where there is no story.
  if (referent === undefined || characters.length === 0) return [];
  return sentences.flatMap((other, sentence) =>
    other.roles
      .filter(span => {
        const mention = namedBy(other.frame, span);
        return mention?.referent === referent && mention.form !== 'pronoun';
      })
      .map(({ from, to }) => ({ sentence, from, to })),
  );
}
/** Who is named by the words of a role; by a name whoever is called so. */
function namedBy({ main, link }: Frame, { clause, role }: RoleSpan): Mention | undefined {
  const { agent, patient, recipient } = clause === 'main' ? main : link!.clause;
  const mentions: Partial<Record<Role, Mention | undefined>> = { agent, patient, recipient, name: agent };
  return mentions[role];
}

/** The text of an answer, without a comma that closes it, and where it begins in the context. */
function textOf(sentences: readonly Sentence[], { sentence, from, to }: Answer): { start: number; text: string } {
  const { words, text } = sentences[sentence]!;
  const last = words[to - 1]!.text === ',' ? to - 2 : to - 1;
  const before = sentences.slice(0, sentence).reduce((length, other) => length + other.text.length + 1, 0);
  const { start } = words[from]!;
  return { start: before + start, text: text.slice(start, words[last]!.end) };
}
