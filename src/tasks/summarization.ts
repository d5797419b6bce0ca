/** Summarization: a short text for a long one. */
import type { TextEvent } from '../generate/index.ts';
import { answersTo, SOURCE_OPTIONS, type SourceTextOptions, sourceForm, streamAnswer } from './source-to-text.ts';
import { type Calls, defineTask, isText, type Streams } from './task.ts';

export interface Summary {
  readonly summaryText: string;
}
/** One summary, or as many as `numReturnSequences` asks for. */
export type Summarization = Calls<string, SourceTextOptions, Summary[]> & Streams<string, SourceTextOptions, TextEvent>;

const NAME = 'summarization';

export const task = defineTask<string, SourceTextOptions, Summary[], TextEvent>({
  name: NAME,
  heads: ['seq2seqLM'],
  modality: 'text',
  expects: 'a text',
  isInput: isText,
  options: SOURCE_OPTIONS,
  generates: true,
  async run(model, texts, options) {
    const answers = await answersTo(model, texts, sourceForm(model, NAME), options);
    return answers.map(sequences => sequences.map(({ text }) => ({ summaryText: text })));
  },
  stream: (model, text, options) => streamAnswer(model, text, sourceForm(model, NAME), options),
});
