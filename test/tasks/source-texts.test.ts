/** What config.json says of a task: prefixes, settings, languages; and files that say what cannot be. */
import { afterAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import { hasTaskParams, sourceForm } from '../../src/tasks/source-to-text.ts';
import { translationForm } from '../../src/tasks/translation-languages.ts';
import { tinyFiles } from './tiny-checkpoints.ts';

const backend = createReferenceBackend();
const opened: { dispose(): void }[] = [];
afterAll(() => {
  for (const one of opened) one.dispose();
});
const { 'config.json': config, ...files } = tinyFiles('t5');
const json = JSON.parse(new TextDecoder().decode(config)) as object;
/** The tiny T5 with other fields in config.json. */
async function modelWith(fields: object): Promise<Model> {
  const bytes = new TextEncoder().encode(JSON.stringify({ ...json, ...fields }));
  const model = await load(memoryFiles({ ...files, 'config.json': bytes }), { backend });
  opened.push(model);
  return model;
}

describe('what config.json says of a task', () => {
  it('is a prefix and settings; the prefix of all tasks stands where a task has none', async () => {
    const task_specific_params = { summarization: { prefix: 'sum: ', max_length: 12 }, 'text2text-generation': {} };
    const model = await modelWith({ prefix: 'all: ', task_specific_params });
    expect(sourceForm(model, 'summarization')).toMatchObject({ prefix: 'sum: ', settings: { maxLength: 12 } });
    expect(sourceForm(model, 'text2text-generation')).toMatchObject({ prefix: 'all: ', settings: {} });
    expect(sourceForm(model, 'translation')).toMatchObject({ prefix: 'all: ', settings: {} });
    const answer = await pipeline('text2text-generation', model);
    const plain = await pipeline('text2text-generation', await modelWith({ task_specific_params: null }));
    const short = { maxNewTokens: 4, temperature: 0 };
    expect(await answer('der hund', short)).toEqual(await plain('all: der hund', short));
  });
  it('gives way to the caller, whose length stands for itself', async () => {
    const model = await modelWith({ task_specific_params: { summarization: { max_length: 3, num_beams: 2 } } });
    const summarize = await pipeline('summarization', model);
    const lengthOf = async (options: object) => {
      let tokens = 0;
      for await (const event of summarize.stream('der hund', { eosTokenId: [], ...options }))
        if (event.type === 'done') tokens = event.stats.newTokens;
      return tokens;
    };
    // The start token counts.
    expect(await lengthOf({ numBeams: 1 })).toBe(2);
    expect(await lengthOf({ numBeams: 1, maxNewTokens: 5 })).toBe(5);
    expect(await lengthOf({ numBeams: 1, maxNewTokens: undefined })).toBe(2);
  });
  it('is refused where it cannot be', async () => {
    const form = async (fields: object, task = 'summarization') => sourceForm(await modelWith(fields), task);
    await expect(form({ prefix: 7 }, 'translation')).rejects.toThrow(/prefix that is no text.*7.*config.json/);
    const params = (summarization: unknown) => ({ task_specific_params: { summarization } });
    await expect(form(params({ prefix: ['a'] }))).rejects.toThrow(/no text.*task_specific_params.summarization/);
    await expect(form(params('x'))).rejects.toThrow(/JSON object.*task_specific_params.summarization/);
    await expect(form(params({ num_beams: 0 }))).rejects.toThrow(/num_beams.*task_specific_params.summarization/);
    expect(await form(params(null))).toMatchObject({ prefix: '', settings: {} });
    expect(await form({ task_specific_params: 'x' })).toMatchObject({ prefix: '', settings: {} });
    expect(hasTaskParams(await modelWith({}), '__proto__')).toBe(false);
  });
  it('names pairs of languages', async () => {
    const model = await modelWith({});
    const form = await translationForm(model, { srcLang: 'en', tgtLang: 'de' });
    expect(form).toMatchObject({ prefix: 'en - de: ', settings: { maxLength: 16, numBeams: 2 } });
    const translate = await pipeline('translation_en_to_de', model);
    const named = await translate('the dog', { maxNewTokens: 4 });
    const plain = await pipeline('translation', model);
    expect(await plain('the dog', { srcLang: 'en', tgtLang: 'de', maxNewTokens: 4 })).toEqual(named);
    await expect(plain('the dog', { tgtLang: 'de' })).rejects.toThrow(/does not know this language/);
  });
  it('is for languages that a task takes', async () => {
    const summarize = (await pipeline('summarization', await modelWith({}))) as unknown as (
      text: string,
      options: object,
    ) => Promise<unknown>;
    await expect(summarize('der hund', { srcLang: 'de' })).rejects.toThrow(/srcLang is no generation option/);
  });
});
