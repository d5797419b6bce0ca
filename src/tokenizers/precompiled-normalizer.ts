/**
 * The normalizer `Precompiled` of tokenizer.json files: SentencePiece's rules as huggingface/tokenizers applies them
 * (normalizers/precompiled.rs, the crate spm_precompiled). A grapheme cluster of fewer than six bytes is replaced as a whole
 * by the first rule that it begins with, whatever follows in the cluster; otherwise each character is looked up alone.
 */
import { FormatError } from '../errors.ts';
import { Charsmap } from './charsmap.ts';
import { clusterEnd, standsAlone } from './grapheme-clusters.ts';
import type { Normalizer } from './normalizers.ts';
import { AlignedBuilder, type AlignedText, widthAt } from './offsets.ts';

/** Clusters of so many bytes are not looked up as a whole. */
const LONG_CLUSTER = 6;

/** Receives the parts of a text in order: what stays as it is (`replacement` undefined), and what is replaced. */
type PartSink = (from: number, to: number, replacement: string | undefined) => void;

/** The normalizer of a charsmap in base64. Throws FormatError. */
export function precompiledNormalizer(base64: string): Normalizer {
  const charsmap = new Charsmap(decodeBase64(base64));

  function eachPart(text: string, sink: PartSink): void {
    const { length } = text;
    let kept = 0;
    const replace = (from: number, to: number, replacement: string) => {
      if (kept < from) sink(kept, from, undefined);
      sink(from, to, replacement);
      kept = to;
    };
    for (let at = 0; at < length; ) {
      const unit = text.charCodeAt(at);
      const alone = standsAlone(unit) && (at + 1 === length || standsAlone(text.charCodeAt(at + 1)));
      if (alone && !charsmap.canBegin(unit)) {
        at++;
        continue;
      }
      const end = alone ? at + 1 : clusterEnd(text, at);
      const whole = isShorter(text, at, end, LONG_CLUSTER) ? charsmap.match(text, at, end, true) : undefined;
      if (whole) replace(at, end, whole.replacement);
      else if (!alone) {
        for (let i = at; i < end; ) {
          const next = i + widthAt(text, i);
          const single = charsmap.match(text, i, next, true);
          if (single) replace(i, next, single.replacement);
          i = next;
        }
      }
      at = end;
    }
    if (kept < length) sink(kept, length, undefined);
  }

  return {
    text(input) {
      let output = '';
      eachPart(input, (from, to, replacement) => {
        output += replacement ?? input.slice(from, to);
      });
      return output;
    },
    aligned(input) {
      let changed = false;
      const builder = new ChangeBuilder(input);
      eachPart(input.text, (from, to, replacement) => {
        if (replacement === undefined) builder.keep(from, to);
        else {
          changed = true;
          builder.replace(input.text.slice(from, to), replacement);
        }
      });
      return changed ? builder.build() : input;
    },
  };
}

/**
 * Aligns as the reference's `NormalizedString.transform` does: each character written takes the place of the next source
 * character, or with a change of 1 shares that of the one before; a negative change skips as many source characters. What is
 * removed counts for the last character written, and is not counted at all where there is none, so that the places of a text
 * that begins with removed characters are too early by as many.
 */
class ChangeBuilder {
  readonly #source: string;
  readonly #builder: AlignedBuilder;
  /** Place of the next source character. */
  #at = 0;
  /** The last character, whose change may still sink. */
  #last = '';
  #change = 0;

  constructor(source: AlignedText) {
    this.#source = source.text;
    this.#builder = new AlignedBuilder(source);
  }

  /** `[from, to)` of the source, unchanged. */
  keep(from: number, to: number): void {
    this.#flush();
    const last = to - widthBefore(this.#source, to);
    if (this.#at === from) {
      this.#builder.keep(from, last);
      this.#at = last;
    } else for (let at = from; at < last; at += widthAt(this.#source, at)) this.#push(charAt(this.#source, at), 0);
    this.#push(this.#source.slice(last, to), 0);
  }

  /** `written` instead of `source`. */
  replace(source: string, written: string): void {
    const chars = [...written];
    const change = chars.length - [...source].length;
    for (const [i, char] of chars.entries()) this.#push(char, i >= chars.length - change ? 1 : 0);
    if (change < 0 && this.#last !== '') this.#change += change;
  }

  build(): AlignedText {
    this.#flush();
    return this.#builder.build();
  }

  #push(char: string, change: number): void {
    this.#flush();
    this.#last = char;
    this.#change = change;
  }

  #flush(): void {
    if (this.#last === '') return;
    if (this.#change > 0) this.#builder.put(this.#last, this.#at - widthBefore(this.#source, this.#at));
    else {
      this.#builder.put(this.#last, this.#at);
      for (let count = 1 - this.#change; count > 0; count--) this.#at += widthAt(this.#source, this.#at);
    }
    this.#last = '';
  }
}

const charAt = (text: string, at: number) => text.slice(at, at + widthAt(text, at));

/** Length in code units of the character that ends at `end`, 0 at the beginning. */
function widthBefore(text: string, end: number): 0 | 1 | 2 {
  if (end === 0) return 0;
  return end > 1 && widthAt(text, end - 2) === 2 ? 2 : 1;
}

/** Whether `text[from, to)` has fewer bytes in UTF-8 than `limit`. */
function isShorter(text: string, from: number, to: number, limit: number): boolean {
  if (to - from >= limit) return false;
  let bytes = 0;
  for (let at = from; at < to; at += widthAt(text, at)) {
    const codePoint = text.codePointAt(at)!;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }
  return bytes < limit;
}

function decodeBase64(text: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new FormatError('the precompiled normalization rules are not base64', {
      seen: JSON.stringify(text.slice(0, 40)),
      where: 'precompiled_charsmap',
      cause,
    });
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
