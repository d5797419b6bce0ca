/** What `pipeline` returns for each task. */
import type { SpeechRecognition } from './automatic-speech-recognition.ts';
import type { Denoising } from './denoising.ts';
import type { FeatureExtraction } from './feature-extraction.ts';
import type { FillMask } from './fill-mask.ts';
import type { ImageClassification } from './image-classification.ts';
import type { QuestionAnswering } from './question-answering.ts';
import type { Reranking } from './reranking.ts';
import type { SentenceSimilarity } from './sentence-similarity.ts';
import type { Summarization } from './summarization.ts';
import type { TextClassification } from './text-classification.ts';
import type { TextEditing } from './text-editing.ts';
import type { TextGeneration } from './text-generation.ts';
import type { Text2TextGeneration } from './text2text-generation.ts';
import type { TokenClassification } from './token-classification.ts';
import type { Translation } from './translation.ts';
import type { ZeroShotClassification } from './zero-shot-classification.ts';

/** The calls of the tasks by their names. */
export interface TaskMap {
  'text-generation': TextGeneration;
  'fill-mask': FillMask;
  'text-classification': TextClassification;
  'token-classification': TokenClassification;
  'question-answering': QuestionAnswering;
  summarization: Summarization;
  translation: Translation;
  'text2text-generation': Text2TextGeneration;
  'feature-extraction': FeatureExtraction;
  'sentence-similarity': SentenceSimilarity;
  reranking: Reranking;
  'zero-shot-classification': ZeroShotClassification;
  'image-classification': ImageClassification;
  'automatic-speech-recognition': SpeechRecognition;
  denoise: Denoising;
  'text-editing': TextEditing;
}
export type TaskName = keyof TaskMap;

/** Other names of tasks. */
export interface TaskAliases {
  'sentiment-analysis': 'text-classification';
  ner: 'token-classification';
  'text-ranking': 'reranking';
  /** `translation_en_to_de` is a translation with these languages. */
  [pair: `translation_${string}_to_${string}`]: 'translation';
}
/** The task that a name stands for. */
export type TaskOf<N extends TaskName | keyof TaskAliases> = N extends TaskName
  ? N
  : N extends keyof TaskAliases
    ? TaskAliases[N]
    : never;
