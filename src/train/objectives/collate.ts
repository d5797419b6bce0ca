/** Examples as the rows of a batch: padded to one length, with a mask where something is padding. */
import type { ModelInputs } from '../../models/forward.ts';
import { IGNORE } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { TrainBatch } from '../batch.ts';

/** How short rows are filled up. Names: the reference's tokenizers. */
export interface PaddingOptions {
  /** Default right. */
  readonly paddingSide?: 'left' | 'right' | undefined;
  /** Rounds the length up, so that batches have few different shapes. */
  readonly padToMultipleOf?: number | undefined;
}
interface RowOptions extends PaddingOptions {
  /** Most tokens of a row; rounding up stops there. */
  readonly maxLength?: number | undefined;
}

/** The token that fills rows up. It is masked, so any will do where a tokenizer has none. */
export const padIdOf = ({ specialTokens }: Tokenizer): number => specialTokens.pad ?? specialTokens.eos ?? 0;

/** Rows at one length. */
export function padRows(rows: readonly ArrayLike<number>[], value: number, options: RowOptions = {}): Int32Array[] {
  const { paddingSide = 'right', padToMultipleOf: multiple = 1, maxLength = Number.POSITIVE_INFINITY } = options;
  const longest = rows.reduce((most, row) => Math.max(most, row.length), 1);
  const length = Math.max(longest, Math.min(maxLength, Math.ceil(longest / multiple) * multiple));
  return rows.map(row => {
    const padded = new Int32Array(length).fill(value);
    padded.set(row, paddingSide === 'left' ? length - row.length : 0);
    return padded;
  });
}

/** 1 for the tokens of each row, 0 for padding; undefined where there is none. */
export function maskOf(rows: readonly ArrayLike<number>[], options: RowOptions = {}): Int32Array[] | undefined {
  const mask = padRows(
    rows.map(row => new Int32Array(row.length).fill(1)),
    0,
    options,
  );
  return mask.some(row => row.includes(0)) ? mask : undefined;
}

/** Token rows and, where one of them is of more than the first segment, their segments. */
export function tokenInputs(
  ids: readonly ArrayLike<number>[],
  types: readonly ArrayLike<number>[] | undefined,
  padId: number,
  options: RowOptions,
): ModelInputs {
  const typed = types?.some(row => Array.from(row).some(type => type !== 0));
  return {
    input_ids: padRows(ids, padId, options),
    attention_mask: maskOf(ids, options),
    ...(typed && types && { token_type_ids: padRows(types, 0, options) }),
  };
}

/** How many labels are none to be left out. */
export const countLabels = (labels: readonly ArrayLike<number>[]): number =>
  labels.reduce((n, row) => n + Array.from(row).reduce((m, label) => m + Number(label !== IGNORE), 0), 0);

/** A batch of rows of tokens with a label, or -100, for each token. */
export function labelledBatch(
  ids: readonly ArrayLike<number>[],
  labels: readonly ArrayLike<number>[],
  padId: number,
  options: RowOptions,
  types?: readonly ArrayLike<number>[],
): TrainBatch {
  return {
    inputs: { ...tokenInputs(ids, types, padId, options), labels: padRows(labels, IGNORE, options) },
    tokens: countLabels(labels),
    examples: ids.length,
  };
}

/** A batch of an encoder-decoder: the source, and what the decoder is to write. */
export function sourceTargetBatch(
  sources: readonly ArrayLike<number>[],
  targets: readonly ArrayLike<number>[],
  padId: number,
  options: RowOptions & { readonly maxTargetLength?: number | undefined },
  types?: readonly ArrayLike<number>[],
): TrainBatch {
  // A decoder reads its padding behind the text, where causal attention never looks back at it.
  const target = { ...options, paddingSide: 'right', maxLength: options.maxTargetLength } as const;
  return {
    inputs: { ...tokenInputs(sources, types, padId, options), labels: padRows(targets, IGNORE, target) },
    tokens: countLabels(targets),
    examples: sources.length,
  };
}
