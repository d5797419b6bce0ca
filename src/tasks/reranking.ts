/**
 * Reranking: how well documents answer a query, by a model that reads both together (a cross-encoder). Nogueira & Cho 2019, "Passage
 * Re-ranking with BERT".
 */
import { flag, howMany, oneOf } from './option-checks.ts';
import { classLogits, type PairOptions } from './pair-logits.ts';
import { SCORE_FUNCTIONS, type ScoreFunction, scoreFunctionOf, scoresBy, topPlaces } from './scores-to-labels.ts';
import { type Calls, defineTask, isText, isTexts } from './task.ts';

export interface Ranking {
  readonly query: string;
  readonly documents: readonly string[];
}
export interface RerankingOptions extends PairOptions {
  /** Documents to give. Default: all. */
  readonly topK?: number | undefined;
  /** Default: sigmoid for a model with one output. */
  readonly functionToApply?: ScoreFunction | undefined;
}
export interface RankedDocument {
  /** Its place in `documents`. */
  readonly index: number;
  readonly score: number;
  readonly text: string;
}
/** The best documents first. */
export type Reranking = Calls<Ranking, RerankingOptions, RankedDocument[]>;

export const task = defineTask<Ranking, RerankingOptions, RankedDocument[]>({
  name: 'reranking',
  heads: ['sequenceClassification'],
  modality: 'text',
  expects: '{ query, documents }, texts, of documents at least one',
  isInput: (value): value is Ranking =>
    isText((value as Ranking | null)?.query) && isTexts((value as Ranking).documents),
  options: { topK: howMany, functionToApply: oneOf(...SCORE_FUNCTIONS), truncation: flag },
  async run(model, rankings, options) {
    const pairs = rankings.flatMap(({ query, documents }) => documents.map(textPair => ({ text: query, textPair })));
    const logits = await classLogits(model, pairs, options);
    let from = 0;
    return rankings.map(({ documents }) => {
      const scores = logits.slice(from, (from += documents.length)).map(row => {
        const apply = options.functionToApply ?? scoreFunctionOf(model, row.length);
        // Of two classes the second says that a document fits.
        return scoresBy(apply, row).at(-1)!;
      });
      return topPlaces(scores, options.topK ?? documents.length).map(index => ({
        ...{ index, score: scores[index]!, text: documents[index]! },
      }));
    });
  },
});
