/** `heed/ai-sdk` under both major versions of the `ai` package that take it, on a tiny checkpoint with random weights. */
import * as ai7 from 'ai';
import * as ai6 from 'ai-6';
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { heedProvider } from '../../src/ai-sdk/index.ts';
import type { StreamPart } from '../../src/ai-sdk/specification.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { choices } from '../../src/generate/index.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import { chatPrompt } from '../../src/tasks/chat-template.ts';
import { tinyCheckpoint } from '../tasks/tiny-checkpoints.ts';
import { type TEMPLATES, tinyChat } from './tiny-chat.ts';

// It says on the console what is deprecated in it.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });
const backend = await createWasmBackend({ threads: 1 });
const heed = heedProvider({ backend });
const opened: Model[] = [];
const open = async (template?: keyof typeof TEMPLATES): Promise<Model> => {
  const model = await load(tinyChat(template).files, { backend });
  opened.push(model);
  return model;
};
const [plain, bare, hermes, json] = await Promise.all([open(), open('bare'), open('hermes'), open('json')]);
afterAll(() => {
  heed.dispose();
  for (const model of opened) model.dispose();
  backend.close();
});

// Both have the functions that are used here in the same form; that the types fit each of them is tested below.
const MAJORS = [
  { name: 'ai 7', sdk: ai7 },
  { name: 'ai 6', sdk: ai6 as unknown as typeof ai7 },
];
const GREEDY = { temperature: 0, maxOutputTokens: 12, maxRetries: 0 };
/** What a model of random weights is made to write. */
const writes = (text: string) => ({ heed: { constraint: choices([text]) as never } });

async function texts(model: Model, prompt: string | number[], maxNewTokens = 12): Promise<string> {
  let text = '';
  for await (const event of model.generate([prompt], { temperature: 0, maxNewTokens })) text += event.text;
  return text;
}
const person = z.object({
  name: z.string().max(8),
  age: z.int().min(0).max(120),
  tags: z.array(z.enum(['a', 'b'])).max(2),
});

describe('the types', () => {
  it('are those that both versions take', () => {
    expectTypeOf(heed('id')).toExtend<ai7.LanguageModel>();
    expectTypeOf(heed('id')).toExtend<ai6.LanguageModel>();
    expectTypeOf(heed.embeddingModel('id')).toExtend<ai7.EmbeddingModel>();
    expectTypeOf(heed.embeddingModel('id')).toExtend<ai6.EmbeddingModel>();
    expectTypeOf(heed).toExtend<Parameters<typeof ai7.createProviderRegistry>[0][string]>();
    expectTypeOf(heed).toExtend<Parameters<typeof ai6.createProviderRegistry>[0][string]>();
    expect(ai6.createProviderRegistry({ heed }).languageModel('heed:some/model').modelId).toBe('some/model');
    expect(() => heed.imageModel('x')).toThrow(/no models that make pictures/);
  });
});

