/**
 * Unicode normalization (Unicode Standard Annex 15) that knows where each character came from, as huggingface/tokenizers does
 * it: with the tables of Unicode 9.
 */

import { normalForm, type UnicodeForm } from './normal-form.ts';
import type { Normalizer } from './normalizers.ts';
import { AlignedBuilder, widthAt } from './offsets.ts';

/** A character and everything behind it that can combine with it: marks, vowel and final jamo, halfwidth voicing marks. */
const CLUSTER = /[\s\S][\p{M}\u1160-\u11ff\uff9e\uff9f]*/gu;

/** The normalizer of a form. */
export function unicodeForm(form: UnicodeForm): Normalizer {
  return {
    text: input => normalForm(input, form),
    aligned(input) {
      const builder = new AlignedBuilder(input);
      for (const { 0: cluster, index } of input.text.matchAll(CLUSTER)) {
        const normal = normalForm(cluster, form);
        if (normal === cluster) builder.keep(index, index + cluster.length);
        else alignCluster(builder, cluster, index, normal, form === 'NFC' || form === 'NFD' ? 'NFD' : 'NFKD');
      }
      return builder.build();
    },
  };
}

/**
 * Adds the normalized form of a cluster. Every character of the source decomposes into parts, and every normalized one is
 * composed of parts. It uses up as many source characters as begin among its parts and stands for the first of them; without
 * any it shares the place of the one before.
 */
function alignCluster(
  builder: AlignedBuilder,
  cluster: string,
  index: number,
  normal: string,
  form: 'NFD' | 'NFKD',
): void {
  const places: number[] = [];
  /** For each part, whether it is the first of its source character; equal parts in order. */
  const begins = new Map<string, boolean[]>();
  for (let at = 0; at < cluster.length; at += widthAt(cluster, at)) {
    places.push(index + at);
    let first = true;
    for (const part of normalForm(cluster.slice(at, at + widthAt(cluster, at)), form)) {
      const known = begins.get(part);
      if (known) known.push(first);
      else begins.set(part, [first]);
      first = false;
    }
  }
  for (const list of begins.values()) list.reverse();
  let used = 0;
  for (const char of normal) {
    let begun = 0;
    for (const part of normalForm(char, 'NFD')) if (begins.get(part)?.pop()) begun++;
    builder.put(char, places[begun > 0 ? Math.min(used, places.length - 1) : Math.max(0, used - 1)]!);
    used += begun;
  }
}
