/** What a denoiser's pass is given: tokens of which some are hidden, and how noisy the text is. */
import type { TokenInput } from './architecture.ts';

export interface NoisedInput extends TokenInput {
  /** `[B]`: total noise σ of each row. Undefined where nobody says, and in models that do not ask. */
  readonly sigma?: readonly number[] | undefined;
}
