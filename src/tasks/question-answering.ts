/** Question answering: the words of a text that answer a question. Long texts are read in overlapping windows. */
import { ConfigError } from '../errors.ts';
import type { Model } from '../hub/model.ts';
import type { Encoding } from '../tokenizers/index.ts';
import { answerSpans } from './answer-spans.ts';
import { count, flag, size } from './option-checks.ts';
import { type CallOptions, type Calls, defineTask } from './task.ts';
import { outputsOfTexts, sourceLimit, type TextOutputs } from './text-batches.ts';

export interface Question {
  readonly question: string;
  readonly context: string;
}
export interface QuestionAnsweringOptions extends CallOptions {
  /** Answers to give, best first: more than 1 gives a list. Default 1. */
  readonly topK?: number | undefined;
  /** Most tokens of an answer. Default 15. */
  readonly maxAnswerLen?: number | undefined;
  /** Tokens of a window, question included. Default 384, or what the model reads. */
  readonly maxSeqLen?: number | undefined;
  /** Tokens that neighbouring windows share. Default 128, at most half a window. */
  readonly docStride?: number | undefined;
  /** A longer question loses its end. Default 64 tokens. */
  readonly maxQuestionLen?: number | undefined;
  /** Whether "there is none" may be an answer: an empty one. Default false. */
  readonly handleImpossibleAnswer?: boolean | undefined;
  /** Answers begin and end with whole words. Default true. */
  readonly alignToWords?: boolean | undefined;
}
export interface Answer {
  /** Probability of the span in its window; of equal answers the sum. */
  readonly score: number;
  /** Where it stands in the context, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly answer: string;
}
type One = QuestionAnsweringOptions & { readonly topK?: 1 | undefined };
export type QuestionAnswering = Calls<Question, One, Answer> & Calls<Question, QuestionAnsweringOptions, Answer[]>;

const WINDOW = 384;
const STRIDE = 128;

export const task = defineTask<Question, QuestionAnsweringOptions, Answer | Answer[]>({
  name: 'question-answering',
  heads: ['questionAnswering'],
  modality: 'text',
  expects: '{ question, context }',
  isInput: (value): value is Question =>
    typeof (value as Question | null)?.question === 'string' && typeof (value as Question).context === 'string',
  options: {
    ...{ topK: count, maxAnswerLen: count, maxSeqLen: count, docStride: size, maxQuestionLen: count },
    ...{ handleImpossibleAnswer: flag, alignToWords: flag },
  },
  async run(model, questions, options) {
    const windows = questions.map(question => windowsOf(model, question, options));
    const outputs = await outputsOfTexts(model, windows.flat(), { ...options, perToken: true });
    let from = 0;
    return questions.map((question, i) => {
      const read = outputs.slice(from, (from += windows[i]!.length));
      const answers = bestAnswers(model, question, windows[i]!, read, options);
      return (options.topK ?? 1) === 1 ? answers[0]! : answers;
    });
  },
});

function windowsOf(model: Model, { question, context }: Question, options: QuestionAnsweringOptions): Encoding[] {
  if (question.trim() === '') throw noText('question', question);
  const { tokenizer } = model;
  const limit = sourceLimit(model) ?? Number.POSITIVE_INFINITY;
  const maxLength = Math.min(options.maxSeqLen ?? WINDOW, limit);
  const stride = options.docStride ?? Math.min(Math.floor(maxLength / 2), STRIDE);
  const asked = cutQuestion(model, question, options.maxQuestionLen ?? 64);
  const { overflowing, ...first } = tokenizer.encode(asked, {
    ...{ pair: context, maxLength, truncation: 'only_second', stride: fittingStride(model, asked, maxLength, stride) },
  });
  if (context.trim() === '' || !first.sequenceIds.includes(1)) throw noText('context', context);
  // Of a pair the overflow of both texts is combined; the question is never cut.
  return [{ ...first, overflowing: [] }, ...overflowing];
}

const noText = (what: keyof Question, seen: string) =>
  new ConfigError(`question-answering: there is nothing in the ${what}`, { seen: JSON.stringify(seen.slice(0, 80)) });

/** A question that keeps its first tokens. */
function cutQuestion({ tokenizer }: Model, question: string, most: number): string {
  const { offsets } = tokenizer.encode(question, { addSpecialTokens: false });
  return offsets.length <= most ? question : question.slice(0, offsets[most - 1]![1]);
}

/** What windows share has to be less than the room that the question leaves; half of it where more is asked for. */
function fittingStride({ tokenizer }: Model, question: string, maxLength: number, stride: number): number {
  const room = maxLength - tokenizer.encodeIds(question, { pair: '' }).length;
  if (room < 1)
    throw new ConfigError('the question leaves no room for the context', {
      seen: `${maxLength - room} tokens`,
      expected: `fewer than ${maxLength}`,
      fix: 'raise maxSeqLen, or lower maxQuestionLen',
    });
  return stride < room ? stride : Math.floor(room / 2);
}

function bestAnswers(
  model: Model,
  { context }: Question,
  windows: readonly Encoding[],
  outputs: readonly TextOutputs[],
  options: QuestionAnsweringOptions,
): Answer[] {
  const { topK = 1, maxAnswerLen = 15, handleImpossibleAnswer = false, alignToWords = true } = options;
  const { cls } = model.tokenizer.specialTokens;
  const found: Answer[] = [];
  let noAnswer = Number.POSITIVE_INFINITY;
  for (const [w, window] of windows.entries()) {
    const { start_logits, end_logits } = outputs[w]!;
    const isContext = window.sequenceIds.map(sequence => sequence === 1);
    const at = cls === undefined ? -1 : window.ids.indexOf(cls);
    const { spans, noAnswerScore } = answerSpans(start_logits!, end_logits!, isContext, {
      noAnswer: at < 0 ? undefined : at,
      longest: maxAnswerLen,
      // Several spans of tokens may be the same words.
      count: alignToWords ? 2 * topK + 10 : topK,
    });
    noAnswer = Math.min(noAnswer, noAnswerScore);
    for (const { first, last, score } of spans) {
      const [start, end] = alignToWords
        ? wordsAround(window, first, last)
        : [window.offsets[first]![0], window.offsets[last]![1]];
      const answer = context.slice(start, end);
      const same = found.findIndex(other => other.answer.toLowerCase() === answer.toLowerCase());
      if (same < 0) found.push({ score, start, end, answer });
      else found[same] = { ...found[same]!, score: found[same]!.score + score };
    }
  }
  if (handleImpossibleAnswer) found.push({ score: noAnswer, start: 0, end: 0, answer: '' });
  return found.sort((a, b) => b.score - a.score).slice(0, topK);
}

/** From the beginning of the word that `first` is in to the end of that of `last`. */
function wordsAround({ wordIds, sequenceIds, offsets }: Encoding, first: number, last: number): [number, number] {
  const sameWord = (a: number, b: number) => sequenceIds[b] === sequenceIds[a] && wordIds[b] === wordIds[a];
  let [from, to] = [first, last];
  while (sameWord(first, from - 1)) from--;
  while (sameWord(last, to + 1)) to++;
  return [offsets[from]![0], offsets[to]![1]];
}
