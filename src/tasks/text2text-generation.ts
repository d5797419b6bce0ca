/** Text to text: whatever an encoder-decoder was trained to answer. */
import type { TextEvent } from '../generate/index.ts';
import { answersTo, SOURCE_OPTIONS, type SourceTextOptions, sourceForm, streamAnswer } from './source-to-text.ts';
import { type Calls, defineTask, isText, type Streams } from './task.ts';

export interface AnsweredText {
  readonly generatedText: string;
}
/** One answer, or as many as `numReturnSequences` asks for. */
export type Text2TextGeneration = Calls<string, SourceTextOptions, AnsweredText[]> &
  Streams<string, SourceTextOptions, TextEvent>;

const NAME = 'text2text-generation';

export const task = defineTask<string, SourceTextOptions, AnsweredText[], TextEvent>({
  name: NAME,
  heads: ['seq2seqLM'],
  modality: 'text',
  expects: 'a text',
  isInput: isText,
  options: SOURCE_OPTIONS,
  generates: true,
  async run(model, texts, options) {
    const answers = await answersTo(model, texts, sourceForm(model, NAME), options);
    return answers.map(sequences => sequences.map(({ text }) => ({ generatedText: text })));
  },
  stream: (model, text, options) => streamAnswer(model, text, sourceForm(model, NAME), options),
});
