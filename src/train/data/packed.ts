/** Examples laid end to end and cut into blocks of equal length: every token of a batch is a real one. */
import { ConfigError } from '../../errors.ts';
import type { Dataset } from './dataset.ts';

export interface PackedOptions {
  /** Tokens from the start of a block to the start of the next. Default: the length of a block; 1: a block at every token. */
  readonly stride?: number | undefined;
  /** The part of the data that is used, as shares of its tokens. Default all, 0 to 1. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/**
 * Blocks of `length` tokens as examples. What is left at the end is dropped, unless all is shorter than one block.
 * @throws ConfigError for lengths and shares that cannot be, and where nothing is left
 */
export function packed<C extends string>(
  data: Dataset<C>,
  length: number,
  { stride = length, from = 0, to = 1 }: PackedOptions = {},
): Dataset<C> {
  for (const [name, value] of Object.entries({ 'length of a block': length, stride }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new ConfigError(`the ${name} is a whole number from 1`, { seen: `${value}` });
  if (!(0 <= from && from < to && to <= 1))
    throw new ConfigError('no such part of the data', { seen: `${from} to ${to}`, expected: '0 <= from < to <= 1' });
  const first = Math.floor(data.tokens * from);
  const tokens = Math.floor(data.tokens * to) - first;
  if (tokens < 1)
    throw new ConfigError('no tokens in this part of the data', { seen: `${from} to ${to} of ${data.tokens} tokens` });
  const size = Math.min(length, tokens);
  const blocks = Math.floor((tokens - size) / stride) + 1;
  const checked = (index: number) => {
    if (Number.isSafeInteger(index) && index >= 0 && index < blocks) return first + index * stride;
    throw new ConfigError('no such block', { seen: `${index}`, expected: `0 to ${blocks - 1}` });
  };
  return {
    columns: data.columns,
    length: blocks,
    tokens,
    async get(indices) {
      const starts = indices.map(checked);
      return Promise.all(starts.map(start => data.slice(start, start + size)));
    },
    async lengths(indices) {
      indices.forEach(checked);
      return indices.map(() => size);
    },
    slice: (start, end) => data.slice(first + start, first + end),
    close: () => data.close(),
  };
}
