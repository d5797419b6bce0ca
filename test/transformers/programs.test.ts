/**
 * Programs in the call shapes of transformers.js's documentation, with the import changed: one for each task that both have, on tiny
 * checkpoints with random weights below `env.localModelPath`, and on the models that come with heed. Values are heed's own.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { pipeline as heedPipeline, setDefaultBackend } from '../../src/index.ts';
import {
  AutoConfig,
  AutoModel,
  AutoModelForCausalLM,
  AutoModelForMaskedLM,
  AutoModelForSeq2SeqLM,
  AutoModelForSequenceClassification,
  AutoProcessor,
  AutoTokenizer,
  cos_sim,
  dot,
  env,
  InterruptableStoppingCriteria,
  mean_pooling,
  pipeline,
  RawImage,
  read_audio,
  StoppingCriteria,
  softmax,
  Tensor,
  TextStreamer,
} from '../../src/transformers/index.ts';
import { loadOptions } from '../../src/transformers/pretrained.ts';
import { tinyRecording } from '../cli/tiny-folders.ts';
import { tinyFiles } from '../tasks/tiny-checkpoints.ts';

const NAMES = ['sentiment', 'ner', 'ner-unigram', 'qa', 'mlm', 't5', 'nllb', 'gpt', 'nli', 'vit', 'whisper'];
const folder = mkdtempSync(join(tmpdir(), 'heed-programs-'));
beforeAll(() => {
  setDefaultBackend(async () => createReferenceBackend());
  for (const name of NAMES) {
    mkdirSync(join(folder, 'tiny', name), { recursive: true });
    for (const [file, bytes] of Object.entries(tinyFiles(name))) writeFileSync(join(folder, 'tiny', name, file), bytes);
  }
  env.localModelPath = folder;
  env.allowRemoteModels = false;
});
afterAll(() => rmSync(folder, { recursive: true }));
const close = (value: number) => expect.closeTo(value, 5);

describe('programs', () => {
  it('1: sentiment analysis', async () => {
    const classifier = await pipeline('sentiment-analysis', 'tiny/sentiment');
    const output = await classifier('anna liebt paris');
    expect(output).toEqual([{ label: expect.any(String), score: expect.any(Number) }]);
    const [first, second] = (await classifier(['anna liebt paris', 'wo'])) as [object, object];
    expect(first).toEqual({ ...output[0], score: close((output[0] as { score: number }).score) });
    expect(Object.keys(second)).toEqual(['label', 'score']);
    const all = (await classifier('wo', { top_k: null })) as { score: number }[];
    expect(all.length).toBeGreaterThan(1);
    expect((await classifier(['wo', 'wer'], { top_k: 2 })) as unknown[][]).toMatchObject([
      { length: 2 },
      { length: 2 },
    ]);
    await classifier.dispose();
    await expect(classifier('wo')).rejects.toThrow(/closed/);
  });
  it('2: token classification', async () => {
    const recognize = await pipeline('ner', 'tiny/ner');
    const entities = await recognize('Anna wohnt in Berlin', { ignore_labels: [] });
    const own = await heedPipeline('ner', join(folder, 'tiny/ner'));
    expect(entities).toEqual(await own('Anna wohnt in Berlin', { ignoreLabels: [] }));
    expect(entities[0]).toMatchObject({ entity: expect.any(String), index: 1, word: 'anna', start: 0, end: 4 });
    const groups = await recognize('Anna wohnt in Berlin', { aggregation_strategy: 'simple', ignore_labels: [] });
    expect(groups[0]).toHaveProperty('entity_group');
    own.dispose();
    await recognize.dispose();
    // A token is shown as it is read: without the mark of its vocabulary for the beginning of a word.
    const unigram = await pipeline('ner', 'tiny/ner-unigram');
    const words = (await unigram('der hund', { ignore_labels: [] })).map(({ word }) => word);
    expect(words).toEqual(['der', 'hund']);
    const [list] = await unigram(['der hund'], { ignore_labels: [] });
    expect(list!.map(({ word }) => word)).toEqual(words);
    await unigram.dispose();
  });
  it('3: question answering', async () => {
    const answerer = await pipeline('question-answering', 'tiny/qa');
    const answer = (await answerer('wo wohnt anna?', 'anna wohnt in berlin.')) as { answer: string; start: number };
    expect('anna wohnt in berlin.'.slice(answer.start).startsWith(answer.answer)).toBe(true);
    expect(await answerer('wo wohnt anna?', 'anna wohnt in berlin.', { top_k: 2 })).toMatchObject([answer, {}]);
    await answerer.dispose();
  });
  it('4: fill-mask', async () => {
    const unmasker = await pipeline('fill-mask', 'tiny/mlm');
    const output = await unmasker('der [MASK] jagt.');
    expect(output.length).toBe(5);
    expect(output[0]).toMatchObject({
      ...{ score: expect.any(Number), token: expect.any(Number) },
      ...{ token_str: expect.any(String), sequence: expect.stringContaining(output[0]!.token_str) },
    });
    expect((await unmasker(['der [MASK].', 'wo [MASK]?'], { top_k: 1 })).map(list => list.length)).toEqual([1, 1]);
    await unmasker.dispose();
  });
  it('5: summarization and translation', async () => {
    const summarizer = await pipeline('summarization', 'tiny/t5');
    const [summary] = await summarizer('der hund jagt die katze', { max_new_tokens: 8 });
    expect(summary).toEqual({ summary_text: expect.any(String) });
    // A streamer follows one text, although the checkpoint searches with three beams.
    const steps: number[] = [];
    const streamer = { put: ([ids]: bigint[][]) => void steps.push(ids!.length), end: () => void steps.push(0) };
    const options = { max_new_tokens: 4, eos_token_id: [] };
    const streamed = await summarizer('der hund jagt', { ...options, streamer });
    expect(steps).toEqual([1, 1, 1, 1, 1, 0]);
    expect(streamed).toEqual(await summarizer('der hund jagt', { ...options, num_beams: 1 }));
    await expect(summarizer('der hund', { num_beams: 2, streamer })).rejects.toThrow(/follows one sequence/);
    await summarizer.dispose();
    const translator = await pipeline('translation', 'tiny/nllb');
    const output = await translator('the dog', { src_lang: 'eng_Latn', tgt_lang: 'deu_Latn', max_new_tokens: 5 });
    expect(output).toEqual([{ translation_text: expect.any(String) }]);
    expect(
      (await translator(['a', 'b'], { src_lang: 'eng_Latn', tgt_lang: 'fra_Latn', max_new_tokens: 3 })).length,
    ).toBe(2);
    await translator.dispose();
  });
  it('6: text generation, with a streamer', async () => {
    const generator = await pipeline('text-generation', 'tiny/gpt');
    const options = { max_new_tokens: 8, do_sample: false };
    const [{ generated_text }] = (await generator('der hund', options)) as [{ generated_text: string }];
    expect(generated_text.startsWith('der hund')).toBe(true);
    let streamed = '';
    const streamer = new TextStreamer(generator.tokenizer!, {
      skip_prompt: true,
      callback_function: text => {
        streamed += text;
      },
    });
    await generator('der hund', { ...options, streamer });
    expect(generated_text).toBe(`der hund${streamed}`);
    const messages = [
      { role: 'user', content: 'wo?' },
      { role: 'assistant', content: 'in paris' },
      { role: 'user', content: 'wer?' },
    ];
    const chat = await generator(messages, options);
    expect(chat[0]!.generated_text.at(-1)).toEqual({ role: 'assistant', content: expect.any(String) });
    expect((await generator(['der', 'wo'], { ...options, return_full_text: false })).map(list => list.length)).toEqual([
      1, 1,
    ]);
    const stopping_criteria = new InterruptableStoppingCriteria();
    stopping_criteria.interrupt();
    const [short] = (await generator('der hund', { ...options, stopping_criteria })) as [{ generated_text: string }];
    expect(short.generated_text.length).toBeLessThan(generated_text.length);
    await expect(generator('der', { return_dict_in_generate: true })).rejects.toThrow(/has no return_dict_in_generate/);
    // A temperature alone does not ask for drawing.
    expect(await generator('der hund', { max_new_tokens: 8, temperature: 9 })).toEqual([{ generated_text }]);
    expect((await generator(messages.slice(0, 2), options))[0]!.generated_text.length).toBe(3);
    const asked = { ...options, tokenizer_encode_kwargs: { bos_token: '' } };
    expect((await generator(messages, asked))[0]!.generated_text.length).toBe(4);
    const seen: number[][] = [];
    class Watching extends StoppingCriteria {
      _call(input_ids: readonly (readonly number[])[]) {
        seen.push(...input_ids.map(ids => [...ids]));
        return input_ids.map(() => false);
      }
    }
    const several = { max_new_tokens: 3, do_sample: true, num_return_sequences: 2, eos_token_id: [] };
    await generator('der hund', { ...several, stopping_criteria: new Watching() });
    const prompt = generator.tokenizer!.encode('der hund');
    expect(seen.length).toBe(6);
    for (const ids of seen) expect(ids.slice(0, prompt.length)).toEqual(prompt);
    await generator.dispose();
  });
  it('7: zero-shot classification', async () => {
    const classifier = await pipeline('zero-shot-classification', 'tiny/nli');
    const output = await classifier('anna liebt sport', ['sport', 'paris'], { multi_label: true });
    expect(output).toMatchObject({ sequence: 'anna liebt sport', labels: { length: 2 }, scores: { length: 2 } });
    expect((await classifier('wo', 'sport, paris')).labels).toEqual(['sport, paris']);
    expect((await classifier(['wo', 'wer'], ['sport', 'paris'])).map(({ sequence }) => sequence)).toEqual([
      'wo',
      'wer',
    ]);
    await classifier.dispose();
  });
  it('8: feature extraction', async () => {
    const extractor = await pipeline('feature-extraction', 'tiny/mlm');
    const sentences = ['der hund jagt', 'die katze'];
    const output = await extractor(sentences, { pooling: 'mean', normalize: true });
    expect(output.dims).toEqual([2, 32]);
    const [a, b] = output.tolist() as number[][];
    expect(dot(a!, a!)).toBeCloseTo(1, 5);
    expect(cos_sim(a!, b!)).toBeCloseTo(dot(a!, b!), 5);
    const tokens = await extractor('der hund jagt');
    const tokenizer = await AutoTokenizer.from_pretrained('tiny/mlm');
    const { input_ids, attention_mask } = tokenizer('der hund jagt');
    expect(tokens.dims).toEqual([1, input_ids.dims[1], 32]);
    const mean = mean_pooling(tokens, attention_mask).normalize();
    for (const [i, x] of (mean.tolist()[0] as number[]).entries()) expect(x).toBeCloseTo(a![i]!, 5);
    const unit = await extractor('der hund jagt', { normalize: true });
    expect(unit.dims).toEqual(tokens.dims);
    for (const row of unit.tolist()[0] as number[][]) expect(dot(row, row)).toBeCloseTo(1, 5);
    await extractor.dispose();
  });
  it('9: image classification', async () => {
    const image = new RawImage(
      Uint8Array.from({ length: 20 * 12 * 3 }, (_, i) => (i * 37) % 256),
      20,
      12,
      3,
    );
    const classifier = await pipeline('image-classification', 'tiny/vit');
    const output = await classifier(image, { top_k: 2 });
    expect(output).toMatchObject([{ label: expect.any(String), score: expect.any(Number) }, {}]);
    const ppm = new Uint8Array([...new TextEncoder().encode('P6 20 12 255\n'), ...image.data]);
    expect((await RawImage.read(new Blob([ppm]))).data).toEqual(image.data);
    const processor = await AutoProcessor.from_pretrained('tiny/vit');
    const { pixel_values } = await processor(image);
    expect(pixel_values.dims).toEqual([1, 3, 16, 16]);
    const model = await AutoModel.from_pretrained('tiny/vit');
    expect((await model({ pixel_values })).last_hidden_state!.dims.length).toBe(3);
    await model.dispose();
    await classifier.dispose();
  });
  it('10: speech recognition', async () => {
    const transcriber = await pipeline('automatic-speech-recognition', 'tiny/whisper');
    const sound = Float32Array.from({ length: 9000 }, (_, i) => Math.sin(i * i * 1e-5) / 2);
    const output = await transcriber(sound, { return_timestamps: true, chunk_length_s: 30, stride_length_s: 5 });
    expect(output.text).toBe(output.chunks!.map(({ text }) => text).join(''));
    await expect(transcriber(sound, { return_timestamps: 'word' })).rejects.toThrow(/no times of single words/);
    const path = join(folder, 'sound.wav');
    writeFileSync(path, tinyRecording());
    expect((await read_audio(path)).length).toBe(9000);
    expect((await read_audio(pathToFileURL(path), 8000)).length).toBe(4500);
    await transcriber.dispose();
  });
});

describe('programs with models and tokenizers', () => {
  it('generate', async () => {
    const tokenizer = await AutoTokenizer.from_pretrained('tiny/gpt');
    const model = await AutoModelForCausalLM.from_pretrained('tiny/gpt', { dtype: 'fp32' });
    const messages = [{ role: 'user', content: 'wo?' }];
    const inputs = tokenizer.apply_chat_template(messages, { add_generation_prompt: true, return_dict: true });
    const text = tokenizer.apply_chat_template(messages, { tokenize: false, add_generation_prompt: true });
    expect(text).toBe('<s><|user|> wo?</s><|assistant|>');
    expect(inputs.input_ids.tolist()).toEqual([tokenizer.encode(text, { add_special_tokens: false }).map(BigInt)]);
    const outputs = await model.generate({ ...inputs, max_new_tokens: 4, do_sample: false, eos_token_id: [] });
    const length = inputs.input_ids.dims.at(-1)!;
    expect(outputs.dims).toEqual([1, length + 4]);
    expect(outputs.slice(null, [0, length]).tolist()).toEqual(inputs.input_ids.tolist());
    const [decoded] = tokenizer.batch_decode(outputs.slice(null, [length, null]), { skip_special_tokens: true });
    expect(decoded).toBe(tokenizer.decode(outputs[0]!.numbers().slice(length), { skip_special_tokens: true }));
    const { logits } = await model(inputs);
    const last = logits!.slice(0, -1).numbers();
    expect(Number(outputs[0]!.data[length])).toBe(last.indexOf(Math.max(...last)));
    const seen: bigint[] = [];
    const streamer = new TextStreamer(tokenizer, {
      token_callback_function: ids => void seen.push(...ids),
      callback_function() {},
    });
    await model.generate({ ...inputs, max_new_tokens: 4, do_sample: false, eos_token_id: [], streamer });
    expect(seen).toEqual(outputs.tolist()[0]);
    const seq2seq = await AutoModelForSeq2SeqLM.from_pretrained('tiny/t5');
    const source = await AutoTokenizer.from_pretrained('tiny/t5');
    const batch = source(['der hund jagt', 'wo'], { padding: true });
    const answers = await seq2seq.generate({ ...batch, max_new_tokens: 5, num_beams: 2 });
    expect(answers.dims[0]).toBe(2);
    expect([...answers].map(row => Number((row as Tensor).data[0]))).toEqual([0, 0]);
    await seq2seq.dispose();
    await model.dispose();
  });
  it('classify by hand', async () => {
    const tokenizer = await AutoTokenizer.from_pretrained('tiny/nli');
    const model = await AutoModelForSequenceClassification.from_pretrained('tiny/nli');
    const { logits } = await model(tokenizer('anna liebt sport', { text_pair: 'wo' }));
    const scores = softmax(logits!.data as Float32Array);
    expect(scores.length).toBe(3);
    expect(scores.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 6);
    expect((model.config.id2label as Record<string, string>)[0]).toBe('contradiction');
    expect(await AutoConfig.from_pretrained('tiny/nli')).toEqual(model.config);
    await model.dispose();
    const masked = await AutoModelForMaskedLM.from_pretrained('tiny/mlm');
    const bert = await AutoTokenizer.from_pretrained('tiny/mlm');
    const inputs = bert(['der [MASK]', 'wo wohnt anna'], { padding: true, truncation: true });
    expect(Object.keys(inputs)).toEqual(['input_ids', 'attention_mask', 'token_type_ids']);
    expect((await masked(inputs)).logits!.dims).toEqual([...inputs.input_ids.dims, 120]);
    expect(bert.mask_token).toBe('[MASK]');
    expect(bert.tokenize('der hund')).toEqual(['der', 'hund']);
    expect(bert('der hund', { return_tensor: false }).input_ids).toEqual(bert.encode('der hund'));
    expect(() => bert(['a', 'der hund jagt'])).toThrow(/padding: true/);
    await masked.dispose();
  });
  it('cut and pad as there', async () => {
    const tokenizer = await AutoTokenizer.from_pretrained('tiny/mlm');
    const texts = ['der hund jagt die katze', 'wo'];
    expect(tokenizer(texts[0]!, { max_length: 4 }).input_ids.dims).toEqual([1, 4]);
    expect(tokenizer(texts, { max_length: 4, padding: true }).input_ids.dims).toEqual([2, 7]);
    expect(tokenizer(texts, { padding: 'max_length' }).input_ids.dims).toEqual([2, 64]);
    const marks = () => tokenizer(texts, { padding: true }).attention_mask.tolist()[1];
    expect(marks()).toEqual([1n, 1n, 1n, 0n, 0n, 0n, 0n]);
    tokenizer.padding_side = 'left';
    expect(marks()).toEqual([0n, 0n, 0n, 0n, 1n, 1n, 1n]);
    expect(tokenizer.all_special_ids).toContain(tokenizer.mask_token_id);
    // What many files write where there is no limit.
    const endless = { ...tinyFiles('mlm'), 'tokenizer_config.json': Buffer.from('{"model_max_length": 1e30}') };
    mkdirSync(join(folder, 'tiny', 'endless'));
    for (const [file, bytes] of Object.entries(endless)) writeFileSync(join(folder, 'tiny', 'endless', file), bytes);
    const other = await AutoTokenizer.from_pretrained('tiny/endless');
    expect(() => other(texts, { padding: 'max_length' })).toThrow(/a length that nothing says/);
  });
  it('are told how far loading is', () => {
    const events: string[] = [];
    const { onProgress } = loadOptions('name', {
      progress_callback: event => void events.push(`${event.status} ${'file' in event ? event.file : ''}`),
    });
    const bytes = (file: string, loadedBytes: number) =>
      onProgress!({ stage: 'download', file, loadedBytes, totalBytes: 9, presentBytes: 0 });
    bytes('a', 3);
    bytes('b', 6);
    bytes('a', 9);
    expect(events).toEqual(['initiate a', 'progress a', 'initiate b', 'progress b', 'progress a', 'done a', 'done b']);
  });
  it('are told what has no meaning here', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const model = await AutoModel.from_pretrained('tiny/mlm', { dtype: 'q4', device: 'webgpu', subfolder: 'onnx' });
    expect(warned.mock.calls.map(([text]) => text).join('\n')).toMatch(/subfolder.*\n.*webgpu.*\n.*q4/);
    warned.mockRestore();
    await model.dispose();
    await expect(pipeline('depth-estimation' as 'ner', 'tiny/ner')).rejects.toThrow(/no such task/);
    await expect(AutoModel.from_pretrained('Xenova/bert-base-uncased')).rejects.toThrow(/holds ONNX files/);
    await expect(AutoModelForCausalLM.from_pretrained('tiny/mlm')).rejects.toThrow(/no such head|causalLM/);
  });
});

describe('a tensor', () => {
  const x = new Tensor('float32', [1, 2, 3, 4, 5, 6], [2, 3]);
  it('has parts, dimensions and means', () => {
    expect(x instanceof Tensor).toBe(true);
    expect(x[1]!.tolist()).toEqual([4, 5, 6]);
    expect(x.slice(null, [1, -1]).tolist()).toEqual([[2], [5]]);
    expect(x.slice(-1, 2).item()).toBe(6);
    expect(x.transpose().tolist()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(x.view(3, -1).dims).toEqual([3, 2]);
    expect(x.unsqueeze(0).squeeze().dims).toEqual([2, 3]);
    expect(x.mean(0).tolist()).toEqual([2.5, 3.5, 4.5]);
    expect(x.mean().item()).toBe(3.5);
    expect(x.normalize(2, -1).tolist()[0]).toEqual([1, 2, 3].map(y => close(y / Math.sqrt(14))));
    expect(x.to('int64').tolist()).toEqual([
      [1n, 2n, 3n],
      [4n, 5n, 6n],
    ]);
    expect([...x].map(row => (row as Tensor).dims)).toEqual([[3], [3]]);
    expect(() => new Tensor('float32', [1], [2])).toThrow(/does not fill/);
    expect(() => x.slice(2)).toThrow(/no such place/);
  });
});

describe('programs on models that come with heed', () => {
  it('write', async () => {
    const generator = await pipeline('text-generation', 'kleinwelt-llama');
    const [{ generated_text }] = (await generator('Der Hund', { max_new_tokens: 8 })) as [{ generated_text: string }];
    expect(generated_text.startsWith('Der Hund')).toBe(true);
    await generator.dispose();
  });
  it('translate', async () => {
    const translator = await pipeline('translation', 'kleinwelt-marian');
    const output = await translator('Der Hund jagt die Katze.', { src_lang: 'de', tgt_lang: 'en' });
    expect(output).toEqual([{ translation_text: 'The dog chases the cat.' }]);
    await translator.dispose();
  });
  it('fill, judge and answer', async () => {
    const unmasker = await pipeline('fill-mask', 'kleinwelt-bert');
    const found = (await unmasker('Der Hund [MASK] die Katze.')) as { token_str: string }[];
    expect(found.map(({ token_str }) => token_str)).toContain('jagt');
    await unmasker.dispose();
    const classifier = await pipeline('sentiment-analysis', 'kleinwelt-bert-sentiment');
    expect(await classifier('Die Suppe ist nicht gut.')).toMatchObject([{ label: 'negative' }]);
    await classifier.dispose();
    const answerer = await pipeline('question-answering', 'kleinwelt-bert-answers');
    expect(await answerer('Wen jagt der Hund?', 'Der Hund jagt die Katze.')).toMatchObject({ answer: 'die Katze' });
    await answerer.dispose();
  });
});
