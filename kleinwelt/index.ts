/** Kleinwelt: a bilingual world with the truth beside every sentence. */

export {
  type DocumentOptions,
  realizeStory,
  type SampleStoryOptions,
  sampleDocument,
  sampleFrame,
  sampleSentence,
  sampleStory,
  storyShare,
} from './document.ts';
export { realize, realizeQuestion } from './realize.ts';
export type { EntityType, KleinweltDocument, Recall, RoleSpan, Sentence, StoryTruth, Word } from './sentence.ts';
export type { RecallKind } from './world/cast.ts';
export { type Choices, choicesOf, createChoices } from './world/choices.ts';
export type { Clause, Frame, Language, Mention, Place, Role, Sentiment, Tense } from './world/frame.ts';
export { halfOf, hasHeldOut, heldOutEvent, heldOutQuality, isExempt, type Split, stableHash } from './world/split.ts';
export type { StoryPlan } from './world/story.ts';
