/**
 * Masked tokens. Devlin et al. 2018, "BERT": 15 % of a text's tokens are to be found; of these 80 % are hidden by the mask token,
 * 10 % are replaced by any token, 10 % stay. Whole words: all pieces of a word together. As in RoBERTa (Liu et al. 2019) rows are
 * full of text across documents, with a separator between them, and each epoch hides others.
 */
import { IGNORE } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { Rng } from '../../util/rng.ts';
import { textField } from '../data/row.ts';
import { labelledBatch, type PaddingOptions, padIdOf } from './collate.ts';
import { checkLength, checkShares, framed, framedValues, frameOf, neededToken, tokenColumn } from './frame.ts';
import { INSIDE, markedTokens, WORD } from './marks.ts';
import type { Objective } from './objective.ts';
import { chosen, shuffled } from './random-draws.ts';

/** How tokens are hidden. Names: the reference's collator. */
export interface MaskingOptions {
  /** Share of the tokens that are to be found. Default 0.15. */
  readonly mlmProbability?: number | undefined;
  /** Of these: share hidden by the mask token. Default 0.8. */
  readonly maskReplaceProb?: number | undefined;
  /** Of these: share replaced by any token of the vocabulary. Default 0.1. */
  readonly randomReplaceProb?: number | undefined;
  /** Whether the pieces of a word are chosen together. Default false. */
  readonly wholeWord?: boolean | undefined;
}
export interface MaskedLMOptions extends MaskingOptions, PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Tokens of a row, those around the text included. */
  readonly length: number;
  /** Whether texts are laid end to end. Default true; false: a row per text, cut at the length. */
  readonly packing?: boolean | undefined;
  /** Default `text`. */
  readonly column?: string | undefined;
}

/** @throws ConfigError for a tokenizer without a mask token, and a length without room for text */
export function maskedLM(options: MaskedLMOptions): Objective<'ids' | 'marks'> {
  const { tokenizer, length, packing = true, wholeWord = false, column = 'text' } = options;
  const hide = masking(tokenizer, options, 'masked-lm');
  const frame = frameOf(tokenizer, 1);
  checkLength(length, frame.size, 'masked-lm');
  const room = length - frame.size;
  const separator = frame.added[1]!.ids.slice(-1);
  return {
    name: 'masked-lm',
    columns: { ids: tokenColumn(tokenizer), marks: 'u8' },
    settings: { column, wholeWord, length: packing ? null : length },
    encode(row) {
      const text = textField(row, [column]);
      const { ids, marks } = wholeWord ? markedTokens(tokenizer, text) : plainTokens(tokenizer, text);
      if (ids.length === 0) return [];
      if (!packing) return [{ ids: ids.slice(0, room), marks: marks.slice(0, room) }];
      return [{ ids: [...ids, ...separator], marks: [...marks, ...separator.map(() => 0)] }];
    },
    blockLength: packing ? room : undefined,
    batch(examples, rngs) {
      const hidden = examples.map(({ ids, marks }, i) => hide(ids, marks, rngs[i]!));
      const rows = hidden.map(({ ids }) => framed(frame, [ids]));
      return labelledBatch(
        rows.map(({ ids }) => ids),
        hidden.map(({ labels }) => framedValues(frame, [labels], IGNORE)),
        padIdOf(tokenizer),
        { maxLength: length, ...options },
        rows.map(({ types }) => types),
      );
    },
    texts: row => [textField(row, [column])],
    maxLength: packing ? undefined : length,
  };
}

/** Tokens of a text of which each counts as a word: much faster to find. */
function plainTokens(tokenizer: Tokenizer, text: string): { ids: number[]; marks: number[] } {
  const ids = tokenizer.encodeIds(text, { addSpecialTokens: false });
  return { ids, marks: ids.map(() => WORD) };
}

/** A text with some tokens hidden, and the labels that name them; -100 elsewhere. */
export type Hide = (
  ids: ArrayLike<number>,
  marks: ArrayLike<number>,
  rng: Rng,
) => { readonly ids: number[]; readonly labels: number[] };

/**
 * Hides round(0.15 n) of a text's n tokens, at least one. Of whole words as many as fit into that number. Tokens without a mark
 * are never chosen.
 * @throws ConfigError for a tokenizer without a mask token and for shares that cannot be
 */
export function masking(tokenizer: Tokenizer, options: MaskingOptions, objective: string): Hide {
  const { mlmProbability = 0.15, maskReplaceProb = 0.8, randomReplaceProb = 0.1, wholeWord = false } = options;
  const replaced = maskReplaceProb + randomReplaceProb;
  checkShares(
    { mlmProbability, maskReplaceProb, randomReplaceProb, 'what is masked or replaced': replaced },
    objective,
  );
  const mask = neededToken(tokenizer, 'mask', objective);
  return (ids, marks, rng) => {
    const damaged = Array.from(ids);
    const labels = damaged.map(() => IGNORE);
    for (const place of choosePlaces(marks, mlmProbability, wholeWord, rng)) {
      labels[place] = damaged[place]!;
      const draw = rng.uniform();
      if (draw < maskReplaceProb) damaged[place] = mask;
      else if (draw < maskReplaceProb + randomReplaceProb) damaged[place] = rng.below(tokenizer.vocabSize);
    }
    return { ids: damaged, labels };
  };
}

/** A share of the n marked tokens: round(share * n), at least one; or as many whole words as fit into that, at least one. */
export function choosePlaces(marks: ArrayLike<number>, share: number, wholeWord: boolean, rng: Rng): number[] {
  const tokens = Array.from(marks, (mark, i) => (mark ? i : -1)).filter(i => i >= 0);
  const wanted = Math.max(1, Math.round(tokens.length * share));
  if (!wholeWord) return chosen(tokens.length, Math.min(tokens.length, wanted), rng).map(i => tokens[i]!);
  const words: number[][] = [];
  for (const i of tokens)
    if (marks[i]! & INSIDE && words.at(-1)?.at(-1) === i - 1) words.at(-1)!.push(i);
    else words.push([i]);
  const places: number[] = [];
  for (const i of shuffled(words.length, rng)) {
    const word = words[i]!;
    if (places.length > 0 && places.length + word.length > wanted) continue;
    places.push(...word);
    if (places.length >= wanted) break;
  }
  return places;
}
