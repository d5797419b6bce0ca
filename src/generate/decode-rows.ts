/**
 * Greedy decoding and sampling of a batch. A sequence gets the same tokens alone and in a batch: finished rows leave,
 * padding is no history, each sequence draws from a random stream of its own. Models whose positions scale with the length
 * (dynamic rotary scaling) are the exception, as in the reference: a short row is turned as the longest one beside it.
 */

import type { Rng } from '../util/rng.ts';
import type { FinishReason, GeneratedSequence, GenerateEvent, TokenAlternative } from './events.ts';
import type { SequenceHistory } from './history.ts';
import { type GenerateRun, noTokenError, sequenceRng, startClock, statsOf } from './run.ts';
import { createSampler } from './sample.ts';
import { argmax, largest, logSumExp } from './select.ts';
import { DecodeWindow } from './window.ts';

interface Row {
  readonly sequence: number;
  readonly history: SequenceHistory;
  /** Generated so far. */
  readonly ids: number[];
  readonly rng: Rng | undefined;
  readonly logprobs: number[];
  /** Row of the last step whose logits belong to this one. */
  source: number;
}

/** Decodes all prompts of a run token by token. Yields a 'token' event per row and step, and a 'done' event. */
export async function* decodeRows(run: GenerateRun): AsyncGenerator<GenerateEvent, void, undefined> {
  const { settings, histories, seed } = run;
  const { numReturnSequences: copies, stopWhen, logprobs } = settings;
  const wantsLogprobs = logprobs || settings.topLogprobs > 0;
  const done: GeneratedSequence[] = [];
  const choose = createChooser(run, wantsLogprobs);
  const clock = startClock(settings);
  settings.signal?.throwIfAborted();
  const window = new DecodeWindow(run.decoder, histories.length, settings);
  try {
    let logits = await window.fill(histories);
    clock.promptIsRead();

    // The sequences of a prompt share its prefill; the first reorder gives each a row of its own.
    let rows: Row[] = histories.flatMap((history, prompt) =>
      Array.from({ length: copies }, (_, copy) => ({
        sequence: prompt * copies + copy,
        history: copy === copies - 1 ? history : history.fork(),
        ids: [],
        rng: seed === undefined ? undefined : sequenceRng(seed, prompt, copy),
        logprobs: [],
        source: prompt,
      })),
    );
    let shared = copies > 1;
    for (;;) {
      for (const row of rows) {
        const scores = logits[row.source]!;
        const { id, logprob, top } = choose(shared ? scores.slice() : scores, row);
        const { history, ids, sequence } = row;
        const isComplete = run.completes?.(history, id) ?? false;
        history.push(id);
        ids.push(id);
        if (logprob !== undefined) row.logprobs.push(logprob);
        let finished: FinishReason | undefined;
        // `stopWhen` sees every token that has text, the last one too.
        const stops = !run.isEnd(id) && stopWhen?.(ids, sequence);
        if (run.isEnd(id) || isComplete || stops) finished = 'stop';
        else if (history.ids.length >= history.maxLength) finished = 'length';
        else if (clock.timeIsUp()) finished = 'time';
        if (finished) {
          done[sequence] = {
            prompt: history.prompt,
            ids,
            ...(wantsLogprobs && { logprobs: row.logprobs }),
            finishReason: finished,
          };
        }
        yield {
          type: 'token',
          sequence,
          id,
          ...(logprob !== undefined && { logprob }),
          ...(top && { top }),
          ...(finished && { finished }),
        };
      }
      rows = rows.filter(row => !done[row.sequence]);
      if (rows.length === 0) break;
      logits = await window.next(
        rows.map(row => row.history),
        rows.map(row => row.source),
      );
      rows.forEach((row, index) => {
        row.source = index;
      });
      shared = false;
    }
    yield { type: 'done', sequences: done, stats: statsOf(run, done, clock, window) };
  } finally {
    window.dispose();
  }
}

interface Choice {
  readonly id: number;
  readonly logprob?: number;
  readonly top?: TokenAlternative[];
}

/** Chooses a token from raw logits [V], which it changes. Plain greedy decoding looks at each logit once. */
function createChooser(run: GenerateRun, wantsLogprobs: boolean): (logits: Float32Array, row: Row) => Choice {
  const { processors, settings } = run;
  const sample = createSampler();
  const pick = (scores: Float32Array, { history, rng }: Row) => {
    for (const process of processors) process(scores, history);
    const id = rng ? sample(scores, rng) : argmax(scores);
    if (id < 0) throw noTokenError(scores, history);
    return id;
  };
  if (!wantsLogprobs) return (logits, row) => ({ id: pick(logits, row) });

  const raw = new Float32Array(run.decoder.vocabSize);
  return (logits, row) => {
    raw.set(logits);
    const total = logSumExp(raw);
    const id = pick(logits, row);
    const logprob = raw[id]! - total;
    if (settings.topLogprobs === 0) return { id, logprob };
    const top = largest(raw, settings.topLogprobs).map(other => ({ id: other, logprob: raw[other]! - total }));
    return { id, logprob, top };
  };
}
