/**
 * How much of what a model writes stands in its training text word for word: the share of its n-grams that occur there. Unseen
 * text of the same kind repeats phrases of the training text as well, so that share of held-out text is what is to be expected
 * (McCoy et al. 2023, "How Much Do Language Models Copy From Their Training Data?").
 */
import { ConfigError } from '../../errors.ts';

/** Texts as token ids, which may come one after the other from somewhere larger than memory. */
export type IdTexts = AsyncIterable<ArrayLike<number>> | Iterable<ArrayLike<number>>;

export interface MemorizationOptions {
  /** Tokens in a row that are compared. Default 8. */
  readonly n?: number | undefined;
  /** Stops between two texts. */
  readonly signal?: AbortSignal | undefined;
}
export interface Memorization {
  readonly n: number;
  /** Shares of the n-grams of each side that occur in the training text; undefined for one that has no text of `n` tokens. */
  readonly generated: number | undefined;
  readonly heldOut: number | undefined;
  /** The longest run of tokens of the generated texts whose n-grams all occur in the training text, at least `n`; else 0. */
  readonly longestCopy: number;
}

/**
 * Compares generated and held-out texts with the training text, which is read once; memory grows with the two others only.
 * @throws ConfigError for an `n` below 1, `signal.reason` when aborted
 */
export async function memorization(
  texts: {
    readonly training: IdTexts;
    readonly generated: readonly ArrayLike<number>[];
    readonly heldOut: readonly ArrayLike<number>[];
  },
  { n = 8, signal }: MemorizationOptions = {},
): Promise<Memorization> {
  if (!Number.isInteger(n) || n < 1)
    throw new ConfigError('n-grams have a whole number of tokens', { seen: `n = ${n}`, expected: 'n from 1 on' });
  const grams = new Grams(n);
  for (const text of [...texts.generated, ...texts.heldOut]) grams.collect(text);
  for await (const text of texts.training) {
    signal?.throwIfAborted();
    grams.mark(text);
  }
  const share = (list: readonly ArrayLike<number>[]) => {
    const seen = list.flatMap(text => grams.seenIn(text));
    return seen.length === 0 ? undefined : seen.filter(Boolean).length / seen.length;
  };
  return {
    n,
    generated: share(texts.generated),
    heldOut: share(texts.heldOut),
    longestCopy: Math.max(0, ...texts.generated.map(text => longestRun(grams.seenIn(text), n))),
  };
}

/** Tokens that a run of n-grams that were all seen covers. */
function longestRun(seen: readonly boolean[], n: number): number {
  let [run, longest] = [0, 0];
  for (const is of seen) {
    run = is ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest === 0 ? 0 : longest + n - 1;
}

interface Gram {
  readonly text: ArrayLike<number>;
  readonly at: number;
  seen: boolean;
}
/** Odd, so that multiplying by it loses nothing modulo 2^32. */
const BASE = 0x01000193;

/** The n-grams of some texts, found again in others by a rolling hash (Karp and Rabin 1987) and then compared. */
class Grams {
  readonly #n: number;
  readonly #byHash = new Map<number, Gram[]>();

  constructor(n: number) {
    this.#n = n;
  }
  collect(text: ArrayLike<number>): void {
    this.#each(text, (hash, at) => {
      if (this.#find(hash, text, at)) return;
      const gram = { text, at, seen: false };
      const bucket = this.#byHash.get(hash);
      if (bucket) bucket.push(gram);
      else this.#byHash.set(hash, [gram]);
    });
  }
  mark(text: ArrayLike<number>): void {
    this.#each(text, (hash, at) => {
      const gram = this.#find(hash, text, at);
      if (gram) gram.seen = true;
    });
  }
  /** For each n-gram of a collected text whether it was marked. */
  seenIn(text: ArrayLike<number>): boolean[] {
    const seen: boolean[] = [];
    this.#each(text, (hash, at) => {
      seen.push(this.#find(hash, text, at)?.seen === true);
    });
    return seen;
  }
  #find(hash: number, text: ArrayLike<number>, at: number): Gram | undefined {
    return this.#byHash.get(hash)?.find(gram => {
      for (let i = 0; i < this.#n; i++) if (gram.text[gram.at + i] !== text[at + i]) return false;
      return true;
    });
  }
  #each(text: ArrayLike<number>, visit: (hash: number, at: number) => void): void {
    const n = this.#n;
    let top = 1;
    for (let i = 1; i < n; i++) top = Math.imul(top, BASE);
    let hash = 0;
    for (let i = 0; i < text.length; i++) {
      if (i >= n) hash = (hash - Math.imul(text[i - n]! + 1, top)) | 0;
      hash = (Math.imul(hash, BASE) + text[i]! + 1) | 0;
      if (i >= n - 1) visit(hash, i - n + 1);
    }
  }
}
