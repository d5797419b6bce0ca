/** The heads that encoders have in common. What differs from family to family is handed in: poolers, transforms, names. */
import { activation } from '../nn/activation.ts';
import { Linear, type LinearParams, linear } from '../nn/linear.ts';
import { binaryTokenLoss, type ProblemType, spanLoss, tokenLoss } from '../nn/loss.ts';
import { layerNorm } from '../nn/norm.ts';
import type { ParamSpec, Params, Spec } from '../nn/params.ts';
import { IGNORE, type Tensor } from '../tensor/index.ts';
import { type Head, head, type Outputs, type TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { classLabels, type Labels, problemType, sequenceLoss } from './labels.ts';

type Named = { readonly [name: string]: Spec | undefined };

/** Config fields that the heads read. */
export interface EncoderHeadConfig {
  vocab_size: number;
  /** The masked language model's output matrix is the embedding table. */
  tie_word_embeddings: boolean;
  labels: string[];
  problem_type?: ProblemType | undefined;
}
export const encoderHeadConfig = (read: ConfigReader, vocab_size: number): EncoderHeadConfig => ({
  vocab_size: read.integer('vocab_size', vocab_size),
  tie_word_embeddings: read.boolean('tie_word_embeddings', true),
  labels: read.labels(),
  problem_type: problemType(read),
});

/** What is below every head. */
export interface EncoderBody<C, S extends Named> {
  parameters(config: C): S;
  /** Width of the hidden states. */
  width(config: C): number;
  /** Last hidden states `[B, T, C]`. */
  hidden(params: Params<S>, config: C, input: TokenInput): Tensor;
}

/** A head over a body: its own parameters stand beside the body's. */
export const encoderHead = <C, S extends Named, H extends Named>(
  body: EncoderBody<C, S>,
  own: {
    parameters(config: C): H;
    outputs(params: Params<H> & Params<S>, config: C, hidden: Tensor, input: TokenInput): Outputs;
    loss?(outputs: Outputs, labels: Labels, config: C, input: TokenInput): Tensor | undefined;
  },
): Head<C> =>
  head<C, Named>({
    parameters: c => ({ ...body.parameters(c), ...own.parameters(c) }),
    hidden: (p, c, input) => body.hidden(p as Params<S>, c, input),
    outputs: (p, c, x, input) => own.outputs(p as Params<H> & Params<S>, c, x, input),
    ...(own.loss && { loss: own.loss }),
  });

/** The last hidden states alone. */
export const baseHead = <C, S extends Named>(body: EncoderBody<C, S>): Head<C> =>
  encoderHead(body, { parameters: () => ({}), outputs: (_p, _c, last_hidden_state) => ({ last_hidden_state }) });

/** The last hidden states, and one trained vector for the text, which `pool` makes of them: `[B, C]`. */
export const pooledHead = <C, S extends Named, H extends Named>(
  body: EncoderBody<C, S>,
  own: {
    parameters(config: C): H;
    pool(params: Params<H> & Params<S>, config: C, hidden: Tensor, input: TokenInput): Tensor;
  },
): Head<C> =>
  encoderHead(body, {
    parameters: own.parameters,
    outputs: (p, c, last_hidden_state, input) => ({
      last_hidden_state,
      pooler_output: own.pool(p, c, last_hidden_state, input).named('pooler_output'),
    }),
  });

/** Heads on a pooled vector of the text, which the parameters `pooler` make: the vector itself, and classes from it. */
export const poolerHeads = <C extends EncoderHeadConfig, S extends Named, P extends Spec>(
  body: EncoderBody<C, S>,
  Pooler: (config: C) => P,
  pool: (params: Params<P>, hidden: Tensor, input: TokenInput) => Tensor,
): { readonly pooled: Head<C>; readonly sequenceClassification: Head<C> } => {
  const pooledBy = (p: unknown, x: Tensor, input: TokenInput) => pool((p as { pooler: Params<P> }).pooler, x, input);
  return {
    pooled: pooledHead(body, {
      parameters: c => ({ pooler: Pooler(c) }),
      pool: (p, _, x, input) => pooledBy(p, x, input),
    }),
    sequenceClassification: sequenceHead(body, {
      parameters: c => ({ pooler: Pooler(c), classifier: Linear(body.width(c), c.labels.length) }),
      logits: (p, _, x, input) => linear((p as { classifier: LinearParams }).classifier, pooledBy(p, x, input)),
    }),
  };
};

/** Heads that are the same everywhere: a class for each token, the span of an answer, the states alone. */
export const tokenHeads = <C extends EncoderHeadConfig, S extends Named>(
  body: EncoderBody<C, S>,
): { readonly tokenClassification: Head<C>; readonly questionAnswering: Head<C>; readonly base: Head<C> } => ({
  tokenClassification: tokenHead(body),
  questionAnswering: questionHead(body),
  base: baseHead(body),
});

/** An output matrix of its own, `[V, width]`; a tied one has none. */
export const OutputMatrix = (
  c: Pick<EncoderHeadConfig, 'vocab_size' | 'tie_word_embeddings'>,
  width: number,
): { readonly weight?: ParamSpec } => (c.tie_word_embeddings ? {} : Linear(width, c.vocab_size, { bias: false }));

/**
 * Name of a parameter where files hold the output layer as `decoder`, beside the head's own `bias`: a tied one is a copy and
 * no parameter, undefined; of an untied one the bias is the head's.
 */
export function outputName(name: string, c: Pick<EncoderHeadConfig, 'tie_word_embeddings'>): string | undefined {
  if (!/\bdecoder\.(weight|bias)$/.test(name)) return name;
  return c.tie_word_embeddings ? undefined : name.replace(/decoder\.bias$/, 'bias');
}

/**
 * BERT's scores of all tokens, norm(act(dense(x))) Eᵀ + bias: x `[B, T, C]`, E `[V, W]` from `output`, result `[B, T, V]`.
 */
export const tokenScores = (
  p: {
    readonly dense: LinearParams;
    readonly norm: { readonly weight: Tensor; readonly bias: Tensor };
    readonly output: LinearParams;
  },
  x: Tensor,
  act: string,
  eps: number,
): Tensor => linear(p.output, layerNorm(p.norm, activation(act)(linear(p.dense, x)), eps));

/** Scores of all tokens at every position: `logits(params, config, x [B, T, C])` are `[B, T, V]`. */
export const maskedLMHead = <C, S extends Named, H extends Named>(
  body: EncoderBody<C, S>,
  own: { parameters(config: C): H; logits(params: Params<H> & Params<S>, config: C, hidden: Tensor): Tensor },
): Head<C> =>
  encoderHead(body, {
    parameters: own.parameters,
    outputs: (p, c, x) => ({ logits: own.logits(p, c, x).named('logits') }),
    loss: tokenLabelsLoss,
  });

/** How much each token looks replaced: logits `[B, T]`, above 0 more likely than not. Labels: 1 = replaced, 0 = as it was. */
export const replacedTokenHead = <C, S extends Named, H extends Named>(
  body: EncoderBody<C, S>,
  own: {
    parameters(config: C): H;
    logits(params: Params<H> & Params<S>, config: C, hidden: Tensor, input: TokenInput): Tensor;
  },
): Head<C> =>
  encoderHead(body, {
    parameters: own.parameters,
    outputs: (p, c, x, input) => ({ logits: own.logits(p, c, x, input).named('logits') }),
    loss({ logits }, { labels }, _, { mask }) {
      if (!labels) return undefined;
      const replaced = classLabels(labels, logits!.shape, 2);
      const labelled = replaced.equal(IGNORE).not();
      return binaryTokenLoss(logits!, replaced.cast('f32'), mask ? mask.and(labelled) : labelled);
    },
  });

/** A class, a yes or no per class, or a number for the whole text: logits `[B, N]`. */
export const sequenceHead = <C, S extends Named, H extends Named>(
  body: EncoderBody<C, S>,
  own: {
    parameters(config: C): H;
    logits(params: Params<H> & Params<S>, config: C, hidden: Tensor, input: TokenInput): Tensor;
  },
): Head<C> =>
  encoderHead(body, {
    parameters: own.parameters,
    outputs: (p, c, x, input) => ({ logits: own.logits(p, c, x, input).named('logits') }),
    loss: ({ logits }, labels, c) => sequenceLoss(logits!, labels, c),
  });

/** A class for each token: `classifier`, logits `[B, T, N]`. */
export const tokenHead = <C extends EncoderHeadConfig, S extends Named>(body: EncoderBody<C, S>): Head<C> =>
  encoderHead(body, {
    parameters: c => ({ classifier: Linear(body.width(c), c.labels.length) }),
    outputs: (p, _, x) => ({ logits: linear(p.classifier, x).named('logits') }),
    loss: tokenLabelsLoss,
  });

/** Where an answer starts and ends: scores `[B, T]` each. `layer` is the checkpoint's name of the projection. */
export const questionHead = <C, S extends Named>(body: EncoderBody<C, S>, layer = 'qa_outputs'): Head<C> =>
  encoderHead(body, {
    parameters: c => ({ [layer]: Linear(body.width(c), 2) }),
    outputs: (p, _, x) => {
      const [start, end] = linear(p[layer]!, x).split(2) as [Tensor, Tensor]; // [B, T, 1]
      const [B, T] = [x.dim(0), x.dim(1)];
      return {
        start_logits: start.reshape(B, T).named('start_logits'),
        end_logits: end.reshape(B, T).named('end_logits'),
      };
    },
    loss: ({ start_logits, end_logits }, { start_positions, end_positions }) => {
      if (start_positions === undefined || end_positions === undefined) return undefined;
      const [B, T] = start_logits!.shape as [number, number];
      const [from, to] = [start_positions, end_positions].map(p => classLabels(p, [B], T)) as [Tensor, Tensor];
      return spanLoss(start_logits!, end_logits!, from, to);
    },
  });

/** Mean loss of the labelled tokens. */
export const tokenLabelsLoss = ({ logits }: Outputs, { labels }: Labels): Tensor | undefined =>
  labels && tokenLoss(logits!, classLabels(labels, logits!.shape.slice(0, -1), logits!.dim(-1)));
