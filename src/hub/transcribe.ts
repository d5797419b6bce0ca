/** Speech to text with a loaded model: what its tokenizer calls the tokens of a transcript, and the windows it hears. */
import { ConfigError } from '../errors.ts';
import {
  type SpeechOptions,
  type SpeechSegment,
  type SpeechTask,
  type SpeechVocabulary,
  transcribeSpeech,
} from '../generate/speech.ts';
import type { Samples } from '../preprocess/sample-stream.ts';
import { Tensor } from '../tensor/index.ts';
import type { Tokenizer } from '../tokenizers/index.ts';
import type { Model } from './model.ts';

export interface TranscribeOptions extends Omit<SpeechOptions, 'promptIds'> {
  /** A text that might stand before: names, spelling, style. */
  readonly prompt?: string | undefined;
  /** In place of what the tokenizer says, for a model without one: the special tokens, and the text of ids. */
  readonly vocabulary?: SpeechVocabulary | undefined;
  readonly decode?: ((ids: readonly number[]) => string) | undefined;
}

/**
 * Writes a recording down, piece by piece with start and end in seconds, as its 30-second windows are done. The checkpoint's
 * lists of suppressed tokens hold unless others are given.
 * @param samples mono at 16 kHz, -1..1: all of them, or pieces as they come in (`readWav`, `resample`)
 * @throws ConfigError for a model that does not hear, options that do not fit it, or a tokenizer without speech tokens
 */
export function transcribe(
  model: Model,
  samples: Samples,
  { prompt, vocabulary, decode, ...options }: TranscribeOptions = {},
): AsyncGenerator<SpeechSegment, void, undefined> {
  const { architecture, config, defaults } = model.parts;
  const steps = architecture.sourceLength?.(config);
  const { contextLength } = model;
  const { num_mel_bins: bins } = config as { num_mel_bins?: number };
  if (architecture.modality !== 'audio' || !steps || !contextLength || !bins)
    throw new ConfigError('this model does not hear', { seen: model.parts.type, expected: 'a speech model' });
  const promptIds = prompt && model.tokenizer.encodeIds(` ${prompt.trim()}`, { addSpecialTokens: false });
  return transcribeSpeech(
    {
      vocabSize: model.vocabSize,
      ...{ contextLength, bins, steps },
      encode: features => model.encode({ input_features: Tensor.from(features, [1, bins, 2 * steps]) }),
    },
    vocabulary ?? speechVocabulary(model.tokenizer, model.vocabSize),
    decode ?? (ids => model.tokenizer.decode(ids)),
    samples,
    {
      ...options,
      suppressTokens: options.suppressTokens ?? defaults.suppressTokens,
      beginSuppressTokens: options.beginSuppressTokens ?? defaults.beginSuppressTokens,
      ...(promptIds && { promptIds }),
    },
  );
}

/** Models below this size know English only, although their tokenizers name every language. */
const LEAST_MULTILINGUAL = 51_865;
const TASKS: readonly SpeechTask[] = ['transcribe', 'translate'];

/**
 * The special tokens by the names that the published tokenizers give them.
 * @throws ConfigError naming a token that is not there
 */
export function speechVocabulary(
  tokenizer: Pick<Tokenizer, 'tokenToId' | 'idToToken'>,
  vocabSize: number,
): SpeechVocabulary {
  const find = (...names: string[]) => names.map(name => tokenizer.tokenToId(name)).find(id => id !== undefined);
  const id = (name: string) => {
    const found = find(name);
    if (found !== undefined) return found;
    throw new ConfigError('the tokenizer is not one for speech', { expected: name });
  };
  const [start, noTimestamps] = [id('<|startoftranscript|>'), id('<|notimestamps|>')];
  const isMultilingual = vocabSize >= LEAST_MULTILINGUAL;
  const tasks = isMultilingual ? Object.fromEntries(TASKS.map(task => [task, id(`<|${task}|>`)])) : {};
  const languages: Record<string, number> = {};
  // Between the start token and the tasks lie the languages.
  for (let at = start + 1; at < Math.min(...Object.values(tasks), vocabSize) && isMultilingual; at++) {
    const [, code] = /^<\|(.+)\|>$/.exec(tokenizer.idToToken(at) ?? '') ?? [];
    if (code !== undefined) languages[code] = at;
  }
  return {
    ...{ start, noTimestamps, languages, tasks },
    end: id('<|endoftext|>'),
    previous: id('<|startofprev|>'),
    noSpeech: find('<|nospeech|>', '<|nocaptions|>'),
    // Older tokenizer files end before the times.
    firstTimestamp: find('<|0.00|>') ?? noTimestamps + 1,
  };
}
