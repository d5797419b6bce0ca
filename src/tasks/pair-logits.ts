/** A classifier's raw numbers for texts and pairs of texts. */
import type { Model } from '../hub/model.ts';
import type { TruncationStrategy } from '../tokenizers/index.ts';
import type { CallOptions } from './task.ts';
import { outputsOfTexts, sourceLimit } from './text-batches.ts';

/** Two texts that are read together, such as a premise and what may follow from it. */
export interface TextPair {
  readonly text: string;
  readonly textPair?: string | undefined;
}
export interface PairOptions extends CallOptions {
  /** Texts that are too long for the model lose their end; false refuses them. Default true. */
  readonly truncation?: boolean | undefined;
}

/**
 * Logits `[N]` for each text or pair.
 * @param cut which of two texts loses tokens where they are too long
 * @throws ConfigError for texts that are too long and may not be cut, and what the model and the tokenizer throw
 */
export async function classLogits(
  model: Model,
  pairs: readonly TextPair[],
  options: PairOptions,
  cut: TruncationStrategy = 'longest_first',
): Promise<Float32Array[]> {
  const maxLength = options.truncation === false ? undefined : sourceLimit(model);
  const encodings = pairs.map(({ text, textPair }) =>
    model.tokenizer.encode(text, {
      ...(textPair !== undefined && { pair: textPair }),
      ...(maxLength !== undefined && { maxLength, truncation: cut }),
    }),
  );
  const rows = await outputsOfTexts(model, encodings, { ...options, perToken: false });
  return rows.map(({ logits }) => logits!);
}
