/** heed: load, run, generate, trace and differentiate transformers. */
import { createWasmBackend } from './backends/wasm/index.ts';
import { setDefaultBackend } from './tensor/index.ts';

// Graphs whose leaves are all on the host run on this one; made at the first use.
setDefaultBackend(() => createWasmBackend());

export { createReferenceBackend } from './backends/reference/index.ts';
export { createWasmBackend } from './backends/wasm/index.ts';
export {
  BackendError,
  CheckpointError,
  ConfigError,
  DTypeError,
  FormatError,
  HeedError,
  ShapeError,
  TokenizerError,
  TrainingError,
  UnsupportedError,
} from './errors.ts';
export {
  type Denoiser,
  type DiffuseEvent,
  type DiffuseOptions,
  type DoneEvent,
  diffuse,
  type EditEvent,
  type EditOptions,
  edit,
  editAll,
  type FinishReason,
  type GeneratedSequence,
  type GenerateEvent,
  type GenerateOptions,
  type GenerateTextOptions,
  generate,
  generateText,
  generateTextAll,
  type RevisedText,
  type SpeechSegment,
  type TextEvent,
  type TokenEvent,
} from './generate/index.ts';
export { Adapter, type AdapterUse, type LoadAdapterOptions } from './hub/adapters.ts';
export { type CreateOptions, create } from './hub/create.ts';
export { type CreateAdapterOptions, createAdapter } from './hub/create-adapter.ts';
export {
  type DownloadProgress,
  folderFiles,
  type HubFiles,
  type HubFilesOptions,
  hubFiles,
  type ModelFiles,
  memoryFiles,
  type UrlFilesOptions,
  urlFiles,
} from './hub/files.ts';
export { type LoadDType, type LoadOptions, load, loadAdapter, type ModelProgress } from './hub/load.ts';
export { type MergeOptions, mergeAdapter } from './hub/merge-adapter.ts';
export { Model, type RunOptions, type RunResult } from './hub/model.ts';
export { ModelEditor } from './hub/model-editor.ts';
export type { NewHead } from './hub/new-head.ts';
export {
  type QuantizedTensor,
  type QuantizeOptions,
  type QuantizeReport,
  quantizeModel,
} from './hub/quantize-model.ts';
export { saveAdapter } from './hub/save-adapter.ts';
export type { SaveOptions } from './hub/save-model.ts';
export type { EmbedOptions } from './hub/sentence-transformers.ts';
export { type TranscribeOptions, transcribe } from './hub/transcribe.ts';
export type { HeadName } from './models/architecture.ts';
export type { ModelGraph, ModelInputs } from './models/forward.ts';
export { modelTypes } from './models/index.ts';
export { audioConfig, imageConfig, logMel, preprocessImage, readWav, resample } from './preprocess/index.ts';
export { type Pipeline, type PipelineOptions, pipeline } from './tasks/pipeline.ts';
export {
  type Backend,
  compute,
  cost,
  type DType,
  dataOfAll,
  defaultBackend,
  describe,
  gradient,
  leavesOf,
  mapTree,
  replace,
  scope,
  setDefaultBackend,
  Tensor,
  type Trace,
  trace,
  valueAndGrad,
} from './tensor/index.ts';
export {
  type CountTokensOptions,
  countTokens,
  type Encoding,
  loadTokenizer,
  Tokenizer,
  type TrainTokenizerOptions,
  trainTokenizer,
} from './tokenizers/index.ts';
