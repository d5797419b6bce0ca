/** Short texts for the models that write a whole text at once: a sentence, or one after another with the first as a prompt. */
import { realize } from '../realize.ts';
import { rowsFrom, type TaskOptions } from '../tasks/task.ts';
import type { Fields } from './stream.ts';

/** Rows with `text`, and the same cut into `prompt` and `completion`. @param sentences at most; default 2 */
export const passages = ({
  sentences = 2,
  ...options
}: TaskOptions & { readonly sentences?: number }): Iterable<Fields> =>
  rowsFrom(options, ({ rng, language, frame }) => {
    const texts = Array.from({ length: 1 + rng.below(sentences) }, () => realize(frame(), language).text);
    const text = texts.join(' ');
    // A prompt ends where a token ends: before the space.
    const cut = texts.length > 1 && rng.below(2) === 0 ? texts[0]!.length : 0;
    return { text, prompt: text.slice(0, cut), completion: text.slice(cut) };
  });
