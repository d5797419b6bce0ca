import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../errors.ts';
import { type GgufMetadataToWrite, ggufBytes } from '../formats/index.ts';
import { ggufVocabulary } from './gguf-vocabulary.ts';
import { tokenizerFileNames, tokenizerFromFiles } from './load.ts';
import type { Tokenizer } from './tokenizer.ts';

const DATA = fileURLToPath(new URL('../../test/tokenizers/data/', import.meta.url));
const filesOf = (folder: string, names = tokenizerFileNames(readdirSync(DATA + folder))) =>
  Object.fromEntries(names.map(name => [name, new Uint8Array(readFileSync(`${DATA}${folder}/${name}`))]));
/** The tokenizer that a file with these keys has. */
const readBack = (metadata: GgufMetadataToWrite): Tokenizer =>
  tokenizerFromFiles({ 'm.gguf': ggufBytes([], { 'general.architecture': 'llama', ...metadata }) });

const TEXTS = ['', 'Das Hausboot liegt am Haus.', '  x\n\n1234 y', 'Ein <s> mitten im Text', 'naïve 中文 🎉'];

describe('ggufVocabulary', () => {
  it.each([
    ['llama2-style', 'llama', 'default'],
    ['llama3-style', 'gpt2', 'llama-bpe'],
    ['o200k-style', 'gpt2', 'gpt-4o'],
    ['roberta-style', 'gpt2', 'gpt-2'],
    ['added-tokens-bpe', 'gpt2', 'gpt-2'],
    ['xlmr-style', 't5', 'default'],
    ['bert-uncased-style', 'bert', 'default'],
    ['bert-german-cased-style', 'bert', 'default'],
    ['added-tokens-wordpiece', 'bert', 'default'],
  ])('says what %s is, as a vocabulary of kind %s', (folder, kind, rule) => {
    const files = filesOf(folder);
    const tokenizer = tokenizerFromFiles(files);
    const { metadata, differing } = ggufVocabulary(files, tokenizer.vocabSize);
    expect(metadata).toMatchObject({ 'tokenizer.ggml.model': kind, 'tokenizer.ggml.pre': rule });
    expect(differing).toEqual([]);
    const again = readBack(metadata);
    expect(again.vocabSize).toBe(tokenizer.vocabSize);
    for (const text of TEXTS) {
      expect(again.encodeIds(text), text).toEqual(tokenizer.encodeIds(text));
      const ids = tokenizer.encodeIds(text);
      expect(again.decode(ids, { skipSpecialTokens: true, cleanUpSpaces: false })).toBe(
        tokenizer.decode(ids, { skipSpecialTokens: true, cleanUpSpaces: false }),
      );
    }
  });

  it('takes the other forms of the same tokenizers', () => {
    for (const [folder, without] of [
      ['llama2-style', 'tokenizer.json'],
      ['roberta-style', 'tokenizer.json'],
      ['bert-uncased-style', 'tokenizer.json'],
    ] as const) {
      const names = tokenizerFileNames(readdirSync(DATA + folder).filter(name => name !== without));
      if (names.length === 0) continue;
      const files = filesOf(folder, names);
      const tokenizer = tokenizerFromFiles(files);
      const again = readBack(ggufVocabulary(files, tokenizer.vocabSize).metadata);
      for (const text of TEXTS)
        expect(again.encodeIds(text), `${names[0]}: ${text}`).toEqual(tokenizer.encodeIds(text));
    }
  });

  it('lists as many tokens as the model has rows', () => {
    const files = filesOf('llama2-style');
    const { vocabSize } = tokenizerFromFiles(files);
    const { metadata } = ggufVocabulary(files, vocabSize + 2);
    expect(metadata['tokenizer.ggml.tokens']).toHaveLength(vocabSize + 2);
    expect((metadata['tokenizer.ggml.token_type'] as Int32Array).at(-1)).toBe(5);
    expect(readBack(metadata).encodeIds('Haus')).toEqual(tokenizerFromFiles(files).encodeIds('Haus'));
  });

  it('keeps what ends a generation, and templates of chats', () => {
    const { 'tokenizer_config.json': _, ...files } = filesOf('llama2-style');
    const config = (chat_template: unknown) => JSON.stringify({ bos_token: '<s>', eos_token: '</s>', chat_template });
    const { metadata } = ggufVocabulary({ ...files, 'tokenizer_config.json': config('{{ messages }}') }, 100, [2, 7]);
    expect(metadata).toMatchObject({
      'tokenizer.chat_template': '{{ messages }}',
      'tokenizer.ggml.eos_token_id': { type: 'U32', value: 2 },
      'tokenizer.ggml.eot_token_id': { type: 'U32', value: 7 },
      'tokenizer.ggml.add_bos_token': true,
    });
    const named = [
      { name: 'default', template: 'a' },
      { name: 'tools', template: 'b' },
    ];
    expect(ggufVocabulary({ ...files, 'tokenizer_config.json': config(named) }, 100).metadata).toMatchObject({
      'tokenizer.chat_template': 'a',
      'tokenizer.chat_template.tools': 'b',
      'tokenizer.chat_templates': ['tools'],
    });
    const jinja = { 'tokenizer_config.json': config(undefined), 'chat_template.jinja': 'c' };
    expect(ggufVocabulary({ ...files, ...jinja }, 100).metadata).toMatchObject({ 'tokenizer.chat_template': 'c' });
  });

  it('says where the keys cannot say what a tokenizer does', () => {
    const { 'tokenizer.json': bytes } = filesOf('roberta-style', ['tokenizer.json']);
    const json = JSON.parse(new TextDecoder().decode(bytes));
    const changed = { 'tokenizer.json': JSON.stringify({ ...json, normalizer: { type: 'Lowercase' } }) };
    expect(ggufVocabulary(changed, 100).differing.length).toBeGreaterThan(0);
    for (const folder of ['wordlevel', 'gpt1-style', 'sp-word'])
      expect(() => ggufVocabulary(filesOf(folder), 100), folder).toThrow(UnsupportedError);
  });
});
