/** Texts from many prompts, in batches of like length. */
import { BackendError } from '../errors.ts';
import type { GeneratedText, GenerateTextOptions, TextEvent } from '../generate/index.ts';
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
    for (const sequence of await sequencesOf(events)) results[group[sequence.prompt]!]!.push(sequence);
  });
  return results;
}

async function sequencesOf(events: AsyncIterable<TextEvent>): Promise<readonly GeneratedText[]> {
  for await (const event of events) if (event.type === 'done') return event.sequences;
  throw new BackendError('generation ended without a result');
}
