import { describe, expect, it } from 'vitest';
import { type TableDecoder, tableDecoder } from '../../test/generate/table-decoder.ts';
import { type SpeechOptions, type SpeechSegment, type SpeechVocabulary, transcribeSpeech } from './speech.ts';

/** Letters are 0 to 9, times 20 to 70: a window has 50 steps, one second. */
const VOCABULARY: SpeechVocabulary = {
  ...{ end: 10, start: 11, languages: { en: 12, de: 13 }, tasks: { transcribe: 14, translate: 15 } },
  ...{ previous: 16, noSpeech: 17, noTimestamps: 18, firstTimestamp: 20 },
};
const STEPS = 50;
const T = (step: number) => 20 + step;
const decode = (ids: readonly number[]) => ids.map(id => String.fromCharCode(97 + id)).join('');

interface Script {
  /** What the decoder wants to write after its prompt; then the end token. */
  readonly writes: readonly number[];
  /** Instead of the end token's, a probable token after the start token. */
  readonly afterStart?: number;
  /** How sure it is: logit of what it wants. */
  readonly sure?: number;
}
/** A model that hears the windows of a script, whatever they sound like. */
function listener(scripts: readonly Script[]) {
  const heard: Float32Array[] = [];
  const prompts: string[] = [];
  const decoders: TableDecoder[] = [];
  let disposed = 0;
  const encode = async (features: Float32Array) => {
    const { writes, afterStart = VOCABULARY.languages.en!, sure = 12 } = scripts[heard.length] ?? { writes: [] };
    heard.push(features);
    const decoder = tableDecoder({
      vocabSize: 71,
      contextLength: 40,
      logits(context) {
        const begin = context.lastIndexOf(VOCABULARY.start);
        const asked = context.slice(begin + 1).filter(id => id >= 12 && id <= 18).length;
        const written = context.length - begin - 1 - asked;
        if (written === 0 && asked > 0) prompts.push(context.join(' '));
        const wanted = asked === 0 ? afterStart : (writes[written] ?? VOCABULARY.end);
        return Array.from({ length: 71 }, (_, id) => (id === wanted ? sure : 0));
      },
    });
    decoders.push(decoder);
    return { ...decoder, dispose: () => void disposed++ };
  };
  return {
    ...{ vocabSize: 71, contextLength: 40, bins: 4, steps: STEPS, encode, heard, prompts },
    get open() {
      return heard.length - disposed + decoders.reduce((n, decoder) => n + decoder.openSessions, 0);
    },
  };
}
const seconds = (count: number) => new Float32Array(16000 * count).fill(0.1);
async function all(from: AsyncIterable<SpeechSegment>): Promise<SpeechSegment[]> {
  const segments: SpeechSegment[] = [];
  for await (const segment of from) segments.push(segment);
  return segments;
}
async function written(scripts: readonly Script[], length: number, options: SpeechOptions = {}) {
  const model = listener(scripts);
  const segments = await all(transcribeSpeech(model, VOCABULARY, decode, seconds(length), options));
  expect(model.open).toBe(0);
  return { model, segments, lines: segments.map(({ start, end, text }) => `${start} ${end} ${text}`) };
}
const A: Script = { writes: [T(0), 0, 1, T(20), T(20), 2, T(40), T(40)] };
const B: Script = { writes: [T(0), 3, T(10)] };

