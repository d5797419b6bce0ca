/**
 * Longest common subsequences of two token lists, by dynamic programming: time is the product of the lengths. The length
 * takes two rows of memory; a subsequence itself takes a bit for each pair of tokens (12 MB for 10,000 and 10,000).
 */

/** The length of the longest common subsequence. */
export function commonLength(a: readonly number[], b: readonly number[]): number {
  let above = new Uint32Array(b.length + 1);
  let row = new Uint32Array(b.length + 1);
  for (const token of a) {
    for (let j = 0; j < b.length; j++) {
      row[j + 1] = token === b[j] ? above[j]! + 1 : Math.max(above[j + 1]!, row[j]!);
    }
    [above, row] = [row, above];
  }
  return above[b.length]!;
}

/**
 * The positions in `a` of one longest common subsequence, ascending: read from the end, stepping back in `a` where that
 * loses nothing, as rouge-score does; other choices give other unions in ROUGE-Lsum.
 */
export function commonPositions(a: readonly number[], b: readonly number[]): number[] {
  const width = b.length;
  const words = Math.ceil(width / 32);
  /** Whether the length at (i, j) is above that at (i - 1, j): stepping back in `a` would lose something. */
  const grows = new Uint32Array(a.length * words);
  let above = new Uint32Array(width + 1);
  let row = new Uint32Array(width + 1);
  for (const [i, token] of a.entries()) {
    for (let j = 0; j < width; j++) {
      const length = token === b[j] ? above[j]! + 1 : Math.max(above[j + 1]!, row[j]!);
      row[j + 1] = length;
      if (length > above[j + 1]!) {
        const at = i * words + (j >>> 5);
        grows[at] = grows[at]! | (1 << (j & 31));
      }
    }
    [above, row] = [row, above];
  }
  const positions: number[] = [];
  let [i, j] = [a.length - 1, width - 1];
  while (i >= 0 && j >= 0) {
    if (a[i] === b[j]) {
      positions.push(i--);
      j--;
    } else if ((grows[i * words + (j >>> 5)]! >>> (j & 31)) & 1) j--;
    else i--;
  }
  return positions.reverse();
}
