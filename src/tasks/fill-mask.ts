/** Fill-mask: what stands behind each mask of a text. Devlin et al. 2018 call it the cloze task. */
import { ConfigError } from '../errors.ts';
import type { Model } from '../hub/model.ts';
import { padded } from '../hub/source-decoder.ts';
import type { Encoding, Tokenizer } from '../tokenizers/index.ts';
import { softmax } from '../util/softmax.ts';
import { count, textOrTexts } from './option-checks.ts';
import { topPlaces } from './scores-to-labels.ts';
import { type CallOptions, type Calls, defineTask, isText } from './task.ts';
import { inGroups } from './text-batches.ts';

export interface FillMaskOptions extends CallOptions {
  /** Tokens for each mask, the most probable first. Default 5. */
  readonly topK?: number | undefined;
  /** Only these words, each of which has to be one token. Scores stay those among all tokens. */
  readonly targets?: string | readonly string[] | undefined;
}
/** A token in the place of a mask. */
export interface FilledMask {
  /** Its probability. */
  readonly score: number;
  readonly token: number;
  readonly tokenStr: string;
  /** The text with it; other masks stay. */
  readonly sequence: string;
  /** Number of the mask in the text, from 0. */
  readonly mask: number;
  /** Where the mask stands in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}
/** The tokens for the first mask, then those for the next. */
export type FillMask = Calls<string, FillMaskOptions, FilledMask[]>;

const TOP_K = 5;

export const task = defineTask<string, FillMaskOptions, FilledMask[]>({
  name: 'fill-mask',
  heads: ['maskedLM', 'enhancedMaskedLM'],
  modality: 'text',
  expects: 'a text with a mask',
  isInput: isText,
  options: { topK: count, targets: textOrTexts },
  async run(model, texts, options) {
    const { tokenizer } = model;
    const denoiser = model.denoiser();
    const { maskId } = denoiser;
    const targets = options.targets === undefined ? undefined : targetIds(tokenizer, [options.targets].flat());
    const encodings = texts.map(text => tokenizer.encode(text));
    const at = encodings.map(({ ids }, i) => {
      const places = [...ids.keys()].filter(place => ids[place] === maskId);
      if (places.length > 0) return places;
      throw new ConfigError('a text without a mask', {
        seen: JSON.stringify(texts[i]!.slice(0, 80)),
        expected: `${tokenizer.idToToken(maskId)} where a word is to be found`,
      });
    });
    const results: FilledMask[][] = [];
    const lengths = encodings.map(({ ids }) => ids.length);
    await inGroups(lengths, options, async group => {
      const { input_ids, attention_mask } = padded(group.map(i => encodings[i]!.ids));
      const ids = input_ids as number[][];
      const mask = attention_mask as number[][];
      const logits = await denoiser.logits({ ids, mask, at: group.map(i => at[i]!), signal: options.signal });
      for (const [b, i] of group.entries())
        results[i] = at[i]!.flatMap((place, nth) => {
          const row = logits[b]!.subarray(nth * denoiser.vocabSize, (nth + 1) * denoiser.vocabSize);
          return bestTokens(row, targets, options.topK ?? TOP_K).map(({ token, score }) => ({
            ...{ score, token, tokenStr: tokenizer.decode([token]) },
            sequence: filledText(model, encodings[i]!, place, token, at[i]!.length === 1),
            mask: nth,
            ...spanOf(encodings[i]!, place),
          }));
        });
    });
    return results;
  },
});

function bestTokens(logits: Float32Array, targets: readonly number[] | undefined, topK: number) {
  const all = softmax(logits);
  const among = targets ?? [...all.keys()];
  // The tokenizer may have a token that the model has no place for.
  const scores = targets?.map(id => all[id] ?? 0) ?? all;
  return topPlaces(scores, topK).map(place => ({ token: among[place]!, score: scores[place]! }));
}

/** Other masks would be lost with the special tokens, so these are shown where there are several. */
function filledText(
  { tokenizer }: Model,
  { ids }: Encoding,
  place: number,
  token: number,
  skipSpecialTokens: boolean,
): string {
  const filled = ids.map((id, i) => (i === place ? token : id));
  return tokenizer.decode(filled, { skipSpecialTokens });
}

const spanOf = ({ offsets }: Encoding, place: number) => ({ start: offsets[place]![0], end: offsets[place]![1] });

/** @throws ConfigError for a word that is no single token */
function targetIds(tokenizer: Tokenizer, words: readonly string[]): number[] {
  const ids = words.map(word => {
    const id = tokenizer.tokenToId(word);
    if (id !== undefined) return id;
    const pieces = tokenizer.encodeIds(word, { addSpecialTokens: false });
    if (pieces.length === 1) return pieces[0]!;
    throw new ConfigError('a target has to be one token', {
      seen: `${JSON.stringify(word)} is ${pieces.map(piece => tokenizer.idToToken(piece)).join(' ') || 'none'}`,
      fix: 'give one that is in the vocabulary',
      where: 'targets',
    });
  });
  return [...new Set(ids)];
}
