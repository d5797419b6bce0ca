/** Training tokenizers from texts. */
export type { BpeTrainerOptions, TrainedBpe } from './bpe-trainer.ts';
export { trainBpe } from './bpe-trainer.ts';
export { type CountedWord, type CountOptions, countWords, type Texts } from './count-words.ts';
export type { PaceOptions, TrainingProgress, TrainingStage } from './pace.ts';
export { type SentencePieceTrainerOptions, trainSentencePiece } from './sentencepiece-trainer.ts';
export {
  isSentencePieceType,
  type TokenizerJson,
  TRAINABLE_TYPES,
  type TrainableType,
  type TrainTokenizerOptions,
  trainTokenizer,
} from './train-tokenizer.ts';
export { type TrainedUnigram, trainUnigram, type UnigramTrainerOptions } from './unigram-trainer.ts';
export { trainWordLevel, type WordLevelTrainerOptions } from './wordlevel-trainer.ts';
export { trainWordPiece, type WordPieceTrainerOptions } from './wordpiece-trainer.ts';
