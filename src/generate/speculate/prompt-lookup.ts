/**
 * Drafts from the text itself: what followed the last tokens when they stood there before. Costs nothing, and is right where an answer
 * repeats its source (summaries, edits, code). Saxena 2023, "Prompt Lookup Decoding".
 */
import type { Drafter } from './drafter.ts';

export interface PromptLookup {
  /** Longest run of tokens that is looked for; then shorter ones. Default 3. */
  readonly ngram?: number | undefined;
  /** Most tokens that are taken over at once, unless `draftTokens` says it. Default 10. */
  readonly tokens?: number | undefined;
}

export function promptLookupDrafter({ ngram = 3 }: PromptLookup): Drafter {
  return {
    async propose({ ids }, most) {
      for (let size = Math.min(ngram, ids.length - 1); size > 0; size--) {
        const at = findEarlier(ids, size);
        if (at < 0) continue;
        // A copy that runs into the end of the text goes on with itself, as a repetition does.
        const period = ids.length - at;
        return { ids: Array.from({ length: most }, (_, i) => ids[at + (i % period)]!), probabilities: undefined };
      }
      return { ids: [], probabilities: undefined };
    },
    dispose() {},
  };
}

/** The place behind the first earlier occurrence of the last `size` ids, or -1. */
function findEarlier(ids: readonly number[], size: number): number {
  const tail = ids.length - size;
  for (let from = 0; from < tail; from++) {
    let same = 0;
    while (same < size && ids[from + same] === ids[tail + same]) same++;
    if (same === size) return from + size;
  }
  return -1;
}
