/** Choosing the token of a hidden position from its logits. */

import { BackendError } from '../errors.ts';
import type { CommittedToken } from './diffuse-events.ts';
import type { DiffuseRun } from './diffuse-run.ts';
import { createSampler } from './sample.ts';
import { argmax, logSumExp, maximum } from './select.ts';

/** Chooses from logits `[V]`, which it changes. Throws `BackendError` for logits that no token can be chosen from. */
export type TokenChooser = (logits: Float32Array, prompt: number, position: number) => CommittedToken;

/**
 * The mask token is never chosen: the position would stay as it is. The confidence is the probability before the
 * temperature.
 * @param options.maskCounts the mask token has its share of the probability, as in the softmax over all logits
 */
export function createTokenChooser(
  { denoiser, settings, rngs }: DiffuseRun,
  options: { readonly maskCounts: boolean; readonly temperature: number },
): TokenChooser {
  const { maskCounts, temperature } = options;
  const sample = createSampler();
  const scaled = new Float32Array(temperature === 0 ? 0 : denoiser.vocabSize);
  return (logits, prompt, position) => {
    for (const id of settings.suppressTokens) logits[id] = Number.NEGATIVE_INFINITY;
    const whole = maskCounts ? logSumExp(logits) : undefined;
    logits[denoiser.maskId] = Number.NEGATIVE_INFINITY;
    const total = whole ?? logSumExp(logits);
    let id: number;
    if (temperature === 0) id = argmax(logits);
    else {
      // arg max of exp(logit) / (-ln u)^temperature with a u for every token, the noise as the paper has it, is a draw from
      // softmax(logits / temperature): one u and one pass in double precision give the same distribution.
      const max = maximum(logits);
      for (let v = 0; v < scaled.length; v++) scaled[v] = (logits[v]! - max) / temperature;
      id = sample(scaled, rngs[prompt]!);
    }
    if (id < 0 || !Number.isFinite(total))
      throw new BackendError('no token can be chosen: logits are NaN or infinite, or every token is suppressed', {
        fix: 'check the weights and the precision, or loosen suppressTokens',
        where: `prompt ${prompt}, position ${position}`,
      });
    return { prompt, position, id, confidence: Math.exp(logits[id]! - total) };
  };
}
