/** Text classification: a class, or a yes or no for each of several labels, for a text or a pair of texts. */
import { flag, howMany, oneOf } from './option-checks.ts';
import { classLogits, type TextPair } from './pair-logits.ts';
import {
  type LabelScore,
  labelsOf,
  SCORE_FUNCTIONS,
  type ScoreFunction,
  scoreFunctionOf,
  scoresBy,
  topLabels,
} from './scores-to-labels.ts';
import { type CallOptions, type Calls, defineTask, isText } from './task.ts';

export interface TextClassificationOptions extends CallOptions {
  /** Labels to give, the highest score first; `Infinity` gives all. Default 1. */
  readonly topK?: number | undefined;
  /** Default: what the checkpoint's kind of problem asks for. */
  readonly functionToApply?: ScoreFunction | undefined;
  /** Texts that are too long for the model lose their end; false refuses them. Default true. */
  readonly truncation?: boolean | undefined;
}
export type TextClassification = Calls<string | TextPair, TextClassificationOptions, LabelScore[]>;

export const task = defineTask<string | TextPair, TextClassificationOptions, LabelScore[]>({
  name: 'text-classification',
  heads: ['sequenceClassification', 'nextSentence'],
  modality: 'text',
  expects: 'a text, or a pair { text, textPair }',
  isInput(value): value is string | TextPair {
    const { text, textPair = '' } = (value ?? {}) as Partial<TextPair>;
    return isText(value) || (isText(text) && isText(textPair));
  },
  options: { topK: howMany, functionToApply: oneOf(...SCORE_FUNCTIONS), truncation: flag },
  async run(model, inputs, options) {
    const pairs = inputs.map(input => (typeof input === 'string' ? { text: input } : input));
    const logits = await classLogits(model, pairs, options);
    const labels = model.parts.head === 'nextSentence' ? NEXT_SENTENCE : labelsOf(model);
    return logits.map(row => {
      const apply = options.functionToApply ?? scoreFunctionOf(model, row.length);
      return topLabels(scoresBy(apply, row), labels, options.topK ?? 1);
    });
  },
});
/** The classes of a head that has no names for them. */
const NEXT_SENTENCE = ['IS_NEXT', 'NOT_NEXT'];
