/**
 * Beam search: several hypotheses per prompt grow together, the best by the sum of their log-probabilities.
 * Semantics of transformers 4.57/5, generation/utils.py, `_beam_search`; scores are kept in double precision.
 *
 * Deviations, none of which changes a result unless fewer tokens are allowed than there are candidates to take: a prompt
 * starts with one beam (not one and copies at score -1e9), a hypothesis that has ended is never continued, and a prompt that
 * is done leaves the batch.
 */

import type { Rng } from '../util/rng.ts';
import type { FinishReason, GeneratedSequence, GenerateEvent } from './events.ts';
import type { SequenceHistory } from './history.ts';
import { type GenerateRun, noTokenError, sequenceRng, startClock, statsOf } from './run.ts';
import { gumbel } from './sample.ts';
import { largest, logSoftmax } from './select.ts';
import { DecodeWindow } from './window.ts';

interface Beam {
  readonly history: SequenceHistory;
  /** Sum of log-probabilities after the processors. */
  readonly score: number;
  /** One per generated token, if asked for. */
  readonly logprobs: readonly number[] | undefined;
  /** Row of the last step whose logits belong to this beam. */
  readonly source: number;
}

interface Candidate {
  readonly beam: Beam;
  readonly id: number;
  readonly score: number;
  readonly logprob: number;
  /** What the candidates are ranked by: the score, or a random key when sampling. */
  readonly key: number;
  readonly stopped: FinishReason | undefined;
}

interface Hypothesis extends GeneratedSequence {
  readonly score: number;
}

interface Search {
  readonly prompt: number;
  readonly rng: Rng | undefined;
  running: Beam[];
  /** Best first, at most `numBeams`. */
  finished: Hypothesis[];
}

/** Searches all prompts of a run. Yields a 'beams' event per step and a 'done' event with the best hypotheses. */
export async function* searchBeams(run: GenerateRun): AsyncGenerator<GenerateEvent, void, undefined> {
  const { settings, histories, seed } = run;
  const wantsLogprobs = settings.logprobs || settings.topLogprobs > 0;
  const clock = startClock(settings);
  settings.signal?.throwIfAborted();
  const searches: Search[] = histories.map((history, prompt) => ({
    prompt,
    rng: seed === undefined ? undefined : sequenceRng(seed, prompt, 0),
    running: [{ history, score: 0, logprobs: wantsLogprobs ? [] : undefined, source: prompt }],
    finished: [],
  }));
  const window = new DecodeWindow(run.decoder, histories.length, settings);
  try {
    let logits = await window.fill(histories);
    clock.promptIsRead();
    let active = searches;
    for (let newTokens = 1; ; newTokens++) {
      const timeIsUp = clock.timeIsUp();
      active = active.filter(search => advance(search, logits, run, timeIsUp));
      const best = active.map(({ prompt, running: [leader] }) => {
        return { prompt, ids: leader!.history.generated(), score: leader!.score };
      });
      yield { type: 'beams', newTokens, best };
      if (active.length === 0) break;
      const beams = active.flatMap(search => search.running);
      logits = await window.next(
        beams.map(beam => beam.history),
        beams.map(beam => beam.source),
      );
      let row = 0;
      for (const search of active) search.running = search.running.map(beam => ({ ...beam, source: row++ }));
    }
    const sequences = searches.flatMap(search => search.finished.slice(0, settings.numReturnSequences));
    yield { type: 'done', sequences, stats: statsOf(run, sequences, clock) };
  } finally {
    window.dispose();
  }
}

