/** Random texts of many kinds: what people write, what machines write, and what nobody should. */
import type { Rng } from '../../src/util/rng.ts';

/** Stretches of Unicode that tokenizers treat apart, `[first, last]` each. */
const BLOCKS: readonly (readonly [number, number])[] = [
  [0x20, 0x7e], // ASCII
  [0x00, 0x1f], // controls
  [0x7f, 0xa0], // more of them, and the space that does not break
  [0xa1, 0x24f], // Latin
  [0x300, 0x36f], // combining marks
  [0x370, 0x3ff], // Greek
  [0x400, 0x4ff], // Cyrillic
  [0x590, 0x5ff], // Hebrew
  [0x600, 0x6ff], // Arabic
  [0x900, 0x97f], // Devanagari
  [0xe00, 0xe7f], // Thai
  [0x1100, 0x11ff], // Jamo
  [0x1e00, 0x1fff], // composed letters
  [0x2000, 0x206f], // spaces, joiners, directions
  [0x2150, 0x218f], // fractions and Roman numerals
  [0x2580, 0x2600], // around the space mark
  [0x3000, 0x30ff], // kana
  [0x4e00, 0x4fff], // ideographs
  [0xac00, 0xad00], // Hangul
  [0xd800, 0xdfff], // halves of pairs
  [0xe000, 0xe0ff], // private use
  [0xf900, 0xfaff], // compatibility ideographs
  [0xfb00, 0xfdff], // ligatures
  [0xfe00, 0xfe0f], // variation selectors
  [0xfff0, 0xffff], // specials and noncharacters
  [0x1d400, 0x1d7ff], // mathematical letters
  [0x1f1e6, 0x1f1ff], // flags
  [0x1f300, 0x1f6ff], // emoji
  [0x20000, 0x20100], // rare ideographs
  [0xe0001, 0xe007f], // tags
  [0x10ff00, 0x10ffff], // the end
];
/** Short texts that rules ask for. */
const TRICKY = [
  ...['\r\n', '\n', '\t', ' ', '  ', '\u00a0', '\u0085', '\u2028', '\ufeff', '\u200d', '\u200c', '\ufe0f', '\0', '▁'],
  ...['##', '</w>', '<s>', '</s>', '<unk>', '[UNK]', '[MASK]', '<|endoftext|>', '<0x0A>', '<0xFF>', '<pad>', '<mask>'],
  ...["'s", "'LL", "'ſ", "n't", 'ẞ', 'ß', 'İ', 'ı', 'ς', 'ǅ', 'ﬃ', '①', '½', 'e\u0301', 'q\u0307\u0323', '가', '각'],
  ...[
    '👩‍👩‍👧‍👦',
    '🇩🇪',
    '👍🏽',
    '\ud83d',
    '\udc4d',
    'A\u030a',
    '\u0f73',
    '\u{1d15e}',
    '0',
    '00',
    '1,234.5',
    '{"a": [1]}',
  ],
];

/** Most code units of an ordinary text. */
const USUAL = 120;

function character(rng: Rng): string {
  const [first, last] = BLOCKS[rng.below(BLOCKS.length)]!;
  return String.fromCodePoint(first + rng.below(last - first + 1));
}

const joined = (count: number, part: () => string) => Array.from({ length: count }, part).join('');
const pick = <T>(rng: Rng, list: readonly T[]): T => list[rng.below(list.length)]!;

/** A piece of one of the texts, cut anywhere. */
function quoted(rng: Rng, texts: readonly string[]): string {
  const text = pick(rng, texts);
  const from = rng.below(text.length + 1);
  return text.slice(from, from + rng.below(USUAL));
}

/** A text with a few of its characters removed, doubled, exchanged or pushed apart. */
function damaged(rng: Rng, text: string): string {
  for (let edits = 1 + rng.below(6); edits > 0; edits--) {
    const at = rng.below(text.length + 1);
    const to = at + rng.below(4);
    const middle = [() => '', () => text.slice(at, to).repeat(2), () => character(rng), () => pick(rng, TRICKY)];
    text = text.slice(0, at) + pick(rng, middle)() + text.slice(to);
  }
  return text;
}

/** Kinds of texts; `texts` are real ones. */
const KINDS: readonly ((rng: Rng, texts: readonly string[]) => string)[] = [
  quoted,
  (rng, texts) => damaged(rng, quoted(rng, texts)),
  rng => joined(rng.below(USUAL), () => character(rng)),
  rng => {
    const [first, last] = pick(rng, BLOCKS);
    return joined(rng.below(USUAL), () => String.fromCodePoint(first + rng.below(last - first + 1)));
  },
  rng => joined(rng.below(USUAL), () => String.fromCharCode(rng.below(0x10000))),
  rng => joined(rng.below(30), () => pick(rng, TRICKY)),
  (rng, texts) =>
    joined(rng.below(12), () => [quoted(rng, texts).slice(0, 9), pick(rng, TRICKY), character(rng)].join('')),
  // A long run, with something before and behind it.
  rng => character(rng) + pick(rng, [pick(rng, TRICKY), character(rng)]).repeat(rng.below(2000)) + character(rng),
  // A letter with marks piled on it.
  rng => joined(rng.below(8), () => 'a' + joined(rng.below(40), () => String.fromCodePoint(0x300 + rng.below(0x70)))),
  (rng, texts) =>
    quoted(rng, texts)
      .replace(/\s/g, '')
      .repeat(1 + rng.below(20)),
  rng => joined(rng.below(300), () => String(rng.below(10))),
];

/** A text that depends only on the state of `rng`. */
export function randomText(rng: Rng, texts: readonly string[]): string {
  const text = pick(rng, KINDS)(rng, texts);
  return rng.below(4) > 0 ? text : text + pick(rng, KINDS)(rng, texts);
}
