/** Translation, between the two languages of a model or those that it is told. */
import type { TextEvent } from '../generate/index.ts';
import { text } from './option-checks.ts';
import { answersTo, SOURCE_OPTIONS, type SourceTextOptions, streamAnswer } from './source-to-text.ts';
import { type Calls, defineTask, isText, type Streams } from './task.ts';
import { type Languages, translationForm } from './translation-languages.ts';

export type TranslationOptions = SourceTextOptions & Languages;
export interface TranslatedText {
  readonly translationText: string;
}
/** One translation, or as many as `numReturnSequences` asks for. */
export type Translation = Calls<string, TranslationOptions, TranslatedText[]> &
  Streams<string, TranslationOptions, TextEvent>;

export const task = defineTask<string, TranslationOptions, TranslatedText[], TextEvent>({
  name: 'translation',
  heads: ['seq2seqLM'],
  modality: 'text',
  expects: 'a text',
  isInput: isText,
  options: { ...SOURCE_OPTIONS, srcLang: text, tgtLang: text },
  generates: true,
  async run(model, texts, { srcLang, tgtLang, ...options }) {
    const form = await translationForm(model, { srcLang, tgtLang }, options.signal);
    const answers = await answersTo(model, texts, form, options);
    return answers.map(sequences => sequences.map(({ text }) => ({ translationText: text })));
  },
  async *stream(model, text, { srcLang, tgtLang, ...options }) {
    const form = await translationForm(model, { srcLang, tgtLang }, options.signal);
    yield* streamAnswer(model, text, form, options);
  },
});
