/** A masked language model as the denoiser of a diffusion. */
import type { DenoiseRequest, Denoiser } from '../generate/index.ts';
import { headOf, type LoadedModel } from '../models/forward.ts';
import type { NoisedInput } from '../models/noised-input.ts';
import { tokenBatch } from '../nn/tokens.ts';
import { gather, Tensor } from '../tensor/index.ts';

/** Fewer and fewer positions are asked for; counted in steps of this many they share their plans. */
const PLACES_STEP = 8;

export class ModelDenoiser implements Denoiser {
  readonly maskId: number;
  readonly #model: LoadedModel;

  constructor(model: LoadedModel, maskId: number) {
    this.#model = model;
    this.maskId = maskId;
  }
  get vocabSize(): number {
    return this.#model.architecture.vocabSize(this.#model.config);
  }
  get contextLength(): number | undefined {
    return this.#model.architecture.contextLength(this.#model.config);
  }

  /** See `Denoiser.logits`. The head runs on the positions that are asked for only. */
  async logits({ ids, mask, at, sigma, signal }: DenoiseRequest): Promise<Float32Array[]> {
    signal?.throwIfAborted();
    const { architecture, config, params } = this.#model;
    const { vocabSize: V, contextLength } = this;
    const typeVocabSize = architecture.typeVocabSize?.(config) ?? 1;
    const input: NoisedInput = { ...tokenBatch(ids, { vocabSize: V, contextLength, mask, typeVocabSize }), sigma };
    const { hidden, outputs } = headOf(this.#model);
    const states = hidden(params, config, input);
    const [B, T, C] = states.shape as [number, number, number];
    const places = at.flatMap((slots, b) => slots.map(slot => b * T + slot));
    const wanted = new Int32Array(Math.ceil(places.length / PLACES_STEP) * PLACES_STEP);
    wanted.set(places);
    const rows = gather(states.reshape(B * T, C), Tensor.from(wanted)).reshape(1, wanted.length, C);
    const logits = (await outputs(params, config, rows, input).logits!.data()) as Float32Array;
    signal?.throwIfAborted();
    let from = 0;
    return at.map(slots => logits.subarray(from * V, (from += slots.length) * V));
  }
}
