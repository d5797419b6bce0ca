/** Summarization: a short text for a long one. */
import { type SourceTextCalls, type SourceTextOptions, sourceTextTask } from './source-to-text.ts';

export interface Summary {
  readonly summaryText: string;
}
export type Summarization = SourceTextCalls<SourceTextOptions, Summary>;

export const task = sourceTextTask<Summary>({
  name: 'summarization',
  resultOf: summaryText => ({ summaryText }),
});