describe.each(MAJORS)('$name', ({ sdk }) => {
  const { generateText, streamText, generateObject, streamObject, Output, tool } = sdk;

  it('generates what the model continues', async () => {
    const result = await generateText({ model: heed(plain), prompt: 'The dog', ...GREEDY });
    expect(result.text).toBe(await texts(plain, 'The dog'));
    expect(result.finishReason).toBe('length');
    expect(result.usage).toMatchObject({ inputTokens: 7, outputTokens: 12, totalTokens: 19 });
    expect(result.warnings ?? []).toEqual([]);
  });
  it('speaks as the chat template says', async () => {
    const messages = [
      { role: 'user' as const, content: 'Hi.' },
      { role: 'assistant' as const, content: 'Yes?' },
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text: 'Who' },
          { type: 'text' as const, text: 'is it?' },
        ],
      },
    ];
    const { text } = await generateText({ model: heed(bare), messages, ...GREEDY });
    const chat = [...messages.slice(0, 2), { role: 'user', content: 'Who\nis it?' }] as {
      role: string;
      content: string;
    }[];
    const prompt = await chatPrompt(bare, chat);
    expect(prompt).toBe('<s>user: Hi.</s><s>assistant: Yes?</s><s>user: Who\nis it?</s><s>assistant: ');
    expect(text).toBe(await texts(bare, bare.tokenizer.encodeIds(prompt)));
  });
  it('writes a conversation in paragraphs for a model without a template', async () => {
    const messages = [
      { role: 'user' as const, content: 'Hi.' },
      { role: 'assistant' as const, content: 'Yes?' },
      { role: 'user' as const, content: 'Go.' },
    ];
    const { text } = await generateText({ model: heed(plain), messages, ...GREEDY });
    expect(text).toBe(await texts(plain, 'User: Hi.\n\nAssistant: Yes?\n\nUser: Go.\n\nAssistant:'));
    const stopped = await generateText({
      ...{ model: heed(plain), messages, ...GREEDY, maxOutputTokens: 40 },
      providerOptions: { heed: { sequenceBias: writesBias('No.\n\nUser: x') as never } },
    });
    expect(stopped.text).toBe('No.');
    expect(stopped.finishReason).toBe('stop');
  });
  it('streams the same', async () => {
    const result = streamText({ model: heed(plain), prompt: 'The dog', ...GREEDY });
    const deltas: string[] = [];
    for await (const delta of result.textStream) deltas.push(delta);
    expect(deltas.length).toBeGreaterThan(3);
    expect(deltas.join('')).toBe(await texts(plain, 'The dog'));
    expect(await result.finishReason).toBe('length');
    expect(await result.usage).toMatchObject({ inputTokens: 7, outputTokens: 12 });
    expect((await result.providerMetadata)?.heed).toMatchObject({ promptMs: expect.any(Number) });
  });
  it('samples as it is told', async () => {
    const settings = { model: heed(plain), prompt: 'a', maxOutputTokens: 30, temperature: 2, topK: 90, topP: 0.99 };
    const [first, again, other] = [
      await generateText({ ...settings, seed: 1 }),
      await generateText({ ...settings, seed: 1 }),
      await generateText({ ...settings, seed: 2, presencePenalty: 1, frequencyPenalty: 1 }),
    ];
    expect(again.text).toBe(first.text);
    expect(other.text).not.toBe(first.text);
    expect(first.providerMetadata?.heed?.seed).toBe(1);
    const at = first.text.slice(10, 12);
    const stopped = await generateText({ ...settings, seed: 1, stopSequences: [at] });
    expect(stopped.text).toBe(first.text.slice(0, first.text.indexOf(at)));
    expect(stopped.finishReason).toBe('stop');
    const more = await generateText({ ...settings, ...GREEDY, providerOptions: { heed: { repetitionPenalty: 9 } } });
    expect(more.text).not.toBe((await generateText({ ...settings, ...GREEDY })).text);
  });
  it('writes objects by a schema', async () => {
    for (const seed of [1, 2]) {
      const settings = { model: heed(plain), prompt: 'A person:', temperature: 1.5, seed, maxOutputTokens: 60 };
      const { object, finishReason } = await generateObject({ ...settings, schema: person });
      expect(person.parse(object)).toEqual(object);
      expect(finishReason).toBe('stop');
      const { output } = await generateText({ ...settings, output: Output.object({ schema: person }) });
      expect(output).toEqual(object);
      const stream = streamObject({ ...settings, schema: person });
      const partial: unknown[] = [];
      for await (const part of stream.partialObjectStream) partial.push(part);
      expect(partial.length).toBeGreaterThan(1);
      expect(await stream.object).toEqual(object);
    }
    const list = await generateObject({
      ...{ model: heed(plain), prompt: 'x', temperature: 1, seed: 5, maxOutputTokens: 40 },
      ...{ output: 'array' as const, schema: z.object({ v: z.int() }) },
    });
    expect(Array.isArray(list.object)).toBe(true);
    const any = await generateObject({
      ...{ model: heed(plain), prompt: 'x', seed: 1, maxOutputTokens: 20 },
      output: 'no-schema',
    });
    expect(any.object).toBeDefined();
  });
  it('calls tools that have to be called, with valid arguments', async () => {
    const seen: unknown[] = [];
    const point = z.object({ x: z.int().min(0).max(9), unit: z.enum(['cm', 'm']) });
    const tools = {
      measure: tool({
        ...{ description: 'Measures.', inputSchema: point },
        execute: async (input: z.infer<typeof point>) => {
          seen.push(input);
          return { done: true };
        },
      }),
      rest: tool({ inputSchema: z.object({ reason: z.string().max(5) }), execute: async () => 'rested' }),
    };
    for (const model of [plain, bare, hermes, json]) {
      const settings = { model: heed(model), prompt: 'Go', tools, temperature: 1, seed: 4, maxOutputTokens: 80 };
      const one = await generateText({ ...settings, toolChoice: { type: 'tool', toolName: 'measure' } });
      expect(one.finishReason).toBe('tool-calls');
      expect(one.text).toBe('');
      expect(one.toolCalls.map(({ toolName }) => toolName)).toEqual(['measure']);
      expect(point.parse(one.toolCalls[0]!.input)).toEqual(seen.at(-1));
      expect(one.toolResults[0]!.output).toEqual({ done: true });
      expect((one.warnings ?? []).map(({ type }) => type)).toEqual(
        model === bare || model === plain ? ['compatibility'] : [],
      );
      const any = streamText({ ...settings, toolChoice: 'required' });
      expect(['measure', 'rest']).toContain((await any.toolCalls)[0]!.toolName);
    }
  });
  it('finds calls in what a model writes, and goes on with their results', async () => {
    const tools = {
      add: tool({ inputSchema: z.object({ a: z.number() }), execute: async ({ a }: { a: number }) => a + 1 }),
    };
    const call = '<tool_call>{"name": "add", "arguments": {"a": 2}}</tool_call>';
    const settings = { model: heed(hermes), tools, temperature: 0, maxOutputTokens: 100 };
    const result = await generateText({ ...settings, prompt: 'Go', providerOptions: writes(`I add. ${call}`) });
    expect(result.text).toBe('I add.');
    expect(result.toolCalls).toMatchObject([{ toolName: 'add', input: { a: 2 } }]);
    const { messages } = result.response;
    const next = await generateText({
      ...{ model: heed(hermes), temperature: 0, maxOutputTokens: 12 },
      messages: [{ role: 'user', content: 'Go' }, ...messages],
    });
    const prompt = '<s>user: Go</s><s>assistant: I add. calls add {"a": 2}</s><s>tool: 3</s><s>assistant: ';
    expect(next.text).toBe(await texts(hermes, hermes.tokenizer.encodeIds(prompt)));
    const steps = await generateText({
      ...settings,
      prompt: 'Go',
      stopWhen: ({ steps }: { steps: readonly unknown[] }) => steps.length === 2,
      providerOptions: writes(call),
    });
    expect(steps.steps.length).toBe(2);
    const stream = streamText({
      ...settings,
      prompt: 'Go',
      providerOptions: writes('{"name": "add", "parameters": {"a": 2}}'),
    });
    const kinds: string[] = [];
    for await (const part of stream.fullStream) kinds.push(part.type);
    expect(kinds).toContain('tool-input-start');
    expect(kinds).toContain('tool-result');
    expect(kinds).not.toContain('text-delta');
    expect(await stream.finishReason).toBe('tool-calls');
    const none = await generateText({ ...settings, prompt: 'Go', toolChoice: 'none', providerOptions: writes(call) });
    expect(none.text).toBe(call);
    const answer = await generateText({
      ...{ ...settings, model: heed(json), prompt: 'Go', output: Output.object({ schema: person }), seed: 3 },
      providerOptions: { heed: {} },
    });
    expect(answer.toolCalls.length > 0 || person.safeParse(answer.output).success).toBe(true);
  });
  it('makes vectors', async () => {
    const { embed, embedMany, cosineSimilarity } = sdk;
    const encoder = await load(tinyCheckpoint('mlm'), { backend });
    const model = heed.embeddingModel(encoder);
    const values = ['der hund', 'die katze jagt den hund in berlin', 'wo'];
    const { embeddings, usage } = await embedMany({ model, values });
    expect(usage.tokens).toBe(values.reduce((sum, value) => sum + encoder.tokenizer.encodeIds(value).length, 0));
    for (const [i, value] of values.entries()) {
      const { embedding } = await embed({ model, value });
      expect(embedding).toEqual(Array.from((await (await encoder.embed(value)).data()) as Float32Array));
      expect(cosineSimilarity(embedding, embeddings[i]!)).toBeCloseTo(1, 5);
    }
    encoder.dispose();
  });
  it('stops when it is aborted', async () => {
    const reason = new DOMException('enough', 'AbortError');
    await expect(
      generateText({ ...{ model: heed(plain), prompt: 'a', ...GREEDY }, abortSignal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    const controller = new AbortController();
    const aborts = generateText({
      ...{ model: heed(plain), prompt: 'a', maxOutputTokens: 4000 },
      ...{ abortSignal: controller.signal, providerOptions: { heed: { eosTokenId: [] } } },
    });
    setTimeout(() => controller.abort(reason), 20);
    await expect(aborts).rejects.toBe(reason);
    const streaming = new AbortController();
    let isAborted = false;
    const stream = streamText({
      ...{ model: heed(plain), prompt: 'a', maxOutputTokens: 4000, abortSignal: streaming.signal },
      ...{ providerOptions: { heed: { eosTokenId: [] } }, onAbort: () => void (isAborted = true) },
    });
    let deltas = 0;
    for await (const part of stream.fullStream)
      if (part.type === 'text-delta' && ++deltas === 3) streaming.abort(reason);
    expect(isAborted).toBe(true);
    expect(deltas).toBeLessThan(20);
  });
  it('says what it cannot do', async () => {
    const settings = { model: heed(plain), ...GREEDY };
    const image = { type: 'file' as const, mediaType: 'image/png', data: new Uint8Array([1]) };
    await expect(generateText({ ...settings, messages: [{ role: 'user', content: [image] }] })).rejects.toThrow(
      /read text only; seen: image\/png/,
    );
    await expect(generateText({ ...settings, prompt: 'a', providerOptions: { heed: { topQ: 1 } } })).rejects.toThrow(
      /topQ is no generation option/,
    );
    const encoder = await load(tinyCheckpoint('mlm'), { backend });
    await expect(generateText({ ...GREEDY, model: heed(encoder), prompt: 'a' })).rejects.toThrow(/does not generate/);
    encoder.dispose();
    const errors: unknown[] = [];
    const stream = streamText({ ...settings, prompt: 'a', topP: 7, onError: ({ error }) => void errors.push(error) });
    for await (const _ of stream.textStream) expect.unreachable();
    expect(String(errors[0])).toMatch(/topP = 7 is not a number from 0 to 1/);
  });
});

/** Biases under which a decoder writes a text of which each pair of characters is followed by one character only. */
function writesBias(text: string) {
  const ids = plain.tokenizer.encodeIds(text);
  const start = plain.tokenizer.encodeIds('t:');
  const all = [...start, ...ids];
  return ids.map((_, i) => ({ ids: all.slice(i, i + 3), bias: 1e6 }));
}

describe('a provider', () => {
  const prompt = [{ role: 'user' as const, content: [{ type: 'text', text: 'The dog' }] }];
  it('loads a model once, for calls that run at the same time', async () => {
    const { files, opened } = tinyChat();
    const provider = heedProvider({ backend });
    const seeds = [1, 2, 3, 4];
    const call = (seed: number) => ({ prompt, seed, temperature: 1, maxOutputTokens: 8 });
    const together = await Promise.all(seeds.map(seed => provider(files).doGenerate(call(seed))));
    expect(opened.filter(file => file === 'model.safetensors').length).toBe(1);
    for (const [i, seed] of seeds.entries())
      expect((await provider(files).doGenerate(call(seed))).content).toEqual(together[i]!.content);
    expect(opened.filter(file => file === 'model.safetensors').length).toBe(1);
    provider.dispose();
    await provider(files).doGenerate(call(1));
    expect(opened.filter(file => file === 'model.safetensors').length).toBe(2);
    provider.dispose();
  });
  it('tries again to load what failed, and lets one call go while others wait', async () => {
    const { files } = tinyChat();
    let fails = true;
    const flaky = {
      ...files,
      open: (...call: Parameters<typeof files.open>) =>
        fails ? Promise.reject(new Error('no line')) : files.open(...call),
    };
    const provider = heedProvider({ backend });
    await expect(provider(flaky).doGenerate({ prompt })).rejects.toThrow('no line');
    fails = false;
    const controller = new AbortController();
    const gone = provider(flaky).doGenerate({ prompt, abortSignal: controller.signal });
    const stays = provider(flaky).doGenerate({ prompt, maxOutputTokens: 1 });
    controller.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect((await stays).usage.outputTokens.total).toBe(1);
    provider.dispose();
  });
  it('warns of what it passes over', async () => {
    const { stream } = await heed(plain).doStream({
      ...{ prompt, reasoning: 'high', maxOutputTokens: 1 },
      tools: [{ type: 'provider', name: 'search' }],
    });
    const parts: StreamPart[] = [];
    for await (const part of stream) parts.push(part);
    const warnings = (parts[0] as { warnings: { feature: string }[] }).warnings;
    expect(warnings.map(({ feature }) => feature)).toEqual(['reasoning', 'tool search']);
    await expect(heed(plain).doGenerate({ prompt, toolChoice: { type: 'required' } })).rejects.toThrow(/no such tool/);
  });
  it('tells of tools that a message names, where the template has no place for them', async () => {
    const asked = [{ role: 'user' as const, content: [{ type: 'text', text: 'Call search.' }] }];
    const tools = [{ type: 'function' as const, name: 'search', inputSchema: { type: 'object' } }];
    const { warnings } = await heed(bare).doGenerate({ prompt: asked, tools, maxOutputTokens: 1 });
    expect(warnings.map(({ feature }) => feature)).toEqual(['tools']);
    expect((await heed(json).doGenerate({ prompt: asked, tools, maxOutputTokens: 1 })).warnings).toEqual([]);
  });
  it('checks its own options', async () => {
    const call = { prompt, providerOptions: { heed: { chatTemplate: 5, documents: 'x' } } };
    await expect(heed(plain).doGenerate(call)).rejects.toThrow(
      /chatTemplate = 5 is not a text; documents = .*x.* is not a list/,
    );
  });
  it('takes encoder-decoders', async () => {
    const model = await load(tinyCheckpoint('t5'), { backend });
    const { content, usage } = await heed(model).doGenerate({
      prompt: [
        { role: 'system', content: 'en - de:' },
        { role: 'user', content: [{ type: 'text', text: 'the dog' }] },
      ],
      ...{ temperature: 0, maxOutputTokens: 5 },
    });
    expect(content).toEqual([{ type: 'text', text: await texts(model, 'en - de:\n\nthe dog', 5) }]);
    expect(usage.inputTokens.total).toBe(model.tokenizer.encodeIds('en - de:\n\nthe dog').length);
    model.dispose();
  });
  it('leaves a generation that nobody reads any more', async () => {
    const { stream } = await heed(plain).doStream({
      prompt,
      maxOutputTokens: 4000,
      providerOptions: { heed: { eosTokenId: [] } },
    });
    const reader = stream.getReader();
    for (let i = 0; i < 4; i++) await reader.read();
    await reader.cancel();
    expect((await reader.read()).done).toBe(true);
  });
});
