/** The sizes of the bundled models, about a million parameters each, and what their recipes have in common. */
export const LAYERS = 4;
export const WIDTH = 128;
export const HEADS = 4;
/** Inner width of a gated feed-forward: three matrices of it are two of four times the width; whole blocks of q8_0. */
export const GATED_WIDTH = 352;
export const VOCABULARY = 3072;
/** Tokens. The longest story has about 180. */
export const CONTEXT = 256;

/** Ids of the special tokens, which stand first in each tokenizer's vocabulary; `runRecipe` checks them. */
export const WRITER_IDS = { end: 0, pad: 1, mask: 2 } as const;
export const ENCODER_IDS = { unknown: 0, pad: 1, first: 2, separator: 3 } as const;
export const TRANSLATOR_IDS = { unknown: 0, pad: 1, end: 2 } as const;

/** Muon: the same loss in a third to a quarter of the steps that AdamW needs here. */
export const TRAINING = {
  optim: 'muon',
  lrSchedulerType: 'cosine',
  minLrRatio: 0.02,
  warmupSteps: 200,
  weightDecay: 0.05,
  adamBeta2: 0.98,
} as const;
