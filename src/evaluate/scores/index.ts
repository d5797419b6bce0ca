/** Scores of predictions, with the numbers of the reference libraries. */

export { ANSWER_LANGUAGES, type AnswerLanguage, answerWords } from './answer-text.ts';
export { type BleuOptions, type BleuScore, bleu, bleuCounts, sentenceBleu } from './bleu.ts';
export { type BleuTokenizer, bleuTokens } from './bleu-tokenizers.ts';
export {
  adaptiveCalibrationError,
  type BinOptions,
  type BrierParts,
  brierParts,
  type Calibration,
  calibration,
  type ReliabilityBin,
} from './calibration.ts';
export { type ChrfOptions, type ChrfScore, chrf, chrfCounts } from './chrf.ts';
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
} from './classification.ts';
export {
  detectScheme,
  type EntitySpan,
  lenientEntities,
  strictEntities,
  TAG_SCHEMES,
  type TagScheme,
} from './entity-spans.ts';
export { porterStem } from './porter-stemmer.ts';
export { brier, brierMulticlass, logLoss } from './probabilities.ts';
export {
  type AnswerOptions,
  type AnswerReport,
  type AnswerScore,
  scoreAnswer,
  scoreAnswers,
} from './question-answering.ts';
export { meanAbsoluteError, meanSquaredError, pearson, spearman } from './regression.ts';
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
} from './rouge.ts';
export type { SegmentCounts } from './segment-scores.ts';
export { type SequenceOptions, type SequenceReport, sequenceCounts, sequenceReport } from './sequence-labels.ts';
export { type FittedTemperature, fitTemperature } from './temperature.ts';
export { type TerOptions, type TerScore, ter, terCounts } from './ter.ts';
export { terWords } from './ter-tokenizer.ts';
