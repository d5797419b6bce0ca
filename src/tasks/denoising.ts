/**
 * Denoising: a text written by masked diffusion, all places at once and step by step, after a prompt or into its masks. Sahoo et al.
 * 2024 (MDLM), Nie et al. 2025 (LLaDA). Every step is an event with the text as it is.
 */
import { ConfigError } from '../errors.ts';
import type { DiffuseEvent, DiffuseOptions } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import { doneOf } from './generate-batches.ts';
import { size } from './option-checks.ts';
import { type CallOptions, type Calls, defineTask, isText, type Streams } from './task.ts';
import { inGroups } from './text-batches.ts';

/** `genLength` is 0 by default for a text with masks, which are filled then. */
export interface DenoiseOptions extends DiffuseOptions, CallOptions {
  /** The token that stands for a hidden one. Default: what the config or the tokenizer says. */
  readonly maskId?: number | undefined;
}
export interface DenoisedText {
  /** The whole text, the prompt included. */
  readonly generatedText: string;
}
/** An event of a diffusion, and the text as it is then; what is hidden is shown as the mask. */
export type DenoiseEvent = DiffuseEvent & { readonly text: string };
export type Denoising = Calls<string, DenoiseOptions, DenoisedText> & Streams<string, DenoiseOptions, DenoiseEvent>;

export const task = defineTask<string, DenoiseOptions, DenoisedText, DenoiseEvent>({
  name: 'denoise',
  heads: ['maskedLM', 'enhancedMaskedLM'],
  modality: 'text',
  expects: 'a text, which may be empty or hold masks',
  isInput: isText,
  mayBeEmpty: true,
  options: { maskId: size },
  generates: true,
  async run(model, texts, { batchSize, onProgress, seed, ...options }) {
    const results: DenoisedText[] = [];
    const seeds = typeof seed === 'number' ? texts.map((_, i) => seed + i) : seed;
    const prompts = texts.map(text => promptOf(model, text, options));
    const lengths = prompts.map(({ ids, genLength = 0 }) => ids.length + genLength);
    await inGroups(lengths, { batchSize, onProgress, signal: options.signal }, async group => {
      // Texts of one diffusion get as many new tokens.
      for (const genLength of new Set(group.map(i => prompts[i]!.genLength))) {
        const batch = group.filter(i => prompts[i]!.genLength === genLength);
        const events = model.denoise(
          batch.map(i => prompts[i]!.ids),
          { ...options, genLength, ...(seeds && { seed: batch.map(i => seeds[i]!) }) },
        );
        for (const { prompt, ids } of (await doneOf(events)).sequences)
          results[batch[prompt]!] = { generatedText: model.tokenizer.decode(ids, { skipSpecialTokens: true }) };
      }
    });
    return results;
  },
  async *stream(model, text, options) {
    const { ids, genLength } = promptOf(model, text, options);
    const { maskId } = model.denoiser(options.maskId);
    for await (const event of model.denoise([ids], { ...options, genLength })) {
      const [now] = event.type === 'step' ? event.ids : event.sequences.map(sequence => sequence.ids);
      yield { ...event, text: shownText(model, now!, maskId) };
    }
  },
});

/** The ids of a prompt, and how many hidden tokens follow it. @throws ConfigError for a text in which nothing is to be found */
function promptOf(model: Model, text: string, options: DenoiseOptions) {
  const ids = model.tokenizer.encodeIds(text);
  const hasMask = ids.includes(model.denoiser(options.maskId).maskId);
  const genLength = options.genLength ?? (hasMask ? 0 : undefined);
  if (genLength === 0 && !hasMask)
    throw new ConfigError('nothing is hidden in this text', {
      seen: JSON.stringify(text.slice(0, 80)),
      fix: 'put masks into it, or set genLength',
    });
  return { ids, genLength };
}

/** Special tokens but the mask are left out. */
function shownText({ tokenizer }: Model, ids: readonly number[], maskId: number): string {
  return tokenizer.decode(ids.filter(id => id === maskId || !tokenizer.allSpecialIds.has(id)));
}
