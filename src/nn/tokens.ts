/** A batch of token ids as models take it. */
import { ConfigError, ShapeError } from '../errors.ts';
import { Tensor } from '../tensor/index.ts';

/** B rows of T tokens. All tensors are leaves on the host. */
export interface TokenBatch {
  /** i32 `[B, T]` */
  readonly ids: Tensor;
  /** i32 `[B, T]`: position of each token in its sequence, padding not counted. */
  readonly positions: Tensor;
  /** bool `[B, T]`: false at padding. Undefined = all real. */
  readonly mask: Tensor | undefined;
  /** i32 `[B, T]`: segment of each token. Undefined where a model knows one only. */
  readonly types?: Tensor | undefined;
  /** Real tokens of the longest sequence when the whole text that this batch is a part of has been read. */
  readonly span: number;
}

/**
 * Rows of equal length as a batch.
 * @param mask 1 for real tokens, 0 for padding, which may be on either side
 * @param positions default: number of real tokens before; 0 at padding on the left. With `offsets` counted from there.
 * @throws ShapeError when rows differ in length
 * @throws ConfigError when an id is outside the vocabulary, or a position outside the context window
 */
export function tokenBatch(
  ids: readonly ArrayLike<number>[],
  options: {
    vocabSize: number;
    /** Longest sequence; undefined = no limit. */
    contextLength: number | undefined;
    mask?: readonly ArrayLike<number>[] | undefined;
    positions?: readonly ArrayLike<number>[] | undefined;
    /** Segments, from 0 to `typeVocabSize` - 1. Default: all 0. */
    types?: readonly ArrayLike<number>[] | undefined;
    /** Default 1: then the batch has no `types`. */
    typeVocabSize?: number;
    offsets?: readonly number[] | undefined;
    /** See `TokenBatch.span`. Default: this batch is the end of its text. */
    span?: number | undefined;
  },
): TokenBatch {
  if (!Array.isArray(ids) || ids.length === 0 || !(ids[0]?.length > 0))
    throw new ShapeError('input_ids: no tokens', {
      seen: JSON.stringify(ids)?.slice(0, 60),
      expected: 'one list of ids per sequence, [[1, 2, 3]]',
    });
  const [B, T] = [ids.length, ids[0]!.length];
  const flat = wholeRows('input_ids', ids, B, T, {
    from: 0,
    to: options.vocabSize - 1,
    problem: 'token id outside the vocabulary',
    fix: 'tokenize with the tokenizer of this checkpoint',
  });
  const mask =
    options.mask &&
    Uint8Array.from(wholeRows('attention_mask', options.mask, B, T, { from: 0, to: 1, problem: 'neither 1 nor 0' }));
  const padded = mask?.includes(0) ? mask : undefined;
  const positions = options.positions
    ? wholeRows('position_ids', options.positions, B, T, { from: 0, to: 2 ** 31 - 1, problem: 'no position' })
    : countReal(B, T, padded, options.offsets);
  const longest = positions.reduce((most, position) => Math.max(most, position + 1), 0);
  if (options.contextLength !== undefined && longest > options.contextLength)
    throw new ConfigError('sequence longer than the context window', {
      seen: `${longest} tokens`,
      expected: `at most ${options.contextLength}`,
    });
  const { types, typeVocabSize: kinds = 1 } = options;
  // Tokenizers tell segments apart for models that do not: those read nothing from them.
  const segments = types
    ? wholeRows('token_type_ids', types, B, T, {
        from: 0,
        to: kinds > 1 ? kinds - 1 : 2 ** 31 - 1,
        problem: 'no such token type',
      })
    : new Int32Array(B * T);
  return {
    ids: Tensor.from(flat, [B, T]),
    positions: Tensor.from(positions, [B, T]),
    mask: padded && Tensor.from(padded, [B, T], 'bool'),
    types: kinds > 1 ? Tensor.from(segments, [B, T]) : undefined,
    span: options.span ?? longest,
  };
}

/**
 * Rows of whole numbers as one array `[B * T]`.
 * @throws ShapeError when rows differ in length, ConfigError naming the first value that is no whole number in range
 */
function wholeRows(
  name: string,
  values: readonly ArrayLike<number>[],
  B: number,
  T: number,
  range: { from: number; to: number; problem: string; fix?: string },
): Int32Array {
  const bad = values.findIndex(row => row?.length !== T);
  if (values.length !== B || bad >= 0)
    throw new ShapeError(`${name}: rows differ`, {
      seen: bad >= 0 ? `row ${bad} has ${values[bad]?.length ?? 'no'} entries` : `${values.length} rows`,
      expected: `${B} rows of ${T}`,
      fix: 'pad the shorter rows and give an attention_mask',
    });
  const flat = new Int32Array(B * T);
  for (let b = 0; b < B; b++)
    for (let t = 0; t < T; t++) {
      const value = values[b]![t]!;
      if (!(Number.isInteger(value) && value >= range.from && value <= range.to))
        throw new ConfigError(`${name}: ${range.problem}`, {
          seen: `${typeof value === 'number' ? '' : `${typeof value} `}${value} (row ${b}, column ${t})`,
          expected: `${range.from} to ${range.to}`,
          fix: range.fix,
        });
      flat[b * T + t] = value;
    }
  return flat;
}
function countReal(
  B: number,
  T: number,
  mask: Uint8Array | undefined,
  offsets: readonly number[] | undefined,
): Int32Array {
  const positions = new Int32Array(B * T);
  for (let b = 0; b < B; b++) {
    let next = offsets?.[b] ?? 0;
    for (let t = 0; t < T; t++) {
      const real = mask ? mask[b * T + t]! : 1;
      positions[b * T + t] = real ? next : Math.max(0, next - 1);
      next += real;
    }
  }
  return positions;
}
