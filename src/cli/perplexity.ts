/** How well a language model foretells a text: the figure before and after a model is made smaller. */
import { perplexity, type TextPerplexity } from '../evaluate/likelihood/index.ts';
import type { Model } from '../hub/model.ts';

/** Windows are at most this long: what is compared are two models, not contexts. */
const WINDOW = 512;

export type Perplexity = Pick<TextPerplexity, 'perplexity' | 'tokens'>;

/**
 * e to the mean loss of the tokens of a text, read in windows one after the other: the first token of each is given.
 * @throws ConfigError for a model that foretells no text, and for a text of fewer than two tokens; the reason of `signal`
 */
export async function perplexityOf(model: Model, text: string, signal: AbortSignal): Promise<Perplexity> {
  const window = Math.min(WINDOW, model.contextLength ?? WINDOW);
  const found = await perplexity(model, text, { convention: 'sliding', window, signal });
  return { perplexity: found.perplexity, tokens: found.tokens };
}
