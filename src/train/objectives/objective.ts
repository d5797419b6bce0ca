/** The form of an objective: how rows become examples, and examples a batch with something to learn. */
import type { Rng } from '../../util/rng.ts';
import type { LossOf, Position, TrainBatch } from '../batch.ts';
import type { Columns, Example } from '../data/dataset.ts';
import type { Row } from '../data/row.ts';

/**
 * Data and two pure functions. `C` are the columns of its examples. What is random is drawn in `batch` from one stream of random
 * numbers per example, so that an example is treated alike whatever stands beside it, and differently in every epoch.
 */
export interface Objective<C extends string = string> {
  readonly name: string;
  readonly columns: Columns<C>;
  /** All that `encode` depends on beside the tokenizer. */
  readonly settings: Position;
  /** The examples of a row: none of an empty one, several of a long one. @throws ConfigError for a row it cannot read */
  encode(row: Row): Example<C>[];
  /** Tokens of a block, where examples are laid end to end and cut; undefined = each example stands for itself. */
  readonly blockLength?: number | undefined;
  /** Each example needs another one, chosen at random. */
  readonly drawsPartners?: boolean | undefined;
  /** @param partners as many as examples, where the objective draws them */
  batch(examples: readonly Example<C>[], rngs: readonly Rng[], partners?: readonly Example<C>[]): TrainBatch;
  /** Where it is not the head's own. */
  readonly lossOf?: LossOf | undefined;
  /** The texts of a row that are learned from, for checks. */
  texts(row: Row): string[];
  /** The row's label in words, for checks. */
  label?(row: Row): string | undefined;
  /** Longest example in tokens; what is longer is cut. Undefined where nothing is. */
  readonly maxLength?: number | undefined;
}
