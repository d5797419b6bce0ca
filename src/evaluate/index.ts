/** Evaluation: what a model gets right, with intervals; scores, statistics, likelihoods, bias; tasks as files; reports. */

export {
  type BootstrapInterval,
  type BootstrapOptions,
  bootstrap,
} from '../util/statistics/bootstrap.ts';
export {
  type Comparison,
  type ComparisonOptions,
  type ComparisonTest,
  compareSystems,
  mcnemar,
} from '../util/statistics/compare-systems.ts';
export type { Interval } from '../util/statistics/interval.ts';
export { clopperPearson, wilson } from '../util/statistics/proportions.ts';
export { meanStatistic, type Statistic, type SumStatistic } from '../util/statistics/statistic.ts';
export {
  type CrowsGroup,
  type CrowsPair,
  type CrowsPairScore,
  type CrowsPairsReport,
  crowsPairs,
  readCrowsPairs,
} from './bias/crows-pairs.ts';
export {
  correlationWith,
  type OccupationPair,
  type OccupationReport,
  type OccupationScore,
  occupationPairs,
  readWinoBias,
  readWinogender,
} from './bias/occupation-pairs.ts';
export {
  readStereoSet,
  readStereoSetPredictions,
  type StereoSetItem,
  type StereoSetReport,
  type StereoSetScore,
  scoreStereoSet,
} from './bias/stereoset.ts';
export {
  type StereoSetOptions,
  type StereoSetPredictions,
  stereoSetPredictions,
} from './bias/stereoset-predictions.ts';
export {
  type Embedder,
  readWeat,
  readWeatDictionary,
  translateWeat,
  type WeatOptions,
  type WeatResult,
  type WeatTest,
  type WordSet,
  weat,
  weatOf,
} from './bias/weat.ts';
export type { DataRow, DataRows } from './data-row.ts';
export { type EvaluateOptions, type EvaluationProgress, evaluate } from './evaluate.ts';
export {
  type ContinuationItem,
  type ContinuationOptions,
  type ContinuationScore,
  continuationLogLikelihoods,
  type LikelihoodEstimator,
  NORMALIZATIONS,
  type Normalization,
  normalizedScore,
} from './likelihood/continuations.ts';
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
} from './likelihood/perplexity.ts';
export {
  PSEUDO_VARIANTS,
  type PseudoOptions,
  type PseudoScore,
  type PseudoVariant,
  pseudoLogLikelihoods,
  pseudoPerplexity,
} from './likelihood/pseudo.ts';
export {
  type RowScores,
  type ScoreOptions,
  type ScoreProgress,
  type ScoreRow,
  scoreRows,
} from './likelihood/score-rows.ts';
export { TextSize } from './likelihood/text-size.ts';
export {
  type DistanceBin,
  type LongRangeItem,
  type LongRangeOptions,
  type LongRangeReport,
  type LongRangeScore,
  longRange,
  readLongRange,
} from './long-range.ts';
export {
  type MinimalPair,
  type MinimalPairScore,
  type MinimalPairsOptions,
  type MinimalPairsReport,
  minimalPairs,
  PAIR_METHODS,
  type PairMethod,
  readMinimalPairs,
} from './minimal-pairs.ts';
export type { PairShare } from './pair-share.ts';
export { type ComparedFigure, compareReports, type ReportComparison } from './report/compare-reports.ts';
export { type MarkdownOptions, reportMarkdown } from './report/markdown.ts';
export { type PageOptions, reportPage } from './report/page.ts';
export {
  type GroupReport,
  type ItemReport,
  type NamedFigure,
  REPORT_VERSION,
  type Reliability,
  type Report,
  readReport,
  reportJson,
  type Slice,
  type TaskReport,
} from './report/report.ts';
export type { ReportLanguage } from './report/wording.ts';
export type { ScoredKind, ScoredModel } from './scored-model.ts';
export { ANSWER_LANGUAGES, type AnswerLanguage, answerWords } from './scores/answer-text.ts';
export { type BleuOptions, type BleuScore, bleu, bleuCounts, sentenceBleu } from './scores/bleu.ts';
export { type BleuTokenizer, bleuTokens } from './scores/bleu-tokenizers.ts';
export {
  adaptiveCalibrationError,
  type BinOptions,
  type BrierParts,
  brierParts,
  type Calibration,
  calibration,
  type ReliabilityBin,
} from './scores/calibration.ts';
export { type ChrfOptions, type ChrfScore, chrf, chrfCounts } from './scores/chrf.ts';
export {
  accuracy,
  binaryF1,
  type ClassificationOptions,
  type ClassificationReport,
  classificationReport,
  confusionMatrix,
  type Label,
  matthews,
  type PrecisionRecall,
} from './scores/classification.ts';
export {
  detectScheme,
  type EntitySpan,
  lenientEntities,
  strictEntities,
  TAG_SCHEMES,
  type TagScheme,
} from './scores/entity-spans.ts';
export { porterStem } from './scores/porter-stemmer.ts';
export { brier, brierMulticlass, logLoss } from './scores/probabilities.ts';
export {
  type AnswerOptions,
  type AnswerReport,
  type AnswerScore,
  scoreAnswer,
  scoreAnswers,
} from './scores/question-answering.ts';
export { meanAbsoluteError, meanSquaredError, pearson, spearman } from './scores/regression.ts';
export {
  type RougeOptions,
  type RougeScore,
  type RougeScores,
  type RougeType,
  rouge,
  rougeIntervals,
  rougeText,
  rougeWords,
  unicodeWords,
} from './scores/rouge.ts';
export type { SegmentCounts } from './scores/segment-scores.ts';
export { type SequenceOptions, type SequenceReport, sequenceCounts, sequenceReport } from './scores/sequence-labels.ts';
export { type FittedTemperature, fitTemperature } from './scores/temperature.ts';
export { type TerOptions, type TerScore, ter, terCounts } from './scores/ter.ts';
export { terWords } from './scores/ter-tokenizer.ts';
export type { EvaluatedModel } from './tasks/kinds/output-kind.ts';
export type { Doc } from './tasks/prompts.ts';
export { type ReadBeside, type ReadTaskOptions, readTask, type TaskFile } from './tasks/read-task.ts';
export type { EvaluationTask } from './tasks/run-task.ts';
export { type GroupConfig, OUTPUT_TYPES, type OutputType, type TaskConfig, taskConfig } from './tasks/task-config.ts';
