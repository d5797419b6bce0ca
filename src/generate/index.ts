/** Text and token generation: the public surface of this folder. */

export { optionsFromConfig } from './config-options.ts';
export { choices } from './constrain/choices.ts';
export type { Constraint } from './constrain/constraint.ts';
export { grammar } from './constrain/grammar.ts';
export { type JsonSchemaOptions, jsonSchema } from './constrain/json-schema.ts';
export { regex } from './constrain/regex.ts';
export { type TokenDecoder, type TokenTexts, tokenTexts } from './constrain/token-texts.ts';
export type { SequenceBias } from './constraints.ts';
export type { Decoder, DecodeSession } from './decoder.ts';
export { diffuse, diffuseAll } from './diffuse.ts';
export type { DenoiseRequest, Denoiser } from './diffuse-denoiser.ts';
export type {
  CommittedToken,
  DiffuseDoneEvent,
  DiffusedSequence,
  DiffuseEvent,
  DiffuseStats,
  DiffuseStepEvent,
} from './diffuse-events.ts';
export {
  continuousLikelihood,
  countedLikelihood,
  type LikelihoodEstimate,
  type LikelihoodOptions,
} from './diffuse-likelihood.ts';
export type { DiffuseOptions } from './diffuse-options.ts';
export { type EditDoneEvent, type EditEvent, edit, editAll, type RevisedText, type RevisionEvent } from './edit.ts';
export type { EditedText, EditModel, FillingSession } from './edit-model.ts';
export type { EditOptions } from './edit-options.ts';
export type {
  BeamEvent,
  DoneEvent,
  FinishReason,
  GeneratedSequence,
  GenerateEvent,
  GenerateStats,
  TokenAlternative,
  TokenEvent,
} from './events.ts';
export { generate, generateAll } from './generate.ts';
export { type LogitsProcessor, SequenceHistory } from './history.ts';
export {
  type GenerateOptions,
  type GenerateSettings,
  mergeOptions,
  resolveOptions,
} from './options.ts';
export { buildProcessors, DEFAULT_ORDER, LLAMA_CPP_ORDER, type ProcessorName } from './processors.ts';
export { PromptCache } from './prompt-cache.ts';
export { createSampler, type Sampler } from './sample.ts';
export type { PromptLookup } from './speculate/prompt-lookup.ts';
export type { SpeechSegment } from './speech.ts';
export { createStopMatcher, type StopMatcher } from './stop.ts';
export {
  type GeneratedText,
  type GenerateTextOptions,
  generateText,
  generateTextAll,
  type TextCodec,
  type TextDoneEvent,
  type TextEvent,
  type TextSequenceEvent,
  type TextTokenEvent,
} from './text.ts';
