/** What all tasks have in common: inputs, batches, options, errors, streams, stopping, closing. */
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import type { TextEvent } from '../../src/generate/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import { Model } from '../../src/hub/model.ts';
import { type Pipeline, type PipelineOptions, pipeline } from '../../src/tasks/pipeline.ts';
import type { Answer } from '../../src/tasks/question-answering.ts';
import type { TaskAliases, TaskName } from '../../src/tasks/task-map.ts';
import type { EntityGroup, TokenEntity } from '../../src/tasks/token-classification.ts';
import { tinyCheckpoint, tinyFiles } from './tiny-checkpoints.ts';

const backend = createReferenceBackend();
const opened: { dispose(): void }[] = [];
async function open<N extends TaskName | keyof TaskAliases>(
  task: N,
  checkpoint: string,
  options: PipelineOptions = {},
): Promise<Pipeline<N>> {
  const pipe = await pipeline(task, tinyCheckpoint(checkpoint), { backend, ...options });
  opened.push(pipe);
  return pipe;
}
afterAll(() => {
  for (const pipe of opened) pipe.dispose();
});
/** A call that the types refuse. */
const loosely = (pipe: unknown) => pipe as (input: unknown, options?: object) => Promise<unknown>;

describe('the result of a call', () => {
  it('has the type of its task', async () => {
    const fill = await open('fill-mask', 'mlm');
    expectTypeOf((await fill('[MASK]'))[0]!.tokenStr).toEqualTypeOf<string>();
    const tokens = await open('ner', 'ner');
    expectTypeOf(await tokens('Anna')).toEqualTypeOf<TokenEntity[]>();
    expectTypeOf(await tokens('Anna', { aggregationStrategy: 'first' })).toEqualTypeOf<EntityGroup[]>();
    const answer = await open('question-answering', 'qa');
    const question = { question: 'Wo?', context: 'In Paris.' };
    expectTypeOf(await answer(question)).toEqualTypeOf<Answer>();
    expectTypeOf(await answer(question, { topK: 2 })).toEqualTypeOf<Answer[]>();
    expectTypeOf(await answer([question])).toEqualTypeOf<Answer[]>();
    const write = await open('text-generation', 'gpt');
    expectTypeOf(write.stream('a')).toEqualTypeOf<AsyncGenerator<TextEvent, void, undefined>>();
    expectTypeOf((await write('der', { maxNewTokens: 1 }))[0]!.generatedText).toEqualTypeOf<string>();
    expect(fill.task).toBe('fill-mask');
    expect(tokens.task).toBe('token-classification');
  });
  it('is the same in a batch of any lengths, in as many passes as batchSize says', async () => {
    const texts = ['wo?', 'the dog is nicht in Berlin und Anna liebt den Hund.', 'Der Hund jagt.', 'a', 'wer wohnt?'];
    const classify = await open('text-classification', 'sentiment');
    const alone = [];
    for (const text of texts) alone.push(await classify(text, { topK: 3 }));
    const seen: number[] = [];
    const together = await classify(texts, { topK: 3, batchSize: 2, onProgress: ({ done }) => seen.push(done) });
    expect(seen).toEqual([2, 4, 5]);
    for (const [i, labels] of together.entries())
      for (const [k, { label, score }] of labels.entries()) {
        expect(label).toBe(alone[i]![k]!.label);
        expect(score).toBeCloseTo(alone[i]![k]!.score, 5);
      }
  });
  it('is the same in a batch of a model that finds the last token by its own padding', async () => {
    const classify = await open('text-classification', 'gpt-classes');
    const texts = ['der hund jagt die katze', 'wo', 'anna wohnt'];
    const together = await classify(texts, { topK: 2 });
    for (const [i, text] of texts.entries())
      for (const [k, { label, score }] of (await classify(text, { topK: 2 })).entries()) {
        expect(together[i]![k]!.label).toBe(label);
        expect(together[i]![k]!.score).toBeCloseTo(score, 5);
      }
  });
  it('of a task that writes is the same in a batch, drawn ones too', async () => {
    const texts = ['der hund', 'anna wohnt in berlin', 'wo'];
    for (const [task, checkpoint] of [
      ['text-generation', 'gpt'],
      ['text2text-generation', 't5'],
    ] as const) {
      const write = loosely(await open(task, checkpoint));
      const greedy = { maxNewTokens: 5, temperature: 0 };
      const together = (await write(texts, { ...greedy, batchSize: 2 })) as unknown[];
      for (const [i, text] of texts.entries()) expect(together[i], text).toEqual(await write(text, greedy));
      const drawn = { maxNewTokens: 5, temperature: 1 };
      const some = (await write(texts, { ...drawn, seed: 3, batchSize: 2 })) as unknown[];
      for (const [i, text] of texts.entries())
        expect(some[i], text).toEqual(await write(text, { ...drawn, seed: 3 + i }));
    }
  });
});

