/** The loss on data that is not learned from: without dropout and without smoothed labels. */
import { ConfigError } from '../errors.ts';
import type { LoadedModel } from '../models/forward.ts';
import { dataOfAll } from '../tensor/index.ts';
import type { Batches, LossOf } from './batch.ts';
import { lossOfBatch } from './loss.ts';
import { readAhead } from './read-ahead.ts';

export interface Validation {
  /** Mean over all tokens. */
  readonly loss: number;
  readonly tokens: number;
}

/**
 * The mean loss over one epoch.
 * @throws ConfigError when nothing in the data counts, and the reason of `signal`, which stops between two batches
 */
export async function validate(
  model: LoadedModel,
  batches: Batches,
  { lossOf = batches.lossOf, signal }: { lossOf?: LossOf | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Validation> {
  let [sum, tokens] = [0, 0];
  for await (const { batch, epoch } of readAhead(batches.from())) {
    if (epoch > 0) break;
    signal?.throwIfAborted();
    if (batch.tokens === 0) continue;
    const [loss] = await dataOfAll(lossOfBatch(model, batch, lossOf));
    sum += loss![0]! * batch.tokens;
    tokens += batch.tokens;
  }
  if (tokens === 0) throw new ConfigError('no token of the validation data counts in a loss');
  return { loss: sum / tokens, tokens };
}
