/**
 * Speculative decoding: a draft of several tokens is checked by the model in one pass. Greedy output is that of the model alone, and
 * sampled output has its distribution (`verify.ts`), with all processors in force on both sides; the random numbers are used
 * otherwise, so a seed gives another sample than without a draft. The sequences of a batch are written one after the other, since
 * each gets ahead at its own pace.
 */
import { ConfigError } from '../../errors.ts';
import { createRng } from '../../util/rng.ts';
import type { FinishReason, GeneratedSequence, GenerateEvent, TokenEvent } from '../events.ts';
import type { SequenceHistory } from '../history.ts';
import { type GenerateRun, noTokenError, sequenceRng, startClock, statsOf } from '../run.ts';
import { argmax, largest, logSumExp } from '../select.ts';
import { draftModelDrafter } from './draft-model.ts';
import type { Drafter } from './drafter.ts';
import { promptLookupDrafter } from './prompt-lookup.ts';
import { RowSession } from './row-session.ts';
import { drawFrom, probabilitiesOf, settle } from './verify.ts';

/** Tokens of one draft: a session gives the logits of 512 at once, those behind the draft included. */
const MOST_DRAFTED = 511;

/** Writes all sequences of a run. Yields a 'token' event per token and a 'done' event. */
export async function* speculateRows(run: GenerateRun): AsyncGenerator<GenerateEvent, void, undefined> {
  const { settings, histories } = run;
  const clock = startClock(settings);
  settings.signal?.throwIfAborted();
  checkSettings(run);
  const done: GeneratedSequence[] = [];
  const counts = { proposed: 0, accepted: 0 };
  let cachedTokens: number | undefined;
  for (const history of histories)
    for (let copy = 0; copy < settings.numReturnSequences; copy++) {
      const sequence = done.length;
      const row = new SpeculatedRow(run, history.fork(), copy);
      try {
        for (let finished: FinishReason | undefined; !finished; ) {
          for (const token of await row.advance(counts)) {
            if (sequence === 0 && row.history.generatedLength === 0) clock.promptIsRead();
            finished = row.push(token.id, sequence) ?? (clock.timeIsUp() ? 'time' : undefined);
            yield { type: 'token', sequence, ...token, ...(finished && { finished }) };
            if (finished) break;
          }
          settings.signal?.throwIfAborted();
          if (finished) done.push(row.result(finished));
        }
        cachedTokens = row.cachedTokens;
      } finally {
        row.dispose();
      }
    }
  yield { type: 'done', sequences: done, stats: { ...statsOf(run, done, clock, { cachedTokens }), draft: counts } };
}

function checkSettings({ decoder, settings, histories }: GenerateRun): void {
  const { draft, overflow } = settings;
  if (draft && 'open' in draft && draft.vocabSize !== decoder.vocabSize)
    throw new ConfigError('a draft model has to have the vocabulary of the model', {
      seen: `${draft.vocabSize} tokens`,
      expected: `${decoder.vocabSize}`,
      where: 'draft',
    });
  const window = decoder.contextLength ?? Number.POSITIVE_INFINITY;
  if (overflow === 'slide' && histories.some(history => history.maxLength > window))
    throw new ConfigError('a draft and a sliding window do not go together', {
      fix: `ask for at most ${window} tokens of prompt and output, or leave draft out`,
      where: 'draft',
    });
}

type Written = Pick<TokenEvent, 'id' | 'logprob' | 'top' | 'drafted'>;

class SpeculatedRow {
  readonly history: SequenceHistory;
  readonly #run: GenerateRun;
  readonly #session: RowSession;
  readonly #drafter: Drafter;
  readonly #rng: ReturnType<typeof createRng> | undefined;
  readonly #most: number;
  readonly #wanted: Float64Array;
  readonly #ids: number[] = [];
  readonly #logprobs: number[] = [];

