/** Translation, between the two languages of a model or those that it is told. */
import { text } from './option-checks.ts';
import { type SourceTextCalls, type SourceTextOptions, sourceTextTask } from './source-to-text.ts';
import { type Languages, translationForm } from './translation-languages.ts';

export type TranslationOptions = SourceTextOptions & Languages;
export interface TranslatedText {
  readonly translationText: string;
}
export type Translation = SourceTextCalls<TranslationOptions, TranslatedText>;

export const task = sourceTextTask<TranslatedText, TranslationOptions>({
  name: 'translation',
  options: { srcLang: text, tgtLang: text },
  async prepare(model, { srcLang, tgtLang, ...options }) {
    return { form: await translationForm(model, { srcLang, tgtLang }, options.signal), options };
  },
  resultOf: translationText => ({ translationText }),
});
