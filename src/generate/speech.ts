/**
 * Long recordings written down window by window, by a decoder that looks at one window at a time. Radford et al. 2022,
 * "Robust Speech Recognition via Large-Scale Weak Supervision", section 4.5. Deviations: each window is levelled by itself,
 * as in training (the original levels a recording by its loudest moment); the last one is filled up with silence (the original
 * puts zeros among the features); a piece without a pair of times starts at its own first time.
 */
import { ConfigError } from '../errors.ts';
import { HOP, logMel, SAMPLE_RATE } from '../preprocess/log-mel.ts';
import { SampleStream, type Samples } from '../preprocess/sample-stream.ts';
import type { Decoder } from './decoder.ts';
import { type GenerateOptions, show } from './options.ts';
import { argmax, logSumExp } from './select.ts';
import { type Attempt, type AttemptSettings, attemptWindow } from './speech-attempt.ts';
import { timedPieces } from './speech-segments.ts';
import { type TimestampVocabulary, timestampRules } from './timestamp-rules.ts';

/** A model that hears. */
export interface Listener {
  readonly vocabSize: number;
  /** Longest sequence of the decoder. */
  readonly contextLength: number;
  /** Mel bands of the features. */
  readonly bins: number;
  /** Steps of 20 ms, two frames each, that a window has. */
  readonly steps: number;
  /** Hears one window, `[bins, 2 * steps]`. What it returns writes it down; it is disposed. */
  encode(features: Float32Array): Promise<Decoder & { dispose(): void }>;
}
/** What the tokens of a transcript that are no text stand for. */
export interface SpeechVocabulary extends TimestampVocabulary {
  /** The transcript begins after this one. */
  readonly start: number;
  /** Before the text of earlier windows. */
  readonly previous: number;
  /** In the place of a transcript where nobody speaks. */
  readonly noSpeech: number | undefined;
  /** By code, `{ en: 50259 }`; empty where the model knows one language only. */
  readonly languages: Readonly<Record<string, number>>;
  readonly tasks: Readonly<Partial<Record<SpeechTask, number>>>;
}
/** To write down what is said, or to say it in English. */
export type SpeechTask = 'transcribe' | 'translate';

export interface SpeechOptions extends Partial<AttemptSettings> {
  /** Code of the spoken language. Default: what the first window sounds like. */
  readonly language?: string | undefined;
  readonly task?: SpeechTask | undefined;
  /** Ask for times within windows; without, a window is one piece. Default true. */
  readonly timestamps?: boolean | undefined;
  /** Latest start of the first piece in a window, in seconds. Default 1. */
  readonly latestStart?: number | undefined;
  /** Ids of a text that might stand before: names, spelling, style. */
  readonly promptIds?: readonly number[] | undefined;
  /** A window reads what was written for those before, unless that was drawn with much chance. Default true. */
  readonly conditionOnPrevious?: boolean | undefined;
  /** Never written. */
  readonly suppressTokens?: readonly number[] | undefined;
  /** Never written first. */
  readonly beginSuppressTokens?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}
/** A piece of a transcript. */
export interface SpeechSegment extends Pick<Attempt, 'temperature' | 'meanLogprob' | 'compressionRatio'> {
  /** Seconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Times included. */
  readonly ids: readonly number[];
  /** Code of the language; undefined where the model knows one only. */
  readonly language: string | undefined;
  /** Of the window that the piece is from. */
  readonly noSpeechProbability: number;
}

const SAMPLES_PER_STEP = 2 * HOP;
const STEPS_PER_SECOND = SAMPLE_RATE / SAMPLES_PER_STEP;
/** What was drawn with more chance than this is no example for what follows. */
const WILD = 0.5;
/** As published, but with one beam and one draw: more cost as much time again. */
const DEFAULTS: AttemptSettings = {
  temperatures: [0, 0.2, 0.4, 0.6, 0.8, 1],
  numBeams: 1,
  bestOf: 1,
  compressionRatioThreshold: 2.4,
  logprobThreshold: -1,
  noSpeechThreshold: 0.6,
  seed: 0,
};

/**
 * Writes down mono samples at 16 kHz, piece by piece as windows are done; the samples may still be coming in.
 * @param decode text of ids; what is special among them was taken out
 * @throws ConfigError for options that do not fit the vocabulary; while running what the model and `signal` throw
 */
export function transcribeSpeech(
  listener: Listener,
  vocabulary: SpeechVocabulary,
  decode: (ids: readonly number[]) => string,
  samples: Samples,
  options: SpeechOptions = {},
): AsyncGenerator<SpeechSegment, void, undefined> {
  const { language, task = 'transcribe', temperatures = DEFAULTS.temperatures } = options;
  const { languages, tasks } = vocabulary;
  const problem = (what: string, seen: unknown, expected: readonly string[]) =>
    new ConfigError(what, { seen: show(seen), expected: expected.join(', ') || 'nothing: the model does only one' });
  if (language !== undefined && !Object.hasOwn(languages, language))
    throw problem('the model does not know this language', language, Object.keys(languages));
  if (!Object.hasOwn(tasks, task) && !(task === 'transcribe' && Object.keys(tasks).length === 0))
    throw problem('the model does not know this task', task, Object.keys(tasks));
  if (!temperatures.length || temperatures.some(t => !(t >= 0 && t < Infinity)))
    throw new ConfigError('temperatures', { seen: show(temperatures), expected: 'at least one, from 0 on' });
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return transcribeWindows(samples, {
    ...{ listener, vocabulary, options },
    settings: { ...DEFAULTS, ...Object.fromEntries(given) },
    textOf: ids => decode(ids.filter(id => id < vocabulary.end)),
  });
}
/** What stays the same from window to window. */
interface Transcription {
  readonly listener: Listener;
  readonly vocabulary: SpeechVocabulary;
  readonly options: SpeechOptions;
  readonly settings: AttemptSettings;
  textOf(ids: readonly number[]): string;
}

