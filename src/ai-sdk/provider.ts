/** heed as a provider of the `ai` package. */
/// <reference lib="esnext.disposable" preserve="true" />
import { UnsupportedError } from '../errors.ts';
import { type LoadOptions, load, Model, type ModelFiles } from '../index.ts';
import { embeddingModel } from './embedding-model.ts';
import { languageModel } from './language-model.ts';
import type { EmbeddingModel, LanguageModel } from './specification.ts';

/** What `load` takes, or a model that is loaded already. */
export type ModelSource = string | ModelFiles | Model;

export interface HeedProvider {
  /** As `languageModel`. */
  (source: ModelSource): LanguageModel;
  readonly specificationVersion: 'v3';
  /** Loads nothing before its first call. */
  languageModel(source: ModelSource): LanguageModel;
  embeddingModel(source: ModelSource): EmbeddingModel;
  /** As `embeddingModel`. */
  textEmbeddingModel(source: ModelSource): EmbeddingModel;
  /** @throws UnsupportedError always */
  imageModel(source: string): never;
  /** Frees the models that were loaded here. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * A provider for `generateText`, `streamText`, `embed` ... of the `ai` package, 6 and 7. A model that is named is loaded once, at the
 * first call, and shared by all; calls may run at the same time.
 *
 * Answers of `Output.object` (`generateObject`) are held to the schema while they are written, and so are calls of tools that
 * `toolChoice` forces; other calls are found in the text, as the Hermes, Qwen, Llama and Mistral models write them. Models without a
 * chat template get the text of the user as it is, or a conversation in plain paragraphs.
 * @param options how models are loaded, as in `load`
 */
export function heedProvider(options: Omit<LoadOptions, 'signal'> = {}): HeedProvider {
  const loaded = new Map<string | ModelFiles, Promise<Model>>();
  const shared = (source: string | ModelFiles): Promise<Model> => {
    const known = loaded.get(source);
    if (known) return known;
    const loading = load(source, options);
    loaded.set(source, loading);
    loading.catch(() => {
      if (loaded.get(source) === loading) loaded.delete(source);
    });
    return loading;
  };
  const opener = (source: ModelSource) => async (signal?: AbortSignal) => {
    signal?.throwIfAborted();
    return source instanceof Model ? source : unlessAborted(shared(source), signal);
  };
  const forText = (source: ModelSource) => languageModel(nameOf(source), opener(source));
  const forVectors = (source: ModelSource) => embeddingModel(nameOf(source), opener(source));
  const dispose = () => {
    for (const loading of loaded.values())
      loading.then(
        model => model.dispose(),
        () => undefined,
      );
    loaded.clear();
  };
  return Object.assign((source: ModelSource) => forText(source), {
    specificationVersion: 'v3' as const,
    languageModel: forText,
    embeddingModel: forVectors,
    textEmbeddingModel: forVectors,
    imageModel(source: string): never {
      throw new UnsupportedError('heed has no models that make pictures', { seen: source });
    },
    dispose,
    [Symbol.dispose]: dispose,
  });
}

const nameOf = (source: ModelSource): string =>
  typeof source === 'string'
    ? source
    : source instanceof Model
      ? (source.parts.origin?.files.name ?? source.parts.type)
      : source.name;

/** Loading goes on for others who wait for it. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
