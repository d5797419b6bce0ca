/** Text by masked diffusion, over token ids: hidden tokens are found in any order, several at a time. */

import { BackendError } from '../errors.ts';
import { diffuseAncestrally } from './diffuse-ancestral.ts';
import { diffuseByConfidence } from './diffuse-confidence.ts';
import type { Denoiser } from './diffuse-denoiser.ts';
import type { DiffuseDoneEvent, DiffuseEvent } from './diffuse-events.ts';
import type { DiffuseOptions } from './diffuse-options.ts';
import { prepareDiffusion } from './diffuse-run.ts';

/**
 * Appends `genLength` hidden tokens to each prompt [B][any length, may hold mask tokens] and finds them. Yields the state
 * after every step and at last a 'done' event with all texts. Leaving the loop or aborting `options.signal` stops at once.
 *
 * Throws `ConfigError` at the call for options, prompts or lengths that cannot be. While running it throws `signal.reason`
 * when aborted, `BackendError` for logits that are NaN.
 */
export function diffuse(
  denoiser: Denoiser,
  prompts: readonly (readonly number[])[],
  options: DiffuseOptions = {},
): AsyncGenerator<DiffuseEvent, void, undefined> {
  const run = prepareDiffusion(denoiser, prompts, options);
  return run.settings.sampler === 'ancestral' ? diffuseAncestrally(run) : diffuseByConfidence(run);
}

/** Runs `diffuse` to its end and returns the last event. Throws as `diffuse` does. */
export async function diffuseAll(
  denoiser: Denoiser,
  prompts: readonly (readonly number[])[],
  options: DiffuseOptions = {},
): Promise<DiffuseDoneEvent> {
  for await (const event of diffuse(denoiser, prompts, options)) if (event.type === 'done') return event;
  throw new BackendError('diffusion ended without a result');
}
