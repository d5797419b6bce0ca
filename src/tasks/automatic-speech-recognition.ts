/** Speech recognition: what is said in a recording, with times where they are asked for. Radford et al. 2022, "Whisper". */
import { ConfigError } from '../errors.ts';
import type { SpeechSegment } from '../generate/index.ts';
import { type TranscribeOptions, transcribe } from '../hub/transcribe.ts';
import { readWav, resample, SAMPLE_RATE } from '../preprocess/index.ts';
import { anything, call, count, flag, ids, integer, number, numbers, oneOf, text } from './option-checks.ts';
import { readMedia } from './read-media.ts';
import { type CallOptions, type Calls, defineTask, type StreamOptions, type Streams } from './task.ts';

/** Mono samples at 16 kHz, or at another rate with that; or a WAV file: bytes, a Blob, a path (in Node) or an address. */
export type RecordingInput =
  | Float32Array
  | { readonly samples: Float32Array; readonly sampleRate: number }
  | Uint8Array
  | Blob
  | string;

export interface SpeechRecognitionOptions
  extends Omit<TranscribeOptions, 'timestamps' | 'signal'>,
    Omit<CallOptions, 'batchSize'> {
  /** Also give the pieces of the text with their times. Default false. */
  readonly returnTimestamps?: boolean | undefined;
}
export interface RecognizedChunk {
  /** Start and end in seconds. */
  readonly timestamp: readonly [number, number];
  readonly text: string;
}
export interface RecognizedSpeech {
  readonly text: string;
  /** With `returnTimestamps`. */
  readonly chunks?: readonly RecognizedChunk[];
}
export type SpeechRecognition = Calls<RecordingInput, SpeechRecognitionOptions, RecognizedSpeech> &
  Streams<RecordingInput, SpeechRecognitionOptions, SpeechSegment>;

export const task = defineTask<RecordingInput, SpeechRecognitionOptions, RecognizedSpeech, SpeechSegment>({
  name: 'automatic-speech-recognition',
  heads: ['seq2seqLM'],
  modality: 'audio',
  expects: 'samples at 16 kHz, { samples, sampleRate }, or the bytes, path or address of a WAV file',
  isInput: (value): value is RecordingInput =>
    typeof value === 'string' ||
    value instanceof Float32Array ||
    value instanceof Uint8Array ||
    value instanceof Blob ||
    (value as { samples?: unknown } | null)?.samples instanceof Float32Array,
  options: {
    ...{ returnTimestamps: flag, language: text, task: oneOf('transcribe', 'translate'), prompt: text },
    ...{ conditionOnPrevious: flag, latestStart: number, suppressTokens: ids, beginSuppressTokens: ids },
    ...{ temperatures: numbers, numBeams: count, bestOf: count, seed: integer, compressionRatioThreshold: number },
    ...{ logprobThreshold: number, noSpeechThreshold: number, vocabulary: anything, decode: call },
  },
  async run(model, recordings, options) {
    const { onProgress, ...rest } = options;
    const results: RecognizedSpeech[] = [];
    for (const recording of recordings) {
      const segments: SpeechSegment[] = [];
      for await (const segment of transcribe(model, await samplesOf(recording, rest), speechOptions(rest)))
        segments.push(segment);
      const whole = segments.map(segment => segment.text).join('');
      const chunks = segments.map(({ start, end, text }) => ({ timestamp: [start, end] as const, text }));
      results.push({ text: whole, ...(rest.returnTimestamps && { chunks }) });
      onProgress?.({ done: results.length, total: recordings.length });
    }
    return results;
  },
  async *stream(model, recording, options) {
    yield* transcribe(model, await samplesOf(recording, options), speechOptions(options));
  },
});

/** How the transcription is asked; pieces without times are whole windows. */
const speechOptions = ({
  returnTimestamps,
  ...options
}: StreamOptions<SpeechRecognitionOptions>): TranscribeOptions => ({
  ...options,
  timestamps: returnTimestamps ?? false,
});

/** Mono samples at a rate in Hz, by default the one that models hear. @throws ConfigError for none; what reading throws */
export async function samplesOf(
  recording: RecordingInput,
  options: { readonly rate?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<Float32Array> {
  const { samples, sampleRate } = await soundOf(recording, options.signal);
  if (samples.length === 0) throw new ConfigError('a recording without a sample', { expected: 'at least one' });
  return resample(samples, sampleRate, options.rate ?? SAMPLE_RATE);
}

async function soundOf(
  recording: RecordingInput,
  signal?: AbortSignal,
): Promise<{ readonly samples: Float32Array; readonly sampleRate: number }> {
  if (recording instanceof Float32Array) return { samples: recording, sampleRate: SAMPLE_RATE };
  if (typeof recording === 'string' || recording instanceof Uint8Array || recording instanceof Blob)
    return readWav((await readMedia(recording, signal)).bytes);
  return recording;
}
