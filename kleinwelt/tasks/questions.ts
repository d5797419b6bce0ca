/**
 * Questions whose answer stands in the text, in SQuAD's form (Rajpurkar et al. 2016). The text is a story, or one to six sentences.
 * The verb that is asked about occurs in no other clause of it, so that a question has one answer. In stories a pronoun in the
 * question is named, and the answer to a pronoun is what it refers to.
 */

import { realize, realizeQuestion } from '../realize.ts';
import type { KleinweltDocument, RoleSpan, Sentence } from '../sentence.ts';
import type { Clause, Frame, Mention } from '../world/frame.ts';
import { type Draw, drawn, rowsFrom, type Task } from './task.ts';

/** The columns of `questionAnswering`. */
export interface QuestionRow {
  readonly context: string;
  readonly question: string;
  readonly answers: { readonly text: readonly [string]; readonly answer_start: readonly [number] };
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
        const answer = isAskable(main, sentence, span) ? answerTo(context, i, span) : undefined;
        return answer ? [{ frame: { ...sentence.frame, main }, role: span.role, answer }] : [];
      });
    });
    if (asked.length === 0) return undefined;
    const { frame, role, answer } = drawn(asked, draw.rng);
    const { start, text } = textOf(sentences, answer);
    return {
      context: sentences.map(sentence => sentence.text).join(' '),
      question: realizeQuestion(frame, role, draw.language),
      answers: { text: [text], answer_start: [start] },
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

/** Whether the verb of the main clause is that of no other clause. A clause of saying asks for more than its roles. */
function isUnique({ main, link }: Frame, sentences: readonly Sentence[]): boolean {
  const all = sentences.flatMap(({ frame }) => verbsOf(frame));
  return link?.word !== 'that' && all.filter(verb => verb === main.verb).length === 1;
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
function isAskable({ agent, patient, recipient, place }: Clause, { roles }: Sentence, span: RoleSpan): boolean {
  if (span.clause !== 'main' || !roles.includes(span)) return false;
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

/** The text of an answer, without a comma that closes it, and where it begins in the context. */
function textOf(sentences: readonly Sentence[], { sentence, from, to }: Answer): { start: number; text: string } {
  const { words, text } = sentences[sentence]!;
  const last = words[to - 1]!.text === ',' ? to - 2 : to - 1;
  const before = sentences.slice(0, sentence).reduce((length, other) => length + other.text.length + 1, 0);
  const { start } = words[from]!;
  return { start: before + start, text: text.slice(start, words[last]!.end) };
}
