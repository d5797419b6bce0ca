/**
 * Character classes with the answers of huggingface/tokenizers, whose categories are those of Unicode 8 and whose marks,
 * decompositions and scripts are those of Unicode 9, while a JavaScript engine has the tables of its own day. The same as the
 * reference's on every code point up to Unicode 17.
 */

/** Marks, punctuation and format characters that came with Unicode 9. */
const IN_9 = [
  '8d4-8e2 1885-1886 1dfb 2e43-2e44 a8c5 a9bd 1123e 11438-1143f 11442-11444 11446 1144b-1144f 1145b-1145d',
  '11660-1166c 11c30-11c3d 11c3f 11c41-11c45 11c70-11c71 11c92-11ca7 11caa-11cb0 11cb2-11cb3 11cb5-11cb6',
  '1e000-1e02a 1e944-1e94a 1e95e-1e95f',
].join(' ');
/** Everything that came later. */
const AFTER_9 = [
  '560 588 5ef 61d 7fd-7ff 860-89f 8b5 8be-8d3 9fc-9fe a76 afa-aff b55 c04 c3c c5c-c5d c77 c84 cdc-cdd cf3-d00 d04',
  'd3b-d3c d81 e86 e89 e8c e8e-e93 e98 ea0 ea8-ea9 eac eba ece 170d 1715-171f 180f 1878 1abf-1aeb 1b4c-1b4f',
  '1b7d-1b7f 1c89-1cbf 1cf7 1cfa 1df6-1dfa 20bf-20c1 23ff 2427-2429 2b96-2b97 2bba-2bbc 2bc9 2bd2-2beb 2bf0-2bff',
  '2c2f 2c5f 2e45-2e5d 2ffc-2fff 312e-312f 31bb-31bf 31e4-31ef 32ff 4db6-4dbf 9fd6-9fff a7af a7b8-a7f6 a82c',
  'a8fe-a8ff ab66-ab6b fbc2-fbd2 fd40-fd4f fd90-fd91 fdc8-fdcf fdfe-fdff 1019c 1032d-1032f 10570-105f3 10780-107ba',
  '10940-10959 10a34-10a35 10a48 10d00-10d8f 10e80-10ff6 11070-11075 110c2-110cd 11144-11147 111ce-111cf',
  '1123f-11241 1133b 11380-113e2 1145a 1145e-11461 116b8-116b9 116d0-116e3 1171a 11740-1183b 11900-11abf',
  '11b00-11bf9 11d00-11fff 12f90-12ff2 1342f-143fa 16100-16139 16a70-16ac9 16d40-16ed3 16f45-16f4f 16f7f-16f87',
  '16fe1-16ff6 187ed-187ff 18af3-1affe 1b002-1b2fb 1cc00-1cfc3 1d1e9-1d1ea 1d2c0-1d2f3 1d372-1d378 1df00-1df2a',
  '1e030-1e7fe 1e94b 1ec71-1ed3d 1f10d-1f10f 1f12f 1f16c-1f16f 1f1ad 1f260-1f265 1f6d3-1f6df 1f6f7-1f6fc',
  '1f774-1f77f 1f7d5-1f7f0 1f8b0-1f90f 1f91f 1f928-1f92f 1f931-1f932 1f93f 1f94c-1f94f 1f95f-1f97f 1f992-1f9bf',
  '1f9c1-1fbfa 2a6d7-2a6df 2b735-2b73f 2cea2-2ee5d 30000-33479',
].join(' ');

type Range = readonly [first: number, last: number];
const rangesOf = (list: string): Range[] =>
  list.split(' ').map(range => {
    const [first, last = first] = range.split('-').map(code => Number.parseInt(code, 16));
    return [first!, last!];
  });
const within = (ranges: readonly Range[], char: string): boolean => {
  const codePoint = char.codePointAt(0)!;
  return ranges.some(([first, last]) => codePoint >= first && codePoint <= last);
};
const after9 = rangesOf(AFTER_9);
const after8 = [...rangesOf(IN_9), ...after9];

// Four characters have changed their category since.
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}\u166d\u{111c9}]/u;
const NONSPACING_MARK = /(?!\u{111c9})[\p{Mn}\u1734\u{1171e}]/u;
const MARK = /(?!\u{111c9})[\p{M}\u1cf2\u1cf3]/u;
const CONTROL = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/u;
const WHITE_SPACE = /\p{White_Space}/u;

// Each searches a list for characters outside of ASCII: callers keep the answers.

/** Category P, and of ASCII all that is neither letter, digit nor control: `$+<=>^\`|~` are symbols in Unicode. */
export const isPunctuation = (char: string): boolean => PUNCTUATION.test(char) && !within(after8, char);
/** Category Mn. */
export const isNonspacingMark = (char: string): boolean => NONSPACING_MARK.test(char) && !within(after8, char);
/** Category M. */
export const isMark = (char: string): boolean => MARK.test(char) && !within(after9, char);
/** Categories Cc, Cf and Co, except tab and line ends. */
export const isControl = (char: string): boolean => CONTROL.test(char) && !within(after8, char);
/** White_Space. */
export const isWhiteSpace = (char: string): boolean => WHITE_SPACE.test(char);

/** Whether Unicode 9 has the character. */
export const isInUnicode9 = (char: string): boolean => !within(after9, char);
/** A character that is younger than Unicode 9. */
export const NEWER_THAN_9 = new RegExp(
  `[${after9.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`).join('')}]`,
  'u',
);
