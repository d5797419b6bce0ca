/**
 * Finding the surest tokens first: each step looks at all hidden tokens of a block, keeps the best candidates and hides the
 * others again. Nie et al. 2025, "Large Language Diffusion Models"; the order is that of Chang et al. 2022, "MaskGIT".
 */

import { createTokenChooser } from './diffuse-choice.ts';
import type { CommittedToken, DiffuseEvent } from './diffuse-events.ts';
import { blocksOf } from './diffuse-options.ts';
import { type DiffuseRun, doneEvent, stepEvent } from './diffuse-run.ts';

/**
 * Runs the steps of all blocks. Masks inside a prompt are found with the first block. A step is one pass of the network,
 * two with guidance, and none when the block is complete.
 */
export async function* diffuseByConfidence(run: DiffuseRun): AsyncGenerator<DiffuseEvent, void, undefined> {
  const { canvas, settings, rngs } = run;
  const { genLength, blockLength, steps, cfgScale } = settings;
  const choose = createTokenChooser(run, { maskCounts: true, temperature: settings.temperature });
  const deferred = new Set(settings.deferTokens);
  const blocks = blocksOf(genLength, blockLength);
  const perBlock = steps / blocks;
  canvas.extend(canvas.texts.map(() => genLength));

  /** Of the candidates at the hidden positions of each text the `counts[b]` that rank highest, written. */
  const find = async (hidden: number[][], counts: readonly number[]): Promise<CommittedToken[]> => {
    if (hidden.every(positions => positions.length === 0)) return [];
    const scores = await canvas.scores(hidden, { guidance: cfgScale });
    const found = hidden.flatMap((positions, prompt) => {
      const candidates = positions.map((position, i) => {
        const token = choose(scores[prompt]![i]!, prompt, position);
        const rank = settings.remasking === 'random' ? rngs[prompt]!.uniform() : token.confidence;
        return { token, rank: deferred.has(token.id) ? Number.NEGATIVE_INFINITY : rank };
      });
      // The difference of two infinite ranks is NaN, which counts as equal.
      candidates.sort((a, b) => b.rank - a.rank || a.token.position - b.token.position);
      return candidates.slice(0, counts[prompt]).map(({ token }) => token);
    });
    for (const token of found) canvas.write(token);
    return found;
  };

  for (let block = 0; block < blocks; block++) {
    const end = (block + 1) * blockLength;
    const shares = canvas.hidden(end).map(hidden => spread(hidden.length, perBlock));
    for (let step = 0; step < perBlock; step++) {
      const counts = shares.map(share => share(step));
      const committed = await find(canvas.hidden(end), counts);
      yield stepEvent(run, block * perBlock + step + 1, steps, committed);
    }
  }
  yield doneEvent(run);
}

/** How many of `total` each step takes, as evenly as whole numbers allow: the first steps take the remainder. */
const spread = (total: number, steps: number) => (step: number) =>
  Math.floor(total / steps) + (step < total % steps ? 1 : 0);
