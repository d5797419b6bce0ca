/** `heed/explain`: what attention heads do, measured; what each layer would predict; what a model loses without a head. */
export { type Interval, wilson } from '../util/statistics/index.ts';
export {
  type AblationEffect,
  type AblationKind,
  type AblationOptions,
  type AblationReport,
  type AnswerEffect,
  ablateHeads,
} from './ablate-heads.ts';
export { type ConlluSentence, type ConlluWord, readConllu } from './conllu.ts';
export { type Annotation, batchInputs, type CorpusRow, idsRow, type RelationPair, textRow } from './corpus.ts';
export { type DirectEffects, directEffects } from './direct-effect.ts';
export {
  type AttentionHead,
  type AttentionSite,
  attentionSites,
  type ExplainedModel,
  headLabel,
} from './explained-model.ts';
export { type HeadReport, type HeadRoleOptions, headRoles, ROLES, type Role, type RoleFit } from './head-roles.ts';
export {
  type InductionOptions,
  type InductionReport,
  inductionHeads,
  type RepeatedRows,
  repeatedRows,
} from './induction.ts';
export { type LensLayer, type LensOptions, type LensPlace, logitLens } from './logit-lens.ts';
export { type OutputMatrices, outputMatrices } from './output-matrices.ts';
export {
  type PatternBatch,
  type PatternMeasure,
  type PatternOptions,
  patternBatches,
  type SitePattern,
  watchPatterns,
} from './patterns.ts';
export { type Answer, type ProbeItem, type ProbeOptions, probeItems } from './probe-items.ts';
export { type RelationOptions, type RelationReport, relationHeads } from './relations.ts';
export { attentionRollout, rolloutOf } from './rollout.ts';
export type { AnswerScore, TokenScore } from './token-scores.ts';
export { RELATIONS, type TreebankOptions, treebankRows } from './treebank-rows.ts';
export { gramMatrices, valueNorms, weightedByNorms } from './value-norms.ts';
