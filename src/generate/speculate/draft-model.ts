/** Drafts of a smaller model with the same vocabulary, which runs ahead with a cache of its own. */
import type { Rng } from '../../util/rng.ts';
import type { Decoder } from '../decoder.ts';
import type { LogitsProcessor } from '../history.ts';
import { argmax } from '../select.ts';
import type { Drafter } from './drafter.ts';
import { RowSession } from './row-session.ts';
import { drawFrom, probabilitiesOf } from './verify.ts';

export interface DraftModelSettings {
  /** Those of the generation: a draft is drawn as the model's own token would be. */
  readonly processors: readonly LogitsProcessor[];
  readonly isEnd: (id: number) => boolean;
  /** Undefined: greedy. */
  readonly rng: Rng | undefined;
  readonly capacity: number;
}

export function draftModelDrafter(model: Decoder, { processors, isEnd, rng, capacity }: DraftModelSettings): Drafter {
  const session = new RowSession(model, { prompts: 1, prompt: 0, capacity });
  const window = model.contextLength ?? Number.POSITIVE_INFINITY;
  const kept: Float64Array[] = [];
  return {
    async propose(history, most, signal) {
      const ids: number[] = [];
      if (history.ids.length + most > window) return { ids, probabilities: undefined };
      const ahead = history.fork();
      while (ids.length < most) {
        const scores = await session.read(ahead.ids, signal);
        for (const process of processors) process(scores, ahead);
        let id: number;
        if (rng) {
          const probabilities = (kept[ids.length] ??= new Float64Array(model.vocabSize));
          // A draft that cannot go on is short; what is wrong with the model shows where the model itself is asked.
          if (!probabilitiesOf(scores, probabilities)) break;
          id = drawFrom(probabilities, rng);
        } else id = argmax(scores);
        if (id < 0) break;
        ids.push(id);
        ahead.push(id);
        if (isEnd(id)) break;
      }
      return { ids, probabilities: rng ? kept.slice(0, ids.length) : undefined };
    },
    dispose: () => session.dispose(),
  };
}
