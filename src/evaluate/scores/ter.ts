/**
 * Translation edit rate (Snover et al., "A Study of Translation Edit Rate with Targeted Human Annotation", AMTA 2006) with
 * the numbers of sacreBLEU 2.6: edits of words, and shifts of phrases, for each word of the reference. Lower is better.
 */

import { beamEditDistance, type EditStep } from './beam-edit-distance.ts';
import { checkReferences } from './paired-lists.ts';
import { type SegmentCounts, signatureText, sumRows } from './segment-scores.ts';
import { type TerText, terWords } from './ter-tokenizer.ts';
import { trimEnd } from './whitespace.ts';

export type TerOptions = TerText;

export interface TerScore {
  /** In percent of the reference's words; can be above 100. */
  readonly score: number;
  readonly edits: number;
  /** Words of the references, averaged over the references of each segment. */
  readonly referenceLength: number;
  readonly signature: string;
}

/** Bounds of Tercom's search: words in a shift, how far it goes, and shifts that are tried for a segment. */
const MOST_SHIFTED = 10;
const FARTHEST_SHIFT = 50;
const MOST_TRIED = 1_000;

/**
 * TER of a corpus. Each segment tries up to about 1,000 shifts, each an edit distance, so long and very different segments
 * are slow. Throws `ConfigError` for no segments, lists of different lengths and a segment without a reference.
 */
export function ter(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: TerOptions = {},
): TerScore {
  const { rows, statistic, signature } = terCounts(hypotheses, references, options);
  const sums = sumRows(rows);
  return { score: statistic.score(sums), edits: sums[0]!, referenceLength: sums[1]!, signature };
}

/** The counts of each segment: edits against the best reference, and the mean length of its references. */
export function terCounts(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: TerOptions = {},
): SegmentCounts {
  checkReferences(hypotheses, references, 'ter');
  const read = (line: string) => terWords(trimEnd(line), options);
  const segment = (hypothesis: string, list: readonly string[]) => {
    const own = read(hypothesis);
    // sacreBLEU normalises references twice; where that splits `.3c` further, equal scores need it too.
    const others = list.map(reference => read(read(reference).join(' ')));
    const edits = Math.min(...others.map(other => segmentEdits(own, other)));
    return Float64Array.of(edits, others.reduce((sum, other) => sum + other.length, 0) / others.length);
  };
  return {
    rows: hypotheses.map((hypothesis, i) => segment(hypothesis, references[i]!)),
    statistic: {
      row: row => row,
      score: ([edits, length]) => 100 * (length! > 0 ? edits! / length! : edits! > 0 ? 1 : 0),
    },
    signature: signatureText(references, {
      case: options.caseSensitive ? 'mixed' : 'lc',
      tok: 'tercom',
      norm: options.normalized ?? false,
      punct: !options.noPunctuation,
      asian: options.asianSupport ?? false,
    }),
  };
}

/** Shifts and edits that turn a hypothesis into a reference, found greedily: the best shift, as long as one helps. */
function segmentEdits(hypothesis: readonly string[], reference: readonly string[]): number {
  if (reference.length === 0) return hypothesis.length;
  const numbers = new Map<string, number>();
  for (const word of [...reference, ...hypothesis]) if (!numbers.has(word)) numbers.set(word, numbers.size);
  const target = reference.map(word => numbers.get(word)!);
  const distances = beamEditDistance(target);
  let words = hypothesis.map(word => numbers.get(word)!);
  let tried = 0;
  for (let shifts = 0; ; shifts++) {
    const { distance, steps } = distances.begin(words);
    const from = words;
    const gain = (shifted: readonly number[]) => distance - distances.distance(shifted, sameUntil(from, shifted));
    const search = bestShift(words, target, align(steps), gain, MOST_TRIED - tried);
    tried += search.tried;
    if (tried >= MOST_TRIED || !search.best || search.best.gain <= 0) return shifts + distance;
    words = search.best.words;
  }
}

