/** Extractive question answering: the span of the context that start and end together find most probable. As in SQuAD's scripts. */
import { ConfigError } from '../../../errors.ts';
import type { Encoding } from '../../../tokenizers/index.ts';
import { brief } from '../../data-row.ts';
import type { AnswerLanguage } from '../../scores/answer-text.ts';
import { scoreAnswer } from '../../scores/question-answering.ts';
import { checkHead, outputsOf } from './encoded-batch.ts';
import { defineKind } from './output-kind.ts';

/** Tokens that an answer has at most, and that neighbouring windows of a long context share. */
const [MOST_TOKENS, STRIDE] = [30, 128];

interface Facts {
  readonly text: string;
  readonly answers: readonly string[];
}
const scored = ({ text, answers }: Facts, { language }: { readonly [setting: string]: unknown }) =>
  scoreAnswer(text, answers, { language: (language as AnswerLanguage | undefined) ?? 'en' });

/** `doc_to_text` is a list of question and context, `doc_to_target` the right answers, any of which will do. */
export const questionAnswering = defineKind<Facts>({
  type: 'question_answering',
  defaults: ['exact_match', 'f1_words'],
  metrics: {
    exact_match: (facts, settings) => scored(facts, settings).exactMatch,
    f1_words: (facts, settings) => scored(facts, settings).f1,
  },
  async ask(model, items, { config, batchSize, signal }) {
    checkHead(model, ['questionAnswering'], config.task);
    const most = model.contextLength ?? 512;
    const windows = items.flatMap(({ text, id }, item) => {
      if (!Array.isArray(text) || text.length !== 2)
        throw new ConfigError('an item is no question with its context', {
          seen: brief(text),
          expected: 'doc_to_text: "{{[question, context]}}"',
          where: `${config.task}, item ${id}`,
        });
      const [question, context] = text.map(String) as [string, string];
      const first = model.tokenizer.encode(question, {
        pair: context,
        maxLength: most,
        truncation: 'only_second',
        stride: Math.max(0, Math.min(STRIDE, (most - model.tokenizer.encodeIds(question).length - 2) >> 1)),
      });
      return [first, ...first.overflowing].map(encoding => ({ item, context, encoding }));
    });
    const outputs = await outputsOf(
      model,
      windows.map(({ encoding }) => encoding),
      ['start_logits', 'end_logits'],
      { batchSize, signal, task: config.task },
    );
    const best = items.map(() => ({ score: Number.NEGATIVE_INFINITY, text: '' }));
    for (const [w, { item, context, encoding }] of windows.entries()) {
      const span = bestSpan(encoding, ...(outputs[w]!.rows as [Float32Array, Float32Array]));
      if (span && span.score > best[item]!.score)
        best[item] = { score: span.score, text: context.slice(span.start, span.end) };
    }
    return items.map(({ target }, i) => {
      const answers = (Array.isArray(target) ? target : [target]).map(String);
      const { text, score } = best[i]!;
      return {
        target: [...new Set(answers)].join(' | '),
        answers: [{ filter: 'none', prediction: text, facts: { text, answers } }],
        details: { score },
      };
    });
  },
});

/** The span of the second text with the largest sum, in characters. */
function bestSpan({ sequenceIds, offsets }: Encoding, start: Float32Array, end: Float32Array) {
  let best: { score: number; start: number; end: number } | undefined;
  for (let i = 0; i < sequenceIds.length; i++) {
    if (sequenceIds[i] !== 1) continue;
    for (let j = i; j < Math.min(sequenceIds.length, i + MOST_TOKENS) && sequenceIds[j] === 1; j++) {
      const score = start[i]! + end[j]!;
      if (!best || score > best.score) best = { score, start: offsets[i]![0], end: offsets[j]![1] };
    }
  }
  return best;
}
