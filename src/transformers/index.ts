/**
 * The names of transformers.js (versions 3 and 4) on heed: programs run when `@huggingface/transformers` in their imports becomes
 * `heed/transformers`. Results have its shapes and snake_case names. What differs:
 *
 * - Models are the published checkpoints (safetensors, GGUF, PyTorch), by the ids of the repositories that hold them. Repositories of
 *   ONNX files (`Xenova/...`, `onnx-community/...`) are refused, with what to do.
 * - `dtype` and `device` are passed over, with a warning: everything runs on the CPU, by WebAssembly, in the precision of the
 *   checkpoint; `dtype: 'fp32'` computes in single precision. So are `subfolder`, `model_file_name`, `session_options` and the like.
 *   Bytes of a download are counted over all files, which are `done` together.
 * - Nothing is cut to the 50 most probable tokens unless the checkpoint or the program asks for it, and without a length up to 256 new
 *   tokens are written, by `generate` too, not 20. Beams are searched.
 * - `past_key_values`, `return_dict_in_generate`, `output_scores`, `output_attentions`, `logits_processor`, `guidance_scale` and
 *   `quantize` are refused; caches are held within `generate`.
 * - A prompt gets the special tokens that its tokenizer puts around texts, also where no `add_bos_token` asks for it. Encoder-decoders
 *   follow all settings of `task_specific_params`, and a prefix there stands in place of the config's, not before it.
 * - Criteria see one sequence at a time, and no scores. A streamer does not see the end token; a `TextStreamer` hands text on as soon as
 *   whole characters are certain, and has no methods to override. There is no `BaseStreamer` and no `WhisperTextStreamer`.
 * - Token classification and question answering also give `start` and `end`, and read long texts in windows; an answer is a part of the
 *   context as it is written, and equal ones are one. Fill-mask also gives `mask`, and rows for every mask. A classifier with one class
 *   gives its sigmoid, one for regression its number. Features of a batch that is not pooled are zeros behind the end of a text.
 * - Empty texts, but as prompts, and lists of nothing are refused.
 * - Speech: long recordings are read in windows as the Python reference does, whatever `chunk_length_s` says; there are no times of
 *   words. Recordings are WAV files or samples; pictures are read by the browser or, in Node, by `sharp` where it is installed, and a
 *   `RawImage` holds pixels, without the methods that edit and save them.
 * - `AutoTokenizer` and `AutoModel...` are objects with `from_pretrained`, not classes, and so is what they give: `instanceof` and
 *   subclassing do not work. The text of a chat template is given to `from_pretrained`, not to `apply_chat_template`.
 * - Classes of single models (`BertModel`, `WhisperForConditionalGeneration` ...), the tasks that heed does not have, and the tensor
 *   operations beyond those of `Tensor` here are not there.
 */
export {
  AutoConfig,
  AutoModel,
  AutoModelForCausalLM,
  AutoModelForImageClassification,
  AutoModelForMaskedLM,
  AutoModelForQuestionAnswering,
  AutoModelForSeq2SeqLM,
  AutoModelForSequenceClassification,
  AutoModelForSpeechSeq2Seq,
  AutoModelForTokenClassification,
  type GenerateCall,
  type Inputs,
  type PreTrainedModel,
} from './auto-model.ts';
export { type Env, env } from './env.ts';
export { type Pipeline, pipeline } from './pipeline.ts';
export type { PretrainedOptions, ProgressEvent } from './pretrained.ts';
export {
  AutoFeatureExtractor,
  AutoImageProcessor,
  AutoProcessor,
  type Processor,
  RawImage,
  read_audio,
} from './processor.ts';
export {
  InterruptableStoppingCriteria,
  StoppingCriteria,
  StoppingCriteriaList,
  type StoppingCriterion,
  type Streamer,
  TextStreamer,
  type TextStreamerOptions,
} from './streaming.ts';
export { Tensor, type TensorType } from './tensor.ts';
export { cos_sim, dot, magnitude, matmul, mean_pooling, softmax } from './tensor-math.ts';
export { AutoTokenizer, type BatchEncoding, type PreTrainedTokenizer } from './tokenizer.ts';
