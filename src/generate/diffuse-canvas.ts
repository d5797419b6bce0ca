/** The texts of a diffusion while their hidden tokens are found, and the passes of the network over them. */

import { BackendError } from '../errors.ts';
import type { DenoiseRequest, Denoiser } from './diffuse-denoiser.ts';
import type { CommittedToken } from './diffuse-events.ts';

type Rows = readonly (readonly number[])[];

export class Canvas {
  /** Each text without padding, hidden tokens as the mask token. */
  readonly texts: readonly number[][];
  readonly promptLengths: readonly number[];
  readonly #denoiser: Denoiser;
  readonly #signal: AbortSignal | undefined;
  #forwards = 0;

  constructor(denoiser: Denoiser, prompts: readonly ArrayLike<number>[], signal: AbortSignal | undefined) {
    this.#denoiser = denoiser;
    this.#signal = signal;
    this.texts = prompts.map(prompt => Array.from(prompt));
    this.promptLengths = this.texts.map(text => text.length);
  }
  get forwards(): number {
    return this.#forwards;
  }
  /** Appends hidden tokens, `counts[b]` to text b. */
  extend(counts: readonly number[]): void {
    for (const [b, text] of this.texts.entries()) for (let i = 0; i < counts[b]!; i++) text.push(this.#denoiser.maskId);
  }
  write({ prompt, position, id }: CommittedToken): void {
    this.texts[prompt]![position] = id;
  }
  /** Positions of the tokens of each text that are hidden, up to `end` tokens after its prompt. */
  hidden(end = Number.POSITIVE_INFINITY): number[][] {
    const { maskId } = this.#denoiser;
    return this.texts.map((text, row) => {
      const positions: number[] = [];
      const limit = Math.min(text.length, this.promptLengths[row]! + end);
      for (let at = 0; at < limit; at++) if (text[at] === maskId) positions.push(at);
      return positions;
    });
  }

  /**
   * Logits `[V]` at positions of each text, to be changed freely. The network sees the newest tokens that its window can
   * hold.
   * @param options.sigma `[B]`, see `DenoiseRequest`
   * @param options.guidance above 0: a second pass with the prompts hidden gives u, and the result is u + (guidance + 1)(c - u)
   */
  async scores(at: Rows, options: { sigma?: readonly number[]; guidance?: number } = {}): Promise<Float32Array[][]> {
    const { sigma, guidance = 0 } = options;
    const scores = await this.#forward(this.texts, at, sigma);
    if (guidance === 0) return scores;
    const { maskId } = this.#denoiser;
    const unprompted = this.texts.map((text, row) => text.map((id, i) => (i < this.promptLengths[row]! ? maskId : id)));
    const base = await this.#forward(unprompted, at, sigma);
    scores.forEach((row, b) => {
      row.forEach((logits, i) => {
        const u = base[b]![i]!;
        for (let v = 0; v < logits.length; v++) logits[v] = u[v]! + (guidance + 1) * (logits[v]! - u[v]!);
      });
    });
    return scores;
  }

  async #forward(texts: Rows, at: Rows, sigma: DenoiseRequest['sigma']): Promise<Float32Array[][]> {
    this.#signal?.throwIfAborted();
    const { vocabSize } = this.#denoiser;
    const request: DenoiseRequest = { ...this.#padded(texts, at), sigma, signal: this.#signal };
    const rows = await this.#denoiser.logits(request);
    this.#signal?.throwIfAborted();
    this.#forwards++;
    return at.map((positions, b) => {
      if (rows[b]?.length !== positions.length * vocabSize)
        throw new BackendError('the denoiser returned logits of another size', {
          seen: `${rows[b]?.length}`,
          expected: `${positions.length} x ${vocabSize}`,
        });
      return positions.map((_, i) => rows[b]!.subarray(i * vocabSize, (i + 1) * vocabSize));
    });
  }
  /** Texts in equal rows, padded on the left: what follows the prompts is in the same slots of all rows. */
  #padded(texts: Rows, at: Rows): Pick<DenoiseRequest, 'ids' | 'mask' | 'at'> {
    const { contextLength = Number.POSITIVE_INFINITY, maskId } = this.#denoiser;
    const lengths = texts.map(text => Math.min(text.length, contextLength));
    const width = Math.max(...lengths);
    const padId = maskId === 0 ? 1 : 0;
    const fill = (count: number, value: number) => new Array<number>(count).fill(value);
    return {
      ids: texts.map((text, b) => [...fill(width - lengths[b]!, padId), ...text.slice(text.length - lengths[b]!)]),
      mask: lengths.some(n => n < width) ? lengths.map(n => [...fill(width - n, 0), ...fill(n, 1)]) : undefined,
      at: at.map((positions, b) => positions.map(position => position + width - texts[b]!.length)),
    };
  }
}
