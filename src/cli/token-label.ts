/** The text of a single token, spaces and all, as its neighbours would see it. */
import type { Tokenizer } from '../tokenizers/index.ts';

/** A text in quotes in which nothing is invisible. */
export const quote = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\u00a0\u2028\u2029\ufeff]/g, visible);
const visible = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * Names tokens. Many decoders drop the space of a first token, so each is decoded behind another one. Tokens that are not
 * text by themselves, such as a part of a character, are called by their entry in the vocabulary, and without a tokenizer
 * all are numbers.
 */
export function tokenLabels(tokenizer: Tokenizer | undefined): (id: number) => string {
  if (!tokenizer) return id => `#${id}`;
  const anchor = tokenizer.encodeIds('a', { addSpecialTokens: false }).slice(-1);
  const before = tokenizer.decode(anchor);
  return id => {
    const both = tokenizer.decode([...anchor, id]);
    const text = both.startsWith(before) ? both.slice(before.length) : tokenizer.decode([id]);
    return text === '' || text.includes('\ufffd') ? (tokenizer.idToToken(id) ?? `#${id}`) : quote(text);
  };
}