  constructor(run: GenerateRun, history: SequenceHistory, copy: number) {
    const { decoder, settings, histories, seed, processors, isEnd } = run;
    this.history = history;
    this.#run = run;
    const window = decoder.contextLength ?? Number.POSITIVE_INFINITY;
    const capacity = Math.min(window, history.maxLength, history.ids.length + 4096);
    const { prompt } = history;
    this.#session = new RowSession(decoder, { prompts: histories.length, prompt, capacity, cache: settings.cache });
    this.#rng = seed === undefined ? undefined : sequenceRng(seed, history.prompt, copy);
    this.#wanted = new Float64Array(this.#rng ? decoder.vocabSize : 0);
    const { draft, draftTokens } = settings;
    const wanted = draftTokens ?? (draft && 'promptLookup' in draft ? (draft.promptLookup.tokens ?? 10) : 5);
    this.#most = Math.min(wanted, MOST_DRAFTED);
    this.#drafter =
      draft && 'open' in draft
        ? draftModelDrafter(draft, { processors, isEnd, capacity, rng: this.#rng && createRng(this.#rng.uint32()) })
        : promptLookupDrafter(draft?.promptLookup ?? {});
  }

  /** The next tokens, one at least: those of a draft that stay, and one more. */
  async advance(counts: { proposed: number; accepted: number }): Promise<Written[]> {
    const { settings, decoder, isEnd, completes } = this.#run;
    const { history } = this;
    const window = Math.min(history.maxLength, decoder.contextLength ?? Number.POSITIVE_INFINITY);
    const room = Math.max(0, Math.min(this.#most, window - history.ids.length - 1));
    // The pass over the prompt stays what it is without a draft.
    const draft =
      history.generatedLength === 0 || room === 0
        ? { ids: [], probabilities: undefined }
        : await this.#drafter.propose(history, this.#untilTurn(room), settings.signal);
    const text = [...history.ids, ...draft.ids];
    if (history.ids.length > window) throw windowIsFull(history, window);
    const logits =
      draft.ids.length === 0
        ? [await this.#session.read(text, settings.signal)]
        : await this.#session.readEach(text, draft.ids.length + 1, settings.signal);
    const ahead = history.fork();
    const written: Written[] = [];
    counts.proposed += draft.ids.length;
    for (const [i, scores] of logits.entries()) {
      const raw = this.#wantsLogprobs ? scores.slice() : undefined;
      for (const process of this.#run.processors) process(scores, ahead);
      const proposed = draft.ids[i];
      const id = this.#choose(scores, ahead, proposed, draft.probabilities?.[i]);
      const drafted = id === proposed;
      if (drafted) counts.accepted++;
      written.push({ id, ...(raw && this.#report(raw, id)), ...(drafted && { drafted }) });
      // Behind an end nothing is chosen: a constraint that is met may allow no token.
      if (!drafted || isEnd(id) || completes?.(ahead, id)) break;
      ahead.push(id);
    }
    return written;
  }

  /** Takes a token over. Returns why the sequence ends with it, if it does. */
  push(id: number, sequence: number): FinishReason | undefined {
    const { isEnd, completes, settings } = this.#run;
    const isComplete = completes?.(this.history, id) ?? false;
    this.history.push(id);
    this.#ids.push(id);
    const stops = !isEnd(id) && settings.stopWhen?.(this.#ids, sequence);
    if (isEnd(id) || isComplete || stops) return 'stop';
    return this.history.ids.length >= this.history.maxLength ? 'length' : undefined;
  }

  result(finishReason: FinishReason): GeneratedSequence {
    const ids = this.#ids;
    const logprobs = this.#logprobs.slice(0, ids.length);
    return { prompt: this.history.prompt, ids, ...(this.#wantsLogprobs && { logprobs }), finishReason };
  }

  dispose(): void {
    this.#session.dispose();
    this.#drafter.dispose();
  }

  get cachedTokens(): number | undefined {
    return this.#session.cachedTokens;
  }

  get #wantsLogprobs(): boolean {
    const { logprobs, topLogprobs } = this.#run.settings;
    return logprobs || topLogprobs > 0;
  }

  #choose(
    scores: Float32Array,
    history: SequenceHistory,
    proposed: number | undefined,
    drafted: Float64Array | undefined,
  ): number {
    let id: number;
    if (!this.#rng) id = argmax(scores);
    else if (!probabilitiesOf(scores, this.#wanted)) id = -1;
    else if (proposed === undefined) id = drawFrom(this.#wanted, this.#rng);
    else id = settle(proposed, this.#wanted, drafted, this.#rng);
    if (id < 0) throw noTokenError(scores, history);
    return id;
  }

  #report(raw: Float32Array, id: number): Pick<TokenEvent, 'logprob' | 'top'> {
    const total = logSumExp(raw);
    const logprob = raw[id]! - total;
    this.#logprobs.push(logprob);
    const { topLogprobs } = this.#run.settings;
    if (topLogprobs === 0) return { logprob };
    return { logprob, top: largest(raw, topLogprobs).map(other => ({ id: other, logprob: raw[other]! - total })) };
  }

  /** Tokens that can be drafted before positions turn: a pass is on one side of that. */
  #untilTurn(room: number): number {
    const { turnsAt } = this.#run.decoder;
    const length = this.history.ids.length;
    return turnsAt === undefined || length > turnsAt ? room : Math.min(room, turnsAt - length);
  }
}

function windowIsFull(history: SequenceHistory, window: number): ConfigError {
  return new ConfigError('the context window is full', {
    seen: `${history.ids.length} tokens, a window of ${window}`,
    fix: "set maxNewTokens to a number, or overflow: 'slide' without a draft",
    where: `prompt ${history.prompt}`,
  });
}
