/**
 * Trains a Unigram model (Kudo 2018) with the rules of huggingface/tokenizers models/unigram/trainer.rs. Characters that
 * training dropped come back with a penalty that grows by the order of their code points; in the reference it grows in the
 * order of a hash table.
 */
import { ConfigError, TokenizerError } from '../../errors.ts';
import { byCodePoints, checkVocabSize } from './alphabet.ts';
import type { CountedWord } from './count-words.ts';
import { frequentSubstrings } from './frequent-substrings.ts';
import { Pace, type PaceOptions } from './pace.ts';
import { DOUBLE } from './unigram-lattice.ts';
import { learnPieces, normalized, type ScoredPiece, type UnigramRules } from './unigram-learner.ts';

export interface UnigramTrainerOptions extends PaceOptions {
  /** Size of the vocabulary, special tokens included; default 8000. */
  readonly vocabSize?: number | undefined;
  /** The first entries of the vocabulary, with score 0. */
  readonly specialTokens?: readonly string[] | undefined;
  /** The token for characters that are in no piece; it is added in front if it is not among the special tokens. */
  readonly unkToken?: string | undefined;
  /** Characters that are in the vocabulary whether they are seen or not; of longer texts the first character. */
  readonly initialAlphabet?: readonly string[] | undefined;
  /** The share of the pieces that a round keeps; default 0.75. */
  readonly shrinkingFactor?: number | undefined;
  /** Most characters of a piece; default 16. */
  readonly maxPieceLength?: number | undefined;
  /** Steps of expectation maximization in a round; default 2. */
  readonly nSubIterations?: number | undefined;
  /** Pieces to begin with; default 1000000. */
  readonly seedSize?: number | undefined;
}

/** What a Unigram trainer has learned. */
export interface TrainedUnigram {
  /** Pieces with the logarithms of their probabilities, in the order of their ids. */
  readonly vocab: readonly (readonly [string, number])[];
  readonly unkId: number | undefined;
}

/** A dropped character is scored this much better than the one before it. */
const PENALTY_STEP = 0.0001;

/** Learns a Unigram vocabulary. Throws ConfigError, TokenizerError where it cannot hold all characters; the signal's reason. */
export async function trainUnigram(
  words: readonly CountedWord[],
  options: UnigramTrainerOptions = {},
): Promise<TrainedUnigram> {
  const { vocabSize = 8000, specialTokens = [], unkToken, shrinkingFactor = 0.75, nSubIterations = 2 } = options;
  const { maxPieceLength = 16, seedSize = 1_000_000 } = options;
  checkVocabSize(vocabSize);
  if (!(shrinkingFactor > 0 && shrinkingFactor < 1))
    throw new ConfigError('shrinkingFactor is no share', {
      seen: String(shrinkingFactor),
      expected: 'between 0 and 1',
    });
  const pace = new Pace(options);
  const known = unkToken === undefined || specialTokens.includes(unkToken);
  const special = known ? specialTokens : [unkToken, ...specialTokens];
  const required = requiredCharacters(words, options.initialAlphabet ?? []);
  if (required.length + special.length > vocabSize)
    throw new TokenizerError('the vocabulary has no room for all characters of the texts', {
      seen: `${required.length} characters and ${special.length} special tokens`,
      expected: `at most ${vocabSize}`,
      fix: 'raise vocabSize, or leave rare characters out with a normalizer',
    });
  const seeds = await seedPieces(words, maxPieceLength, seedSize, pace);
  const rules: UnigramRules = {
    enough: Math.floor((vocabSize * 11) / 10),
    shrinkingFactor,
    subIterations: nSubIterations,
    unknown: 'own',
    shared: 'all',
    precision: DOUBLE,
  };
  const pieces = await learnPieces(words, seeds, rules, pace);
  const chosen = chosenPieces(pieces, required, vocabSize - special.length);
  return {
    vocab: [...special.map(token => [token, 0] as const), ...chosen.map(({ piece, score }) => [piece, score] as const)],
    unkId: unkToken === undefined ? undefined : special.indexOf(unkToken),
  };
}

function requiredCharacters(words: readonly CountedWord[], initial: readonly string[]): string[] {
  const chars = new Set<string>();
  for (const { text } of words) for (const char of text) chars.add(char);
  for (const [char] of initial) if (char !== undefined) chars.add(char);
  return [...chars].sort(byCodePoints);
}

/** All characters by how often they are seen, then substrings of the different words by places times length. */
async function seedPieces(
  words: readonly CountedWord[],
  longest: number,
  most: number,
  pace: Pace,
): Promise<ScoredPiece[]> {
  const counts = new Map<string, number>();
  for (const { text, count } of words)
    for (const char of text) if (char !== '\0') counts.set(char, (counts.get(char) ?? 0) + count);
  const byScore = (a: ScoredPiece, b: ScoredPiece) => b.score - a.score || byCodePoints(b.piece, a.piece);
  const characters = [...counts].map(([piece, score]) => ({ piece, score })).sort(byScore);
  const texts = words.map(({ text }) => text);
  const substrings = (await frequentSubstrings(texts, longest, pace)).map(({ text, places }) => ({
    piece: text,
    score: places * codePoints(text),
  }));
  substrings.sort(byScore);
  return normalized([...characters, ...substrings.slice(0, Math.max(1, most - characters.length))], DOUBLE);
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The required characters and the first of the other pieces, the most likely ones first. */
function chosenPieces(pieces: readonly ScoredPiece[], required: readonly string[], size: number): ScoredPiece[] {
  const scores = new Map(pieces.map(({ piece, score }) => [piece, score]));
  const least = pieces.reduce((min, { score }) => Math.min(min, score), Number.POSITIVE_INFINITY);
  let penalty = 0;
  const chosen = new Map<string, number>();
  for (const char of required) {
    const score = scores.get(char);
    chosen.set(char, score ?? least + penalty);
    if (score === undefined) penalty += PENALTY_STEP;
  }
  for (const { piece, score } of pieces) {
    if (chosen.size >= size) break;
    chosen.set(piece, chosen.get(piece) ?? score);
  }
  return [...chosen].map(([piece, score]) => ({ piece, score })).sort((a, b) => b.score - a.score);
}
