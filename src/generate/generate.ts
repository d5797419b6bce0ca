/** Generation over token ids: a stream of events for a batch of prompts. Text is in text.ts. */

import { BackendError } from '../errors.ts';
import { searchBeams } from './beam.ts';
import { decodeRows } from './decode-rows.ts';
import type { Decoder } from './decoder.ts';
import type { DoneEvent, GenerateEvent } from './events.ts';
import type { GenerateOptions } from './options.ts';
import { prepareRun } from './run.ts';
import { speculateRows } from './speculate/speculate-rows.ts';

/**
 * Continues prompts [B][any length]. Yields an event per token (a 'beams' event per step in beam search) and at last a
 * 'done' event with all sequences. Leaving the loop or aborting `options.signal` stops at once; the session is disposed in
 * every case.
 *
 * Throws `ConfigError` at the call for options, prompts or lengths that cannot be. While running it throws `signal.reason`
 * when aborted, `ConfigError` when an unlimited output fills the window, `BackendError` for logits that are NaN.
 */
export function generate(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions = {},
): AsyncGenerator<GenerateEvent, void, undefined> {
  const run = prepareRun(decoder, prompts, options);
  if (run.settings.draft) return speculateRows(run);
  return run.settings.numBeams > 1 ? searchBeams(run) : decodeRows(run);
}

/** Runs `generate` to its end and returns the last event, with all sequences. Throws as `generate` does. */
export async function generateAll(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions = {},
): Promise<DoneEvent> {
  for await (const event of generate(decoder, prompts, options)) if (event.type === 'done') return event;
  throw new BackendError('generation ended without a result');
}
