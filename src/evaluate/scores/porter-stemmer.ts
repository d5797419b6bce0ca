/**
 * The stem of an English word (Porter, "An algorithm for suffix stripping", Program 14(3), 1980), with the departures of
 * NLTK's stemmer, which rouge-score uses: some irregular words, *dies* and *died*, Y after a vowel, BLI, FULLI and LOGI,
 * ALLI before all else in step 2, and words of two letters as they are.
 */

/** Words whose stems the rules get wrong. */
const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ['sky', 'sky'],
  ['skies', 'sky'],
  ['dying', 'die'],
  ['lying', 'lie'],
  ['tying', 'tie'],
  ['news', 'news'],
  ['innings', 'inning'],
  ['inning', 'inning'],
  ['outings', 'outing'],
  ['outing', 'outing'],
  ['cannings', 'canning'],
  ['canning', 'canning'],
  ['howe', 'howe'],
  ['proceed', 'proceed'],
  ['exceed', 'exceed'],
  ['succeed', 'succeed'],
]);

/** The stem of a lowercase word. */
export function porterStem(word: string): string {
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) return irregular;
  if (word.length <= 2) return word;
  return [plurals, pastAndProgressive, finalY, step2, step3, step4, finalE, doubleL].reduce(
    (stem, step) => step(stem),
    word,
  );
}

/** A suffix and what takes its place, if the rest of the word allows it. */
type Rule = readonly [suffix: string, replacement: string, allows?: (rest: string) => boolean];

/** The first rule whose suffix the word has decides, even if its condition fails. */
function apply(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (!rule) return word;
  const [suffix, replacement, allows] = rule;
  const rest = word.slice(0, word.length - suffix.length);
  return allows && !allows(rest) ? word : rest + replacement;
}

/** Which letters are vowels: a, e, i, o, u, and y after a consonant. */
function vowels(word: string): boolean[] {
  const flags: boolean[] = [];
  for (let i = 0; i < word.length; i++) {
    flags.push('aeiou'.includes(word[i]!) || (word[i] === 'y' && i > 0 && !flags[i - 1]));
  }
  return flags;
}

/** Porter's m: how often a consonant follows a vowel. */
function measure(word: string): number {
  return vowels(word).filter((vowel, i, flags) => !vowel && flags[i - 1]).length;
}

const positive = (rest: string) => measure(rest) > 0;
const aboveOne = (rest: string) => measure(rest) > 1;
const hasVowel = (rest: string) => vowels(rest).includes(true);
const endsInConsonant = (word: string) => vowels(word).at(-1) === false;

/** Porter's *o: consonant, vowel, consonant other than w, x and y; or only a vowel and a consonant. */
function endsInShortSyllable(word: string): boolean {
  const flags = vowels(word);
  const [third, second, last] = [flags.at(-3), flags.at(-2), flags.at(-1)];
  if (last !== false || second !== true) return false;
  return word.length === 2 || (third === false && !'wxy'.includes(word.at(-1)!));
}

function plurals(word: string): string {
  if (word.length === 4 && word.endsWith('ies')) return word.slice(0, -1);
  return apply(word, [
    ['sses', 'ss'],
    ['ies', 'i'],
    ['ss', 'ss'],
    ['s', ''],
  ]);
}

function pastAndProgressive(word: string): string {
  if (word.endsWith('ied')) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith('eed')) return apply(word, [['eed', 'ee', positive]]);
  const suffix = ['ed', 'ing'].find(ending => word.endsWith(ending) && hasVowel(word.slice(0, -ending.length)));
  if (!suffix) return word;
  const rest = word.slice(0, -suffix.length);
  if (/(at|bl|iz)$/.test(rest)) return `${rest}e`;
  if (rest.at(-1) === rest.at(-2) && endsInConsonant(rest)) return /[lsz]$/.test(rest) ? rest : rest.slice(0, -1);
  return measure(rest) === 1 && endsInShortSyllable(rest) ? `${rest}e` : rest;
}

function finalY(word: string): string {
  return apply(word, [['y', 'i', rest => rest.length > 1 && endsInConsonant(rest)]]);
}

const DERIVATIONS: readonly Rule[] = [
  ['ational', 'ate', positive],
  ['tional', 'tion', positive],
  ['enci', 'ence', positive],
  ['anci', 'ance', positive],
  ['izer', 'ize', positive],
  ['bli', 'ble', positive],
  ['alli', 'al', positive],
  ['entli', 'ent', positive],
  ['eli', 'e', positive],
  ['ousli', 'ous', positive],
  ['ization', 'ize', positive],
  ['ation', 'ate', positive],
  ['ator', 'ate', positive],
  ['alism', 'al', positive],
  ['iveness', 'ive', positive],
  ['fulness', 'ful', positive],
  ['ousness', 'ous', positive],
  ['aliti', 'al', positive],
  ['iviti', 'ive', positive],
  ['biliti', 'ble', positive],
  ['fulli', 'ful', positive],
  // The l counts as part of the stem, so that short ones like geo- are treated as archaeo- is.
  ['logi', 'log', rest => positive(`${rest}l`)],
];

function step2(word: string): string {
  let stem = word;
  while (stem.endsWith('alli') && positive(stem.slice(0, -4))) stem = stem.slice(0, -2);
  return apply(stem, DERIVATIONS);
}

function step3(word: string): string {
  return apply(word, [
    ['icate', 'ic', positive],
    ['ative', '', positive],
    ['alize', 'al', positive],
    ['iciti', 'ic', positive],
    ['ical', 'ic', positive],
    ['ful', '', positive],
    ['ness', '', positive],
  ]);
}

const ENDINGS: readonly Rule[] = [
  ...['al', 'ance', 'ence', 'er', 'ic', 'able', 'ible', 'ant', 'ement', 'ment', 'ent'].map(
    suffix => [suffix, '', aboveOne] as const,
  ),
  ['ion', '', rest => aboveOne(rest) && /[st]$/.test(rest)],
  ...['ou', 'ism', 'ate', 'iti', 'ous', 'ive', 'ize'].map(suffix => [suffix, '', aboveOne] as const),
];

function step4(word: string): string {
  return apply(word, ENDINGS);
}

function finalE(word: string): string {
  return apply(word, [['e', '', rest => aboveOne(rest) || (measure(rest) === 1 && !endsInShortSyllable(rest))]]);
}

function doubleL(word: string): string {
  return apply(word, [['ll', 'l', rest => aboveOne(`${rest}l`)]]);
}
