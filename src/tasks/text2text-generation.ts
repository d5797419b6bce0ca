/** Text to text: whatever an encoder-decoder was trained to answer. */
import { type SourceTextCalls, type SourceTextOptions, sourceTextTask } from './source-to-text.ts';

export interface AnsweredText {
  readonly generatedText: string;
}
export type Text2TextGeneration = SourceTextCalls<SourceTextOptions, AnsweredText>;

export const task = sourceTextTask<AnsweredText>({
  name: 'text2text-generation',
  resultOf: generatedText => ({ generatedText }),
});
