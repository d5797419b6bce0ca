/** The words of a line as TER counts them: Tercom's normaliser (Snover et al. 2006), as sacreBLEU has it. */

import { unescapeEntities } from './bleu-tokenizers.ts';
import { words } from './whitespace.ts';

export interface TerText {
  /** Set punctuation apart from words, decode entities, join hyphenated lines. Default false. */
  readonly normalized?: boolean | undefined;
  /** Leave out punctuation. Default false. */
  readonly noPunctuation?: boolean | undefined;
  /** With `normalized`, every Chinese and Japanese character is a word; with `noPunctuation`, their marks go too. */
  readonly asianSupport?: boolean | undefined;
  /** Default false: texts are compared in lowercase. */
  readonly caseSensitive?: boolean | undefined;
}

const ASIAN_PUNCTUATION = /[\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb]/gu;
const FULL_WIDTH_PUNCTUATION = /[\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09]/gu;
/**
 * What is set apart one by one. The last range is as the reference has it; it was to end at U+32FF.
 */
const ASIAN_CHARACTERS = [
  /[\u4e00-\u9fff\u3400-\u4dbf]/gu,
  /[\u31c0-\u31ef\u2e80-\u2eff]/gu,
  /[\u3300-\u33ff\uf900-\ufaff\ufe30-\ufe4f]/gu,
  /[\u3200-\u3f22]/gu,
];
/** Kana are set apart only where a whole line is kana: another slip that equal scores need. */
const KANA_LINES = [/^[\u3040-\u309f]+$/u, /^[\u30a0-\u30ff]+$/u, /^[\u31f0-\u31ff]+$/u];

/** The words of a line. */
export function terWords(line: string, options: TerText = {}): string[] {
  const { normalized = false, noPunctuation = false, asianSupport = false, caseSensitive = false } = options;
  let text = caseSensitive ? line : line.toLowerCase();
  if (normalized) {
    text = normalize(text);
    if (asianSupport)
      text = setApart(text, [...ASIAN_CHARACTERS, ...KANA_LINES, ASIAN_PUNCTUATION, FULL_WIDTH_PUNCTUATION]);
  }
  if (noPunctuation) {
    text = text.replace(/[.,?:;!"()]/gu, '');
    if (asianSupport) text = text.replace(ASIAN_PUNCTUATION, '').replace(FULL_WIDTH_PUNCTUATION, '');
  }
  return words(text);
}

const setApart = (text: string, patterns: readonly RegExp[]) =>
  patterns.reduce((line, pattern) => line.replace(pattern, ' $& '), text);

function normalize(line: string): string {
  const joined = unescapeEntities(line.replaceAll('\n-', '').replaceAll('\n', ' '));
  return ` ${joined} `
    .replace(/[{-~[-` -&(-+:-@/]/gu, ' $& ')
    .replace(/'s /gu, " 's ")
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])(-)/gu, '$1 $2 ');
}
