/** Words and bytes of a text, as lm-evaluation-harness counts them for perplexities. */
import { SPACES } from '../scores/whitespace.ts';

/** Counts a text that comes in pieces. */
export class TextSize {
  /** Of the text in UTF-8. */
  bytes = 0;
  /** Pieces between runs of white space; as there, the empty ones at the ends of a text count. */
  words = 1;
  #inSpace = false;

  add(piece: string): void {
    if (piece === '') return;
    this.bytes += utf8Length(piece);
    let inSpace = false;
    for (const { 0: run, index } of piece.matchAll(SPACES)) {
      if (index > 0 || !this.#inSpace) this.words++;
      inSpace = index + run.length === piece.length;
    }
    this.#inSpace = inSpace;
  }
}

/** Bytes of a text in UTF-8. A lone surrogate counts as U+FFFD, three bytes. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const next = text.charCodeAt(i + 1);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}
