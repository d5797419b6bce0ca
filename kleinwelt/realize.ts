/** Frames to text. */

import { englishQuestion, englishSentence } from './english/sentence.ts';
import { germanQuestion, germanSentence } from './german/sentence.ts';
import type { Sentence } from './sentence.ts';
import type { WordPlace } from './world/draft.ts';
import type { Frame, Language, Role } from './world/frame.ts';

/**
 * The sentence of a frame in a language. In a story, `number` is its place and `earlier` says where the referents were last
 * named; this sentence's are added to it. `realizeStory` keeps both.
 */
export function realize(
  frame: Frame,
  language: Language,
  number = 0,
  earlier: Map<number, WordPlace> = new Map(),
): Sentence {
  const scope = { earlier, here: new Map() };
  return language === 'de' ? germanSentence(frame, scope, number) : englishSentence(frame, scope, number);
}

/** The question whose answer is the span of `role` in the main clause: *Wen jagt der Hund?*, *Who does the dog chase?* */
export function realizeQuestion(frame: Frame, role: Role, language: Language): string {
  return language === 'de' ? germanQuestion(frame, role) : englishQuestion(frame, role);
}
