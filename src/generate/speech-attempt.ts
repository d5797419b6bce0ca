/**
 * A window of speech written down: the most probable transcript first, and where that one is repetitive or improbable drawn
 * ones, each with more chance than the last. Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak
 * Supervision", section 4.5.
 */
import { ConfigError } from '../errors.ts';
import type { Decoder } from './decoder.ts';
import { generate } from './generate.ts';
import type { LogitsProcessor } from './history.ts';
import type { GenerateOptions } from './options.ts';
import { logSumExp } from './select.ts';

export interface AttemptSettings {
  /** Tried in this order; 0 is the most probable transcript. */
  readonly temperatures: readonly number[];
  /** Beams at temperature 0. */
  readonly numBeams: number;
  /** Transcripts drawn above it, of which the most probable is taken. */
  readonly bestOf: number;
  /** A text that is this many times as long as when it is compressed repeats itself. */
  readonly compressionRatioThreshold: number;
  /** Mean log-probability of a token below which a transcript is not trusted. */
  readonly logprobThreshold: number;
  /** Above this probability of silence a transcript that is not trusted is none. */
  readonly noSpeechThreshold: number;
  /** Of what is drawn. */
  readonly seed: number;
}
export interface Attempt {
  /** Without the end token. */
  readonly ids: readonly number[];
  readonly text: string;
  readonly temperature: number;
  /** Per token, the end token included; after the processors, before the temperature. */
  readonly meanLogprob: number;
  readonly compressionRatio: number;
  /** Nobody speaks. */
  readonly isSilence: boolean;
}

/**
 * The first attempt that passes, or the last one.
 * @param window what the decoder is asked to continue, what it may generate, and the window's probability of silence
 */
export async function attemptWindow(
  decoder: Decoder,
  window: {
    readonly prompt: readonly number[];
    readonly options: GenerateOptions;
    readonly noSpeechProbability: number;
    textOf(ids: readonly number[]): string;
  },
  settings: AttemptSettings,
): Promise<Attempt> {
  const { compressionRatioThreshold, logprobThreshold, noSpeechThreshold, temperatures } = settings;
  for (const [i, temperature] of temperatures.entries()) {
    const { ids, meanLogprob } = await transcript(decoder, window.prompt, window.options, temperature, {
      ...settings,
      seed: settings.seed + i,
    });
    const text = window.textOf(ids);
    const ratio = await compressionRatio(text);
    const isDoubtful = meanLogprob < logprobThreshold;
    const isSilence = isDoubtful && window.noSpeechProbability > noSpeechThreshold;
    if (isSilence || !(isDoubtful || ratio > compressionRatioThreshold) || i === temperatures.length - 1)
      return { ids, text, temperature, meanLogprob, compressionRatio: ratio, isSilence };
  }
  throw new ConfigError('no temperature to decode at', { expected: 'at least one' });
}

interface Scored {
  readonly ids: readonly number[];
  readonly meanLogprob: number;
}

/** The transcript at a temperature: by mean log-probability the best of those drawn. */
async function transcript(
  decoder: Decoder,
  prompt: readonly number[],
  options: GenerateOptions,
  temperature: number,
  { numBeams, bestOf, seed }: Pick<AttemptSettings, 'numBeams' | 'bestOf' | 'seed'>,
): Promise<Scored> {
  const [beams, drawn] = temperature > 0 ? [1, bestOf] : [numBeams, 1];
  // The scores that a token is chosen by, as they are before the temperature.
  const scores = new Float32Array(decoder.vocabSize);
  const keep: LogitsProcessor = latest => scores.set(latest);
  const sums = new Array<number>(drawn).fill(0);
  const events = generate(decoder, [prompt], {
    ...options,
    ...{ temperature, seed, numBeams: beams, numReturnSequences: drawn, logprobs: beams > 1 },
    processors: [...(options.processors ?? []), ...(beams > 1 ? [] : [keep])],
  });
  for await (const event of events) {
    if (event.type === 'token') sums[event.sequence]! += scores[event.id]! - logSumExp(scores);
    if (event.type !== 'done') continue;
    const scored = event.sequences.map(({ ids, logprobs, finishReason }, i) => {
      const sum = logprobs ? logprobs.reduce((a, b) => a + b, 0) : sums[i]!;
      return { ids: finishReason === 'stop' ? ids.slice(0, -1) : ids, meanLogprob: sum / ids.length };
    });
    return scored.reduce((best, one) => (one.meanLogprob > best.meanLogprob ? one : best));
  }
  throw new ConfigError('generation ended without a transcript');
}

/** Bytes of a text over its bytes in zlib's format: 1 or less for what does not repeat itself, 0 for no text. */
export async function compressionRatio(text: string): Promise<number> {
  const bytes = new Blob([text]);
  const compressed = new Response(bytes.stream().pipeThrough(new CompressionStream('deflate')));
  return bytes.size / (await compressed.arrayBuffer()).byteLength;
}
