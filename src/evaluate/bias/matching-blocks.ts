/**
 * The stretches that two sequences share, by the longest-match rule of Ratcliff and Metzener 1988 ("Pattern Matching: The
 * Gestalt Approach"), as Python's `difflib.SequenceMatcher` applies it to fewer than 200 items.
 */

/** Pairs of indices of shared items, rising in both: the longest shared stretch, and the same on both sides of it. */
export function sharedPlaces(a: readonly number[], b: readonly number[]): [number, number][] {
  const pairs: [number, number][] = [];
  const open: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  for (let range = open.pop(); range; range = open.pop()) {
    const [aFrom, aTo, bFrom, bTo] = range;
    const [i, j, size] = longestMatch(a, b, range);
    if (size === 0) continue;
    for (let k = 0; k < size; k++) pairs.push([i + k, j + k]);
    open.push([aFrom, i, bFrom, j], [i + size, aTo, j + size, bTo]);
  }
  return pairs.sort((x, y) => x[0] - y[0]);
}

/** Of the longest shared stretches the one that begins first in `a`, then first in `b`: `[start in a, start in b, length]`. */
function longestMatch(
  a: readonly number[],
  b: readonly number[],
  [aFrom, aTo, bFrom, bTo]: readonly [number, number, number, number],
): [number, number, number] {
  let best: [number, number, number] = [aFrom, bFrom, 0];
  // Length of the stretch that ends at this item of `a` and the item before each of `b`.
  let before = new Int32Array(bTo - bFrom + 1);
  for (let i = aFrom; i < aTo; i++) {
    const row = new Int32Array(before.length);
    for (let j = bFrom; j < bTo; j++) {
      if (a[i] !== b[j]) continue;
      const size = before[j - bFrom]! + 1;
      row[j - bFrom + 1] = size;
      if (size > best[2]) best = [i - size + 1, j - size + 1, size];
    }
    before = row;
  }
  return best;
}
