/** A row of logits as numbers about tokens: the likeliest ones, and how an answer stands among all. */

export interface TokenScore {
  readonly id: number;
  readonly probability: number;
}
/** How a token stands in a distribution. */
export interface AnswerScore extends TokenScore {
  readonly logProbability: number;
  /** 1 = the likeliest; tokens of the same score count as before it. */
  readonly rank: number;
}

/** The logarithm of the sum of e to the elements `[from, from + n)`. */
function logSum(logits: ArrayLike<number>, from: number, n: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < n; v++) most = Math.max(most, logits[from + v]!);
  let sum = 0;
  for (let v = 0; v < n; v++) sum += Math.exp(logits[from + v]! - most);
  return most + Math.log(sum);
}

/** The `top` likeliest of `n` logits that begin at `from`. */
export function likeliest(logits: ArrayLike<number>, from: number, n: number, top: number): TokenScore[] {
  const total = logSum(logits, from, n);
  const best: number[] = [];
  for (let v = 0; v < n; v++) {
    if (best.length === top && !(logits[from + v]! > logits[from + best.at(-1)!]!)) continue;
    const place = best.findIndex(id => logits[from + v]! > logits[from + id]!);
    best.splice(place < 0 ? best.length : place, 0, v);
    if (best.length > top) best.pop();
  }
  return best.map(id => ({ id, probability: Math.exp(logits[from + id]! - total) }));
}

/** How token `id` stands among them. */
export function scoreOf(logits: ArrayLike<number>, from: number, n: number, id: number): AnswerScore {
  const own = logits[from + id]!;
  let rank = 0;
  for (let v = 0; v < n; v++) if (logits[from + v]! >= own) rank++;
  const logProbability = own - logSum(logits, from, n);
  return { id, probability: Math.exp(logProbability), logProbability, rank };
}
