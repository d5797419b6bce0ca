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
    offsets?: readonly number[] | undefined;
  },
): TokenBatch {
  const [B, T] = [ids.length, ids[0]?.length ?? 0];
  const flat = rows('input_ids', ids, B, T);
  flat.forEach((id, i) => {
    if (!(id >= 0 && id < options.vocabSize))
      throw new ConfigError('token id outside the vocabulary', {
        seen: `${id} (row ${Math.floor(i / T)}, column ${i % T})`,
        expected: `0 to ${options.vocabSize - 1}`,
        fix: 'tokenize with the tokenizer of this checkpoint',
      });
  });
  const mask = options.mask && Uint8Array.from(rows('attention_mask', options.mask, B, T), x => (x ? 1 : 0));
  const padded = mask?.includes(0) ? mask : undefined;
  const positions = options.positions
    ? rows('position_ids', options.positions, B, T)
    : countReal(B, T, padded, options.offsets);
  const longest = positions.reduce((most, position) => Math.max(most, position + 1), 0);
  if (options.contextLength !== undefined && longest > options.contextLength)
    throw new ConfigError('sequence longer than the context window', {
      seen: `${longest} tokens`,
      expected: `at most ${options.contextLength}`,
    });
  return {
    ids: Tensor.from(flat, [B, T]),
    positions: Tensor.from(positions, [B, T]),
    mask: padded && Tensor.from(padded, [B, T], 'bool'),
  };
}

function rows(name: string, values: readonly ArrayLike<number>[], B: number, T: number): Int32Array {
  const bad = values.findIndex(row => row.length !== T);
  if (values.length !== B || bad >= 0)
    throw new ShapeError(`${name}: rows differ`, {
      seen: bad >= 0 ? `row ${bad} has ${values[bad]!.length} entries` : `${values.length} rows`,
      expected: `${B} rows of ${T}`,
      fix: 'pad the shorter rows and give an attention_mask',
    });
  const flat = new Int32Array(B * T);
  values.forEach((row, b) => {
    flat.set(Array.from(row), b * T);
  });
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
