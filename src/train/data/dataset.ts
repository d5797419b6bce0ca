/** Tokenized examples by number, wherever they are: what is read per batch, nothing else in memory. */

/** How the numbers of a column are kept. */
export type ColumnType = 'u8' | 'u16' | 'u32' | 'i32' | 'f32';
/** What an example holds. The first column tells how long an example is. */
export type Columns<C extends string = string> = Readonly<Record<C, ColumnType>>;
/** An example: numbers by column. */
export type Example<C extends string = string> = Readonly<Record<C, ArrayLike<number>>>;

export interface Dataset<C extends string = string> {
  readonly columns: Columns<C>;
  /** Number of examples. */
  readonly length: number;
  /** Numbers in the first column of all examples, such as tokens. */
  readonly tokens: number;
  /** Examples by number, in the order asked for. @throws ConfigError for a number outside of 0 to length - 1 */
  get(indices: readonly number[]): Promise<Example<C>[]>;
  /** Their lengths: how many numbers the first column has. */
  lengths(indices: readonly number[]): Promise<number[]>;
  /**
   * Numbers `[from, to)` of all examples laid end to end. @throws ConfigError where columns are not all as long as the first,
   * and for places outside of 0 to `tokens`
   */
  slice(from: number, to: number): Promise<Example<C>>;
  close(): Promise<void>;
}
