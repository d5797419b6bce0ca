/**
 * Generation from text to text: a tokenizer around `generate`. Streams whole characters only, and stops at stop strings
 * without ever having printed a part of one.
 */

import { BackendError } from '../errors.ts';
import type { Decoder } from './decoder.ts';
import type { BeamEvent, FinishReason, GeneratedSequence, GenerateStats, TokenAlternative } from './events.ts';
import { generate } from './generate.ts';
import { type GenerateOptions, type GenerateSettings, resolveOptions } from './options.ts';
import { checkTextPrompts } from './prompts.ts';
import { createStopMatcher, cutAtStop, type StopMatcher } from './stop.ts';

/** What text generation needs of a tokenizer. */
export interface TextCodec {
  /** The ids of a prompt, with the start tokens of the model. */
  encodeIds(text: string): number[];
  /**
   * A decoder for what follows a prompt: each id in, the text that has become certain out. It knows the prompt, because the
   * first token of a text loses its leading space in some vocabularies, and a token that follows others does not.
   */
  stream(prompt: readonly number[]): { push(id: number): string; flush(): string };
}

export interface GenerateTextOptions extends GenerateOptions {
  /** Texts that end a sequence and are no part of it. */
  readonly stopStrings?: string | readonly string[] | undefined;
}

/** The texts of the events of one sequence, joined, are the text of that sequence. */
export interface TextTokenEvent {
  readonly type: 'token';
  readonly sequence: number;
  /** What this token makes certain: may be empty, or hold the text of earlier tokens. */
  readonly text: string;
  readonly id: number;
  readonly logprob?: number;
  readonly top?: readonly TokenAlternative[];
  /** Set on the last token of the sequence. */
  readonly finished?: FinishReason;
}

/** A whole sequence of a beam search, which has nothing to stream before its end. */
export interface TextSequenceEvent {
  readonly type: 'sequence';
  readonly sequence: number;
  readonly text: string;
}

export interface GeneratedText extends GeneratedSequence {
  readonly text: string;
  /** The stop string that ended it. */
  readonly stopString?: string;
}

export interface TextDoneEvent {
  readonly type: 'done';
  readonly text: '';
  readonly sequences: readonly GeneratedText[];
  readonly stats: GenerateStats;
}

export type TextEvent = TextTokenEvent | TextSequenceEvent | (BeamEvent & { readonly text: '' }) | TextDoneEvent;

/**
 * Continues one text or several (lists of ids are taken as they are). Every event has a `text` to print. End tokens are
 * among the ids but have no text. Stops and throws as `generate` does, and throws `ConfigError` for a stop string that is empty
 * or no text.
 */
export function generateText(
  decoder: Decoder,
  codec: TextCodec,
  prompts: string | readonly (string | readonly number[])[],
  { stopStrings = [], ...options }: GenerateTextOptions = {},
): AsyncGenerator<TextEvent, void, undefined> {
  const settings = resolveOptions(options);
  const stops = typeof stopStrings === 'string' ? [stopStrings] : stopStrings;
  createStopMatcher(stops); // Checks them now rather than in the middle of the stream.
  const list = typeof prompts === 'string' ? [prompts] : prompts;
  checkTextPrompts(list);
  const ids = list.map(prompt => (typeof prompt === 'string' ? codec.encodeIds(prompt) : prompt));
  return settings.numBeams > 1
    ? beamText(decoder, codec, ids, stops, options, settings)
    : streamText(decoder, codec, ids, stops, options, settings);
}

/** Runs `generateText` to its end and returns the last event, with all texts. Throws as `generateText` does. */
export async function generateTextAll(...call: Parameters<typeof generateText>): Promise<TextDoneEvent> {
  for await (const event of generateText(...call)) if (event.type === 'done') return event;
  throw new BackendError('generation ended without a result');
}

/** The text of one sequence while it grows. */
interface TextStream {
  readonly tokens: ReturnType<TextCodec['stream']>;
  readonly matcher: StopMatcher;
  /** Certain but not yet reported. */
  fresh: string;
  text: string;
}

