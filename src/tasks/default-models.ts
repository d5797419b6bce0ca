/** The model of a task for which none is named. */
import type { TaskName } from './task-map.ts';

/** Ids on the hub, small models that are published for the task. */
export const DEFAULT_MODELS: Readonly<Record<TaskName, string>> = {
  'text-generation': 'HuggingFaceTB/SmolLM2-135M-Instruct',
  'fill-mask': 'distilbert/distilroberta-base',
  'text-classification': 'distilbert/distilbert-base-uncased-finetuned-sst-2-english',
  'token-classification': 'dslim/distilbert-NER',
  'question-answering': 'distilbert/distilbert-base-cased-distilled-squad',
  summarization: 'google-t5/t5-small',
  translation: 'google-t5/t5-small',
  'text2text-generation': 'google/flan-t5-small',
  'feature-extraction': 'sentence-transformers/all-MiniLM-L6-v2',
  'sentence-similarity': 'sentence-transformers/all-MiniLM-L6-v2',
  reranking: 'cross-encoder/ms-marco-MiniLM-L6-v2',
  'zero-shot-classification': 'typeform/distilbert-base-uncased-mnli',
  'image-classification': 'google/vit-base-patch16-224',
  'automatic-speech-recognition': 'openai/whisper-tiny',
  // Where nothing small is published: those that come with heed.
  denoise: 'kleinwelt-diffusion',
  'text-editing': 'kleinwelt-edits',
};
