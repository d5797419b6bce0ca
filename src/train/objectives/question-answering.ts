/**
 * Where in a text the answer to a question stands. Devlin et al. 2018, "BERT", section 4.2 and 4.3; row form: SQuAD's. A long text
 * becomes several windows that overlap; a window without the whole answer, and a question without one, point at the class token.
 */
import { ConfigError } from '../../errors.ts';
import type { Encoding, Tokenizer } from '../../tokenizers/index.ts';
import { fieldOf, type Row, shown, textField } from '../data/row.ts';
import { type PaddingOptions, padIdOf, tokenInputs } from './collate.ts';
import { checkLength, frameOf, tokenColumn } from './frame.ts';
import type { Objective } from './objective.ts';

/** Names: the reference's. */
export interface QuestionAnsweringOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Tokens of a window, question included. Default 384. */
  readonly maxLength?: number | undefined;
  /** Tokens of the text that neighbouring windows share. Default 128. */
  readonly docStride?: number | undefined;
}

/** Columns `question`, `context` and `answers: { text: [...], answer_start: [...] }`, starts in code points. */
export function questionAnswering(options: QuestionAnsweringOptions): Objective<'ids' | 'types' | 'span'> {
  const { tokenizer, maxLength = 384, docStride = 128 } = options;
  checkLength(maxLength, frameOf(tokenizer, 2).size, 'question-answering', 2);
  const texts = (row: Row): [string, string] => [textField(row, ['question']), textField(row, ['context'])];
  return {
    name: 'question-answering',
    columns: { ids: tokenColumn(tokenizer), types: 'u8', span: 'u32' },
    settings: { maxLength, docStride },
    encode(row) {
      const [question, pair] = texts(row);
      if (question.trim() === '' || pair.trim() === '') return [];
      const answer = answerOf(row, pair);
      const asked = question.trimStart();
      const first = tokenizer.encode(asked, {
        ...{ pair, maxLength, truncation: 'only_second', stride: docStride, offsets: 'codePoints' },
      });
      return [first, ...first.overflowing].map(window => ({
        ids: window.ids,
        types: window.typeIds,
        span: answerSpan(window, answer) ?? nowhere(window, tokenizer),
      }));
    },
    batch(examples) {
      const inputs = tokenInputs(
        examples.map(({ ids }) => ids),
        examples.map(({ types }) => types),
        padIdOf(tokenizer),
        { maxLength, ...options },
      );
      /** Places of the answers' first or last tokens, behind what pads a row on the left. */
      const places = (edge: 0 | 1) =>
        examples.map(({ ids, span }, i) => {
          const padding = inputs.input_ids![i]!.length - ids.length;
          return span[edge]! + (options.paddingSide === 'left' ? padding : 0);
        });
      return {
        inputs: { ...inputs, start_positions: places(0), end_positions: places(1) },
        tokens: examples.length,
        examples: examples.length,
      };
    },
    texts,
  };
}

/** The first answer as code points `[start, end)`; undefined for none. @throws ConfigError for one that the text does not have */
function answerOf(row: Row, context: string): [number, number] | undefined {
  const answers = fieldOf(row, ['answers']) as { text?: unknown; answer_start?: unknown } | undefined;
  const [text, start] = [answers?.text, answers?.answer_start].map(x => (Array.isArray(x) ? x[0] : x));
  if (text === undefined && start === undefined) return undefined;
  if (typeof text !== 'string' || text === '' || !(Number.isSafeInteger(start) && start >= 0))
    throw new ConfigError('answers are not as expected', {
      seen: shown(answers),
      expected: '{ "text": ["..."], "answer_start": [0] }',
      where: row.where,
    });
  const length = Array.from(text).length;
  const found = Array.from(context)
    .slice(start, start + length)
    .join('');
  if (found === text) return [start, start + length];
  throw new ConfigError('the answer is not where the row says', {
    seen: `${shown(found)} at ${start}`,
    expected: shown(text),
    fix: 'answer_start counts code points of the context from 0',
    where: row.where,
  });
}

/** The class token twice, or the first one. */
function nowhere({ ids }: Encoding, { specialTokens: { cls } }: Tokenizer): [number, number] {
  const place = cls === undefined ? 0 : Math.max(0, ids.indexOf(cls));
  return [place, place];
}

/** First and last token of an answer in a window; undefined where it is not all there. */
function answerSpan(
  { offsets, sequenceIds }: Encoding,
  answer: readonly [number, number] | undefined,
): [number, number] | undefined {
  const from = sequenceIds.indexOf(1);
  const to = sequenceIds.lastIndexOf(1);
  if (!answer || from < 0 || offsets[from]![0] > answer[0] || offsets[to]![1] < answer[1]) return undefined;
  let start = from;
  while (start < to && offsets[start + 1]![0] <= answer[0]) start++;
  let end = to;
  while (end > start && offsets[end - 1]![1] >= answer[1]) end--;
  return [start, end];
}