function streamText(
  decoder: Decoder,
  codec: TextCodec,
  prompts: readonly (readonly number[])[],
  stopStrings: readonly string[],
  options: GenerateOptions,
  { numReturnSequences }: GenerateSettings,
): AsyncGenerator<TextEvent, void, undefined> {
  const streams: TextStream[] = [];
  const streamOf = (sequence: number) =>
    (streams[sequence] ??= {
      tokens: codec.stream(prompts[Math.floor(sequence / numReturnSequences)]!),
      matcher: createStopMatcher(stopStrings),
      fresh: '',
      text: '',
    });
  // `generate` asks this after every token that is no end token, before it reports the token.
  const stopWhen = (ids: readonly number[], sequence: number) => {
    const stream = streamOf(sequence);
    stream.fresh += stream.matcher.push(stream.tokens.push(ids.at(-1)!));
    return stream.matcher.found !== undefined || (options.stopWhen?.(ids, sequence) ?? false);
  };
  const events = generate(decoder, prompts, { ...options, stopWhen });

  return (async function* () {
    for await (const event of events) {
      if (event.type === 'token') {
        const stream = streamOf(event.sequence);
        if (event.finished) stream.fresh += stream.matcher.push(stream.tokens.flush()) + stream.matcher.end();
        const finished = stream.matcher.found === undefined ? event.finished : 'stop';
        const text = stream.fresh;
        stream.fresh = '';
        stream.text += text;
        yield { ...event, text, ...(finished && { finished }) };
      } else if (event.type === 'done') {
        const sequences = event.sequences.map((sequence, index) => {
          const { text, matcher } = streams[index]!;
          return withStop(sequence, text, matcher.found);
        });
        yield { ...event, text: '', sequences };
      }
    }
  })();
}

function beamText(
  decoder: Decoder,
  codec: TextCodec,
  prompts: readonly (readonly number[])[],
  stopStrings: readonly string[],
  options: GenerateOptions,
  { endIds, numReturnSequences }: GenerateSettings,
): AsyncGenerator<TextEvent, void, undefined> {
  const ends = new Set(endIds);
  /** The text of a whole hypothesis that is certain, and the stream that knows the rest. */
  const replay = (prompt: number, ids: readonly number[]) => {
    const stream = codec.stream(prompts[prompt]!);
    return { certain: ids.map(id => stream.push(id)).join(''), stream };
  };
  // Candidates branch off and streams cannot, so each candidate is replayed from the start: a walk over its tokens, as
  // long as the one that attention makes for it in every layer. Without stop strings nobody pays for it.
  const stopWhen = (ids: readonly number[], sequence: number) =>
    options.stopWhen?.(ids, sequence) ||
    cutAtStop(replay(Math.floor(sequence / numReturnSequences), ids).certain, stopStrings).stopString !== undefined;
  const events = generate(decoder, prompts, stopStrings.length > 0 ? { ...options, stopWhen } : options);

  return (async function* () {
    for await (const event of events) {
      if (event.type === 'beams') yield { ...event, text: '' };
      else if (event.type === 'done') {
        const sequences = event.sequences.map(sequence => {
          const spoken = ends.has(sequence.ids.at(-1)!) ? sequence.ids.slice(0, -1) : sequence.ids;
          const { certain, stream } = replay(sequence.prompt, spoken);
          const { text, stopString } = cutAtStop(certain + stream.flush(), stopStrings);
          return withStop(sequence, text, stopString);
        });
        for (const [sequence, { text }] of sequences.entries()) yield { type: 'sequence', sequence, text };
        yield { ...event, text: '', sequences };
      }
    }
  })();
}

/** A stop string ends a sequence with 'stop', even one that was complete only after the last token that was allowed. */
function withStop(sequence: GeneratedSequence, text: string, stopString: string | undefined): GeneratedText {
  return { ...sequence, text, ...(stopString !== undefined && { stopString, finishReason: 'stop' }) };
}
