/** Tokenizers: from the files of a model to ids and back. */
export type { AddedToken } from './added-tokens.ts';
export { cleanUpSpaces } from './clean-up.ts';
export { type CountTokensOptions, countTokens, loadEncoding } from './count-tokens.ts';
export type { Decoder, DecodeStage } from './decoders.ts';
export type { Encoding, PaddingOptions, Side, TruncationStrategy } from './encoding.ts';
export { ENCODING_NAMES, encodingOfModel, type TiktokenEncoding } from './encodings.ts';
export { type GgufVocabulary, ggufVocabulary } from './gguf-vocabulary.ts';
export { type LanguageOptions, tokenizerFileNames, tokenizerFromFiles } from './load.ts';
export { loadTokenizer, loadTokenizerFrom } from './load-folder.ts';
export { hasVocabulary, NO_VOCABULARY, tokenizerFromGguf } from './load-gguf.ts';
export { type TokenizerExtras, tokenizerFromJson } from './load-json.ts';
export { tokenizerFromM2m100, tokenizerFromMarian } from './load-piece-vocab.ts';
export { type SentencePieceOptions, tokenizerFromSentencePiece } from './load-sentencepiece.ts';
export { tokenizerFromTiktoken } from './load-tiktoken.ts';
export { tokenizerFromVocabMerges, tokenizerFromVocabText } from './load-vocab.ts';
export type { Model, ModelToken } from './model.ts';
export { codePointIndex } from './offsets.ts';
export { SPLIT_PATTERNS } from './split-patterns.ts';
export { StreamDecoder } from './stream-decoder.ts';
export {
  type DecodeOptions,
  type EncodeOptions,
  type SpecialTokens,
  Tokenizer,
  type TokenizerParts,
} from './tokenizer.ts';
export type {
  ModelTrace,
  TokenizationTrace,
  TracedAddedToken,
  TracedPiece,
  TracedStretch,
  TracedToken,
  TraceOptions,
} from './trace.ts';
export type { BpeMerge, BpeStretch, BpeTrace } from './trace-bpe.ts';
export type { LookupStep, LookupTrace, PieceVocabTrace } from './trace-lookup.ts';
export type { UnigramTrace } from './trace-unigram.ts';
export type { WordPieceMatch, WordPieceTrace } from './trace-wordpiece.ts';
export {
  type BpeTrainerOptions,
  type CountedWord,
  type CountOptions,
  countWords,
  isSentencePieceType,
  type PaceOptions,
  type SentencePieceTrainerOptions,
  type Texts,
  type TokenizerJson,
  TRAINABLE_TYPES,
  type TrainableType,
  type TrainedBpe,
  type TrainedUnigram,
  type TrainingProgress,
  type TrainingStage,
  type TrainTokenizerOptions,
  trainBpe,
  trainSentencePiece,
  trainTokenizer,
  trainUnigram,
  trainWordLevel,
  trainWordPiece,
  type UnigramTrainerOptions,
  type WordLevelTrainerOptions,
  type WordPieceTrainerOptions,
} from './train/index.ts';
export { type LatticeEdge, Unigram } from './unigram.ts';
