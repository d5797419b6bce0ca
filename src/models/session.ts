/** A causal language model with a cache behind it: what generation drives, one `step` at a time. */
import { ConfigError } from '../errors.ts';
import { KVCache } from '../nn/cache.ts';
import { tokenBatch } from '../nn/tokens.ts';
import type { Backend, TypedArray } from '../tensor/index.ts';
import type { Architecture } from './architecture.ts';

/** A loaded model, as plain data. */
export interface LoadedModel {
  readonly architecture: Architecture;
  readonly config: unknown;
  readonly params: unknown;
  readonly backend: Backend;
}
type Rows = readonly (readonly number[])[];

/** A long prompt is taken in pieces, which bounds the memory of a step and the wait for an abort. */
const PIECE_TOKENS = 512;

export class CausalSession {
  readonly #model: LoadedModel;
  readonly #cache: KVCache;
  /** What the latest step returned; the next one of as many rows writes over it. */
  #logits: TypedArray | undefined;

  constructor(model: LoadedModel, options: { batch: number; capacity: number }) {
    this.#model = model;
    this.#cache = new KVCache(model.backend, model.architecture.cache(model.config), options);
  }
  get length(): number {
    return this.#cache.length;
  }

  /** Appends T tokens to each row; logits of the last position, one array `[V]` a row, valid until the next step. */
  async step(ids: Rows, mask?: Rows, signal?: AbortSignal): Promise<Float32Array[]> {
    const T = ids[0]?.length ?? 0;
    if (ids.length !== this.#cache.batch || T === 0)
      throw new ConfigError('step: one row of tokens per sequence', {
        seen: `${ids.length} rows of ${T}`,
        expected: `${this.#cache.batch} rows`,
      });
    const before = this.#cache.length;
    const real = (b: number) => (mask ? mask[b]!.reduce((n, x) => n + x, 0) : T);
    const span = Math.max(...this.#cache.positions.map((n, b) => n + real(b)));
    try {
      let logits: TypedArray | undefined;
      for (let from = 0; from < T; from += PIECE_TOKENS) {
        signal?.throwIfAborted();
        const part = (rows: Rows) => rows.map(row => row.slice(from, from + PIECE_TOKENS));
        logits = await this.#piece(part(ids), mask && part(mask), span, from + PIECE_TOKENS >= T);
      }
      signal?.throwIfAborted();
      const V = logits!.length / ids.length;
      return ids.map((_, b) => logits!.subarray(b * V, (b + 1) * V) as Float32Array);
    } catch (error) {
      // What was appended lies behind `length` and is written over by the next step.
      this.#cache.trim(before);
      throw error;
    }
  }
  async reorder(parents: readonly number[]): Promise<void> {
    await this.#cache.reorder(parents);
  }
  trim(length: number): void {
    this.#cache.trim(length);
  }
  dispose(): void {
    this.#cache.dispose();
  }

  async #piece(ids: Rows, mask: Rows | undefined, span: number, last: boolean): Promise<TypedArray> {
    const { architecture, config, params } = this.#model;
    const batch = tokenBatch(ids, {
      vocabSize: architecture.vocabSize(config),
      contextLength: architecture.contextLength(config),
      mask,
      offsets: this.#cache.positions,
      span,
    });
    await this.#cache.extend(ids[0]!.length, batch.mask);
    const input = { ...batch, cache: this.#cache };
    const { hidden, logits } = architecture.heads.causalLM;
    const states = hidden(params, config, input); // [B, T, C]
    const T = states.dim(1);
    const end = states.slice(1, T - 1, T);
    // Before the last piece only the cache is wanted: one feature of the result is enough to compute it.
    if (!last) return end.slice(2, 0, 1).data();
    const wanted = logits(params, config, end, input); // [B, 1, V]
    this.#logits = await wanted.data(this.#logits?.length === wanted.size ? this.#logits : undefined);
    return this.#logits;
  }
}