/** The best shift of those tried, and how many that were: the search ends after the phrase that reaches `most`. */
function bestShift(
  words: readonly number[],
  reference: readonly number[],
  alignment: Alignment,
  gain: (shifted: readonly number[]) => number,
  most: number,
): { readonly best: Shift | undefined; readonly tried: number } {
  let best: Shift | undefined;
  let tried = 0;
  for (const { start, match, length } of commonPhrases(words, reference)) {
    if (!worthShifting(alignment, start, match, length)) continue;
    let before = -1;
    for (let at = match - 1; at < Math.min(match + length, reference.length); at++) {
      const to = at < 0 ? 0 : alignment.positions[at]! + 1;
      if (to === before) continue;
      before = to;
      const shifted = moved(words, start, length, to);
      const shift = { gain: gain(shifted), length, start, to, words: shifted };
      tried++;
      if (!best || isBetter(shift, best)) best = shift;
    }
    if (tried >= most) break;
  }
  return { best, tried };
}

interface Shift {
  readonly gain: number;
  readonly length: number;
  readonly start: number;
  readonly to: number;
  readonly words: number[];
}

/** The larger gain, then the longer phrase, then the earlier one, then the earlier target. */
function isBetter(shift: Shift, best: Shift): boolean {
  const order = shift.gain - best.gain || shift.length - best.length || best.start - shift.start || best.to - shift.to;
  return order > 0;
}

function sameUntil(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((word, i) => word !== b[i]);
  return at < 0 ? a.length : at;
}

/** Equal phrases of both, up to ten words: where they start, and every length from 1. */
function* commonPhrases(words: readonly number[], reference: readonly number[]) {
  for (let start = 0; start < words.length; start++) {
    const last = Math.min(reference.length - 1, start + FARTHEST_SHIFT);
    for (let match = Math.max(0, start - FARTHEST_SHIFT); match <= last; match++) {
      for (let length = 1; length <= MOST_SHIFTED; length++) {
        const [own, other] = [words[start + length - 1], reference[match + length - 1]];
        if (own === undefined || own !== other) break;
        yield { start, match, length };
      }
    }
  }
}

interface Alignment {
  /** For each reference word, the hypothesis word it is aligned with, or the last before it (-1: none). */
  readonly positions: readonly number[];
  readonly referenceErrors: readonly boolean[];
  readonly hypothesisErrors: readonly boolean[];
}

function align(steps: readonly EditStep[]): Alignment {
  const positions: number[] = [];
  const referenceErrors: boolean[] = [];
  const hypothesisErrors: boolean[] = [];
  for (const step of steps) {
    if (step !== 'insert') hypothesisErrors.push(step !== 'keep');
    if (step === 'delete') continue;
    referenceErrors.push(step !== 'keep');
    positions.push(hypothesisErrors.length - 1);
  }
  return { positions, referenceErrors, hypothesisErrors };
}

/** Only phrases that are wrong where they are, at a place that is wrong, and not within themselves. */
function worthShifting(alignment: Alignment, start: number, match: number, length: number): boolean {
  const wrong = (errors: readonly boolean[], at: number) => errors.slice(at, at + length).includes(true);
  const position = alignment.positions[match]!;
  return (
    wrong(alignment.hypothesisErrors, start) &&
    wrong(alignment.referenceErrors, match) &&
    !(start <= position && position < start + length)
  );
}

/** The words with `length` of them from `start` moved to before the word at `to`. */
function moved(words: readonly number[], start: number, length: number, to: number): number[] {
  const phrase = words.slice(start, start + length);
  const rest = [...words.slice(0, start), ...words.slice(start + length)];
  // A target inside the phrase or right behind it counts as that many words further on, as in Tercom.
  const at = to < start ? to : to > start + length ? to - length : to;
  return [...rest.slice(0, at), ...phrase, ...rest.slice(at)];
}
