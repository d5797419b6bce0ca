/**
 * A damaged text to be written again as a whole. Lewis et al. 2019, "BART": the sentences are put into random order, and 30 % of the
 * words are taken out in spans of a Poisson distribution with mean 3, one mask token in the place of each; spans of no word insert
 * a mask. Here spans never overlap, so that the share is met exactly; the released code lets them, which takes out fewer. A source
 * that insertions make longer than the length loses its end.
 */
import { ConfigError } from '../../errors.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { Rng } from '../../util/rng.ts';
import { textField } from '../data/row.ts';
import { type PaddingOptions, padIdOf, sourceTargetBatch } from './collate.ts';
import { checkLength, framed, frameOf, neededToken, tokenColumn } from './frame.ts';
import { INSIDE, markedTokens, rangesFrom, SENTENCE } from './marks.ts';
import type { Objective } from './objective.ts';
import { poisson, shuffled } from './random-draws.ts';

/** Names: the released training code's. */
export interface TextInfillingOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Tokens of the whole text, those around it included. */
  readonly length: number;
  /** Share of the words that are taken out. Default 0.3. */
  readonly mask?: number | undefined;
  /** Mean length of a span in words, from 0.1 on: much shorter ones put endless masks between the words. Default 3. */
  readonly poissonLambda?: number | undefined;
  /** Whether sentences are put into another order. Default true. */
  readonly permuteSentences?: boolean | undefined;
  /** Default `text`. */
  readonly column?: string | undefined;
}

/** @throws ConfigError for shares that cannot be, a tokenizer without a mask token, and a length without room for text */
export function textInfilling(options: TextInfillingOptions): Objective<'ids' | 'marks'> {
  const { tokenizer, length, mask = 0.3, poissonLambda = 3, permuteSentences = true, column = 'text' } = options;
  if (!(mask >= 0 && mask <= 1 && poissonLambda >= 0.1 && poissonLambda < 700))
    throw new ConfigError('no such noise', { seen: `${mask} in spans of ${poissonLambda}`, where: 'text-infilling' });
  const maskId = neededToken(tokenizer, 'mask', 'text-infilling');
  const frame = frameOf(tokenizer, 1);
  checkLength(length, frame.size, 'text-infilling');
  return {
    name: 'text-infilling',
    columns: { ids: tokenColumn(tokenizer), marks: 'u8' },
    settings: { column },
    encode(row) {
      const example = markedTokens(tokenizer, textField(row, [column]));
      return example.ids.length > 0 ? [example] : [];
    },
    blockLength: length - frame.size,
    batch(examples, rngs) {
      const sources = examples.map(({ ids, marks }, i) => {
        const rng = rngs[i]!;
        const order = permuteSentences ? permuted(marks, rng) : Array.from({ length: ids.length }, (_, at) => at);
        const words = wordsOf(order, marks).map(places => places.map(at => ids[at]!));
        // Inserted masks may make a text longer than it was.
        const source = infilled(words, maskId, mask, poissonLambda, rng).slice(0, length - frame.size);
        return framed(frame, [source]).ids;
      });
      const targets = examples.map(({ ids }) => framed(frame, [ids]).ids);
      const padding = { maxLength: length, maxTargetLength: length, ...options };
      return sourceTargetBatch(sources, targets, padIdOf(tokenizer), padding);
    },
    texts: row => [textField(row, [column])],
  };
}

/** Places of all tokens, sentence by sentence in random order. */
function permuted(marks: ArrayLike<number>, rng: Rng): number[] {
  const sentences = rangesFrom(marks, SENTENCE);
  return shuffled(sentences.length, rng).flatMap(i => {
    const [from, to] = sentences[i]!;
    return Array.from({ length: to - from }, (_, n) => from + n);
  });
}

/** Places by word; pieces that a cut or another order has parted from their beginning are words of their own. */
function wordsOf(order: readonly number[], marks: ArrayLike<number>): number[][] {
  const words: number[][] = [];
  for (const place of order) {
    const last = words.at(-1);
    if (last && marks[place]! & INSIDE && last.at(-1) === place - 1) last.push(place);
    else words.push([place]);
  }
  return words;
}

/**
 * Tokens of words of which ceil(share * n) are taken out. Lengths of spans are drawn until they reach that, the last is cut; spans and
 * the words that stay are then put into random order, each order alike.
 */
export function infilled(
  words: readonly (readonly number[])[],
  maskId: number,
  share: number,
  mean: number,
  rng: Rng,
): number[] {
  let left = Math.ceil(words.length * share);
  const kept = words.length - left;
  const spans: number[] = [];
  while (left > 0) {
    const length = Math.min(poisson(mean, rng), left);
    spans.push(length);
    left -= length;
  }
  // Where spans stand among spans and kept words; the lengths are in random order already.
  const isSpan = new Set(shuffled(spans.length + kept, rng).slice(0, spans.length));
  const result: number[] = [];
  let [word, span] = [0, 0];
  for (let i = 0; i < spans.length + kept; i++)
    if (isSpan.has(i)) {
      result.push(maskId);
      word += spans[span++]!;
    } else result.push(...words[word++]!);
  return result;
}
