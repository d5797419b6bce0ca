/** The heads that decoders have in common: next token, and a class for the whole text. */
import { Linear, linear } from '../nn/linear.ts';
import { causalLoss, type ProblemType } from '../nn/loss.ts';
import type { Params, Spec } from '../nn/params.ts';
import { lastPool, lastToken } from '../nn/pooling.ts';
import type { Tensor } from '../tensor/index.ts';
import { type Architecture, head, type TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { labelTensor, problemType, sequenceLoss } from './labels.ts';

/** Config fields that the heads read. */
export interface DecoderHeadConfig {
  vocab_size: number;
  /** The output matrix is the embedding table. */
  tie_word_embeddings: boolean;
  pad_token_id: number | undefined;
  labels: string[];
  problem_type?: ProblemType | undefined;
}
export const decoderHeadConfig = (
  read: ConfigReader,
  defaults: { vocab_size: number; tie_word_embeddings: boolean },
): DecoderHeadConfig => ({
  vocab_size: read.integer('vocab_size', defaults.vocab_size),
  tie_word_embeddings: read.boolean('tie_word_embeddings', defaults.tie_word_embeddings),
  pad_token_id: read.id('pad_token_id'),
  labels: read.labels(),
  problem_type: problemType(read),
});

/** Heads over a body. The language model's own matrix is `lm_head`, the classifier's `score`. */
export function decoderHeads<
  C extends DecoderHeadConfig,
  S extends { readonly [name: string]: Spec | undefined },
>(body: {
  parameters(config: C): S;
  /** Width of the hidden states. */
  width(config: C): number;
  hidden(params: Params<S>, config: C, input: TokenInput): Tensor;
  /** The table that a tied head multiplies by. */
  embedding(params: Params<S>): { readonly weight: Tensor };
  /** `lm_head` has a bias. */
  headBias?: boolean;
  /** What is done to the language model's scores `[B, T, V]`, such as scaling or capping. */
  scores?(logits: Tensor, config: C): Tensor;
}): Architecture<C>['heads'] {
  const { parameters, width, hidden, embedding, headBias: bias = false, scores = same } = body;
  return {
    causalLM: head({
      parameters: (c: C) => ({
        ...parameters(c),
        lm_head: OutputLayer(width(c), c, bias),
      }),
      hidden: (p, c, input) => hidden(p as Params<S>, c, input),
      outputs: (p, c, x) => ({
        logits: scores(linear({ ...embedding(p as Params<S>), ...p.lm_head }, x), c).named('logits'),
      }),
      loss: ({ logits }, { labels }) => labels && causalLoss(logits!, labelTensor(labels, logits!)),
    }),
    sequenceClassification: head({
      parameters: (c: C) => ({ ...parameters(c), score: Linear(width(c), c.labels.length, { bias: false }) }),
      hidden: (p, c, input) => hidden(p as Params<S>, c, input),
      outputs: (p, c, x, input) => ({
        // Without an id for padding the mask has to tell it.
        logits: linear(
          p.score,
          c.pad_token_id === undefined ? lastPool(x, input.mask) : lastToken(x, input.ids, c.pad_token_id),
        ).named('logits'),
      }),
      loss: ({ logits }, labels, c) => sequenceLoss(logits!, labels, c),
    }),
    base: head({
      parameters,
      hidden,
      outputs: (_p, _c, last_hidden_state) => ({ last_hidden_state }),
    }),
  };
}
/** A tied one has no matrix of its own. */
function OutputLayer(width: number, c: DecoderHeadConfig, bias: boolean): Partial<ReturnType<typeof Linear>> {
  const { weight, ...rest } = Linear(width, c.vocab_size, { bias });
  return c.tie_word_embeddings ? rest : { weight, ...rest };
}
const same = (t: Tensor): Tensor => t;
