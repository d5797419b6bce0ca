/** How well a language model foretells a text. */
import { ConfigError } from '../errors.ts';
import type { Model } from '../hub/model.ts';

/** Windows are at most this long, so that a long text takes time in proportion to its length. */
const WINDOW = 512;

export interface Perplexity {
  readonly perplexity: number;
  /** Tokens that were foretold. */
  readonly tokens: number;
}

/**
 * e to the mean loss of the tokens of a text, read in windows one after the other: the first token of each is given.
 * @throws ConfigError for a model that foretells no text, and for a text of fewer than two tokens; the reason of `signal`
 */
export async function perplexityOf(model: Model, text: string, signal: AbortSignal): Promise<Perplexity> {
  const { head } = model.parts;
  if (head !== 'causalLM')
    throw new ConfigError('only a causal language model has a perplexity', {
      seen: head,
      fix: 'leave the text out',
    });
  const ids = model.tokenizer.encodeIds(text);
  const window = Math.min(WINDOW, model.contextLength ?? WINDOW);
  let [sum, tokens] = [0, 0];
  for (let begin = 0; begin < ids.length; begin += window) {
    signal.throwIfAborted();
    const piece = ids.slice(begin, begin + window);
    if (piece.length < 2) break;
    const { loss } = await model.run({ input_ids: [piece], labels: [piece] });
    sum += loss! * (piece.length - 1);
    tokens += piece.length - 1;
  }
  if (tokens === 0) throw new ConfigError('the text is too short for a perplexity', { seen: `${ids.length} tokens` });
  return { perplexity: Math.exp(sum / tokens), tokens };
}
