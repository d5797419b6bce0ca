/**
 * The state of one parse: the words with their readings, what rules have found so far, and how far they came. A rule is a function
 * from a place to all phrases that begin there; each is computed once per place (memoised recursive descent, Norvig,
 * "Techniques for automatic memoization with applications to context-free parsing", 1991).
 */

/** A part of a sentence: words `from` (inclusive) to `to` (exclusive). A word has no parts. */
export interface Phrase {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  readonly parts: readonly Phrase[];
}

/** A word or punctuation mark with all that the lexicon knows of its form. */
export interface Token<R> {
  readonly text: string;
  readonly readings: readonly R[];
  /** Whether the lexicon has the form, if only as a part of something. */
  readonly known: boolean;
}

export interface Progress<R> {
  readonly tokens: readonly Token<R>[];
  /** What `find` finds at a place for a rule, from memory where the rule was tried there before. */
  once<T>(rule: string, at: number, find: () => readonly T[]): readonly T[];
  /** Notes that what was read up to `reached` cannot stand, because of a word; the attempt that came furthest is kept. */
  stuck(reached: number, why: string, word?: number): void;
  /** The word at which the furthest attempt ended, and why. */
  furthest(): { where: number; why: string };
}

/** A parse of these words that has not begun. */
export function createProgress<R>(tokens: readonly Token<R>[]): Progress<R> {
  const found = new Map<string, readonly unknown[]>();
  let [furthest, where, why] = [-1, 0, 'there is no sentence'];
  return {
    tokens,
    once<T>(rule: string, at: number, find: () => readonly T[]) {
      const key = `${rule} ${at}`;
      const known = found.get(key) as readonly T[] | undefined;
      if (known) return known;
      const phrases = find();
      found.set(key, phrases);
      return phrases;
    },
    stuck(reached, reason, word = reached) {
      if (reached > furthest) [furthest, where, why] = [reached, word, reason];
    },
    furthest: () => ({ where, why }),
  };
}

/** The word at a place as a phrase without parts. */
export const leaf = (label: string, at: number): Phrase => ({ label, from: at, to: at + 1, parts: [] });

type OfKind<R, K> = R extends { kind: infer Kinds } ? (K extends Kinds ? R : never) : never;

/** The readings of a word that are of a kind; none behind the last word. */
export const readingsAt = <R extends { kind: string }, K extends R['kind']>(
  { tokens }: Progress<R>,
  at: number,
  kind: K,
): OfKind<R, K>[] => (tokens[at]?.readings ?? []).filter((r): r is R & OfKind<R, K> => r.kind === kind);

/** Whether these words stand behind a word. */
export const follows = <R>({ tokens }: Progress<R>, at: number, rest: readonly string[]): boolean =>
  rest.every((word, i) => tokens[at + 1 + i]?.text === word);
