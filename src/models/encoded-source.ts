/** What an encoder made of B sources: computed once, kept on the device, and handed out to the rows that decode from it. */
import { compute, gather, Tensor } from '../tensor/index.ts';
import type { Source } from './architecture.ts';
import { encode, type LoadedModel, type ModelInputs } from './forward.ts';

export class EncodedSource {
  /** Of each decoder layer. */
  readonly #layers: Source['layers'];
  readonly #states: Tensor;
  readonly #mask: Tensor | undefined;

  private constructor({ states, mask, layers }: Source) {
    this.#layers = layers;
    this.#states = states;
    this.#mask = mask;
  }
  /** Runs the encoder and the decoder's projections of its result. */
  static async of(model: LoadedModel, inputs: ModelInputs): Promise<EncodedSource> {
    const source = encode(model, inputs);
    await compute(source.states, ...source.layers.flatMap(({ k, v }) => [k, v]));
    return new EncodedSource(source);
  }
  /** Number of sources. */
  get batch(): number {
    return this.#states.dim(0);
  }
  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#layers.reduce((n, { k, v }) => n + 4 * (k.size + v.size), 0);
  }
  /** All sources in their order. Belongs to this object. */
  get all(): Source {
    return { states: this.#states, mask: this.#mask, layers: this.#layers };
  }
  /** Source `chosen[r]` for row r. What is returned belongs to the caller. */
  async rows(chosen: readonly number[]): Promise<Source> {
    const ids = Tensor.from(Int32Array.from(chosen), [chosen.length]);
    const rowsOf = (t: Tensor) => gather(t.reshape(this.batch, -1), ids).reshape(chosen.length, ...t.shape.slice(1));
    const layers = this.#layers.map(({ k, v }) => ({ k: rowsOf(k), v: rowsOf(v) }));
    const states = rowsOf(this.#states);
    await compute(states, ...layers.flatMap(({ k, v }) => [k, v]));
    return { states, mask: this.#mask && maskRows(this.#mask, chosen), layers };
  }
  dispose(): void {
    disposeSource(this.all);
  }
}

export function disposeSource({ states, layers }: Source): void {
  states.dispose();
  for (const { k, v } of layers) {
    k.dispose();
    v.dispose();
  }
}

function maskRows(mask: Tensor, chosen: readonly number[]): Tensor {
  const S = mask.dim(1);
  const rows = new Uint8Array(chosen.length * S);
  if (mask.storage?.kind === 'host')
    for (const [r, from] of chosen.entries()) rows.set(mask.storage.data.subarray(from * S, (from + 1) * S), r * S);
  return Tensor.from(rows, [chosen.length, S], 'bool');
}