describe('places in the text', () => {
  it('are UTF-16 units of it', async () => {
    const text = 'Übersport 😀 Änderungen in Paris';
    const tokens = await open('token-classification', 'ner');
    const found = await tokens(text, { ignoreLabels: [] });
    const smile = found.find(({ word }) => word === '😀')!;
    expect(text.slice(smile.start, smile.end)).toBe('😀');
    for (const { word, start, end } of found)
      if (!word.startsWith('##')) expect(text.slice(start, end).toLowerCase()).toBe(word);
    const fill = await open('fill-mask', 'mlm');
    const masked = '😀 Der [MASK] jagt 😀 [MASK].';
    const filled = await fill(masked, { topK: 1 });
    expect(filled.map(({ mask }) => mask)).toEqual([0, 1]);
    for (const { start, end } of filled) expect(masked.slice(start, end)).toBe('[MASK]');
  });
  it('of a text that is longer than the model reads are found in windows', async () => {
    const tokens = await open('token-classification', 'ner');
    const text = 'Anna wohnt in Berlin und Maria liebt Paris. '.repeat(12);
    const found = await tokens(text, { ignoreLabels: [] });
    const all = tokens.model.tokenizer.encode(text);
    expect(found.map(({ start, end }) => [start, end])).toEqual(all.offsets.slice(1, -1));
    expect(found.map(({ index }) => index)).toEqual(found.map((_, i) => i + 1));
    // The beginning is read as if nothing stood behind the first window.
    const [first] = await tokens([text.slice(0, all.offsets[62]![1])], { ignoreLabels: [] });
    expect(found.slice(0, 40).map(({ entity }) => entity)).toEqual(first!.slice(0, 40).map(({ entity }) => entity));
  });
});

describe('features', () => {
  it('have length 1 where that is asked for, of tokens too', async () => {
    const extract = await open('feature-extraction', 'mlm');
    const plain = await extract('der hund');
    const rows = await extract('der hund', { normalize: true });
    const length = (row: Float32Array) => Math.hypot(...row);
    for (const [t, row] of rows.entries()) {
      expect(length(row)).toBeCloseTo(1, 5);
      expect(row[0]! * length(plain[t]!)).toBeCloseTo(plain[t]![0]!, 5);
    }
    expect(length((await extract('der hund', { pooling: 'cls', normalize: true }))[0]!)).toBeCloseTo(1, 5);
  });
});

