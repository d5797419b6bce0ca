/**
 * What evaluation asks of a model. The hub's `Model` is one as it stands; here nobody knows where a model came from, and one
 * with an adapter or with other parameters is scored in the same way.
 */
import { ConfigError } from '../errors.ts';
import type { LoadedModel } from '../models/forward.ts';
import type { Tokenizer } from '../tokenizers/index.ts';

export interface ScoredModel {
  /** Architecture, config, parameters, backend and head, as plain data. */
  readonly parts: LoadedModel;
  /** Longest sequence in tokens, in an encoder-decoder of the decoder; undefined = no limit. */
  readonly contextLength: number | undefined;
  /** May throw where the model has none: rows of ids can be scored without. */
  readonly tokenizer: Tokenizer;
}

/**
 * How a model gives probabilities: of the next token (decoders, recurrent networks), of the next token given a source, or of
 * hidden tokens from both sides.
 */
export type ScoredKind = 'causal' | 'encoderDecoder' | 'masked';

/** @throws ConfigError for a head that gives tokens no probabilities, and for a source that is no text */
export function kindOf({ parts: { head, architecture } }: Pick<ScoredModel, 'parts'>): ScoredKind {
  const kinds: Partial<Record<typeof head, ScoredKind>> = {
    causalLM: 'causal',
    seq2seqLM: 'encoderDecoder',
    maskedLM: 'masked',
    enhancedMaskedLM: 'masked',
  };
  const kind = kinds[head];
  if (kind && (architecture.modality ?? 'text') === 'text') return kind;
  throw new ConfigError('this model gives the tokens of a text no probabilities', {
    seen: kind ? `${architecture.name}, which reads ${architecture.modality}` : `the head ${head}`,
    expected: Object.keys(kinds).join(', '),
    fix: 'load the checkpoint under one of these heads: load(source, { head })',
  });
}

/** The token behind which a masked language model's tokens are hidden. @throws ConfigError when nothing names it */
export function maskIdOf(model: ScoredModel): number {
  const { mask_token_id } = model.parts.config as { mask_token_id?: number | undefined };
  const id = mask_token_id ?? model.tokenizer.specialTokens.mask;
  if (id !== undefined) return id;
  throw new ConfigError('neither the config nor the tokenizer names a mask token', {
    fix: 'put mask_token into tokenizer_config.json',
  });
}

/**
 * The token that a text begins behind, so that its first own token has a probability too: as in lm-evaluation-harness the start
 * token, or of models without one the end token.
 * @param given taken in its place
 * @throws ConfigError when there is none
 */
export function startIdOf({ tokenizer }: ScoredModel, given?: number | undefined): number {
  const { bos, eos } = tokenizer.specialTokens;
  const id = given ?? bos ?? eos;
  if (id !== undefined) return id;
  throw new ConfigError('no token for a text to begin behind: the tokenizer has no start token and no end token', {
    fix: 'give its id: { startId }',
  });
}
