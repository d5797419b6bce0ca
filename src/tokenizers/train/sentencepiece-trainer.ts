/**
 * Trains the four kinds of SentencePiece models with the rules of google/sentencepiece (version 0.2): unigram, bpe, word, char.
 * Scores of Unigram pieces are computed in single precision as there; they agree to about 1e-5.
 */
import { ConfigError, TokenizerError } from '../../errors.ts';
import type { PieceType, SentencePiece, SentencePieceAlgorithm } from '../../formats/sentencepiece.ts';
import { byCodePoints, checkVocabSize } from './alphabet.ts';
import type { CountedWord, Texts } from './count-words.ts';
import { END_OF_TEXT, frequentSubstrings } from './frequent-substrings.ts';
import { learnMerges } from './merge-learner.ts';
import { Pace, type PaceOptions } from './pace.ts';
import {
  GAP,
  type PreparedTexts,
  pieceRule,
  prepareTexts,
  type SentencePieceTextOptions,
  sorted,
  wordsOf,
} from './sentencepiece-texts.ts';
import { SINGLE } from './unigram-lattice.ts';
import { learnPieces, normalized, type ScoredPiece } from './unigram-learner.ts';

/** Names and defaults of SentencePiece. */
export interface SentencePieceTrainerOptions extends SentencePieceTextOptions, PaceOptions {
  /** Default unigram. */
  readonly modelType?: SentencePieceAlgorithm | undefined;
  /** Size of the vocabulary, meta symbols included; default 8000. */
  readonly vocabSize?: number | undefined;
  /** Symbols that never come from a text. */
  readonly controlSymbols?: readonly string[] | undefined;
  /** Symbols that are one piece wherever they stand in a text. */
  readonly userDefinedSymbols?: readonly string[] | undefined;
  /** Adds a piece for every byte; default false. */
  readonly byteFallback?: boolean | undefined;
  /** A vocabulary that stays smaller than asked is an error; default true. */
  readonly hardVocabLimit?: boolean | undefined;
  /** Unigram: pieces to begin with, default 1000000. */
  readonly seedSentencepieceSize?: number | undefined;
  /** Unigram: the share of the pieces that a round keeps, default 0.75. */
  readonly shrinkingFactor?: number | undefined;
  /** Unigram: steps of expectation maximization in a round, default 2. */
  readonly numSubIterations?: number | undefined;
}

/** A dropped character is scored this much better than the one before it. */
const PENALTY_STEP = 0.0001;

/** The pieces of a model in the order of their ids. Throws ConfigError, TokenizerError; the signal's reason when aborted. */
export async function trainSentencePiece(
  texts: Texts,
  options: SentencePieceTrainerOptions = {},
): Promise<readonly SentencePiece[]> {
  const { modelType = 'unigram', vocabSize = 8000, useAllVocab = false, hardVocabLimit = true } = options;
  checkVocabSize(vocabSize);
  const pace = new Pace(options);
  const meta = metaPieces(options);
  const prepared = await prepareTexts(
    texts,
    meta.map(({ piece }) => piece),
    options,
    pace,
  );
  const room = vocabSize - meta.length;
  const needed = modelType === 'word' || modelType === 'char' ? 0 : prepared.alphabet.length;
  if (room < needed)
    throw new TokenizerError('the vocabulary has no room for all characters of the texts', {
      seen: `${needed} characters and ${meta.length} meta symbols`,
      expected: `at most ${vocabSize}`,
      fix: 'raise vocabSize or lower characterCoverage',
    });
  const learned = await LEARNERS[modelType](prepared, room, options, pace);
  const all = useAllVocab && (modelType === 'word' || modelType === 'char');
  const pieces = all ? learned : learned.slice(0, room);
  if (!all && hardVocabLimit && modelType !== 'char' && pieces.length < room)
    throw new TokenizerError('the texts do not have as many pieces as the vocabulary should', {
      seen: `${meta.length + pieces.length}`,
      expected: String(vocabSize),
      fix: 'lower vocabSize, or set hardVocabLimit to false',
    });
  return [...meta, ...pieces.map(({ piece, score }) => ({ piece, score, type: 'normal' as const }))];
}

/** `<unk>`, `<s>`, `</s>`, then what the caller wants, then bytes. */
function metaPieces({
  controlSymbols = [],
  userDefinedSymbols = [],
  byteFallback = false,
}: SentencePieceTrainerOptions) {
  const meta = new Map<string, PieceType>([
    ['<unk>', 'unknown'],
    ['<s>', 'control'],
    ['</s>', 'control'],
  ]);
  const add = (piece: string, type: PieceType) => {
    const known = meta.get(piece);
    // `<s>` and `</s>` may be asked for as symbols of another type.
    if (piece === '' || (known !== undefined && known !== 'control') || piece === '<unk>')
      throw new ConfigError('a symbol is empty or defined twice', { seen: JSON.stringify(piece) });
    meta.set(piece, type);
  };
  for (const piece of controlSymbols) add(piece, 'control');
  for (const piece of userDefinedSymbols) add(piece, 'user_defined');
  if (byteFallback)
    for (let byte = 0; byte < 256; byte++) add(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, 'byte');
  return [...meta].map(([piece, type]): SentencePiece => ({ piece, score: 0, type }));
}

type Learner = (
  texts: PreparedTexts,
  room: number,
  options: SentencePieceTrainerOptions,
  pace: Pace,
) => Promise<readonly ScoredPiece[]>;

