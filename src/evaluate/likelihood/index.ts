/** How probable a model finds texts: likelihoods, pseudo-likelihoods, perplexities. */
export {
  type ContinuationItem,
  type ContinuationOptions,
  type ContinuationScore,
  continuationLogLikelihoods,
  type LikelihoodEstimator,
  NORMALIZATIONS,
  type Normalization,
  normalizedScore,
} from './continuations.ts';
export {
  PERPLEXITY_CONVENTIONS,
  type Perplexities,
  type PerplexityConvention,
  type PerplexityOptions,
  perplexities,
  perplexity,
  type TextLikelihood,
  type TextPerplexity,
  textLogLikelihoods,
} from './perplexity.ts';
export {
  PSEUDO_VARIANTS,
  type PseudoOptions,
  type PseudoScore,
  type PseudoVariant,
  pseudoLogLikelihoods,
  pseudoPerplexity,
} from './pseudo.ts';
export { type RowScores, type ScoreOptions, type ScoreProgress, type ScoreRow, scoreRows } from './score-rows.ts';
export { TextSize } from './text-size.ts';