describe('transcribeSpeech', () => {
  it('goes on after the last pair of times, and gives seconds of the recording', async () => {
    const { lines, model } = await written([A, B], 1.5);
    expect(lines).toEqual(['0 0.4 ab', '0.4 0.8 c', '0.8 1 d']);
    expect(model.heard.map(features => features.length)).toEqual([400, 400]);
  });
  it('writes after what it wrote before, within half of the room', async () => {
    const { model } = await written([A, A, B], 2.6);
    const first = '20 0 1 40';
    expect(model.prompts[0]).toBe('11 12 14');
    expect(model.prompts[1]).toBe(`16 ${first} 40 2 60 11 12 14`);
    const many = await written([A], 0.9, { promptIds: Array.from({ length: 60 }, (_, i) => i % 10) });
    expect(many.model.prompts[0]).toBe(`16 ${Array.from({ length: 19 }, (_, i) => (i + 41) % 10).join(' ')} 11 12 14`);
    const alone = await written([A, B], 1.5, { conditionOnPrevious: false });
    expect(alone.model.prompts).toEqual(['11 12 14', '11 12 14']);
  });
  it('detects the language once, in the first window', async () => {
    const german = { ...A, afterStart: 13 };
    const { segments, model } = await written([german, B], 1.5);
    expect(segments.map(s => s.language)).toEqual(['de', 'de', 'de']);
    expect(model.prompts[1]).toMatch(/11 13 14$/);
  });
  it('is told language and task, and goes without times', async () => {
    const { model, lines } = await written([{ writes: [0, 1, 2] }], 0.7, {
      ...{ language: 'de', task: 'translate', timestamps: false },
    });
    expect(model.prompts[0]).toBe('11 13 15 18');
    expect(lines).toEqual(['0 0.7 abc']);
  });
  it('passes over windows in which nobody speaks', async () => {
    const silence: Script = { writes: [T(0), 5, T(9)], afterStart: VOCABULARY.noSpeech!, sure: 5 };
    const spoken: Script = { ...B, sure: 12 };
    const { lines, segments } = await written([silence, spoken], 1.3, { language: 'en', logprobThreshold: -0.1 });
    expect(lines).toEqual(['1 1.2 d']);
    expect(segments[0]!.noSpeechProbability).toBeLessThan(0.01);
    const trusted = await written([silence, spoken], 1.3, { language: 'en', logprobThreshold: -9 });
    expect(trusted.lines).toEqual(['0 0.18 f', '1 1.2 d']);
    expect(trusted.segments[0]!.noSpeechProbability).toBeCloseTo(Math.exp(5) / (Math.exp(5) + 70), 5);
  });
  it('leaves out empty pieces, and comes to an end', async () => {
    const nothing: Script = { writes: [T(0)] };
    const pair: Script = { writes: [T(0), 4, T(1), T(1), 5, T(2)] };
    const { lines, model } = await written([nothing, pair, B], 2.4);
    expect(lines).toEqual(['1 1.02 e', '1.02 1.04 f', '2 2.2 d']);
    expect(model.heard.length).toBe(3);
  });
  it('reads pieces as they come in, no more than a window ahead, and stops when the reader does', async () => {
    const log: string[] = [];
    async function* microphone() {
      try {
        for (let i = 0; ; i++) {
          log.push(`${i}`);
          yield seconds(0.5);
        }
      } finally {
        log.push('closed');
      }
    }
    const model = listener([A, B]);
    for await (const { text } of transcribeSpeech(model, VOCABULARY, decode, microphone())) if (text === 'd') break;
    expect(log).toEqual(['0', '1', '2', '3', 'closed']);
    expect(model.open).toBe(0);
  });
  it('stops when it is aborted', async () => {
    const model = listener([A, A, A]);
    const controller = new AbortController();
    const run = async () => {
      const options = { signal: controller.signal };
      for await (const _ of transcribeSpeech(model, VOCABULARY, decode, seconds(3), options)) controller.abort();
    };
    await expect(run()).rejects.toThrow(/abort/i);
    expect(model.heard.length).toBe(1);
    expect(model.open).toBe(0);
  });
  it('knows one language where the vocabulary has none', async () => {
    const model = listener([]);
    const english = { ...VOCABULARY, languages: {}, tasks: {} };
    const run = (options: SpeechOptions) => transcribeSpeech(model, english, decode, seconds(0), options);
    expect(await all(run({}))).toEqual([]);
    expect(() => run({ language: 'de' })).toThrow(/language; seen: "de"; expected: nothing/);
    expect(() => run({ task: 'translate' })).toThrow(/task; seen: "translate"/);
  });
  it('refuses options that do not fit', () => {
    const run = (options: object) => transcribeSpeech(listener([]), VOCABULARY, decode, seconds(1), options);
    expect(() => run({ language: 'xx' })).toThrow(/seen: "xx"; expected: en, de/);
    expect(() => run({ task: 'sing' })).toThrow(/seen: "sing"; expected: transcribe, translate/);
    expect(() => run({ temperatures: [] })).toThrow(/temperatures/);
    expect(() => run({ temperatures: [0, -1] })).toThrow(/temperatures/);
  });
});
