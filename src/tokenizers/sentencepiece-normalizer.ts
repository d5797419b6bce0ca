/**
 * SentencePiece's own normalization: the longest rule at each place, then white space. google/sentencepiece normalizer.cc.
 * Places follow the library: a token ends where the next one begins, so that a mark in front of a text has no width.
 */
import type { SentencePieceModel } from '../formats/sentencepiece.ts';
import type { LongestMatch } from './added-tokens.ts';
import { Charsmap } from './charsmap.ts';
import type { Normalizer } from './normalizers.ts';
import { type AlignedText, widthAt } from './offsets.ts';

const MARK = '▁';
const SPACE_UNIT = 0x20;

/** The normalization of a model. User-defined symbols (`kept`) pass unchanged. */
export function sentencePieceNormalizer(
  { normalizer: rules, whitespaceAsSuffix }: Pick<SentencePieceModel, 'normalizer' | 'whitespaceAsSuffix'>,
  kept: LongestMatch<unknown> | undefined,
  addDummyPrefix: boolean,
): Normalizer {
  const charsmap = rules.charsmap.length > 0 ? new Charsmap(rules.charsmap) : undefined;
  const space = rules.escapeWhitespaces ? MARK : ' ';
  const collapse = rules.removeExtraWhitespaces;

  /** The end of the text in `[at, stop)` that surely stays as it is and has no space. */
  function plainEnd(text: string, at: number, stop: number): number {
    while (at < stop && text.charCodeAt(at) !== SPACE_UNIT && (!charsmap || charsmap.skips(text, at))) at++;
    return at;
  }

  /** What the text at `at` becomes, and where that text ends. */
  function unitAt(text: string, at: number): { readonly replacement: string; readonly end: number } {
    const symbol = kept?.at(text, at);
    if (symbol) return { replacement: text.slice(at, symbol.end), end: symbol.end };
    const match = charsmap?.match(text, at, text.length, false);
    if (match) return match;
    const end = at + widthAt(text, at);
    return { replacement: text.slice(at, end), end };
  }

  /** The normalized text. Into `origins` goes the place of each of its units, and of its end. */
  function run(text: string, origins: number[] | undefined): string {
    let output = '';
    const put = (part: string, at: number) => {
      output += part;
      if (origins) for (let i = 0; i < part.length; i++) origins.push(at);
    };
    let at = 0;
    while (collapse && at < text.length) {
      const { replacement, end } = unitAt(text, at);
      if (replacement !== ' ') break;
      at = end;
    }
    if (at === text.length) return '';
    if (addDummyPrefix && !whitespaceAsSuffix) put(space, at);
    let afterSpace = collapse;
    /** Where the next symbol may begin: looked for once, however many stretches lie before it. */
    let symbolAt = -1;
    while (at < text.length) {
      if (symbolAt < at) symbolAt = kept ? kept.nextCandidate(text, at) : text.length;
      const plain = plainEnd(text, at, symbolAt);
      if (plain > at) {
        output += text.slice(at, plain);
        if (origins) for (let i = at; i < plain; i++) origins.push(i);
        at = plain;
        afterSpace = false;
        continue;
      }
      const { replacement, end } = unitAt(text, at);
      const part = afterSpace ? replacement.replace(/^ +/, '') : replacement;
      if (part !== '') {
        put(part.replaceAll(' ', space), at);
        afterSpace = collapse && part.endsWith(' ');
      }
      at = end;
    }
    let length = output.length;
    while (collapse && length > 0 && output[length - 1] === space) length--;
    if (origins && length < output.length) {
      at = origins[length]!;
      origins.length = length;
    }
    output = output.slice(0, length);
    if (addDummyPrefix && whitespaceAsSuffix) put(space, at);
    origins?.push(at);
    return output;
  }

  return {
    text(input) {
      if (!charsmap && !kept && !collapse && !whitespaceAsSuffix) {
        return input === '' ? '' : (addDummyPrefix ? space : '') + input.replaceAll(' ', space);
      }
      return run(input, undefined);
    },
    aligned(input) {
      const origins: number[] = [];
      const text = run(input.text, origins);
      const places = Int32Array.from(origins, at => originOf(input, at));
      return { text, starts: places.subarray(0, text.length), ends: charEnds(text, places), base: 0 };
    },
  };
}

/** The place of a place of an aligned text in its original. */
function originOf({ text, starts, ends, base }: AlignedText, at: number): number {
  if (!starts || !ends) return base + at;
  return at < text.length ? starts[at]! : (ends[at - 1] ?? base);
}

/** For each unit, where the next character begins. */
function charEnds(text: string, places: Int32Array): Int32Array<ArrayBuffer> {
  const ends = new Int32Array(text.length);
  for (let at = 0; at < text.length; ) {
    const next = at + widthAt(text, at);
    ends.fill(places[next]!, at, next);
    at = next;
  }
  return ends;
}
