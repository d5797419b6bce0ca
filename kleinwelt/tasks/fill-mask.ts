/**
 * Sentences with one word taken out that the rest determines. What *determined* means, by `scope`:
 *
 * - `vocabulary`: of all word forms of the language in Kleinwelt only the answer makes the sentence grammatical. No meaning is
 *   needed and none can help: *[MASK] kleine Hund schläft*, *Anna hebt den Ball [MASK]*.
 * - `class`: the same among the forms of the answer's class: its paradigm (articles, forms of one adjective, singular and plural of
 *   one verb in its tense, a preposition with and without article), particles, relative pronouns, or personal pronouns, of which
 *   those count that agree with something named before. A model is asked among `options`, or it has to guess that *der Hund
 *   [MASK] müde* wants a form of *sein* in the present.
 * - `recall`: the last word of a story's fact, which its first sentence states and its last one repeats.
 *
 * The parser decides what is grammatical, whatever the sampler would write.
 */

import type { KleinweltDocument } from '../sentence.ts';
import { classForms } from './class-forms.ts';
import { isDeterminedAmongAll, isDeterminedInClass, type Place } from './determined.ts';
import { type Draw, rowsFrom, shuffled, type TaskOptions } from './task.ts';

export interface FillMaskRow {
  /** The text with `mask` in place of the word. */
  readonly text: string;
  readonly answer: string;
  readonly scope: 'vocabulary' | 'class' | 'recall';
  /** The answer's universal part of speech. */
  readonly kind: string;
  /** The forms of the answer's class as they are written there; the answer alone where the class is open. */
  readonly options: readonly string[];
}
export interface FillMaskOptions extends TaskOptions {
  /** Default `vocabulary`. */
  readonly scope?: FillMaskRow['scope'] | undefined;
  /** What stands for the missing word. Default `[MASK]`. */
  readonly mask?: string | undefined;
}

/** Rows of one scope; equal options give equal rows. */
export const fillMaskRows = (options: FillMaskOptions): Generator<FillMaskRow> =>
  rowsFrom(options, draw => {
    const { scope = 'vocabulary', mask = '[MASK]' } = options;
    if (scope === 'recall') return recallRow(draw.story(), mask);
    const context = contextOf(draw);
    const places = context.sentence.words.map((_, at): Place => ({ ...context, at }));
    const found = shuffled(places, draw.rng).find(scope === 'class' ? isDeterminedInClass : isDeterminedAmongAll);
    return found && maskRow(found, scope, mask);
  });

/** A sentence that stands alone, or one of a story with that before it. */
function contextOf({ rng, sentence, story }: Draw): Omit<Place, 'at'> {
  if (rng.below(2) === 0) return { sentence: sentence() };
  const { sentences } = story();
  const number = 1 + rng.below(sentences.length - 1);
  return { before: sentences[number - 1], sentence: sentences[number]! };
}

function maskRow({ before, sentence, at }: Place, scope: FillMaskRow['scope'], mask: string): FillMaskRow {
  const { text: answer, pos, start, end } = sentence.words[at]!;
  const forms = classForms(sentence.words[at]!, sentence.language);
  const options = at === 0 ? forms.map(form => form[0]!.toUpperCase() + form.slice(1)) : forms;
  const masked = sentence.text.slice(0, start) + mask + sentence.text.slice(end);
  return {
    text: before ? `${before.text} ${masked}` : masked,
    ...{ answer, scope, kind: pos, options: options.length > 0 ? options : [answer] },
  };
}

function recallRow({ text, sentences, starts, story }: KleinweltDocument, mask: string): FillMaskRow | undefined {
  if (!story) return undefined;
  const { sentence, word, answer } = story.recall;
  const { start, end, pos } = sentences[sentence]!.words[word]!;
  const offset = starts[sentence]!;
  return {
    text: text.slice(0, offset + start) + mask + text.slice(offset + end),
    ...{ answer, scope: 'recall', kind: pos, options: [answer] },
  };
}
