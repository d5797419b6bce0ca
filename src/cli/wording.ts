/** How a command speaks: its texts and its numbers, in one language. */
import { createMessages, type Language, languageOf, type Say } from './messages.ts';
import { createNumbers, type Numbers } from './numbers.ts';
import type { Terminal } from './terminal.ts';

export interface Wording {
  readonly language: Language;
  readonly say: Say;
  readonly numbers: Numbers;
}

/** In the language of `--lang`, else that of the environment. */
export function wordingFor({ lang }: { readonly lang?: Language | undefined }, { env }: Terminal): Wording {
  const language = lang ?? languageOf(env);
  return { language, say: createMessages(language), numbers: createNumbers(language) };
}
