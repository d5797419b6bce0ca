/**
 * How sacreBLEU cuts a line into tokens before it counts n-grams (Post, "A Call for Clarity in Reporting BLEU Scores", WMT
 * 2018). `13a` and `intl` are NIST's mteval scripts of versions 13a and 14; `zh` sets Chinese characters apart first.
 */

import { trim, words } from './whitespace.ts';

export type BleuTokenizer = '13a' | 'intl' | 'char' | 'none' | 'zh';

/** By name: a line to its tokens, joined by white space. Table of every tokenizer that `bleu` knows. */
export const BLEU_TOKENIZERS: Readonly<Record<BleuTokenizer, (line: string) => string>> = {
  '13a': line =>
    mteval(` ${unescapeEntities(line.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' '))} `),
  intl: line =>
    line
      .replace(/(\P{N})(\p{P})/gu, '$1 $2 ')
      .replace(/(\p{P})(\P{N})/gu, ' $1 $2')
      .replace(/(\p{S})/gu, ' $1 '),
  char: line => [...line].join(' '),
  none: line => line,
  zh: line => mteval(trim(line).replace(CHINESE, ' $& ')),
};

/** The tokens of a line. */
export function bleuTokens(line: string, tokenizer: BleuTokenizer): string[] {
  return words(BLEU_TOKENIZERS[tokenizer](line));
}

/**
 * What the reference takes for Chinese: CJK ideographs and their compatibility forms, radicals, strokes, full-width forms
 * and symbols. Two of its ranges, meant for supplementary planes, come out as U+2001-2A6D and U+2F81-2FA1 because of how
 * they are written there; equal scores need them as they are.
 */
const CHINESE =
  /[\u3400-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\u2001-\u2a6d\u2f81-\u2fa1\uff00-\uffef\u2e80-\u2eff\u3000-\u303f\u31c0-\u31ef\u2f00-\u2fdf\u2ff0-\u2fff\u3100-\u312f\u31a0-\u31bf\ufe10-\ufe1f\ufe30-\ufe4f\u2600-\u27bf\u3200-\u33ff]/gu;

/** Punctuation apart; periods and commas unless they are between digits; dashes after digits. */
function mteval(line: string): string {
  return line
    .replace(/[{-~[-` -&(-+:-@/]/gu, ' $& ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])(-)/gu, '$1 $2 ');
}

/** The four entities that mteval knows, `&amp;` before what it may uncover. */
export function unescapeEntities(line: string): string {
  if (!line.includes('&')) return line;
  return line.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
}
