/** Objectives: what a model is to learn from a text, with the published settings. */
export { type CausalLMOptions, causalLM } from './causal-lm.ts';
export { type ClassificationOptions, classification, sentencePair } from './classification.ts';
export type { PaddingOptions } from './collate.ts';
export { type CompletionOptions, completion } from './completion.ts';
export { type ContrastiveOptions, contrastive } from './contrastive.ts';
export { EDIT_NOISE, type EditNoise } from './edit-corruption.ts';
export {
  type EditDiffusionOptions,
  type EditFillingOptions,
  type EditTaggingOptions,
  editFilling,
  editTagging,
} from './edit-diffusion.ts';
export {
  type AnswerDiffusionOptions,
  answerDiffusion,
  type DiffusionBatch,
  type MaskedDiffusionOptions,
  maskedDiffusion,
} from './masked-diffusion.ts';
export { type MaskedLMOptions, type MaskingOptions, maskedLM } from './masked-lm.ts';
export { DENOISERS, type Denoiser, type MixtureOptions, mixtureOfDenoisers } from './mixture-of-denoisers.ts';
export { type NextSentenceOptions, nextSentence } from './next-sentence.ts';
export { putSpansBack } from './noise-spans.ts';
export type { Objective } from './objective.ts';
export { type QuestionAnsweringOptions, questionAnswering } from './question-answering.ts';
export { type ReplacedTokenOptions, replacedToken } from './replaced-token.ts';
export { type SequenceToSequenceOptions, sequenceToSequence } from './sequence-to-sequence.ts';
export { corruptedLengths, type SpanCorruptionOptions, spanCorruption } from './span-corruption.ts';
export { type TextInfillingOptions, textInfilling } from './text-infilling.ts';
export { type TokenClassificationOptions, tokenClassification } from './token-classification.ts';
