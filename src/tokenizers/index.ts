/** Tokenizers: from the files of a model to ids and back. */
export type { AddedToken } from './added-tokens.ts';
export { cleanUpSpaces, type Decoder, type DecodeStage } from './decoders.ts';
export type { Encoding, PaddingOptions, Side, TruncationStrategy } from './encoding.ts';
export { type TokenizerExtras, tokenizerFromFiles, tokenizerFromJson, tokenizerFromVocabMerges } from './load.ts';
export { loadTokenizer, loadTokenizerFrom } from './load-folder.ts';
export { type SentencePieceOptions, tokenizerFromSentencePiece } from './load-sentencepiece.ts';
export { type TiktokenEncoding, tokenizerFromTiktoken } from './load-tiktoken.ts';
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
