/**
 * Processors that forbid, force or favour certain tokens: biases, bad words, lengths, forced first and last tokens,
 * suppressed tokens. Semantics: transformers 4.57, logits_process.py.
 * Deviations: the lengths of a row count its own tokens, not the padding in front of it; a bias of several tokens also acts
 * when its first tokens are the whole context (transformers wants one more).
 */

import type { LogitsProcessor } from './history.ts';

/** Adds `bias` to the last id of `ids` when the context ends with the ids before it (always, if it is the only one). */
export interface SequenceBias {
  readonly ids: readonly number[];
  /** Minus infinity forbids. */
  readonly bias: number;
}

export function sequenceBias(biases: readonly SequenceBias[]): LogitsProcessor {
  const single: SequenceBias[] = [];
  // Longer ones by the id that must stand last in the context: a list of thousands costs a look-up, not a walk.
  const longer = new Map<number, SequenceBias[]>();
  for (const entry of biases) {
    if (entry.ids.length === 1) single.push(entry);
    else {
      const last = entry.ids.at(-2)!;
      longer.set(last, [...(longer.get(last) ?? []), entry]);
    }
  }
  return (scores, { ids: context }) => {
    const add = ({ ids, bias }: SequenceBias) => {
      const last = ids.at(-1)!;
      scores[last] = scores[last]! + bias;
    };
    single.forEach(add);
    for (const entry of longer.get(context.at(-1)!) ?? []) {
      const offset = context.length - (entry.ids.length - 1);
      if (offset < 0) continue;
      let matches = true;
      for (let i = 0; matches && i < entry.ids.length - 1; i++) matches = context[offset + i] === entry.ids[i];
      if (matches) add(entry);
    }
  };
}

/** Never lets one of `sequences` be completed. A bad word that is nothing but an end token is passed over. */
export function badWords(sequences: readonly (readonly number[])[], endIds: readonly number[]): LogitsProcessor {
  const bias = Number.NEGATIVE_INFINITY;
  const isEnd = (ids: readonly number[]) => ids.length === 1 && endIds.includes(ids[0]!);
  return sequenceBias(sequences.filter(ids => !isEnd(ids)).map(ids => ({ ids, bias })));
}

/** Removes the end tokens while the sequence, prompt included, is shorter than `length`. */
export function minLength(length: number, endIds: readonly number[]): LogitsProcessor {
  return (scores, history) => {
    if (history.ids.length < length) remove(scores, endIds);
  };
}

/** Removes the end tokens while fewer than `count` tokens were generated. */
export function minNewTokens(count: number, endIds: readonly number[]): LogitsProcessor {
  return (scores, history) => {
    if (history.generatedLength < count) remove(scores, endIds);
  };
}

/** Makes `id` the only choice after the first token of the decoder. */
export function forcedBos(id: number): LogitsProcessor {
  return (scores, history) => {
    if (history.ids.length === 1) force(scores, [id]);
  };
}

/** Makes `ids` the only choices for the last token before the length limit. */
export function forcedEos(ids: readonly number[]): LogitsProcessor {
  return (scores, history) => {
    if (history.ids.length === history.maxLength - 1) force(scores, ids);
  };
}

/** After `start` generated tokens the end tokens rise: z + |z| * (factor^(tokens since then) - 1). */
export function exponentialDecay(start: number, factor: number, endIds: readonly number[]): LogitsProcessor {
  return (scores, history) => {
    const since = history.generatedLength - start;
    if (since <= 0) return;
    for (const id of endIds) scores[id] = scores[id]! + Math.abs(scores[id]!) * (factor ** since - 1);
  };
}

/** Removes `ids` always. */
export function suppressTokens(ids: readonly number[]): LogitsProcessor {
  return scores => remove(scores, ids);
}

/** Removes `ids` from the first free choice: the first token, or the second where the first is forced. */
export function beginSuppressTokens(ids: readonly number[], firstIsForced: boolean): LogitsProcessor {
  return (scores, history) => {
    const begin = firstIsForced && history.promptLength === 1 ? 1 : 0;
    if (history.generatedLength === begin) remove(scores, ids);
  };
}

const FLOAT32_MAX = 3.4028234663852886e38;

/** NaN becomes 0, plus and minus infinity the largest and smallest finite number. For models that overflow. */
export function removeInvalidValues(): LogitsProcessor {
  return scores => {
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      if (!Number.isFinite(score)) scores[i] = Number.isNaN(score) ? 0 : Math.sign(score) * FLOAT32_MAX;
    }
  };
}

function remove(scores: Float32Array, ids: readonly number[]): void {
  for (const id of ids) scores[id] = Number.NEGATIVE_INFINITY;
}

function force(scores: Float32Array, ids: readonly number[]): void {
  scores.fill(Number.NEGATIVE_INFINITY);
  for (const id of ids) scores[id] = 0;
}
