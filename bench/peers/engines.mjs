/**
 * heed and its peers behind one signature: a vocabulary in, a function from a text to ids out. Every one is asked for ids only,
 * without special tokens around the text and without looking for any in it, in the fastest way that its documentation names.
 * Plain JavaScript, so that a bare process can load it.
 */
import { readFileSync } from 'node:fs';

/** @typedef {{ file: string, json: string, published?: { gptTokenizer: string, tiktoken: string } }} Vocabulary */
/** @typedef {(text: string) => ArrayLike<number> | Promise<ArrayLike<number>>} Encode */

/**
 * First the code, then the vocabulary: what a package carries as a module counts as vocabulary.
 * @type {Record<string, () => Promise<(vocabulary: Vocabulary) => Promise<Encode | undefined>>>}
 */
export const ENGINES = {
  async heed() {
    const { loadTokenizer } = await import('../../dist/tokenizers/index.js');
    return async ({ file }) => {
      const tokenizer = await loadTokenizer(file);
      return text => tokenizer.encodeIds(text, { addSpecialTokens: false });
    };
  },
  async 'gpt-tokenizer'() {
    return async ({ published }) => {
      if (!published) return undefined;
      const { encode } = await import(`gpt-tokenizer/encoding/${published.gptTokenizer}`);
      return text => encode(text);
    };
  },
  async tiktoken() {
    const { get_encoding } = await import('tiktoken');
    return async ({ published }) => {
      if (!published) return undefined;
      const encoding = get_encoding(published.tiktoken);
      return text => encoding.encode_ordinary(text);
    };
  },
  async '@huggingface/tokenizers'() {
    const { Tokenizer } = await import('@huggingface/tokenizers');
    return async ({ json }) => {
      const tokenizer = new Tokenizer(JSON.parse(readFileSync(json, 'utf8')), {});
      return text => tokenizer.encode(text, { add_special_tokens: false }).ids;
    };
  },
  async 'tokenizers (native)'() {
    const { Tokenizer } = await import('tokenizers');
    return async ({ json }) => {
      const tokenizer = Tokenizer.fromFile(json);
      return async text => (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
    };
  },
};
