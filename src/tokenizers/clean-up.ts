/**
 * Taking out the spaces that tokenization has put before English punctuation and contractions: of a whole text, or of a text that
 * comes in parts. huggingface/transformers `clean_up_tokenization`.
 */
import type { DecodeStage } from './decoders.ts';

/** What becomes what, one after the other over the whole text, in the order of the original. */
const SPACINGS: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** Takes out the spaces before punctuation and English contractions. */
export function cleanUpSpaces(text: string): string {
  return SPACINGS.reduce((clean, [from, to]) => clean.replaceAll(from, to), text);
}

/** The same for a text in parts: gives on to `next` what no later part can change. */
export function cleaningStage(next: DecodeStage): DecodeStage {
  return SPACINGS.reduceRight((stage, [from, to]) => replacingStage(from, to, stage), next);
}

/** `replaceAll` for a text in parts. */
function replacingStage(from: string, to: string, next: DecodeStage): DecodeStage {
  /** The end of the text so far, which may be the beginning of a `from`. */
  let held = '';
  return {
    push(part) {
      const text = held + part;
      const last = text.lastIndexOf(from);
      let keep = Math.min(from.length - 1, text.length - (last < 0 ? 0 : last + from.length));
      while (keep > 0 && !from.startsWith(text.slice(text.length - keep))) keep--;
      const done = text.length - keep;
      held = text.slice(done);
      if (done > 0) next.push(text.slice(0, done).replaceAll(from, to));
    },
    drain: () => next.drain(),
    finish() {
      if (held !== '') next.push(held);
      next.finish();
    },
  };
}