const LEARNERS: Readonly<Record<SentencePieceAlgorithm, Learner>> = {
  bpe: learnBpe,
  unigram: learnUnigram,
  char: async ({ alphabet }) => byShare(alphabet, alphabet),
  async word({ sentences }) {
    const words = wordsOf(sentences, false);
    return byShare(
      words.filter(({ text }) => !text.includes(GAP)),
      words,
    );
  },
};

/** Scores by how often an entry was seen among all. */
function byShare(entries: readonly CountedWord[], all: readonly CountedWord[]): ScoredPiece[] {
  const log = (x: number) => Math.fround(Math.log(Math.fround(x)));
  const total = log(all.reduce((sum, { count }) => sum + count, 0));
  return entries.map(({ text, count }) => ({ piece: text, score: Math.fround(log(count) - total) }));
}

/** Merges by frequency, equally frequent ones by length and then by code points. A text that comes up twice is merged once. */
async function learnBpe(
  { sentences, alphabet }: PreparedTexts,
  room: number,
  options: SentencePieceTrainerOptions,
  pace: Pace,
): Promise<readonly ScoredPiece[]> {
  const isPiece = pieceRule(options);
  const { splitByWhitespace = true, treatWhitespaceAsSuffix = false } = options;
  const words = splitByWhitespace
    ? wordsOf(sentences, treatWhitespaceAsSuffix)
    : sentences.map(text => ({ text, count: 1 }));
  const tokens = alphabet.map(({ text }) => text);
  const lengths = tokens.map(() => 1);
  const idOf = new Map(tokens.map((char, id) => [char, id]));
  const symbols: number[] = [];
  const starts = [0];
  const counts: number[] = [];
  for (const { text, count } of words)
    for (const part of text.split(GAP)) {
      for (const char of part) symbols.push(idOf.get(char)!);
      starts.push(symbols.length);
      counts.push(count);
    }
  const learned = new Set<string>();
  const joined = (left: number, right: number) => tokens[left]! + tokens[right]!;
  await learnMerges(
    { symbols: Int32Array.from(symbols), starts: Int32Array.from(starts), counts: Float64Array.from(counts) },
    {
      full: () => learned.size >= room - alphabet.length,
      minFrequency: 0,
      goesBefore(a, b, c, d) {
        const longer = lengths[a]! + lengths[b]! - lengths[c]! - lengths[d]!;
        return longer !== 0 ? longer < 0 : byCodePoints(joined(a, b), joined(c, d)) < 0;
      },
      mayMerge: (left, right) => isPiece(joined(left, right)),
      merge(left, right) {
        const text = joined(left, right);
        if (learned.has(text)) return -1;
        learned.add(text);
        lengths.push(lengths[left]! + lengths[right]!);
        return tokens.push(text) - 1;
      },
    },
    pace,
  );
  const pieces = [...learned, ...alphabet.map(({ text }) => text)];
  return pieces.map((piece, rank) => ({ piece, score: -rank }));
}

async function learnUnigram(
  { sentences, alphabet }: PreparedTexts,
  room: number,
  options: SentencePieceTrainerOptions,
  pace: Pace,
): Promise<readonly ScoredPiece[]> {
  const { vocabSize = 8000, shrinkingFactor = 0.75, numSubIterations = 2, splitByWhitespace = true } = options;
  const { treatWhitespaceAsSuffix = false, maxSentencepieceLength = 16, seedSentencepieceSize = 1_000_000 } = options;
  const isPiece = pieceRule(options);
  // Words are cut out of longer substrings: one that is whole need not go on in different ways.
  const endsWord = (text: string, next: string) =>
    next === END_OF_TEXT || (splitByWhitespace && (treatWhitespaceAsSuffix ? text.endsWith('▁') : next === '▁'));
  const substrings = (await frequentSubstrings(sentences, maxSentencepieceLength, pace, endsWord))
    .filter(({ text }) => isPiece(text))
    .map(({ text, places }) => ({ piece: text, score: places * [...text].length }))
    .sort((a, b) => b.score - a.score || byCodePoints(a.piece, b.piece));
  const characters = alphabet.map(({ text, count }) => ({ piece: text, score: count }));
  const seeds = normalized([...characters, ...substrings.slice(0, seedSentencepieceSize)], SINGLE);
  const words = splitByWhitespace
    ? wordsOf(sentences, treatWhitespaceAsSuffix)
    : sentences.map(text => ({ text, count: 1 }));
  const enough = Math.floor(vocabSize * 1.1);
  const rules = {
    enough,
    shrinkingFactor,
    subIterations: numSubIterations,
    unknown: 'first',
    shared: 'alternatives',
    precision: SINGLE,
  } as const;
  const pieces = await learnPieces(words, seeds, rules, pace);
  return finalPieces(pieces, alphabet, room);
}

/** The alphabet, then the most likely pieces; all by falling score. */
function finalPieces(pieces: readonly ScoredPiece[], alphabet: readonly CountedWord[], room: number): ScoredPiece[] {
  const scores = new Map(pieces.map(({ piece, score }) => [piece, score]));
  const least = pieces.reduce((min, { score }) => Math.min(min, score), Number.POSITIVE_INFINITY);
  const chosen = new Map<string, number>();
  let penalty = 0;
  for (const { text } of alphabet) {
    const score = scores.get(text);
    chosen.set(text, score ?? Math.fround(least + penalty));
    if (score === undefined) penalty = Math.fround(penalty + Math.fround(PENALTY_STEP));
  }
  for (const { text, count } of sorted(scores)) {
    if (chosen.has(text)) continue;
    if (chosen.size >= room) break;
    chosen.set(text, count);
  }
  return sorted(chosen).map(({ text, count }) => ({ piece: text, score: count }));
}