/** One step of one prompt. Returns whether the search goes on. */
function advance(search: Search, logits: readonly Float32Array[], run: GenerateRun, timeIsUp: boolean): boolean {
  const { numBeams, lengthPenalty, earlyStopping } = run.settings;
  const candidates = topCandidates(search, logits, run, timeIsUp);
  const length = search.running[0]!.history.generatedLength + 1;

  const ended = candidates.slice(0, numBeams).filter(candidate => candidate.stopped);
  const added = ended.map(candidate => finish(candidate, length ** lengthPenalty));
  // The sort is stable: among equals what was finished earlier stays in front.
  search.finished = [...search.finished, ...added].sort((x, y) => y.score - x.score).slice(0, numBeams);

  const open = candidates.filter(candidate => !candidate.stopped).sort((a, b) => b.score - a.score);
  const { maxLength, promptLength } = search.running[0]!.history;
  search.running = continueBeams(open.slice(0, numBeams));
  if (search.running.length === 0) return false;

  if (search.finished.length < numBeams) return true;
  if (earlyStopping === true) return false;
  // Is the best running beam, at its present length or at the longest, better than the worst finished one?
  const reachable = earlyStopping === 'never' && lengthPenalty > 0 ? maxLength - promptLength : length;
  return search.running[0]!.score / reachable ** lengthPenalty > search.finished.at(-1)!.score;
}

/**
 * The K = max(2, 1 + number of end tokens) * numBeams best continuations of all beams of a prompt, best first, so that
 * enough of them go on whatever ends. When sampling: K draws without replacement from the softmax of the accumulated
 * scores, in the order drawn (by the Gumbel-max trick).
 */
function topCandidates(
  search: Search,
  logits: readonly Float32Array[],
  run: GenerateRun,
  timeIsUp: boolean,
): Candidate[] {
  const { settings, isEnd, completes } = run;
  const { numBeams, numReturnSequences, stopWhen } = settings;
  const { rng, running, prompt } = search;
  const wanted = Math.max(2, 1 + settings.endIds.length) * numBeams;
  const candidates: Omit<Candidate, 'stopped'>[] = [];
  for (const beam of running) {
    const scores = logits[beam.source]!;
    if (Number.isNaN(logSoftmax(scores)) && !settings.removeInvalidValues) throw noTokenError(scores, beam.history);
    for (const process of run.processors) process(scores, beam.history);
    const keys = rng ? Float64Array.from(scores, score => (score > -Infinity ? score + gumbel(rng) : score)) : scores;
    for (const id of largest(keys, wanted)) {
      const logprob = scores[id]!;
      candidates.push({ beam, id, logprob, score: beam.score + logprob, key: beam.score + keys[id]! });
    }
  }
  if (candidates.length === 0) throw noTokenError(logits[running[0]!.source]!, running[0]!.history);
  candidates.sort((a, b) => b.key - a.key);

  return candidates.slice(0, wanted).map(candidate => {
    const { history } = candidate.beam;
    let stopped: FinishReason | undefined;
    if (isEnd(candidate.id) || completes?.(history, candidate.id)) stopped = 'stop';
    else if (stopWhen?.([...history.generated(), candidate.id], prompt * numReturnSequences)) stopped = 'stop';
    else if (history.ids.length + 1 >= history.maxLength) stopped = 'length';
    else if (timeIsUp) stopped = 'time';
    return { ...candidate, stopped };
  });
}

function finish({ beam, id, score, logprob, stopped }: Candidate, divisor: number): Hypothesis {
  return {
    prompt: beam.history.prompt,
    ids: [...beam.history.generated(), id],
    ...(beam.logprobs && { logprobs: [...beam.logprobs, logprob] }),
    score: score / divisor,
    finishReason: stopped!,
  };
}

/** Beams for the chosen candidates. The last child of a beam takes over its history, the others get copies. */
function continueBeams(chosen: readonly Candidate[]): Beam[] {
  return chosen.map(({ beam, id, score, logprob }, index) => {
    const isLast = chosen.findLastIndex(other => other.beam === beam) === index;
    const history = isLast ? beam.history : beam.history.fork();
    history.push(id);
    return { history, score, logprobs: beam.logprobs && [...beam.logprobs, logprob], source: beam.source };
  });
}
