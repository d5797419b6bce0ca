/**
 * The substrings that stand in a text at least twice and go on differently at two of their places: the inner nodes of its
 * suffix tree, which huggingface/tokenizers and SentencePiece take as the first pieces of a Unigram model (with esaxx).
 * Found without the tree: all places are sorted by one character more in each round, as long as pieces may be.
 */
import { byCodePoints } from './alphabet.ts';
import type { Pace } from './pace.ts';

export interface FrequentSubstring {
  readonly text: string;
  /** At how many places it stands. */
  readonly places: number;
}

/** Texts as one array of characters, each text with END behind it. */
interface JoinedTexts {
  /** Ranks of the characters by code point; END = 0. */
  readonly ranks: Int32Array;
  /** Character of each rank. */
  readonly chars: readonly string[];
}

const END = 0;

/**
 * Whether a substring that always goes on with the same character, END_OF_TEXT for the end of a text, is nevertheless one:
 * because a word ends there.
 */
export type EndsAt = (text: string, next: string) => boolean;
export const END_OF_TEXT = '\0';

function join(texts: readonly string[]): JoinedTexts {
  const seen = new Set<string>();
  let length = texts.length;
  for (const text of texts)
    for (const char of text) {
      seen.add(char);
      length++;
    }
  const chars = [END_OF_TEXT, ...[...seen].filter(char => char !== END_OF_TEXT).sort(byCodePoints)];
  const rankOf = new Map(chars.map((char, rank) => [char, rank]));
  const ranks = new Int32Array(length);
  let at = 0;
  for (const text of texts) {
    for (const char of text) ranks[at++] = rankOf.get(char)!;
    ranks[at++] = END;
  }
  return { ranks, chars };
}

/**
 * The substrings of 2 to `longest` characters that stand at two places or more of `texts` and that not all of them go on with
 * the same character (the end of a text is one), or for which `endsAt` holds. None contains U+0000. In no particular order. Takes time and memory in
 * proportion to the length of the texts, times `longest` at most. Throws the signal's reason when aborted.
 */
export async function frequentSubstrings(
  texts: readonly string[],
  longest: number,
  pace: Pace,
  endsAt?: EndsAt,
): Promise<FrequentSubstring[]> {
  const { ranks, chars } = join(texts);
  const found: FrequentSubstring[] = [];
  /** Places that share their first `depth` characters with another one, group by group. */
  let places = Int32Array.from(ranks.keys());
  /** Where each group begins, and the end of the last one. */
  let groups = Int32Array.of(0, places.length);
  for (let depth = 0; depth <= longest && places.length > 0; depth++) {
    if (pace.due()) await pace.pause('prepare', depth, longest);
    const sorted = sortedWithin(places, groups, ranks, depth, chars.length);
    const nextPlaces = new Int32Array(sorted.length);
    const nextGroups = [0];
    let kept = 0;
    for (let group = 0; group + 1 < groups.length; group++) {
      const [start, end] = [groups[group]!, groups[group + 1]!];
      for (let run = start; run < end; ) {
        const rank = ranks[sorted[run]! + depth]!;
        let runEnd = run + 1;
        while (runEnd < end && ranks[sorted[runEnd]! + depth] === rank) runEnd++;
        const branches = runEnd < end;
        if (run === start && depth >= 2 && (branches || (endsAt && end - start > 1))) {
          let text = '';
          for (let i = 0; i < depth; i++) text += chars[ranks[sorted[start]! + i]!]!;
          if (branches || endsAt?.(text, chars[rank]!)) found.push({ text, places: end - start });
        }
        if (rank !== END && runEnd - run >= 2) {
          nextPlaces.set(sorted.subarray(run, runEnd), kept);
          nextGroups.push((kept += runEnd - run));
        }
        run = runEnd;
      }
    }
    places = nextPlaces.slice(0, kept);
    groups = Int32Array.from(nextGroups);
  }
  return found;
}

/** The places with those of each group sorted by the character that is `depth` behind them: two passes of counting. */
function sortedWithin(
  places: Int32Array,
  groups: Int32Array,
  ranks: Int32Array,
  depth: number,
  rankCount: number,
): Int32Array {
  const groupOf = new Int32Array(places.length);
  for (let group = 0; group + 1 < groups.length; group++) groupOf.fill(group, groups[group], groups[group + 1]);
  const cursors = new Int32Array(rankCount + 1);
  for (const place of places) cursors[ranks[place + depth]! + 1]!++;
  for (let rank = 0; rank < rankCount; rank++) cursors[rank + 1]! += cursors[rank]!;
  const byRank = new Int32Array(places.length);
  for (let i = 0; i < places.length; i++) byRank[cursors[ranks[places[i]! + depth]!]!++] = i;
  const groupCursors = groups.slice();
  const sorted = new Int32Array(places.length);
  for (const i of byRank) sorted[groupCursors[groupOf[i]!]!++] = places[i]!;
  return sorted;
}
