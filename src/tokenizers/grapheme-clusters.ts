/**
 * Extended grapheme clusters: what readers take for one character. Unicode Standard Annex 29, rules GB3 to GB13. Most of the
 * properties are those of the host's regular expressions; the three that these lack are listed.
 */

const OTHER = 1;
const CR = 2;
const LF = 3;
const CONTROL = 4;
const EXTEND = 5;
const JOINER = 6;
const SPACING = 7;
const PREPEND = 8;
const HANGUL_L = 9;
const HANGUL_V = 10;
const HANGUL_T = 11;
const HANGUL_LV = 12;
const HANGUL_LVT = 13;
const REGIONAL = 14;
const PICTURE = 15;
/** Indic consonants and the signs that link them, `Indic_Conjunct_Break`. */
const CONSONANT = 16;
const LINKER = 17;

const IS_EXTEND = /[\p{Grapheme_Extend}\p{Emoji_Modifier}]/u;
const IS_CONTROL = /[\p{Zl}\p{Zp}\p{Cc}\p{Cf}]|(?=\p{Cn})\p{Default_Ignorable_Code_Point}/u;
const IS_SPACING =
  /(?![\u102b\u102c\u1038\u1062-\u1064\u1067-\u106d\u1083\u1087-\u108c\u108f\u109a-\u109c\u1a61\u1a63\u1a64\uaa7b\uaa7d\u{11720}\u{11721}])[\p{Mc}\u0e33\u0eb3]/u;
const IS_PREPEND =
  /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\u{110bd}\u{110cd}\u{111c2}\u{111c3}\u{113d1}\u{1193f}\u{11941}\u{11a3a}\u{11a84}-\u{11a89}\u{11d46}\u{11f02}]/u;
const IS_CONSONANT =
  /[\u0915-\u0939\u0958-\u095f\u0978-\u097f\u0995-\u09a8\u09aa-\u09b0\u09b2\u09b6-\u09b9\u09dc\u09dd\u09df\u09f0\u09f1\u0a95-\u0aa8\u0aaa-\u0ab0\u0ab2\u0ab3\u0ab5-\u0ab9\u0af9\u0b15-\u0b28\u0b2a-\u0b30\u0b32\u0b33\u0b35-\u0b39\u0b5c\u0b5d\u0b5f\u0b71\u0c15-\u0c28\u0c2a-\u0c39\u0c58-\u0c5a\u0d15-\u0d3a]/;
const IS_LINKER = /[\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d]/;
const IS_PICTURE = /\p{Extended_Pictographic}/u;

function computeClass(codePoint: number): number {
  if (codePoint === 0x0d) return CR;
  if (codePoint === 0x0a) return LF;
  if (codePoint === 0x200d) return JOINER;
  if (codePoint >= 0x20 && codePoint < 0x7f) return OTHER;
  if (codePoint >= 0xac00 && codePoint <= 0xd7a3) return (codePoint - 0xac00) % 28 === 0 ? HANGUL_LV : HANGUL_LVT;
  if ((codePoint >= 0x1100 && codePoint <= 0x115f) || (codePoint >= 0xa960 && codePoint <= 0xa97c)) return HANGUL_L;
  if ((codePoint >= 0x1160 && codePoint <= 0x11a7) || (codePoint >= 0xd7b0 && codePoint <= 0xd7c6)) return HANGUL_V;
  if ((codePoint >= 0x11a8 && codePoint <= 0x11ff) || (codePoint >= 0xd7cb && codePoint <= 0xd7fb)) return HANGUL_T;
  if (codePoint >= 0x1f1e6 && codePoint <= 0x1f1ff) return REGIONAL;
  const char = String.fromCodePoint(codePoint);
  if (IS_LINKER.test(char)) return LINKER;
  if (IS_PREPEND.test(char)) return PREPEND;
  if (IS_EXTEND.test(char)) return EXTEND;
  if (IS_CONTROL.test(char)) return CONTROL;
  if (IS_SPACING.test(char)) return SPACING;
  if (IS_CONSONANT.test(char)) return CONSONANT;
  return IS_PICTURE.test(char) ? PICTURE : OTHER;
}

/** Classes of the basic plane, 0 where not asked for yet. */
const classes = new Uint8Array(0x10000);

function classOf(codePoint: number): number {
  if (codePoint > 0xffff) return computeClass(codePoint);
  return (classes[codePoint] ||= computeClass(codePoint));
}

/** Whether a code unit is a character that joins neither with the one before it nor, by its own rules, with the one behind it. */
export function standsAlone(unit: number): boolean {
  return (unit < 0xd800 || unit > 0xdfff) && classOf(unit) === OTHER;
}

/**
 * The end of the cluster that begins at `at`, a place between two clusters. Reads the cluster and one character more.
 * `text` is well-formed.
 */
export function clusterEnd(text: string, at: number): number {
  let codePoint = text.codePointAt(at)!;
  let before = classOf(codePoint);
  /** Whether the cluster so far ends with a picture and then only marks; or with a consonant, marks and a linker. */
  let picture = before === PICTURE;
  let consonant = before === CONSONANT;
  let linked = false;
  let regionals = before === REGIONAL ? 1 : 0;
  for (let end = at + (codePoint > 0xffff ? 2 : 1); ; ) {
    if (end >= text.length) return end;
    codePoint = text.codePointAt(end)!;
    const next = classOf(codePoint);
    const joins =
      (before === CR && next === LF) ||
      (before !== CR &&
        before !== LF &&
        before !== CONTROL &&
        (next === EXTEND ||
          next === LINKER ||
          next === JOINER ||
          next === SPACING ||
          (before === PREPEND && next !== CONTROL && next !== CR && next !== LF) ||
          joinsHangul(before, next) ||
          (before === JOINER && picture && next === PICTURE) ||
          (linked && next === CONSONANT) ||
          (regionals % 2 === 1 && next === REGIONAL)));
    if (!joins) return end;
    linked = consonant && (next === LINKER || (linked && (next === EXTEND || next === JOINER)));
    consonant = next === CONSONANT || (consonant && (next === LINKER || next === EXTEND || next === JOINER));
    picture =
      next === PICTURE || (picture && before !== JOINER && (next === EXTEND || next === LINKER || next === JOINER));
    regionals = next === REGIONAL ? regionals + 1 : 0;
    before = next;
    end += codePoint > 0xffff ? 2 : 1;
  }
}

function joinsHangul(before: number, next: number): boolean {
  if (before === HANGUL_L) return next === HANGUL_L || next === HANGUL_V || next === HANGUL_LV || next === HANGUL_LVT;
  if (before === HANGUL_LV || before === HANGUL_V) return next === HANGUL_V || next === HANGUL_T;
  return (before === HANGUL_LVT || before === HANGUL_T) && next === HANGUL_T;
}
