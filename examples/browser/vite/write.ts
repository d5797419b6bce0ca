/** Streams text: the part that runs in the page or in a worker, the same in both. */
import { load, type Model } from 'heed';

/** A model's name or address, and how it begins. */
export interface Wish {
  readonly model: string;
  readonly prompt: string;
}
/** A piece of text as it comes; `threads` are those that heed computes with. */
export interface Piece {
  readonly text: string;
  readonly tokens: number;
  readonly threads: number;
}

/** Where the context is full, its beginning is let go of. */
const SAMPLING = { maxNewTokens: 120, temperature: 0.7, topK: 40, overflow: 'slide' } as const;
const models = new Map<string, Promise<Model>>();

/** Writes until the model ends, or the signal is aborted. Models are loaded once. */
export async function* write({ model: name, prompt }: Wish, signal: AbortSignal): AsyncGenerator<Piece> {
  const loading = models.get(name) ?? load(name);
  models.set(name, loading);
  // What failed is tried again.
  loading.catch(() => models.delete(name));
  const model = await loading;
  const { threads } = (model.parts.backend as { readonly link?: { readonly threads: number } }).link ?? { threads: 1 };
  try {
    for await (const event of model.generate(prompt, { ...SAMPLING, signal }))
      yield { text: event.text, tokens: event.type === 'token' ? 1 : 0, threads };
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
