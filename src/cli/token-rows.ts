/** Tokens as coloured pieces of their text, ids below. */
import type { Encoding, Tokenizer } from '../tokenizers/index.ts';
import { cut, padEnd, widthOf } from './layout.ts';
import type { Paint } from './terminal.ts';

/** Tokens side by side with their ids below, in as many double lines as `width` takes. */
export function tokenRows(
  encoding: Encoding,
  text: string,
  tokenizer: Tokenizer,
  width: number,
  paint: Paint,
): string[] {
  const lines: string[] = [];
  let above = '';
  let below = '';
  const flush = () => {
    if (below !== '') lines.push(above.trimEnd(), paint.dim(below.trimEnd()), '');
    above = below = '';
  };
  cellsOf(encoding, text, tokenizer).forEach(({ piece, ids, special }, i) => {
    const shown = cut(piece, width);
    const cell = Math.max(widthOf(shown), ids.length);
    if (widthOf(below) + cell > width) flush();
    const colour = special ? paint.magenta : i % 2 === 0 ? paint.mark : paint.mark2;
    above += `${colour(shown)}${' '.repeat(cell - widthOf(shown) + 1)}`;
    below += padEnd(ids, cell + 1);
  });
  flush();
  return lines;
}

interface Cell {
  piece: string;
  ids: string;
  readonly special: boolean;
  /** End of the piece in the text. */
  end: number;
}

/** The parts of the text that tokens stand for. Tokens that share a character stand together below it. */
function cellsOf({ ids, tokens, offsets }: Encoding, text: string, tokenizer: Tokenizer): Cell[] {
  const cells: Cell[] = [];
  ids.forEach((id, i) => {
    const [start, end] = offsets[i]!;
    const last = cells.at(-1);
    if (last && start < end && start < last.end) {
      last.piece += visible(text.slice(last.end, end));
      last.ids += `+${id}`;
      last.end = Math.max(last.end, end);
    } else {
      const piece = start === end ? tokens[i]! : text.slice(start, end);
      cells.push({ piece: visible(piece), ids: String(id), special: tokenizer.allSpecialIds.has(id), end });
    }
  });
  return cells;
}

/** Spaces other than the usual one, and signs without a width that turn or join the text around them; not those in emoji. */
const UNSEEN = /[\u00a0\u00ad\u2000-\u200c\u200e\u200f\u2028-\u202f\u205f-\u2064\u2066-\u2069\u3000\ufeff]/g;

/** Spaces as dots, unseen signs by their numbers, and nothing that moves the cursor. */
export const visible = (text: string): string =>
  text
    .replaceAll(' ', '·')
    .replaceAll('\n', '↵')
    .replaceAll('\t', '→')
    .replace(UNSEEN, sign => `<${sign.charCodeAt(0).toString(16).padStart(4, '0')}>`)
    .replace(/[\0-\x1f\x7f-\x9f]/g, '\ufffd');
