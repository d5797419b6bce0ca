/** Batches that make one step together. */
import type { Batches, PlacedBatch, Position, TrainBatch } from './batch.ts';
import { readAhead } from './read-ahead.ts';

/** The batches of one step, all of one epoch: an epoch's last step may have fewer. */
export interface BatchGroup {
  /** Those in which something counts. */
  readonly batches: readonly TrainBatch[];
  readonly tokens: number;
  readonly epoch: number;
  readonly from: Position;
  readonly next: Position;
}

/** Groups of up to `size` batches from a position on. */
export async function* batchGroups(data: Batches, size: number, position: Position): AsyncGenerator<BatchGroup> {
  let open: PlacedBatch[] = [];
  let from = position;
  const close = (): BatchGroup => {
    const batches = open.map(({ batch }) => batch).filter(({ tokens }) => tokens > 0);
    const { next, epoch } = open.at(-1)!;
    const group = { batches, tokens: batches.reduce((n, { tokens }) => n + tokens, 0), epoch, from, next };
    open = [];
    from = next;
    return group;
  };
  for await (const placed of readAhead(data.from(position ?? undefined))) {
    if (open.length > 0 && open[0]!.epoch !== placed.epoch) yield close();
    open.push(placed);
    if (open.length === size) yield close();
  }
  if (open.length > 0) yield close();
}
