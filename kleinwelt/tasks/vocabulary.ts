/** All word forms of Kleinwelt in a language, and which of them a misspelt word is nearest to. */

import { englishForms } from '../parser/english-words.ts';
import { germanForms } from '../parser/german-words.ts';
import type { Language } from '../world/frame.ts';

/** Every form as it is written within a sentence. */
export const vocabulary: Readonly<Record<Language, ReadonlySet<string>>> = {
  de: new Set(germanForms.keys()),
  en: new Set(englishForms.keys()),
};
const lists = { de: lowered(vocabulary.de), en: lowered(vocabulary.en) };

function lowered(forms: ReadonlySet<string>): readonly (readonly [form: string, lower: string])[] {
  return [...forms].map(form => [form, form.toLowerCase()]);
}

/** More changes than a misspelling has. */
const FAR = 3;

/**
 * The forms that take the fewest changes to become `word`: a letter put in, left out, exchanged, or two neighbours swapped (Damerau 1964,
 * in the restricted form). A capital counts as less than any change of a letter. Empty where all are far away.
 */
export function nearestForms(word: string, language: Language): readonly string[] {
  const lower = word.toLowerCase();
  const capital = word !== lower;
  let best = FAR;
  let nearest: string[] = [];
  for (const [form, other] of lists[language]) {
    if (Math.abs(other.length - lower.length) > best) continue;
    const cost = editDistance(lower, other, best) + (capital === (form !== other) ? 0 : 0.5);
    if (cost > best || cost >= FAR) continue;
    if (cost < best) nearest = [];
    best = cost;
    nearest.push(form);
  }
  return nearest;
}

/** Changes from one word to the other; for more than `most` a number above it. */
function editDistance(a: string, b: string, most: number): number {
  let older: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(before[j]! + 1, row[j - 1]! + 1, before[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, older[j - 2]! + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    // A swap reaches back two rows and adds one change.
    if (least > most && Math.min(...before) >= most) return least;
    older = before;
    before = row;
  }
  return before[b.length]!;
}
