/**
 * Cutting where the script changes, as SentencePiece does (split_by_unicode_script); details as in huggingface/tokenizers
 * pre_tokenizers/unicode_scripts, whose scripts are those of Unicode 9.
 */
import { widthAt } from './offsets.ts';
import { isInUnicode9 } from './reference-classes.ts';
import type { Scan } from './split-patterns.ts';

/** The scripts of Unicode 9. Hiragana and Katakana count as Han. */
const NAMES = [
  'Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki',
  'Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Common',
  'Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari Duployan Egyptian_Hieroglyphs Elbasan Ethiopic Georgian',
  'Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han Hangul Hanunoo Hatran Hebrew Imperial_Aramaic Inherited',
  'Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Kayah_Li Kharoshthi Khmer Khojki Khudawadi',
  'Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Malayalam Mandaic Manichaean Marchen',
  'Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar',
  'Nabataean New_Tai_Lue Newa Nko Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian',
  'Old_South_Arabian Old_Turkic Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician',
  'Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sora_Sompeng',
  'Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana Thai',
  'Tibetan Tifinagh Tirhuta Ugaritic Vai Warang_Citi Yi',
].flatMap(line => line.split(' '));

/** Goes with every script: spaces, and characters without a script. */
const ANY = 'Any';

/** Characters that are in another script today. */
const MOVED: ReadonlyMap<string, string> = new Map([
  [' ', ANY],
  ['\u0589', 'Common'],
  ['\u061c', 'Common'],
  ['\u0953', 'Devanagari'],
  ['\u0954', 'Devanagari'],
  ['\u30fc', 'Han'],
]);
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;

const scripts = NAMES.map(name => ({ name, pattern: new RegExp(`\\p{Script=${name}}`, 'u') }));
/** Names of the scripts of characters that have been asked for. */
const known = new Map<string, string>();
const MAX_KNOWN = 1 << 16;

function findScript(char: string): string {
  if (!isInUnicode9(char)) return ANY;
  if (KANA.test(char)) return 'Han';
  return scripts.find(({ pattern }) => pattern.test(char))?.name ?? ANY;
}

function scriptOf(char: string): string {
  const found = known.get(char);
  if (found !== undefined) return found;
  const script = MOVED.get(char) ?? findScript(char);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(char, script);
  return script;
}

/** Pieces of one script each. Characters in front of the first one that has a script are dropped, as in the reference. */
export const scanScripts: Scan = (text, from, to, emit) => {
  let start = -1;
  let current = ANY;
  for (let at = from; at < to; ) {
    const end = at + widthAt(text, at);
    const script = scriptOf(text.slice(at, end));
    if (script !== ANY && script !== current) {
      if (start >= 0) emit(start, at);
      start = at;
    }
    if (script !== ANY) current = script;
    at = end;
  }
  if (start >= 0) emit(start, to);
};
