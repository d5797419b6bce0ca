/** All output types: one line each. */
import type { OutputType } from '../task-config.ts';
import { questionAnswering } from './answer-span.ts';
import { multipleChoice } from './choice.ts';
import { classification, tokenClassification } from './classifier.ts';
import { retrieval, similarity } from './embedding.ts';
import { generateUntil } from './generation.ts';
import { loglikelihood, pseudoLikelihood, rolling } from './likelihood.ts';
import { fillMask } from './masked.ts';
import type { AnyKind } from './output-kind.ts';
import { crowsPairs, minimalPairs, stereoSet, weatTests } from './pairs.ts';

const KINDS: Readonly<Record<OutputType, AnyKind>> = {
  multiple_choice: multipleChoice,
  loglikelihood,
  loglikelihood_rolling: rolling,
  generate_until: generateUntil,
  pseudo_loglikelihood: pseudoLikelihood,
  minimal_pairs: minimalPairs,
  fill_mask: fillMask,
  classification,
  token_classification: tokenClassification,
  question_answering: questionAnswering,
  similarity,
  retrieval,
  crows_pairs: crowsPairs,
  stereoset: stereoSet,
  weat: weatTests,
};

/** How items of this type are asked. */
export const kindOf = (type: OutputType): AnyKind => KINDS[type];
