/** Normalizers that rewrite each character by itself: one table from characters to texts serves the fast and the aligned form. */
import type { Normalizer } from './normalizers.ts';
import { AlignedBuilder, widthAt } from './offsets.ts';

/** Code units written before they become text. */
const CHUNK = 1 << 15;
/** In the table of single units: becomes nothing or several units, or was not asked for yet. */
const ASK = 0;
/** Most characters that are kept outside of that table. */
const MAX_OTHERS = 1 << 16;

/**
 * The normalizer that puts `replacement(char)` in the place of each character. It is asked once for each character that
 * occurs, and may be slow.
 */
export function perCharacter(replacement: (char: string) => string): Normalizer {
  /** Of each code unit the one that it becomes, where that is one. Surrogates are asked for in pairs. */
  const units = new Uint16Array(0x10000);
  const others = new Map<string, string>();

  const lookUp = (char: string): string => {
    const known = others.get(char);
    if (known !== undefined) return known;
    const changed = replacement(char);
    if (char.length === 1 && changed.length === 1 && changed !== '\0')
      units[char.charCodeAt(0)] = changed.charCodeAt(0);
    else {
      if (others.size >= MAX_OTHERS) others.clear();
      others.set(char, changed);
    }
    return changed;
  };
  /** Where the first character at or after `at` stands that changes, or is not known not to. */
  const unchangedEnd = (text: string, at: number): number => {
    while (at < text.length) {
      const unit = text.charCodeAt(at);
      if (unit === ASK || units[unit] !== unit) break;
      at++;
    }
    return at;
  };

  return {
    text(input) {
      let at = unchangedEnd(input, 0);
      if (at === input.length) return input;
      // Joined at once: a text that is put together step by step stays slow to read.
      const output = [input.slice(0, at)];
      const chunk = new Uint16Array(Math.min(CHUNK, 2 * (input.length - at) + 32));
      const decoder = new TextDecoder('utf-16le', { ignoreBOM: true });
      let filled = 0;
      const flush = () => {
        output.push(decoder.decode(chunk.subarray(0, filled)));
        filled = 0;
      };
      while (at < input.length) {
        if (filled === chunk.length) flush();
        const unit = units[input.charCodeAt(at)]!;
        if (unit !== ASK) {
          chunk[filled++] = unit;
          at++;
          continue;
        }
        const width = widthAt(input, at);
        const changed = lookUp(input.slice(at, at + width));
        at += width;
        if (filled + changed.length > chunk.length) flush();
        if (changed.length > chunk.length) output.push(changed);
        else for (let i = 0; i < changed.length; i++) chunk[filled++] = changed.charCodeAt(i);
      }
      flush();
      return output.join('');
    },
    aligned(input) {
      const { text } = input;
      if (unchangedEnd(text, 0) === text.length) return input;
      const builder = new AlignedBuilder(input);
      for (let at = 0; at < text.length; ) {
        const kept = unchangedEnd(text, at);
        if (kept > at) builder.keep(at, kept);
        at = kept;
        if (at === text.length) break;
        const end = at + widthAt(text, at);
        const char = text.slice(at, end);
        const unit = units[text.charCodeAt(at)]!;
        const changed = unit === ASK ? lookUp(char) : String.fromCharCode(unit);
        if (changed === char) builder.keep(at, end);
        else builder.put(changed, at);
        at = end;
      }
      return builder.build();
    },
  };
}
