/**
 * Masked tokens and the question whether one passage follows another. Devlin et al. 2018, "BERT": in half of the pairs the second
 * passage is the rest of the first one's document, in the others it comes from another document; 10 % of the pairs are shorter, by
 * a random amount. A row of data is a document; its parts are drawn anew in every epoch.
 */
import { IGNORE } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { Rng } from '../../util/rng.ts';
import type { Example } from '../data/dataset.ts';
import { textField } from '../data/row.ts';
import { labelledBatch, type PaddingOptions, padIdOf } from './collate.ts';
import { checkLength, checkShares, framed, framedValues, frameOf, tokenColumn } from './frame.ts';
import { markedTokens, rangesFrom, SENTENCE } from './marks.ts';
import { type MaskingOptions, masking } from './masked-lm.ts';
import type { Objective } from './objective.ts';

export interface NextSentenceOptions extends MaskingOptions, PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Longest pair in tokens, those around the texts included. */
  readonly length: number;
  /** Share of pairs that are shorter. Default 0.1. */
  readonly shortSeqProb?: number | undefined;
  /** Default `text`. */
  readonly column?: string | undefined;
}
type Document = Example<'ids' | 'marks'>;

/** @throws ConfigError for a tokenizer without a mask token, and a length without room for two texts */
export function nextSentence(options: NextSentenceOptions): Objective<'ids' | 'marks'> {
  const { tokenizer, length, shortSeqProb = 0.1, column = 'text' } = options;
  const hide = masking(tokenizer, options, 'next-sentence');
  checkShares({ shortSeqProb }, 'next-sentence');
  const frame = frameOf(tokenizer, 2);
  checkLength(length, frame.size, 'next-sentence', 2);
  const room = length - frame.size;
  return {
    name: 'next-sentence',
    columns: { ids: tokenColumn(tokenizer), marks: 'u8' },
    settings: { column, length },
    encode(row) {
      const { ids, marks } = markedTokens(tokenizer, textField(row, [column]));
      return passages(marks, room).map(([from, to]) => ({ ids: ids.slice(from, to), marks: marks.slice(from, to) }));
    },
    drawsPartners: true,
    batch(examples, rngs, partners) {
      const pairs = examples.map((example, i) => {
        const rng = rngs[i]!;
        const wanted = rng.uniform() < shortSeqProb ? 2 + rng.below(room - 1) : room;
        const pair = drawPair(example, partners![i]!, wanted, rng);
        const hidden = pair.texts.map(({ ids, marks }) => hide(ids, marks, rng));
        return {
          ...framed(
            frame,
            hidden.map(h => h.ids),
          ),
          random: pair.random,
          labels: hidden.map(h => h.labels),
        };
      });
      const batch = labelledBatch(
        pairs.map(({ ids }) => ids),
        pairs.map(({ labels }) => framedValues(frame, labels, IGNORE)),
        padIdOf(tokenizer),
        { maxLength: length, ...options },
        pairs.map(({ types }) => types),
      );
      return { ...batch, inputs: { ...batch.inputs, next_sentence_label: pairs.map(({ random }) => Number(random)) } };
    },
    texts: row => [textField(row, [column])],
  };
}

/** Whole sentences of together at most `room` tokens, as ranges; a longer sentence stands for itself. */
function passages(marks: readonly number[], room: number): [number, number][] {
  const parts: [number, number][] = [];
  for (const [from, to] of rangesFrom(marks, SENTENCE)) {
    const last = parts.at(-1);
    if (last && to - last[0] <= room) last[1] = to;
    else parts.push([from, to]);
  }
  return parts;
}

/** Two passages of together at most `wanted` tokens, and whether the second is of another document. */
export function drawPair(
  document: Document,
  partner: Document,
  wanted: number,
  rng: Rng,
): { readonly texts: readonly [Document, Document]; readonly random: boolean } {
  const sentences = rangesFrom(document.marks, SENTENCE);
  const end = sentences.length > 1 ? sentences[rng.below(sentences.length - 1)]![1] : document.ids.length;
  const random = sentences.length === 1 || rng.uniform() < 0.5;
  const others = random ? rangesFrom(partner.marks, SENTENCE) : [];
  const first = part(document, 0, end);
  const second = random
    ? part(partner, others[rng.below(others.length)]![0], partner.ids.length)
    : part(document, end, document.ids.length);
  return { texts: shortened(first, second, wanted, rng), random };
}

const part = ({ ids, marks }: Document, from: number, to: number): Document => ({
  ids: Array.from(ids).slice(from, to),
  marks: Array.from(marks).slice(from, to),
});

/** The longer of two loses tokens, each time at its front or its end by chance, until both fit. */
function shortened(a: Document, b: Document, wanted: number, rng: Rng): [Document, Document] {
  const ranges = [
    [0, a.ids.length],
    [0, b.ids.length],
  ] as [[number, number], [number, number]];
  const size = ([from, to]: [number, number]) => to - from;
  while (size(ranges[0]) + size(ranges[1]) > wanted) {
    const longer = ranges[size(ranges[0]) > size(ranges[1]) ? 0 : 1];
    if (rng.uniform() < 0.5) longer[0]++;
    else longer[1]--;
  }
  return [part(a, ...ranges[0]), part(b, ...ranges[1])];
}
