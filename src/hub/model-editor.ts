/** A tagger and a generator as the networks of a generation by edits. */
import { ConfigError } from '../errors.ts';
import type { EditedText, EditModel, FillingSession } from '../generate/edit-model.ts';
import { type EditInput, TAGS, taggerInput } from '../models/edits.ts';
import { forward, type LoadedModel, type ModelInputs } from '../models/forward.ts';
import { logSoftmax } from '../tensor/index.ts';
import { SourceDecoder } from './source-decoder.ts';

export class ModelEditor implements EditModel {
  readonly startId: number;
  readonly markers: readonly number[];
  readonly endId: number;
  readonly #tagger: LoadedModel;
  readonly #generator: LoadedModel;

  /** @throws ConfigError for models with other heads */
  constructor(tagger: LoadedModel, generator: LoadedModel, tokens: Pick<EditModel, 'startId' | 'markers' | 'endId'>) {
    if (tagger.head !== 'tokenClassification' || generator.head !== 'seq2seqLM')
      throw new ConfigError('edits need a tagger and a generator', {
        seen: `${tagger.head} and ${generator.head}`,
        expected: 'tokenClassification and seq2seqLM',
      });
    this.#tagger = tagger;
    this.#generator = generator;
    this.startId = tokens.startId;
    this.markers = tokens.markers;
    this.endId = tokens.endId;
  }
  get contextLength(): number | undefined {
    const limits = [this.#tagger, this.#generator].map(
      ({ architecture, config }) => architecture.sourceLength?.(config) ?? architecture.contextLength(config),
    );
    const known = limits.filter(limit => limit !== undefined);
    return known.length > 0 ? Math.min(...known) : undefined;
  }

  async tag(texts: readonly EditedText[], signal?: AbortSignal): Promise<Float32Array[]> {
    signal?.throwIfAborted();
    const rows = texts.map(({ text, source }) => taggerInput(this.startId, text, source));
    const logp = logSoftmax(forward(this.#tagger, typed(rows)).logits);
    const [, T, N] = logp.shape as [number, number, number];
    if (N !== TAGS.length)
      throw new ConfigError('the tagger has other tags', { seen: `${N}`, expected: TAGS.join(', ') });
    const data = (await logp.data()) as Float32Array;
    signal?.throwIfAborted();
    return texts.map(({ text }, b) => data.slice(b * T * N, (b * T + text.length + 1) * N));
  }
  async fill(inputs: readonly EditInput[], signal?: AbortSignal): Promise<FillingSession> {
    signal?.throwIfAborted();
    const decoder = await SourceDecoder.of(this.#generator, typed(inputs));
    const { decoder_start_token_id: start } = this.#generator.config as { decoder_start_token_id: number };
    return { decoder, prompts: inputs.map(() => [start]), dispose: () => decoder.dispose() };
  }
}

/** Rows of any length as a batch, padded on the right. */
function typed(rows: readonly EditInput[]): ModelInputs {
  const longest = Math.max(...rows.map(({ ids }) => ids.length));
  const padded = (row: readonly number[]) => Array.from({ length: longest }, (_, i) => row[i] ?? 0);
  return {
    input_ids: rows.map(({ ids }) => padded(ids)),
    token_type_ids: rows.map(({ types }) => padded(types)),
    attention_mask: rows.map(({ ids }) => padded(ids.map(() => 1))),
  };
}
