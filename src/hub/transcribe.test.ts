import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../../test/families/tiny-model.ts';
import { createReferenceBackend } from '../backends/reference/index.ts';
import type { SpeechSegment, SpeechVocabulary } from '../generate/speech.ts';
import { timestampRules } from '../generate/timestamp-rules.ts';
import { logMel } from '../preprocess/log-mel.ts';
import { Tensor } from '../tensor/index.ts';
import { tokenizerFromJson } from '../tokenizers/index.ts';
import { speechVocabulary, type TranscribeOptions, transcribe } from './transcribe.ts';

/** A window has 12 steps, 0.24 s; times are 48 to 60. */
const VOCABULARY: SpeechVocabulary = {
  ...{ end: 40, start: 41, languages: { en: 42, de: 43 }, tasks: { transcribe: 44 }, previous: 45 },
  ...{ noSpeech: 46, noTimestamps: 47, firstTimestamp: 48 },
};
const backend = createReferenceBackend();
const decode = (ids: readonly number[]) => ids.join(' ');
const sound = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * i * 1e-5) / 2);
async function all(model: Awaited<ReturnType<typeof tinyModel>>, samples: Float32Array, options: TranscribeOptions) {
  const segments: SpeechSegment[] = [];
  for await (const segment of transcribe(model, samples, { vocabulary: VOCABULARY, decode, ...options }))
    segments.push(segment);
  return segments;
}

describe('transcribe', () => {
  it('writes what generateFrom writes from the features of the window, under the rules', async () => {
    const model = await tinyModel('whisper', backend);
    const samples = sound(3000);
    const settings = { language: 'de', temperatures: [0] };
    const segments = await all(model, samples, settings);
    const features = Tensor.from(logMel(samples, { bins: 8, frames: 24 }), [1, 8, 24]);
    const inputs = { input_features: features, decoder_input_ids: [[41, 43, 44]] };
    const expected = { ids: [] as readonly number[] };
    for await (const event of model.generateFrom(inputs, {
      ...{ maxNewTokens: 12, eosTokenId: 40, suppressTokens: [41, 44, 45, 46, 47] },
      processors: [timestampRules(VOCABULARY, 50)],
    }))
      if (event.type === 'done') expected.ids = event.sequences[0]!.ids;
    const { ids } = segments[0]!;
    expect(ids.length).toBeGreaterThan(1);
    expect(expected.ids.slice(0, ids.length)).toEqual(ids);
    expect(segments.every(({ start, end }) => start >= 0 && end > start)).toBe(true);
  });
  it('comes to the end of a long recording', async () => {
    const model = await tinyModel('whisper', backend);
    const segments = await all(model, sound(12_000), { seed: 1 });
    const starts = segments.map(({ start }) => start);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts.at(-1)).toBeGreaterThan(0.24);
    expect(['en', 'de']).toContain(segments[0]!.language);
  });
  it('refuses a model that does not hear', async () => {
    const model = await tinyModel('gpt2', backend);
    expect(() => transcribe(model, sound(10))).toThrow(/does not hear; seen: gpt2/);
  });
  it('wants a tokenizer, or to be told what it needs', async () => {
    const model = await tinyModel('whisper', backend);
    expect(() => transcribe(model, sound(10))).toThrow(/no tokenizer/);
  });
});

/** A tokenizer with nothing but these tokens from 50257 on. */
const named = (...names: string[]) => ({
  tokenToId: (token: string) => (names.includes(token) ? 50257 + names.indexOf(token) : undefined),
  idToToken: (id: number) => names[id - 50257],
});
const SPECIAL = ['<|endoftext|>', '<|startoftranscript|>', '<|en|>', '<|haw|>', '<|translate|>', '<|transcribe|>'];
describe('speechVocabulary', () => {
  it('older names, and times that the file does not hold', () => {
    const tokenizer = named(...SPECIAL, '<|startofprev|>', '<|nocaptions|>', '<|notimestamps|>');
    expect(speechVocabulary(tokenizer, 51865)).toEqual({
      ...{ end: 50257, start: 50258, languages: { en: 50259, haw: 50260 } },
      ...{ tasks: { translate: 50261, transcribe: 50262 }, previous: 50263 },
      ...{ noSpeech: 50264, noTimestamps: 50265, firstTimestamp: 50266 },
    });
    expect(speechVocabulary(tokenizer, 51864)).toMatchObject({ languages: {}, tasks: {} });
  });
  it('refuses a tokenizer for text', () => {
    expect(() => speechVocabulary(named('<|endoftext|>'), 50257)).toThrow(/startoftranscript/);
  });
});

const file = '../shared/tokenizers/whisper-tiny/tokenizer.json';
describe.skipIf(!existsSync(file))(`${file}${existsSync(file) ? '' : ' (absent)'}`, () => {
  it('has the published ids', () => {
    const vocabulary = speechVocabulary(tokenizerFromJson(JSON.parse(readFileSync(file, 'utf8'))), 51865);
    const { languages, ...rest } = vocabulary;
    expect(rest).toEqual({
      ...{ end: 50257, start: 50258, tasks: { translate: 50358, transcribe: 50359 }, previous: 50361 },
      ...{ noSpeech: 50362, noTimestamps: 50363, firstTimestamp: 50364 },
    });
    expect(Object.keys(languages).length).toBe(99);
    expect(languages).toMatchObject({ en: 50259, zh: 50260, de: 50261, es: 50262, ru: 50263 });
  });
});
