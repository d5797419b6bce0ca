/** SentencePiece's own normalization: replacement rules, then white space. google/sentencepiece normalizer.cc. */
import type { SentencePieceModel } from '../formats/sentencepiece.ts';
import type { LongestMatch } from './added-tokens.ts';
import { Charsmap } from './charsmap.ts';
import type { Normalizer } from './normalizers.ts';
import { AlignedBuilder, type AlignedText, unchangedText, widthAt } from './offsets.ts';

const MARK = '▁';

/** Where normalized text goes; `at` is the place in the input that it stands for. */
type Put = (text: string, at: number) => void;

/** The normalization of a model. User-defined symbols (`kept`) pass unchanged. */
export function sentencePieceNormalizer(
  { normalizer: rules, whitespaceAsSuffix }: SentencePieceModel,
  kept: LongestMatch<unknown> | undefined,
  addDummyPrefix: boolean,
): Normalizer {
  const charsmap = rules.charsmap.length > 0 ? new Charsmap(rules.charsmap) : undefined;
  const encoder = new TextEncoder();
  const space = rules.escapeWhitespaces ? MARK : ' ';

  /** Calls back with each normalized unit and where it begins in `text`. */
  function eachUnit(text: string, unit: (normal: string, at: number) => void): void {
    const bytes = charsmap ? encoder.encode(text) : undefined;
    let byteAt = 0;
    for (let at = 0; at < text.length; ) {
      const symbol = kept?.at(text, at);
      const match = bytes && !symbol ? charsmap!.match(bytes, byteAt, bytes.length) : undefined;
      let end = symbol?.end ?? at + widthAt(text, at);
      if (match) {
        end = at;
        for (let left = match.length; left > 0; end += widthAt(text, end)) left -= byteLength(text, end);
      }
      unit(match ? match.replacement : text.slice(at, end), at);
      if (bytes) for (let i = at; i < end; i += widthAt(text, i)) byteAt += byteLength(text, i);
      at = end;
    }
  }

  /** Calls `put` with the normalized text and `trim` with the number of spaces to take off its end. */
  function run(text: string, put: Put): void {
    const collapse = rules.removeExtraWhitespaces;
    let begun = false;
    /** Spaces that wait for something to stand before: at the end they are dropped. */
    let spaces = 0;
    let spaceAt = 0;
    const begin = (at: number) => {
      if (!begun && addDummyPrefix && !whitespaceAsSuffix) put(space, at);
      begun = true;
    };
    let lastAt = 0;
    eachUnit(text, (normal, at) => {
      lastAt = at;
      if (!collapse) {
        begin(at);
        put(normal.replaceAll(' ', space), at);
        return;
      }
      for (const part of normal.match(/ +|[^ ]+/g) ?? []) {
        if (part[0] === ' ') {
          if (begun && spaces === 0) [spaces, spaceAt] = [1, at];
          continue;
        }
        begin(at);
        if (spaces > 0) put(space, spaceAt);
        spaces = 0;
        put(part, at);
      }
    });
    if (begun && addDummyPrefix && whitespaceAsSuffix) put(space, lastAt);
  }

  return {
    text(input) {
      if (!charsmap && !kept && !rules.removeExtraWhitespaces && !whitespaceAsSuffix) {
        return input === '' ? '' : (addDummyPrefix ? space : '') + input.replaceAll(' ', space);
      }
      let output = '';
      run(input, text => {
        output += text;
      });
      return output;
    },
    aligned(input: AlignedText) {
      const builder = new AlignedBuilder(input);
      run(input.text, (text, at) => builder.put(text, at));
      return input.text === '' ? unchangedText('', input.base) : builder.build();
    },
  };
}

/** Length in UTF-8 of the character at `at`. */
function byteLength(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  return widthAt(text, at) === 2 ? 4 : 3;
}
