/** What an encoder made of B sources: computed once, kept on the device, and handed out to the rows that decode from it. */
import { compute, gather, Tensor } from '../tensor/index.ts';
import type { Source } from './architecture.ts';
import { encode, type LoadedModel, type ModelInputs } from './forward.ts';

export class EncodedSource {
  /** Number of sources. */
  readonly batch: number;
  /** All sources in their order. Belongs to this object. */
  readonly all: Source;

  private constructor({ states, ...source }: Source) {
    this.batch = states!.dim(0);
    this.all = { ...source, states: undefined };
  }
  /** Runs the encoder and the decoder's projections of its result, which are what is kept. */
  static async of(model: LoadedModel, inputs: ModelInputs): Promise<EncodedSource> {
    const source = encode(model, inputs);
    await compute(...source.layers.flatMap(({ k, v }) => [k, v]));
    return new EncodedSource(source);
  }
  /** Bytes of keys and values. */
  get bytes(): number {
    return this.all.layers.reduce((n, { k, v }) => n + 4 * (k.size + v.size), 0);
  }
  /** Source `chosen[r]` for row r. What is returned belongs to the caller. */
  async rows(chosen: readonly number[]): Promise<Source> {
    const ids = Tensor.from(Int32Array.from(chosen), [chosen.length]);
    const rowsOf = (t: Tensor) => gather(t.reshape(this.batch, -1), ids).reshape(chosen.length, ...t.shape.slice(1));
    const layers = this.all.layers.map(({ k, v }) => ({ k: rowsOf(k), v: rowsOf(v) }));
    await compute(...layers.flatMap(({ k, v }) => [k, v]));
    const { mask } = this.all;
    return { states: undefined, mask: mask && maskRows(mask, chosen), layers };
  }
  dispose(): void {
    disposeSource(this.all);
  }
}

export function disposeSource({ layers }: Source): void {
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
