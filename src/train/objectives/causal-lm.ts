/**
 * The next token. Radford et al. 2019, Brown et al. 2020: documents are laid end to end with an end token behind each, and cut
 * into blocks of the model's context; attention crosses the ends of documents, as in the published models. Without packing each
 * document has rows of its own.
 */
import { IGNORE } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { TrainBatch } from '../batch.ts';
import { textField } from '../data/row.ts';
import { maskOf, type PaddingOptions, padIdOf, padRows } from './collate.ts';
import { checkLength, tokenColumn } from './frame.ts';
import type { Objective } from './objective.ts';

export interface CausalLMOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Tokens of a row. */
  readonly length: number;
  /** Default true. */
  readonly packing?: boolean | undefined;
  /** Behind each document. Default: the tokenizer's end token; null: none. */
  readonly endToken?: number | null | undefined;
  /** Default `text`. */
  readonly column?: string | undefined;
}

/** @throws ConfigError for a length that leaves nothing to predict */
export function causalLM(options: CausalLMOptions): Objective<'ids'> {
  const { tokenizer, length, packing = true, column = 'text' } = options;
  const { endToken = tokenizer.specialTokens.eos ?? null } = options;
  checkLength(length, 1, 'causal-lm');
  return {
    name: 'causal-lm',
    columns: { ids: tokenColumn(tokenizer) },
    settings: { column, endToken, length: packing ? null : length },
    encode(row) {
      const ids = tokenizer.encodeIds(textField(row, [column]));
      if (ids.length === 0) return [];
      if (endToken !== null && ids.at(-1) !== endToken) ids.push(endToken);
      return packing ? [{ ids }] : windows(ids, length).map(ids => ({ ids }));
    },
    blockLength: packing ? length : undefined,
    batch: examples =>
      nextTokenBatch(
        examples.map(({ ids }) => ids),
        examples.map(({ ids }) => ids),
        padIdOf(tokenizer),
        { maxLength: length, ...options },
      ),
    texts: row => [textField(row, [column])],
  };
}

/** Consecutive parts of at most `length` tokens. A last part of one token has nothing to predict and is left out. */
function windows(ids: readonly number[], length: number): (readonly number[])[] {
  const count = Math.ceil(ids.length / length);
  return Array.from({ length: count }, (_, i) => ids.slice(i * length, (i + 1) * length)).filter(
    part => part.length > 1,
  );
}

/** A batch whose labels are the tokens themselves, or -100: the heads compare each position with the label after it. */
export function nextTokenBatch(
  ids: readonly ArrayLike<number>[],
  labels: readonly ArrayLike<number>[],
  padId: number,
  options: Parameters<typeof padRows>[2],
): TrainBatch {
  const padded = padRows(labels, IGNORE, options);
  const learned = (row: Int32Array) => row.subarray(1).reduce((n, label) => n + Number(label !== IGNORE), 0);
  return {
    inputs: { input_ids: padRows(ids, padId, options), attention_mask: maskOf(ids, options), labels: padded },
    tokens: padded.reduce((n, row) => n + learned(row), 0),
    examples: ids.length,
  };
}
