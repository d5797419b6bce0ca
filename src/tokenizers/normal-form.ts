/** Unicode normal forms (Unicode Standard Annex 15) with the tables of Unicode 9, in time that grows with the text only. */
import { NEWER_THAN_9 } from './reference-classes.ts';

export type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

const NEWER_RUN = new RegExp(`(${NEWER_THAN_9.source}+)`, 'u');
/** Marks that are left to the engine, which sorts a run of them by insertion: in quadratic time. */
const SHORT_RUN = 64;
const LONG_RUN = new RegExp(`\\p{M}{${SHORT_RUN},}`, 'gu');

/** `text.normalize(form)` as of Unicode 9: younger characters stay as they are, and nothing moves across them. */
export function normalForm(text: string, form: UnicodeForm): string {
  const short = text.length < SHORT_RUN ? text : text.replace(LONG_RUN, run => sortedMarks(run, form));
  const normal = short.normalize(form);
  if (normal === text || !NEWER_THAN_9.test(text)) return normal;
  return short
    .split(NEWER_RUN)
    .map((part, i) => (i % 2 === 1 ? part : part.normalize(form)))
    .join('');
}

/** Whether two decomposed characters may stand in this order. */
const inOrder = (first: string, second: string) => (first + second).normalize('NFD') === first + second;
/** The mark of the highest combining class. */
const LAST = '\u0345';
/** Whether a decomposed character keeps its place, and others theirs on both sides of it. */
const isFixed = (char: string) => (char !== LAST && inOrder(LAST, char)) || NEWER_THAN_9.test(char);

/** The marks decomposed and in canonical order: sorted by combining class between characters that keep their place. */
function sortedMarks(run: string, form: UnicodeForm): string {
  const decomposition = form === 'NFC' || form === 'NFD' ? 'NFD' : 'NFKD';
  const marks = Array.from(run.replace(/[\s\S]/gu, mark => mark.normalize(decomposition)));
  // A few hundred different ones at most.
  const kinds = [...new Set(marks)].filter(mark => !isFixed(mark));
  kinds.sort((one, other) => (inOrder(one, other) ? (inOrder(other, one) ? 0 : -1) : 1));
  const classes = new Map<string, number>();
  kinds.forEach((mark, i) => {
    const before = kinds[i - 1];
    const sameClass = before !== undefined && inOrder(mark, before);
    classes.set(mark, (before === undefined ? 0 : classes.get(before)!) + (sameClass ? 0 : 1));
  });
  let sorted = '';
  let stretch: string[] = [];
  const flush = () => {
    sorted += stretch.sort((one, other) => classes.get(one)! - classes.get(other)!).join('');
    stretch = [];
  };
  for (const mark of marks) {
    if (classes.has(mark)) stretch.push(mark);
    else {
      flush();
      sorted += mark;
    }
  }
  flush();
  return sorted;
}
