/** Finding the best entries of a score vector without sorting it. */

/** Index of the largest score, the first of equals; -1 if all are minus infinity or one that matters is NaN. */
export function argmax(scores: Float32Array): number {
  let best = -1;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    // Written so that NaN enters the branch: finding it costs nothing for the entries that do not lead.
    if (!(score <= bestScore)) {
      if (Number.isNaN(score)) return -1;
      best = i;
      bestScore = score;
    }
  }
  return best;
}

/**
 * Indices of the `k` largest scores, best first, lower index first among equals. Entries of minus infinity and NaN never
 * count, so there may be fewer. A bounded heap: one pass over the scores, O(V + k log k log V) for scores in random order.
 */
export function largest(scores: ArrayLike<number>, k: number): number[] {
  const heap: number[] = [];
  const worse = (a: number, b: number) => scores[a]! < scores[b]! || (scores[a] === scores[b] && a > b);
  const sink = (at: number, size: number) => {
    const moving = heap[at]!;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && worse(heap[child + 1]!, heap[child]!)) child++;
      if (!worse(heap[child]!, moving)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moving;
  };

  let i = 0;
  for (; i < scores.length && heap.length < k; i++) if (scores[i]! > Number.NEGATIVE_INFINITY) heap.push(i);
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(at, heap.length);
  let bar = heap.length > 0 ? scores[heap[0]!]! : Number.POSITIVE_INFINITY;
  for (; i < scores.length; i++) {
    if (scores[i]! > bar) {
      heap[0] = i;
      sink(0, heap.length);
      bar = scores[heap[0]]!;
    }
  }
  for (let size = heap.length - 1; size > 0; size--) {
    const worst = heap[0]!;
    heap[0] = heap[size]!;
    heap[size] = worst;
    sink(0, size);
  }
  return heap;
}

/** From this k on a selection is faster than a heap. */
const HEAP_LIMIT = 512;

/** The k-th largest score, or minus infinity if fewer than `k` are above that. */
export function kthLargest(scores: ArrayLike<number>, k: number): number {
  if (k > scores.length) return Number.NEGATIVE_INFINITY;
  if (k > HEAP_LIMIT) {
    const keys = Float64Array.from(scores);
    return massThreshold(keys, new Float64Array(keys.length).fill(1), keys.length, k);
  }
  const indices = largest(scores, k);
  return indices.length < k ? Number.NEGATIVE_INFINITY : scores[indices[k - 1]!]!;
}

/**
 * Going through the first `count` keys from the largest down and adding up their weights: the key at which the sum reaches
 * `target` (the smallest key if it never does). Quickselect, O(count) on average; reorders both arrays alike.
 */
export function massThreshold(keys: Float64Array, weights: Float64Array, count: number, target: number): number {
  let low = 0;
  let high = count;
  for (;;) {
    const pivot = median(keys[low]!, keys[(low + high) >> 1]!, keys[high - 1]!);
    let above = low;
    let below = high;
    let massAbove = 0;
    let massEqual = 0;
    for (let i = low; i < below; ) {
      const key = keys[i]!;
      if (key < pivot) {
        swap(keys, weights, i, --below);
      } else {
        if (key > pivot) {
          massAbove += weights[i]!;
          swap(keys, weights, i, above++);
        } else massEqual += weights[i]!;
        i++;
      }
    }
    if (above > low && target <= massAbove) high = above;
    else if (below === high || target <= massAbove + massEqual) return pivot;
    else {
      target -= massAbove + massEqual;
      low = below;
    }
  }
}

function median(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

function swap(keys: Float64Array, weights: Float64Array, i: number, j: number): void {
  const key = keys[i]!;
  keys[i] = keys[j]!;
  keys[j] = key;
  const weight = weights[i]!;
  weights[i] = weights[j]!;
  weights[j] = weight;
}

/** The largest score; minus infinity for none. NaN is passed over. */
export function maximum(scores: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > max) max = scores[i]!;
  return max;
}

/** ln of the sum of e^score, in double precision. Minus infinity if every score is; NaN if one is. */
export function logSumExp(scores: Float32Array): number {
  const max = maximum(scores);
  if (max === Number.NEGATIVE_INFINITY) return max;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (score !== Number.NEGATIVE_INFINITY) sum += Math.exp(score - max);
  }
  return max + Math.log(sum);
}

/** Turns scores into log-probabilities, in place. Returns what `logSumExp` gave before. */
export function logSoftmax(scores: Float32Array): number {
  const total = logSumExp(scores);
  if (total === Number.NEGATIVE_INFINITY) return total;
  for (let i = 0; i < scores.length; i++) scores[i] = scores[i]! - total;
  return total;
}