async function* transcribeWindows(
  samples: Samples,
  run: Transcription,
): AsyncGenerator<SpeechSegment, void, undefined> {
  const { listener, vocabulary, options, settings, textOf } = run;
  const { bins, steps, contextLength } = listener;
  const stream = new SampleStream(samples);
  let { language, promptIds: context = [] } = options;
  let at = 0;
  try {
    for (let window = 0; ; window++) {
      options.signal?.throwIfAborted();
      const heard = await stream.read(at * SAMPLES_PER_STEP, steps * SAMPLES_PER_STEP);
      const length = Math.floor(heard.length / SAMPLES_PER_STEP);
      if (length === 0) return;
      const seed = settings.seed + window * settings.temperatures.length;
      const features = logMel(heard, { bins, frames: 2 * steps });
      const { ids, isSilence, ...written } = await writeWindow(features, context, language, seed, run);
      language = written.language;
      const whole = { pieces: [{ start: 0, end: length, ids }], next: length };
      const isTimed = (options.timestamps ?? true) && !isSilence;
      const { pieces, next } = isTimed ? timedPieces(ids, vocabulary.firstTimestamp, length) : whole;
      for (const piece of isSilence ? [] : pieces) {
        const text = textOf(piece.ids);
        if (piece.start === piece.end || text.trim() === '') continue;
        const [start, end] = [(at + piece.start) / STEPS_PER_SECOND, (at + piece.end) / STEPS_PER_SECOND];
        context = [...context, ...piece.ids].slice(-contextLength);
        yield { ...written, start, end, text, ids: piece.ids };
      }
      const isExample = isSilence || written.temperature <= WILD;
      if (!isExample || options.conditionOnPrevious === false) context = [];
      at += next;
    }
  } finally {
    await stream.close();
  }
}

/** What is written for a window, in the language that is given or heard. */
async function writeWindow(
  features: Float32Array,
  context: readonly number[],
  language: string | undefined,
  seed: number,
  { listener, vocabulary, options, settings, textOf }: Transcription,
): Promise<Attempt & Pick<SpeechSegment, 'language' | 'noSpeechProbability'>> {
  const decoder = await listener.encode(features);
  try {
    const spoken = language ?? (await detectLanguage(decoder, vocabulary, options.signal));
    const { before, prompt } = promptOf(listener, vocabulary, context, spoken, options);
    const noSpeechProbability = await silenceProbability(decoder, before, vocabulary, options.signal);
    const limits = generation(listener, vocabulary, prompt.length, options);
    const window = { prompt, options: limits, noSpeechProbability, textOf };
    const attempt = await attemptWindow(decoder, window, { ...settings, seed });
    return { ...attempt, language: spoken, noSpeechProbability };
  } finally {
    decoder.dispose();
  }
}

/** What the decoder continues: the end of the text so far, the start token, language and task. Half of the room is for it. */
function promptOf(
  { contextLength }: Listener,
  { previous, start, languages, tasks, noTimestamps }: SpeechVocabulary,
  context: readonly number[],
  language: string | undefined,
  { task = 'transcribe', timestamps = true }: SpeechOptions,
): { before: readonly number[]; prompt: readonly number[] } {
  const remembered = context.slice(-Math.max(1, Math.floor(contextLength / 2) - 1));
  const before = remembered.length ? [previous, ...remembered, start] : [start];
  const asked = [language === undefined ? undefined : languages[language], tasks[task]].filter(id => id !== undefined);
  return { before, prompt: [...before, ...asked, ...(timestamps ? [] : [noTimestamps])] };
}

function generation(
  { contextLength }: Listener,
  vocabulary: SpeechVocabulary,
  promptLength: number,
  { timestamps = true, latestStart = 1, suppressTokens = [], beginSuppressTokens = [], signal }: SpeechOptions,
): GenerateOptions {
  const { start, previous, noSpeech, noTimestamps, end, tasks } = vocabulary;
  const never = [start, previous, noSpeech, noTimestamps, ...Object.values(tasks), ...suppressTokens];
  return {
    maxNewTokens: Math.min(Math.floor(contextLength / 2), contextLength - promptLength),
    eosTokenId: end,
    suppressTokens: [...new Set(never.filter(id => id !== undefined))],
    beginSuppressTokens,
    processors: timestamps ? [timestampRules(vocabulary, Math.round(latestStart * STEPS_PER_SECOND))] : [],
    signal,
  };
}

/** Logits of the token after `ids`, `[V]`. */
async function logitsAfter(
  decoder: Decoder,
  ids: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const session = decoder.open({ batch: 1, capacity: ids.length });
  try {
    const [logits] = await session.step([ids], undefined, signal);
    return logits!.slice();
  } finally {
    session.dispose();
  }
}
/** Code of the most probable language; undefined where the model knows one only. */
async function detectLanguage(
  decoder: Decoder,
  { start, languages }: SpeechVocabulary,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const codes = Object.keys(languages);
  if (codes.length === 0) return undefined;
  const logits = await logitsAfter(decoder, [start], signal);
  return codes[argmax(Float32Array.from(codes, code => logits[languages[code]!]!))];
}
/** Probability that nobody speaks, by the token after the start token; 0 where there is no such token. */
async function silenceProbability(
  decoder: Decoder,
  before: readonly number[],
  { noSpeech }: SpeechVocabulary,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (noSpeech === undefined) return 0;
  const logits = await logitsAfter(decoder, before, signal);
  return Math.exp(logits[noSpeech]! - logSumExp(logits));
}
