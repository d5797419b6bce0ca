/** Texts from many prompts, in batches of like length. */
import { BackendError } from '../errors.ts';
import type { GeneratedText, GenerateTextOptions } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import type { CallOptions } from './task.ts';
import { inGroups } from './text-batches.ts';

/** Options of a generation, and those of every call. */
export type GenerateCallOptions = GenerateTextOptions & CallOptions;

/**
 * All sequences of each prompt (an encoder-decoder's source). Prompt i draws with `seed + i`, so that what it becomes does not
 * depend on how prompts are put together.
 * @throws what `Model.generate` throws
 */
export async function generateTexts(
  model: Model,
  prompts: readonly (readonly number[])[],
  { batchSize, onProgress, seed, ...options }: GenerateCallOptions,
): Promise<GeneratedText[][]> {
  const results: GeneratedText[][] = prompts.map(() => []);
  const seeds = typeof seed === 'number' ? prompts.map((_, i) => seed + i) : seed;
  const lengths = prompts.map(({ length }) => length);
  await inGroups(lengths, { batchSize, onProgress, signal: options.signal }, async group => {
    const batch = group.map(i => prompts[i]!);
    const events = model.generate(batch, { ...options, ...(seeds && { seed: group.map(i => seeds[i]!) }) });
    for (const sequence of (await doneOf(events)).sequences) results[group[sequence.prompt]!]!.push(sequence);
  });
  return results;
}

/** The last event of a generation or a diffusion, which holds its results. */
export async function doneOf<E extends { readonly type: string }>(
  events: AsyncIterable<E>,
): Promise<Extract<E, { readonly type: 'done' }>> {
  const isDone = (event: E): event is Extract<E, { readonly type: 'done' }> => event.type === 'done';
  for await (const event of events) if (isDone(event)) return event;
  throw new BackendError('a generation ended without a result');
}
