/**
 * Trains byte pair encoding on counted words, with the order and the tie-breaks of huggingface/tokenizers
 * models/bpe/trainer.rs. Where the reference follows the order of a hash table (the ids of characters with a prefix or a
 * suffix), this follows the order of the words.
 */
import { TokenizerError } from '../../errors.ts';
import { byCodePoints, checkVocabSize, uniqueTokens } from './alphabet.ts';
import type { CountedWord } from './count-words.ts';
import { learnMerges, type SymbolWords } from './merge-learner.ts';
import { Pace, type PaceOptions } from './pace.ts';

export interface BpeTrainerOptions extends PaceOptions {
  /** Size of the vocabulary, special tokens and alphabet included; default 30000. */
  readonly vocabSize?: number | undefined;
  /** Pairs seen less often are not merged; default 0. */
  readonly minFrequency?: number | undefined;
  /** The first entries of the vocabulary. */
  readonly specialTokens?: readonly string[] | undefined;
  /** Most different characters of the alphabet: the rarest are left out. Of equally rare ones the first by code point stay. */
  readonly limitAlphabet?: number | undefined;
  /** Characters that are in the alphabet whether they are seen or not; of longer texts the first character. */
  readonly initialAlphabet?: readonly string[] | undefined;
  /** Marks symbols that do not begin a word, such as `##`. */
  readonly continuingSubwordPrefix?: string | undefined;
  /** Marks symbols that end a word, such as `</w>`. */
  readonly endOfWordSuffix?: string | undefined;
  /** Merged symbols must have fewer characters than this; pairs of two characters always may merge. */
  readonly maxTokenLength?: number | undefined;
}

/** What a BPE trainer has learned. */
export interface TrainedBpe {
  /** Tokens in the order of their ids. */
  readonly vocab: readonly string[];
  /** Pairs of tokens, the first ones to be merged first. */
  readonly merges: readonly (readonly [string, string])[];
}

/**
 * Learns a BPE vocabulary. `start` replaces the first entries of the vocabulary (special tokens, alphabet, marked characters)
 * and must hold them all, to continue from another trainer's ids. Throws TokenizerError; the signal's reason when aborted.
 */
export async function trainBpe(
  words: readonly CountedWord[],
  options: BpeTrainerOptions = {},
  start?: readonly string[],
): Promise<TrainedBpe> {
  const { vocabSize = 30000, minFrequency = 0, continuingSubwordPrefix: prefix = '' } = options;
  checkVocabSize(vocabSize);
  const pace = new Pace(options);
  const vocab = new Vocab(start ?? [...(options.specialTokens ?? []), ...alphabetOf(words, options)]);
  const prepared = await symbolWords(words, vocab, options, pace);
  /** Characters of each symbol, without marks. */
  const lengths = vocab.tokens.map(() => 1);
  const { maxTokenLength = Number.POSITIVE_INFINITY } = options;
  const merges = new Map<string, readonly [string, string]>();
  const rules = {
    full: () => vocab.tokens.length >= vocabSize,
    minFrequency,
    goesBefore: (a: number, b: number, c: number, d: number) => a < c || (a === c && b < d),
    mayMerge: (left: number, right: number, first: boolean) =>
      first || lengths[left]! + lengths[right]! < maxTokenLength,
    merge(left: number, right: number): number {
      const [first, second] = [vocab.tokens[left]!, vocab.tokens[right]!];
      const joined = first + (prefix && second.startsWith(prefix) ? second.slice(prefix.length) : second);
      const id = vocab.add(joined);
      lengths[id] ??= lengths[left]! + lengths[right]!;
      // A pair that comes up again takes its later rank, as in the reference.
      const key = `${left} ${right}`;
      merges.delete(key);
      merges.set(key, [first, second]);
      return id;
    },
  };
  await learnMerges(prepared, rules, pace);
  return { vocab: vocab.tokens, merges: [...merges.values()] };
}

/** Tokens in both directions. */
class Vocab {
  readonly tokens: string[];
  readonly #ids: Map<string, number>;

  constructor(tokens: readonly string[]) {
    this.tokens = uniqueTokens(tokens);
    this.#ids = new Map(this.tokens.map((token, id) => [token, id]));
  }
  id(token: string): number | undefined {
    return this.#ids.get(token);
  }
  /** The id of a token, which is added if it is new. */
  add(token: string): number {
    const known = this.#ids.get(token);
    if (known !== undefined) return known;
    const id = this.tokens.push(token) - 1;
    this.#ids.set(token, id);
    return id;
  }
}

/** The characters that words are made of, by code point. */
function alphabetOf(words: readonly CountedWord[], options: BpeTrainerOptions): string[] {
  const counts = new Map<string, number>();
  for (const { text, count } of words) for (const char of text) counts.set(char, (counts.get(char) ?? 0) + count);
  for (const text of options.initialAlphabet ?? []) {
    const [char] = text;
    if (char !== undefined) counts.set(char, Number.POSITIVE_INFINITY);
  }
  const chars = [...counts.keys()].sort(byCodePoints);
  const { limitAlphabet: limit = chars.length } = options;
  if (limit >= chars.length) return chars;
  const kept = [...chars].sort((a, b) =>
    counts.get(a)! < counts.get(b)! ? 1 : counts.get(a)! > counts.get(b)! ? -1 : 0,
  );
  return kept.slice(0, limit).sort(byCodePoints);
}

/** The words as symbols. Characters outside of the vocabulary are left out; marked ones are added to it. */
async function symbolWords(
  words: readonly CountedWord[],
  vocab: Vocab,
  { continuingSubwordPrefix: prefix = '', endOfWordSuffix: suffix = '' }: BpeTrainerOptions,
  pace: Pace,
): Promise<SymbolWords> {
  const marked = prefix !== '' || suffix !== '';
  const ordered = marked ? [...words].sort((a, b) => byCodePoints(a.text, b.text)) : words;
  const starts = new Int32Array(words.length + 1);
  const counts = new Float64Array(words.length);
  const units = words.reduce((sum, { text }) => sum + text.length, 0);
  if (units > 0x7fffffff)
    throw new TokenizerError('the words are too long to train on', { seen: `${units} characters` });
  const symbols = new Int32Array(units);
  let at = 0;
  for (const [i, { text, count }] of ordered.entries()) {
    let place = 0;
    for (const char of text) {
      const isFirst = place === 0;
      place += char.length;
      const plain = vocab.id(char);
      if (plain === undefined) continue;
      const isMarked = marked && ((!isFirst && prefix !== '') || (place === text.length && suffix !== ''));
      symbols[at++] = isMarked
        ? vocab.add(`${isFirst ? '' : prefix}${char}${place === text.length ? suffix : ''}`)
        : plain;
    }
    starts[i + 1] = at;
    counts[i] = count;
    if ((i & 0xfff) === 0 && pace.due()) await pace.pause('prepare', i, words.length);
  }
  return { symbols: symbols.subarray(0, at), starts, counts };
}
