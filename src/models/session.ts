/** A generating model with a memory behind it: what generation drives, one `step` at a time. */
import { ConfigError } from '../errors.ts';
import { KVCache } from '../nn/cache.ts';
import { RecurrentState } from '../nn/recurrent-state.ts';
import { tokenBatch } from '../nn/tokens.ts';
import { compute, type TypedArray } from '../tensor/index.ts';
import type { Source, TokenInput } from './architecture.ts';
import { disposeSource, type EncodedSource } from './encoded-source.ts';
import { headOf, type LoadedModel } from './forward.ts';

type Rows = readonly (readonly number[])[];

/** A long prompt is taken in pieces, which bounds the memory of a step and the wait for an abort. */
const PIECE_TOKENS = 512;

export class DecoderSession {
  readonly #model: LoadedModel;
  readonly #memory: KVCache | RecurrentState;
  readonly #sources: EncodedSource | undefined;
  /** Which source each row decodes from. */
  #chosen: readonly number[];
  /** Theirs; a copy unless every source has its row. */
  #source: Source | undefined;
  /** What the latest step returned; the next one of as many rows writes over it. */
  #logits: TypedArray | undefined;

  /** @param sources of an encoder-decoder; row r decodes from source r at first. They are not disposed with the session. */
  constructor(model: LoadedModel, options: { batch: number; capacity: number }, sources?: EncodedSource) {
    this.#model = model;
    this.#memory = memoryOf(model, options);
    this.#sources = sources;
    this.#chosen = Array.from({ length: options.batch }, (_, row) => row);
    this.#source = sources?.all;
  }
  get length(): number {
    return this.#memory.length;
  }
  /** Bytes of what is remembered, of an encoder-decoder's sources none. */
  get bytes(): number {
    return this.#memory.bytes;
  }
  /** A recurrent state cannot be cut back to a length in between. */
  get extendsOnly(): boolean {
    return this.#memory instanceof RecurrentState;
  }

  /** Appends T tokens to each row; logits of the last position, one array `[V]` a row, valid until the next step. */
  async step(ids: Rows, mask?: Rows, signal?: AbortSignal): Promise<Float32Array[]> {
    const logits = await this.#append(ids, mask, signal, false);
    const V = logits.length / ids.length;
    return ids.map((_, b) => logits.subarray(b * V, (b + 1) * V));
  }
  /** The same with the logits of all T positions, T arrays `[V]` a row. At most 512 tokens. */
  async stepAll(ids: Rows, signal?: AbortSignal): Promise<Float32Array[][]> {
    const T = ids[0]?.length ?? 0;
    if (T > PIECE_TOKENS)
      throw new ConfigError('too many tokens at once', { seen: `${T}`, expected: `at most ${PIECE_TOKENS}` });
    const logits = await this.#append(ids, undefined, signal, true);
    const V = logits.length / (ids.length * T);
    return ids.map((row, b) => row.map((_, t) => logits.subarray((b * T + t) * V, (b * T + t + 1) * V)));
  }

  async #append(
    ids: Rows,
    mask: Rows | undefined,
    signal: AbortSignal | undefined,
    every: boolean,
  ): Promise<Float32Array> {
    const memory = this.#memory;
    const T = ids[0]?.length ?? 0;
    if (ids.length !== memory.batch || T === 0)
      throw new ConfigError('step: one row of tokens per sequence', {
        seen: `${ids.length} rows of ${T}`,
        expected: `${memory.batch} rows`,
      });
    const before = memory.length;
    if (memory instanceof RecurrentState) memory.begin();
    const real = (b: number) => (mask ? mask[b]!.reduce((n, x) => n + x, 0) : T);
    const span = Math.max(...memory.positions.map((n, b) => n + real(b)));
    const turnsAt = this.#model.architecture.turnsAt?.(this.#model.config) ?? Number.POSITIVE_INFINITY;
    if (before > 0 && span > turnsAt && Math.max(...memory.positions) <= turnsAt)
      throw new ConfigError('positions turn otherwise from here on, and what was read has to be read again', {
        seen: `${span} tokens, ${Math.max(...memory.positions)} of them in the cache`,
        expected: `a step within ${turnsAt} tokens, or a new session with all of them`,
      });
    try {
      let logits: TypedArray | undefined;
      for (let from = 0; from < T; from += PIECE_TOKENS) {
        signal?.throwIfAborted();
        const part = (rows: Rows) => rows.map(row => row.slice(from, from + PIECE_TOKENS));
        const wanted = from + PIECE_TOKENS < T ? 'nothing' : every ? 'all' : 'last';
        logits = await this.#piece(part(ids), mask && part(mask), span, wanted);
      }
      signal?.throwIfAborted();
      return logits as Float32Array;
    } catch (error) {
      // What was appended lies behind `length` and is written over by the next step.
      memory.trim(before);
      throw error;
    }
  }
  async reorder(parents: readonly number[]): Promise<void> {
    const chosen = parents.map(p => this.#chosen[p]!);
    const moved = this.#sources && `${chosen}` !== `${this.#chosen}` ? await this.#sources.rows(chosen) : undefined;
    try {
      await this.#memory.reorder(parents);
    } catch (error) {
      if (moved) disposeSource(moved);
      throw error;
    }
    this.#chosen = chosen;
    if (!moved) return;
    this.#dropSource();
    this.#source = moved;
  }
  trim(length: number): void {
    this.#memory.trim(length);
  }
  dispose(): void {
    this.#memory.dispose();
    this.#dropSource();
  }

  #dropSource(): void {
    if (this.#source && this.#source !== this.#sources?.all) disposeSource(this.#source);
    this.#source = undefined;
  }
  async #piece(
    ids: Rows,
    mask: Rows | undefined,
    span: number,
    of: 'nothing' | 'last' | 'all',
  ): Promise<TypedArray | undefined> {
    const { architecture, config, params } = this.#model;
    const memory = this.#memory;
    const batch = tokenBatch(ids, {
      vocabSize: architecture.vocabSize(config),
      contextLength: architecture.contextLength(config),
      mask,
      offsets: memory.positions,
      span,
    });
    await memory.extend(ids[0]!.length, batch.mask);
    const kept = memory instanceof KVCache ? { cache: memory } : { state: memory };
    const input: TokenInput = { ...batch, ...kept, source: this.#source };
    const { hidden, outputs } = headOf(this.#model);
    const states = hidden(params, config, input); // [B, T, C]
    const T = states.dim(1);
    const end = of === 'all' ? states : states.slice(1, T - 1, T);
    const pending = memory instanceof RecurrentState ? memory.pending : [];
    // Before the last piece only the memory is wanted; of a cache one feature of the result is enough to have it written.
    if (of === 'nothing') {
      if (pending.length) await compute(...pending);
      else await end.slice(2, 0, 1).data();
      return undefined;
    }
    const wanted = outputs(params, config, end, input).logits!; // [B, 1 or T, V]
    if (pending.length) await compute(...pending, wanted);
    this.#logits = await wanted.data(this.#logits?.length === wanted.size ? this.#logits : undefined);
    if (pending.length) wanted.dispose();
    return this.#logits;
  }
}

function memoryOf(model: LoadedModel, options: { batch: number; capacity: number }): KVCache | RecurrentState {
  const { architecture, config, backend } = model;
  if (architecture.state) return new RecurrentState(architecture.state(config), options);
  if (architecture.cache) return new KVCache(backend, architecture.cache(config), options);
  throw new ConfigError('this model does not generate token by token', { seen: architecture.name });
}
