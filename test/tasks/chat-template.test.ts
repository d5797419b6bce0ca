/** From messages to prompts by the templates of model folders. */
import { afterAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import { type ChatMessage, chatPrompt } from '../../src/tasks/chat-template.ts';
import { tinyFiles } from './tiny-checkpoints.ts';

const backend = createReferenceBackend();
const opened: Model[] = [];
const bytes = (text: string) => new TextEncoder().encode(text);
async function modelWith(files: Record<string, Uint8Array>): Promise<Model> {
  const model = await load(memoryFiles({ ...tinyFiles('gpt'), ...files }), { backend });
  opened.push(model);
  return model;
}
afterAll(() => {
  for (const model of opened) model.dispose();
});
const ASKED: readonly ChatMessage[] = [{ role: 'user', content: ' wo? ' }];
const BEGUN: readonly ChatMessage[] = [...ASKED, { role: 'assistant', content: 'in Paris ' }];

describe('the prompt of a chat', () => {
  it('opens the turn of the model, or goes on with the last message', async () => {
    const model = await modelWith({});
    expect(await chatPrompt(model, ASKED)).toBe('<s><|user|> wo?</s><|assistant|>');
    expect(await chatPrompt(model, ASKED, { addGenerationPrompt: false })).toBe('<s><|user|> wo?</s>');
    // This template takes the spaces around a message away.
    expect(await chatPrompt(model, BEGUN)).toBe('<s><|user|> wo?</s><|assistant|> in Paris');
    const closed = { continueFinalMessage: false };
    expect(await chatPrompt(model, BEGUN, closed)).toBe('<s><|user|> wo?</s><|assistant|> in Paris</s><|assistant|>');
    const both = { continueFinalMessage: true, addGenerationPrompt: true };
    await expect(chatPrompt(model, BEGUN, both)).rejects.toThrow(/cannot be continued/);
  });
  it('keeps the spaces that a template keeps', async () => {
    const template = '{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}';
    const model = await modelWith({ 'chat_template.jinja': bytes(template) });
    expect(await chatPrompt(model, BEGUN)).toBe('<user> wo? </user><assistant>in Paris ');
    const silent = { chatTemplate: '{{ messages[0].content }}' };
    await expect(chatPrompt(model, BEGUN, silent)).rejects.toThrow(/does not show the last message/);
  });
  it('goes on with the last text of a message of parts', async () => {
    const chatTemplate = '{% for m in messages %}{% for p in m.content %}[{{ p.text }}]{% endfor %}{% endfor %}';
    const content = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    const model = await modelWith({});
    expect(await chatPrompt(model, [{ role: 'assistant', content }], { chatTemplate })).toBe('[a][b');
    await expect(chatPrompt(model, [{ role: 'assistant', content: [{ type: 'image' }] }])).rejects.toThrow(/no text/);
  });
  it('is made by the template of the name that is asked for, or the one for tools', async () => {
    const chat_template = [
      { name: 'default', template: 'plain {{ messages[0].content }}' },
      { name: 'tool_use', template: '{{ tools[0].function.name }} {{ messages[0].content }}' },
      { name: 'rag', template: '{{ documents[0].title }} {{ style }}' },
    ];
    const model = await modelWith({ 'tokenizer_config.json': bytes(JSON.stringify({ chat_template })) });
    expect(await chatPrompt(model, ASKED)).toBe('plain  wo? ');
    const tools = [{ type: 'function', function: { name: 'route' } }];
    expect(await chatPrompt(model, ASKED, { tools })).toBe('route  wo? ');
    const rag = { chatTemplate: 'rag', documents: [{ title: 'Map' }], chatTemplateArgs: { style: 'short' } };
    expect(await chatPrompt(model, ASKED, rag)).toBe('Map short');
    await expect(chatPrompt(model, ASKED, { chatTemplate: 'other' })).rejects.toThrow(
      /no chat template of this name.*default, tool_use, rag/,
    );
  });
  it('knows tools and documents as none where there are none', async () => {
    const said = "{{ 'none' if tools is none and documents is none else 'some' }}";
    const chatTemplate = `{% if tools is defined %}${said}{% endif %}`;
    const model = await modelWith({});
    expect(await chatPrompt(model, ASKED, { chatTemplate })).toBe('none');
    expect(await chatPrompt(model, ASKED, { chatTemplate, tools: [{}] })).toBe('some');
  });
  it('passes over what is no template', async () => {
    const chat_template = [null, 7, { name: 'default' }, { name: 'default', template: 'plain' }];
    const model = await modelWith({ 'tokenizer_config.json': bytes(JSON.stringify({ chat_template })) });
    expect(await chatPrompt(model, ASKED)).toBe('plain');
  });
  it('is made for everyone who waits, although one gives up', async () => {
    const all = memoryFiles(tinyFiles('gpt'));
    const slow: typeof all = {
      ...all,
      async open(file, signal) {
        signal?.throwIfAborted();
        return all.open(file, signal);
      },
    };
    const model = await load(slow, { backend });
    opened.push(model);
    const gone = chatPrompt(model, ASKED, {}, AbortSignal.abort(new Error('gone')));
    const stays = chatPrompt(model, ASKED);
    await expect(gone).rejects.toThrow('gone');
    expect(await stays).toBe('<s><|user|> wo?</s><|assistant|>');
  });
  it('is refused where the template refuses the messages', async () => {
    const chatTemplate = "{{ raise_exception('roles must alternate') }}";
    const model = await modelWith({});
    await expect(chatPrompt(model, ASKED, { chatTemplate })).rejects.toThrow(/roles must alternate/);
  });
});
