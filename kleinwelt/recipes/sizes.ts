/** The sizes of the bundled models, about a million parameters each, and what their recipes have in common. */
export const LAYERS = 4;
export const WIDTH = 128;
export const HEADS = 4;
export const VOCABULARY = 3072;
/** Tokens. The longest story has about 180. */
export const CONTEXT = 256;

/** Ids of the special tokens of the tokenizer of the models that write; they stand first in its vocabulary. */
export const WRITER_IDS = { end: 0, pad: 1, mask: 2 } as const;

export const TRAINING = {
  lrSchedulerType: 'cosine',
  minLrRatio: 0.02,
  warmupSteps: 200,
  weightDecay: 0.05,
  adamBeta2: 0.98,
} as const;
