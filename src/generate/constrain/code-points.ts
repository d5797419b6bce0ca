/** Sets of code points as ranges, and the byte sequences (UTF-8) that they are written with. */

/** Sorted, disjoint, inclusive ranges: low, high, low, high ... Surrogates are in none. */
export type CodePoints = readonly number[];

/** Every character. */
export const ANY_CHARACTER: CodePoints = [0, 0xd7ff, 0xe000, 0x10ffff];

/** The characters of any of the ranges, given in any order; surrogates within them are none. */
export function rangesOf(pairs: readonly (readonly [low: number, high: number])[]): CodePoints {
  const sorted = pairs.filter(([low, high]) => low <= high).sort((a, b) => a[0] - b[0]);
  const merged: number[] = [];
  for (const [low, high] of sorted) {
    if (merged.length > 0 && low <= merged.at(-1)! + 1) merged[merged.length - 1] = Math.max(merged.at(-1)!, high);
    else merged.push(low, high);
  }
  return intersection(merged, ANY_CHARACTER);
}

export function union(...sets: readonly CodePoints[]): CodePoints {
  return rangesOf(sets.flatMap(pairsOf));
}

export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  const both: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const low = Math.max(a[i]!, b[j]!);
    const high = Math.min(a[i + 1]!, b[j + 1]!);
    if (low <= high) both.push(low, high);
    if (a[i + 1]! < b[j + 1]!) i += 2;
    else j += 2;
  }
  return both;
}

/** Every character that is not in the set. */
export function complement(set: CodePoints): CodePoints {
  const outside: [number, number][] = [];
  let from = 0;
  for (const [low, high] of pairsOf(set)) {
    outside.push([from, low - 1]);
    from = high + 1;
  }
  outside.push([from, 0x10ffff]);
  return rangesOf(outside);
}

/** The characters of a text as a set. */
export function charactersOf(text: string): CodePoints {
  return rangesOf(Array.from(text, char => [char.codePointAt(0)!, char.codePointAt(0)!] as const));
}

function pairsOf(set: CodePoints): [number, number][] {
  return Array.from({ length: set.length / 2 }, (_, i) => [set[2 * i]!, set[2 * i + 1]!]);
}

/** A range of each byte of a sequence. */
export type ByteRanges = readonly (readonly [low: number, high: number])[];

/**
 * The UTF-8 sequences of a set: a character is in it if its bytes lie in the ranges of one of them.
 * The ranges are cut where the number of bytes changes and where a leading byte would have to be paired with a part of its
 * continuations (Thompson's construction for UTF-8, as in RE2).
 */
export function utf8Ranges(set: CodePoints): ByteRanges[] {
  const sequences: ByteRanges[] = [];
  const todo = pairsOf(set).reverse();
  for (let range = todo.pop(); range; range = todo.pop()) {
    const [low, high] = range;
    const cut = cutOf(low, high);
    if (cut !== undefined) todo.push([cut + 1, high], [low, cut]);
    else {
      const last = utf8(high);
      sequences.push(utf8(low).map((byte, i) => [byte, last[i]!] as const));
    }
  }
  return sequences;
}

/** The last code point of the first part, or undefined when the range is one product of byte ranges. */
function cutOf(low: number, high: number): number | undefined {
  for (const last of [0x7f, 0x7ff, 0xffff]) if (low <= last && last < high) return last;
  if (high <= 0x7f) return undefined;
  for (let bits = 6; bits <= 18; bits += 6) {
    const mask = (1 << bits) - 1;
    if ((low & ~mask) === (high & ~mask)) return undefined;
    if ((low & mask) !== 0) return low | mask;
    if ((high & mask) !== mask) return (high & ~mask) - 1;
  }
  return undefined;
}

function utf8(point: number): number[] {
  if (point < 0x80) return [point];
  const continuation = (shift: number) => 0x80 | ((point >> shift) & 0x3f);
  if (point < 0x800) return [0xc0 | (point >> 6), continuation(0)];
  if (point < 0x10000) return [0xe0 | (point >> 12), continuation(6), continuation(0)];
  return [0xf0 | (point >> 18), continuation(12), continuation(6), continuation(0)];
}
