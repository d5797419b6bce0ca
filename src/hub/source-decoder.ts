/** The decoder of an encoder-decoder, with the sources that it decodes from encoded already. */
import { ConfigError } from '../errors.ts';
import type { Decoder, GenerateOptions } from '../generate/index.ts';
import { EncodedSource } from '../models/encoded-source.ts';
import type { LoadedModel, ModelInputs } from '../models/forward.ts';
import { DecoderSession } from '../models/session.ts';

type Ids = readonly (readonly number[])[];

export class SourceDecoder implements Decoder {
  readonly #model: LoadedModel;
  readonly #sources: EncodedSource;

  private constructor(model: LoadedModel, sources: EncodedSource) {
    this.#model = model;
    this.#sources = sources;
  }
  static async of(model: LoadedModel, inputs: ModelInputs): Promise<SourceDecoder> {
    return new SourceDecoder(model, await EncodedSource.of(model, inputs));
  }
  /** Number of sources. */
  get batch(): number {
    return this.#sources.batch;
  }
  /** Bytes of the sources' keys and values. */
  get bytes(): number {
    return this.#sources.bytes;
  }
  get vocabSize(): number {
    return this.#model.architecture.vocabSize(this.#model.config);
  }
  get contextLength(): number | undefined {
    return this.#model.architecture.contextLength(this.#model.config);
  }
  open(options: { batch: number; capacity: number }): DecoderSession {
    if (options.batch !== this.batch)
      throw new ConfigError('one row per source', { seen: `${options.batch} rows`, expected: `${this.batch}` });
    return new DecoderSession(this.#model, options, this.#sources);
  }
  /** Frees what the encoder made. Sessions that are still open fail at their next step. */
  dispose(): void {
    this.#sources.dispose();
  }
}

/** Rows of any length as a batch, padded on the right; the mask says where. */
export function padded(rows: Ids): ModelInputs {
  const longest = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const fill = (row: readonly number[]) => new Array<number>(longest - row.length).fill(0);
  return {
    input_ids: rows.map(row => [...row, ...fill(row)]),
    attention_mask: rows.map(row => [...row.map(() => 1), ...fill(row)]),
  };
}

/** How the output of each source begins: as given, or with the checkpoint's start token. */
export function decoderPrompts(
  batch: number,
  inputs: ModelInputs,
  options: GenerateOptions,
  config: unknown,
): readonly (readonly number[])[] {
  const { decoder_input_ids: given, decoder_attention_mask: mask } = inputs;
  if (given) return given.map((row, b) => Array.from(row).filter((_, t) => mask?.[b]?.[t] !== 0));
  const { decoder_start_token_id: own } = config as { decoder_start_token_id?: number | undefined };
  const start = options.decoderStartTokenId ?? own ?? options.bosTokenId;
  if (start === undefined)
    throw new ConfigError('the checkpoint names no token for a decoder to start with', {
      expected: 'decoder_start_token_id in generation_config.json or config.json',
      fix: 'give decoderStartTokenId, or decoder_input_ids',
    });
  return Array.from({ length: batch }, () => [start]);
}
