/**
 * Processors that look at what has been said: repetition, presence and frequency penalties, and n-gram blocking.
 * Repetition penalty: Keskar et al. 2019 (CTRL). Presence and frequency: as in OpenAI's interface, over generated ids.
 * Deviation from transformers: padding in front of a prompt is no part of its history, so a prompt is treated alike alone
 * and in a batch.
 */

import type { LogitsProcessor } from './history.ts';

/** Every id of the context, prompt included, once: z -> z < 0 ? z * penalty : z / penalty. Above 1 discourages. */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  return (scores, history) => rescale(scores, history.seen(), penalty);
}

/** The same with 1 / penalty for the ids that the encoder read: above 1 encourages copying from the source. */
export function encoderRepetitionPenalty(penalty: number): LogitsProcessor {
  return (scores, history) => {
    if (history.encoder) rescale(scores, history.encoder.seen(), 1 / penalty);
  };
}

function rescale(scores: Float32Array, ids: Iterable<number>, penalty: number): void {
  for (const id of ids) {
    const score = scores[id]!;
    scores[id] = score < 0 ? score * penalty : score / penalty;
  }
}

/** z - presence, once for every id that was generated before. */
export function presencePenalty(penalty: number): LogitsProcessor {
  return (scores, history) => {
    for (const id of history.counts().keys()) scores[id] = scores[id]! - penalty;
  };
}

/** z - frequency * (how often the id was generated before). */
export function frequencyPenalty(penalty: number): LogitsProcessor {
  return (scores, history) => {
    for (const [id, count] of history.counts()) scores[id] = scores[id]! - penalty * count;
  };
}

/** Removes every token that would complete an n-gram of `size` ids that the context already holds. */
export function noRepeatNgram(size: number): LogitsProcessor {
  return (scores, history) => {
    for (const id of history.followers(size)) scores[id] = Number.NEGATIVE_INFINITY;
  };
}

/** Removes every token that would complete an n-gram of `size` ids that stands in the encoder's input. */
export function encoderNoRepeatNgram(size: number): LogitsProcessor {
  return (scores, history) => {
    for (const id of history.encoder?.followers(size, history.ids) ?? []) scores[id] = Number.NEGATIVE_INFINITY;
  };
}
