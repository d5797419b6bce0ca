/**
 * A denoiser without a model, for tests: logits are a function of the text of a row and a position in it, padding taken
 * away. Every breach of the protocol throws.
 */

import type { DenoiseRequest, Denoiser } from '../../src/generate/diffuse-denoiser.ts';
import { createRng } from '../../src/util/rng.ts';

export interface TableDenoiser extends Denoiser {
  /** What was asked, in order. */
  readonly requests: readonly DenoiseRequest[];
}

export function tableDenoiser(options: {
  readonly vocabSize: number;
  readonly maskId: number;
  readonly contextLength?: number | undefined;
  /** Logits [V] at a position of a text. */
  readonly logits: (text: readonly number[], position: number, sigma: number | undefined) => ArrayLike<number>;
}): TableDenoiser {
  const { vocabSize, maskId, contextLength, logits } = options;
  const requests: DenoiseRequest[] = [];
  return {
    vocabSize,
    maskId,
    contextLength,
    requests,
    async logits(request) {
      request.signal?.throwIfAborted();
      requests.push(request);
      const { ids, mask, at, sigma } = request;
      const width = ids[0]!.length;
      must(at.length === ids.length && at.some(slots => slots.length > 0), 'slots');
      must(!sigma || sigma.length === ids.length, 'sigma');
      must(width > 0 && width <= (contextLength ?? width), `${width} tokens`);
      must(!mask || mask.some(row => row.includes(0)), 'a mask without padding');
      return ids.map((row, b) => {
        const padding = mask ? mask[b]!.indexOf(1) : 0;
        must(row.length === width && row.every(id => id >= 0 && id < vocabSize), `row ${row}`);
        must(!row.slice(0, padding).includes(maskId), 'padding is the mask token');
        must(!mask || !mask[b]!.includes(0, padding), 'padding is not on the left');
        const text = row.slice(padding);
        const wanted = at[b]!;
        must(
          wanted.every((slot, i) => slot >= padding && slot < width && slot > (wanted[i - 1] ?? -1)),
          `slots ${wanted} of ${width}`,
        );
        return Float32Array.from(wanted.flatMap(slot => Array.from(logits(text, slot - padding, sigma?.[b]))));
      });
    },
  };
}

/** Logits from random numbers that depend on the whole text and the position, so that any mistake shows. */
export function randomScores(seed: number, vocabSize: number, spread = 3) {
  return (text: readonly number[], position: number): number[] => {
    const rng = createRng(seed, position, ...text);
    return Array.from({ length: vocabSize }, () => Math.fround((rng.uniform() - 0.5) * 2 * spread));
  };
}

function must(condition: boolean, breach: string): asserts condition {
  if (!condition) throw new Error(`denoiser protocol: ${breach}`);
}