describe('events', () => {
  it('of a generation join to its result', async () => {
    const write = await open('text-generation', 'gpt');
    const options = { maxNewTokens: 6, temperature: 0 };
    let text = '';
    for await (const event of write.stream('der hund', options)) text += event.text;
    expect((await write('der hund', { ...options, returnFullText: false }))[0]!.generatedText).toBe(text);
    const translate = await open('translation', 'nllb');
    const into = { srcLang: 'eng_Latn', tgtLang: 'deu_Latn', maxNewTokens: 5 };
    let written = '';
    for await (const event of translate.stream('the dog', into)) written += event.text;
    expect((await translate('the dog', into))[0]!.translationText).toBe(written);
  });
  it('of a diffusion show the text after every step', async () => {
    const denoise = await open('denoise', 'mlm');
    const texts: string[] = [];
    for await (const event of denoise.stream('der [MASK] [MASK] [MASK] berlin', { steps: 3 })) texts.push(event.text);
    expect(texts.map(text => text.split('[MASK]').length - 1)).toEqual([2, 1, 0, 0]);
    expect(texts.every(text => text.startsWith('der') && text.endsWith('berlin'))).toBe(true);
    const { generatedText } = await denoise('der [MASK] [MASK] [MASK] berlin', { steps: 3 });
    expect(generatedText).toBe(texts.at(-1));
    const [more] = await denoise(['der hund'], { genLength: 4, steps: 2 });
    expect(more!.generatedText.startsWith('der hund')).toBe(true);
    await expect(denoise('der hund', { genLength: 0 })).rejects.toThrow(/nothing is hidden/);
  });
  it('of speech are its pieces', async () => {
    const hear = await open('automatic-speech-recognition', 'whisper');
    const sound = Float32Array.from({ length: 9000 }, (_, i) => Math.sin(i * i * 1e-5) / 2);
    const options = { returnTimestamps: true, temperatures: [0], noSpeechThreshold: 2 };
    const { text, chunks } = await hear(sound, options);
    const pieces = [];
    for await (const segment of hear.stream(sound, options)) pieces.push(segment);
    expect(pieces.length).toBeGreaterThan(0);
    expect(chunks).toEqual(pieces.map(({ start, end, text }) => ({ timestamp: [start, end], text })));
    expect(text).toBe(pieces.map(piece => piece.text).join(''));
    const twice = Float32Array.from({ length: 18_000 }, (_, i) => sound[i >> 1]!);
    expect((await hear({ samples: twice, sampleRate: 32_000 }, { temperatures: [0] })).text).toEqual(
      expect.any(String),
    );
    await expect(hear(new Float32Array(0))).rejects.toThrow(/without a sample/);
  });
});

