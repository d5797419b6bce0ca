/** Training and validation rows from one stream, the same on every machine and in every order. */
import { ConfigError } from '../../errors.ts';
import type { Row, Rows } from './row.ts';
import { HASH_RANGE, textHash } from './text-hash.ts';

export interface SplitOptions {
  /** Share of each part by name, such as `{ train: 0.9, validation: 0.1 }`; together 1. */
  readonly shares: Readonly<Record<string, number>>;
  /**
   * What decides: the `content` of a row, so that equal rows are in one part wherever they stand and new rows move no old ones
   * (the default), or its `number`.
   */
  readonly by?: 'content' | 'number' | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** The rows of one part. @throws ConfigError for shares that are not 1 together, and for a part that is not among them */
export async function* splitRows(rows: Rows, part: string, options: SplitOptions): AsyncGenerator<Row> {
  const { shares, by = 'content', seed = 0 } = options;
  const names = Object.keys(shares);
  const total = Object.values(shares).reduce((sum, share) => sum + share, 0);
  if (!(Math.abs(total - 1) < 1e-9 && Object.values(shares).every(share => share > 0)))
    throw new ConfigError('the shares of the parts are positive and 1 together', { seen: JSON.stringify(shares) });
  if (!names.includes(part)) throw new ConfigError('no such part', { seen: part, expected: names.join(' or ') });
  let number = 0;
  for await (const row of rows) {
    const place = textHash(by === 'content' ? JSON.stringify(row.fields) : `${number++}`, seed) / HASH_RANGE;
    let end = 0;
    const found = names.find(name => place < (end += shares[name]!)) ?? names.at(-1);
    if (found === part) yield row;
  }
}
