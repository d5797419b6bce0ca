/**
 * Learning a Unigram vocabulary from too many pieces: expectation maximization, and leaving out the pieces that are missed
 * least, in turns (Kudo 2018). What the trainers of huggingface/tokenizers and SentencePiece have in common.
 */
import type { CountedWord } from './count-words.ts';
import type { Pace } from './pace.ts';
import { type Precision, UnigramLattice } from './unigram-lattice.ts';

/** A piece and its score: how often it is expected, or the logarithm of its probability. */
export interface ScoredPiece {
  readonly piece: string;
  readonly score: number;
}

export interface UnigramRules {
  /** The number of pieces at which learning ends. */
  readonly enough: number;
  /** The share of the pieces that a round keeps. */
  readonly shrinkingFactor: number;
  /** Steps of expectation maximization in a round. */
  readonly subIterations: number;
  /** Characters without a piece count as the first piece, or as one of their own, which counts towards the number of pieces. */
  readonly unknown: 'first' | 'own';
  /**
   * How many pieces share the uses of a dropped one, for the estimate of what is lost: those that replace it, or all pieces,
   * which is what huggingface/tokenizers counts.
   */
  readonly shared: 'alternatives' | 'all';
  readonly precision: Precision;
}

/** Pieces expected less often are dropped. */
const LEAST_EXPECTED = 0.5;

/** The derivative of the logarithm of the gamma function at x > 0. */
export function digamma(x: number): number {
  let result = 0;
  for (; x < 7; x++) result -= 1 / x;
  x -= 1 / 2;
  const x2 = 1 / x / x;
  const x4 = x2 * x2;
  return result + Math.log(x) + x2 / 24 - (7 / 960) * x4 + (31 / 8064) * x4 * x2 - (127 / 30720) * x4 * x4;
}

/** Scores as logarithms of probabilities. */
export function normalized(pieces: readonly ScoredPiece[], { round }: Precision): ScoredPiece[] {
  const logSum = round(Math.log(pieces.reduce((sum, { score }) => round(sum + score), 0)));
  return pieces.map(({ piece, score }) => ({ piece, score: round(Math.log(score) - logSum) }));
}

/** The pieces that are left of `seeds`, which have scores as logarithms. Throws the signal's reason when aborted. */
export async function learnPieces(
  words: readonly CountedWord[],
  seeds: readonly ScoredPiece[],
  rules: UnigramRules,
  pace: Pace,
): Promise<readonly ScoredPiece[]> {
  let pieces = seeds;
  for (;;) {
    const before = pieces.length;
    for (let step = 0; step < rules.subIterations; step++)
      pieces = maximized(pieces, await expectations(words, pieces, rules, pace), rules);
    if (idsOf(pieces, rules) <= rules.enough) return pieces;
    pieces = await pruned(words, pieces, rules, pace);
    // What is left may be characters that have to stay; the reference would go on without end.
    if (pieces.length === before) return pieces;
  }
}

/** How many ids there are: the pieces, and behind them the unknown one if it has its own. */
const idsOf = (pieces: readonly ScoredPiece[], { unknown }: UnigramRules) =>
  pieces.length + (unknown === 'own' ? 1 : 0);

function latticeOf(pieces: readonly ScoredPiece[], { precision, unknown }: UnigramRules): UnigramLattice {
  const scores = precision.array(pieces.length);
  for (const [id, { score }] of pieces.entries()) scores[id] = score;
  return new UnigramLattice(
    pieces.map(({ piece }) => piece),
    scores,
    unknown === 'own' ? pieces.length : 0,
    precision,
  );
}

async function expectations(
  words: readonly CountedWord[],
  pieces: readonly ScoredPiece[],
  rules: UnigramRules,
  pace: Pace,
): Promise<Float32Array | Float64Array> {
  const lattice = latticeOf(pieces, rules);
  const expected = rules.precision.array(idsOf(pieces, rules));
  for (const { text, count } of words) {
    lattice.fill(text);
    lattice.addExpected(count, expected);
    if (pace.due()) await pace.pause('learn', pieces.length, rules.enough);
  }
  return expected;
}

/** The scores that make the expectations likely, with a prior that makes rare pieces rarer. */
function maximized(
  pieces: readonly ScoredPiece[],
  expected: Float32Array | Float64Array,
  { precision: { round } }: UnigramRules,
): ScoredPiece[] {
  const kept: number[] = [];
  let sum = 0;
  for (let id = 0; id < pieces.length; id++) {
    if (expected[id]! < LEAST_EXPECTED) continue;
    kept.push(id);
    sum = round(sum + expected[id]!);
  }
  const logSum = round(digamma(sum));
  return kept.map(id => ({ piece: pieces[id]!.piece, score: round(digamma(expected[id]!) - logSum) }));
}

/** Leaves those pieces out without which the texts would become least unlikely. */
async function pruned(
  words: readonly CountedWord[],
  pieces: readonly ScoredPiece[],
  rules: UnigramRules,
  pace: Pace,
): Promise<ScoredPiece[]> {
  const { precision, enough, shrinkingFactor } = rules;
  const { round } = precision;
  const lattice = latticeOf(pieces, rules);
  const ids = idsOf(pieces, rules);
  /** What a piece would be cut into without it; empty where it could not be cut, or is cut anyhow. */
  const alternatives: (readonly number[])[] = [];
  const needed = new Uint8Array(pieces.length);
  for (const [id, { piece }] of pieces.entries()) {
    lattice.fill(piece);
    const [best, second] = lattice.twoBest();
    const uncut = best!.length === 1;
    needed[id] = second === undefined || uncut ? 1 : 0;
    alternatives[id] = uncut && second ? second : [];
    if (pace.due()) await pace.pause('learn', pieces.length, enough);
  }
  const used = precision.array(ids);
  let total = 0;
  for (const { text, count } of words) {
    lattice.fill(text);
    total = round(total + count);
    for (const id of lattice.best()) used[id]! += count;
    if (pace.due()) await pace.pause('learn', pieces.length, enough);
  }
  let sum = 0;
  for (const count of used) sum += count;
  const logSum = round(Math.log(sum));
  const kept: ScoredPiece[] = [];
  const losses: { readonly id: number; readonly loss: number }[] = [];
  for (const [id, piece] of pieces.entries()) {
    const count = used[id]!;
    const others = alternatives[id]!;
    if (count === 0 && (!needed[id] || others.length > 0)) continue;
    if (others.length === 0) {
      kept.push(piece);
      continue;
    }
    const present = round(Math.log(count) - logSum);
    // Its uses go over to the alternatives.
    const sharers = rules.shared === 'all' ? ids : others.length;
    const logSumWithout = round(Math.log(sum + count * (sharers - 1)));
    let without = 0;
    for (const other of others) without = round(without + round(Math.log(used[other]! + count) - logSumWithout));
    losses.push({ id, loss: round(round(count / total) * round(present - without)) });
  }
  losses.sort((a, b) => b.loss - a.loss);
  const size = Math.max(enough, Math.floor(ids * shrinkingFactor)) - (ids - pieces.length);
  for (const { id } of losses.slice(0, Math.max(0, size - kept.length))) kept.push(pieces[id]!);
  return kept;
}