describe('a call is refused', () => {
  it('for inputs that are none', async () => {
    const fill = loosely(await open('fill-mask', 'mlm'));
    await expect(fill('no mask here')).rejects.toThrow(/text without a mask.*\[MASK\]/);
    await expect(fill('')).rejects.toThrow(/empty text/);
    await expect(fill([])).rejects.toThrow(/not an input.*at least one/);
    await expect(fill(['[MASK]', 7])).rejects.toThrow(/not an input.*7.*input 1/);
    const answer = await open('question-answering', 'qa');
    await expect(answer({ question: '', context: 'x' })).rejects.toThrow(/nothing in the question/);
    // Characters of no width are no token.
    for (const context of [' ', '\u200b'])
      await expect(answer({ question: 'wo', context })).rejects.toThrow(/nothing in the context/);
    await expect(answer({ question: 'wo '.repeat(80), context: 'In Paris.' }, { maxSeqLen: 40 })).rejects.toThrow(
      /no room for the context.*maxQuestionLen/,
    );
  });
  it('for parts of inputs that are none', async () => {
    const similar = loosely(await open('sentence-similarity', 'mlm'));
    const some = { sourceSentence: 'der hund', sentences: ['wo'] };
    await expect(similar({ ...some, sentences: [] })).rejects.toThrow(/not an input.*sentences at least one/);
    await expect(similar([some, { ...some, sentences: ['wo', 7] }])).rejects.toThrow(/not an input.*input 1/);
    const rank = loosely(await open('reranking', 'reranker'));
    await expect(
      rank([
        { query: 'wo', documents: ['a'] },
        { query: 'wo', documents: [] },
      ]),
    ).rejects.toThrow(/documents at least one.*input 1/);
    const classify = loosely(await open('text-classification', 'nli'));
    await expect(classify({ text: 'der hund', textPair: 7 })).rejects.toThrow(/not an input.*textPair/);
  });
  it('for options that are none, all at once', async () => {
    const fill = loosely(await open('fill-mask', 'mlm'));
    await expect(fill('[MASK]', { topk: 3, targets: 5, batchSize: 0 })).rejects.toThrow(
      /topk is no option \(did you mean topK\?\); targets = 5 is not.*batchSize = 0/,
    );
    await expect(fill('[MASK]', { top_k: 3 })).rejects.toThrow(/did you mean topK/);
    await expect(fill('[MASK]', { targets: ['hundekatze'] })).rejects.toThrow(/one token.*hund ##e/);
    const write = loosely(await open('text-generation', 'gpt'));
    await expect(write('der', { maxNewTokens: 2, temprature: 1 })).rejects.toThrow(
      /temprature is no generation option/,
    );
    await expect(write([{ role: 'user', content: 'x' }], { returnFullText: 1 })).rejects.toThrow(/returnFullText/);
  });
  it('for languages that the model does not know, with those that it does', async () => {
    const translate = await open('translation', 'nllb');
    await expect(translate('the dog', { srcLang: 'eng_Latn', tgtLang: 'ita_Latn' })).rejects.toThrow(
      /language.*ita_Latn.*deu_Latn, eng_Latn, fra_Latn/,
    );
    const marian = await open('translation', 'marian');
    await expect(marian('the dog', { tgtLang: 'ita' })).rejects.toThrow(/seen: ita.*deu, fra/);
    const t5 = await open('translation', 't5');
    await expect(t5('the dog', { srcLang: 'en', tgtLang: 'fr' })).rejects.toThrow(/en to de/);
  });
  it('for a classifier that was not trained for inference', async () => {
    const choose = await open('zero-shot-classification', 'sentiment');
    await expect(choose('der hund', { candidateLabels: ['a'] })).rejects.toThrow(/LABEL_0, LABEL_1.*entail/);
    const inference = await open('zero-shot-classification', 'nli');
    await expect(inference('der hund', { candidateLabels: 'a,,b' })).rejects.toThrow(/none empty/);
    await expect(inference('x', { candidateLabels: 'a', hypothesisTemplate: 'It is.' })).rejects.toThrow(/\{\}/);
  });
  it('for a chat where the model has no template', async () => {
    const { 'tokenizer_config.json': _, ...files } = tinyFiles('gpt');
    const write = await pipeline('text-generation', memoryFiles(files), { backend });
    opened.push(write);
    await expect(write([{ role: 'user', content: 'x' }])).rejects.toThrow(/no chat template/);
    const own = { chatTemplate: '{{ messages[0].content }}', maxNewTokens: 2, returnFullText: false };
    const direct = await write('wo wohnt anna', { maxNewTokens: 2, returnFullText: false });
    expect(await write([{ role: 'user', content: 'wo wohnt anna' }], own)).toEqual(direct);
  });
});

describe('a pipeline', () => {
  it('is refused for a model that cannot do the task, with what it can do', async () => {
    await expect(open('fill-mask', 'sentiment')).rejects.toThrow(
      /cannot do fill-mask.*sequenceClassification.*text-classification, feature-extraction/,
    );
    await expect(open('text2text-generation', 'whisper')).rejects.toThrow(/automatic-speech-recognition/);
    await expect(loosely(pipeline)('fil-mask')).rejects.toThrow(/no such task.*fill-mask/);
  });
  it('runs another head of the model where it has it', async () => {
    const model = await load(tinyCheckpoint('pretraining'), { backend });
    expect(model.parts.head).toBe('pretraining');
    const fill = await pipeline('fill-mask', model);
    expect((await fill('Der [MASK].', { topK: 2 })).length).toBe(2);
    fill.dispose();
    // A model that was given stays open.
    const again = await pipeline('fill-mask', model);
    expect((await again('Der [MASK].')).length).toBe(5);
    await expect(fill('Der [MASK].')).rejects.toThrow(/pipeline is closed/);
    model.dispose();
    await expect(again('Der [MASK].')).rejects.toThrow(/disposed.*keep the model open/);
  });
  it('frees what it loaded', async () => {
    const pipe = await pipeline('feature-extraction', tinyCheckpoint('mlm'), { backend });
    expect(pipe.model).toBeInstanceOf(Model);
    pipe.dispose();
    await expect(pipe('der hund')).rejects.toThrow(/pipeline is closed/);
    await expect(pipe.model.run({ input_ids: [[1]] })).rejects.toThrow(/model is closed/);
  });
  it('stops when it is told to, between passes', async () => {
    const controller = new AbortController();
    const classify = await open('text-classification', 'nli');
    let passes = 0;
    const onProgress = () => {
      passes++;
      controller.abort(new Error('enough'));
    };
    const texts = ['a', 'b', 'c', 'd'];
    await expect(classify(texts, { batchSize: 1, onProgress, signal: controller.signal })).rejects.toThrow('enough');
    expect(passes).toBe(1);
    await expect(classify('a', { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  });
});
