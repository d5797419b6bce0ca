/**
 * BERT's normalizer (Devlin et al. 2018, tokenization.py) as huggingface/tokenizers has it: clean the text, set ideographs
 * apart, take accents off, lower case; here at once, character by character.
 */
import { perCharacter } from './character-map.ts';
import { normalForm } from './normal-form.ts';
import type { Normalizer } from './normalizers.ts';
import { isControl, isNonspacingMark, isWhiteSpace } from './reference-classes.ts';

/** The steps to do; the names are those of a file's fields. */
export interface BertNormalizerOptions {
  /** Control characters go, white space becomes spaces. */
  readonly cleanText: boolean;
  /** Ideographs get spaces around them. */
  readonly handleChineseChars: boolean;
  /** Characters are decomposed and lose their nonspacing marks. */
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
}

/** The reference begins the last block of the supplementary ideographs at 2B920, where BERT's own code has 2B820. */
const IDEOGRAPH =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/u;

/** A text without control characters and with spaces only, of one character. */
function cleaned(char: string): string {
  if (char === '\ufffd' || isControl(char)) return '';
  return isWhiteSpace(char) ? ' ' : char;
}

/**
 * BERT's normalizer. The reference decomposes the text as a whole, which also sorts marks; here they keep their order. That
 * shows only in a spacing mark behind another mark of a higher combining class, in its offset or its order.
 */
export function bertNormalizer(options: BertNormalizerOptions): Normalizer {
  const { cleanText, handleChineseChars, stripAccents, lowercase } = options;
  return perCharacter(char => {
    let text = cleanText ? cleaned(char) : char;
    if (handleChineseChars && IDEOGRAPH.test(text)) text = ` ${text} `;
    if (stripAccents)
      text = Array.from(normalForm(text, 'NFD'))
        .filter(c => !isNonspacingMark(c))
        .join('');
    return lowercase ? Array.from(text, c => c.toLowerCase()).join('') : text;
  });
}
