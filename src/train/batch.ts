/** What training reads: batches in an order that can be entered anywhere, so that a run that was cut off goes on. */
import type { ModelGraph, ModelInputs } from '../models/forward.ts';
import type { Tensor } from '../tensor/index.ts';

export interface TrainBatch {
  /** By the reference's names, with labels. */
  readonly inputs: ModelInputs;
  /** How many tokens (of a classifier: texts) count in the loss: what the mean over several batches is weighed with. */
  readonly tokens: number;
  readonly examples: number;
}

/** A place in the data, as a checkpoint keeps it. */
export type Position = null | boolean | number | string | readonly Position[] | { readonly [key: string]: Position };

/** A batch and its place in the data. */
export interface PlacedBatch {
  readonly batch: TrainBatch;
  /** Where the next batch begins. */
  readonly next: Position;
  /** From 0. */
  readonly epoch: number;
}

/** Batches in a fixed order that can be entered anywhere. */
export interface Batches {
  /**
   * The batches from a position on, by default from the beginning. Where training data has no end it goes on with the next
   * epoch; data for validation ends after one.
   */
  from(position?: Position): AsyncIterable<PlacedBatch>;
  /** Batches in one epoch, where that is known. */
  readonly length?: number | undefined;
  /** How they become a loss, where it is not the head's own. */
  readonly lossOf?: LossOf | undefined;
}

/** How a batch becomes a scalar: the mean over its `tokens`. */
export type LossOf = (graph: ModelGraph, batch: TrainBatch) => Tensor;
