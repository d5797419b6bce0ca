/**
 * Texts that remember where each character came from, so that the tokens of a rewritten text get offsets into the original.
 * Alignment of inserted and replaced characters as in huggingface/tokenizers (NormalizedString): an inserted character
 * shares the place of the character before it, a replacement the place of the last character it replaces.
 */

/** A text and, for each of its code units, the range of the original it stands for. All positions are UTF-16 code units. */
export interface AlignedText {
  readonly text: string;
  /** Where unit i begins in the original; undefined: at `base` + i. */
  readonly starts: Int32Array | undefined;
  /** Where unit i ends in the original; undefined: the end of its character. */
  readonly ends: Int32Array | undefined;
  /** Where the text begins in the original, if it is still equal to that stretch. */
  readonly base: number;
}

/** A stretch of the original that nothing has changed yet and that begins there at `base`. */
export function unchangedText(text: string, base: number): AlignedText {
  return { text, starts: undefined, ends: undefined, base };
}

/** The part `[from, to)`. Cuts must fall between characters. */
export function sliceAligned(source: AlignedText, from: number, to: number): AlignedText {
  if (from === 0 && to === source.text.length) return source;
  return {
    text: source.text.slice(from, to),
    starts: source.starts?.subarray(from, to),
    ends: source.ends?.subarray(from, to),
    base: source.base + from,
  };
}

/** The range of the original that `[from, to)` stands for; `from` < `to`, both between characters. */
export function originalRange(source: AlignedText, from: number, to: number): [number, number] {
  const { starts, ends, base } = source;
  return starts && ends ? [starts[from]!, ends[to - 1]!] : [base + from, base + to];
}

/** Length in code units of the character at `at`: 2 for a surrogate pair, else 1. */
export function widthAt(text: string, at: number): 1 | 2 {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdbff || at + 1 >= text.length) return 1;
  const next = text.charCodeAt(at + 1);
  return next >= 0xdc00 && next <= 0xdfff ? 2 : 1;
}

/** Builds a rewritten text from front to back, out of kept stretches of the source and new characters. */
export class AlignedBuilder {
  readonly #source: AlignedText;
  #text = '';
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(source: AlignedText) {
    this.#source = source;
  }

  /** Takes over `[from, to)` of the source. */
  keep(from: number, to: number): void {
    const { text, starts, ends, base } = this.#source;
    this.#text += text.slice(from, to);
    if (starts && ends) {
      for (let i = from; i < to; i++) {
        this.#starts.push(starts[i]!);
        this.#ends.push(ends[i]!);
      }
      return;
    }
    for (let i = from; i < to; ) {
      const width = widthAt(text, i);
      for (let k = 0; k < width; k++) {
        this.#starts.push(base + i);
        this.#ends.push(base + i + width);
      }
      i += width;
    }
  }

  /** Adds new text that stands for the source's character at `at`. */
  put(added: string, at: number): void {
    const { text, starts, ends, base } = this.#source;
    const start = starts ? starts[at]! : base + at;
    const end = ends ? ends[at]! : base + at + widthAt(text, at);
    this.#text += added;
    for (let i = 0; i < added.length; i++) {
      this.#starts.push(start);
      this.#ends.push(end);
    }
  }

  build(): AlignedText {
    return {
      text: this.#text,
      starts: Int32Array.from(this.#starts),
      ends: Int32Array.from(this.#ends),
      base: 0,
    };
  }
}

/** The text with every lone surrogate replaced by U+FFFD; positions stay the same. */
export function wellFormed(text: string): string {
  const { toWellFormed } = String.prototype as { toWellFormed?: () => string };
  if (toWellFormed) return toWellFormed.call(text);
  return text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, match =>
    match.length === 2 ? match : '\ufffd',
  );
}

/**
 * For each code unit of `text` and its end, how many code points stand before it, `[text.length + 1]`: turns offsets in
 * code units into offsets in code points.
 */
export function codePointIndex(text: string): Int32Array {
  const index = new Int32Array(text.length + 1);
  let count = 0;
  for (let i = 0; i < text.length; ) {
    const width = widthAt(text, i);
    for (let k = 0; k < width; k++) index[i + k] = count;
    count++;
    i += width;
  }
  index[text.length] = count;
  return index;
}
