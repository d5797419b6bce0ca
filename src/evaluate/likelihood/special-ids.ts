/** The special tokens that a tokenizer puts in front of a text, and those behind it. */
import type { Tokenizer } from '../../tokenizers/index.ts';

/** Any text: the tokens around it do not depend on it. */
const ANY = 'a';

/** Ids in front of every text, such as the start token. */
export function leadingIds(tokenizer: Tokenizer): readonly number[] {
  const { ids, specialTokensMask } = tokenizer.encode(ANY);
  const own = specialTokensMask.indexOf(0);
  return ids.slice(0, own < 0 ? ids.length : own);
}

/** Ids behind every text, such as the end token. */
export function trailingIds(tokenizer: Tokenizer): readonly number[] {
  const { ids, specialTokensMask } = tokenizer.encode(ANY);
  return ids.slice(specialTokensMask.lastIndexOf(0) + 1);
}
