/** Sentence similarity: how near texts are in meaning, by the cosine of their vectors. Reimers & Gurevych 2019, "Sentence-BERT". */
import { POOLINGS, type Pooling } from '../nn/pooling.ts';
import { textVectors } from './feature-extraction.ts';
import { oneOf } from './option-checks.ts';
import { type CallOptions, type Calls, defineTask, isText, isTexts } from './task.ts';

export interface Comparison {
  readonly sourceSentence: string;
  readonly sentences: readonly string[];
}
export interface SentenceSimilarityOptions extends CallOptions {
  /** How a text's vector is made. Default: as the folder's own modules say, else the mean. */
  readonly pooling?: Pooling | undefined;
}
/** The cosine of the source with each sentence, -1 to 1. */
export type SentenceSimilarity = Calls<Comparison, SentenceSimilarityOptions, number[]>;

export const task = defineTask<Comparison, SentenceSimilarityOptions, number[]>({
  name: 'sentence-similarity',
  heads: 'any',
  modality: 'text',
  expects: '{ sourceSentence, sentences }, texts, of sentences at least one',
  isInput: (value): value is Comparison =>
    isText((value as Comparison | null)?.sourceSentence) && isTexts((value as Comparison).sentences),
  options: { pooling: oneOf(...Object.keys(POOLINGS)) },
  async run(model, comparisons, options) {
    const texts = comparisons.flatMap(({ sourceSentence, sentences }) => [sourceSentence, ...sentences]);
    const vectors = await textVectors(model, texts, options);
    let from = 0;
    return comparisons.map(({ sentences }) => {
      const [source, ...others] = vectors.slice(from, (from += 1 + sentences.length)) as [
        Float32Array,
        ...Float32Array[],
      ];
      return others.map(other => cosine(source, other));
    });
  },
});

/** a · b / (|a| |b|); of a vector without length 0. */
export function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
}
