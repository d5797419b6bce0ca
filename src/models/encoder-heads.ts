/** The heads that encoders have in common. What differs from family to family is handed in: poolers, transforms, names. */
import { Linear, linear } from '../nn/linear.ts';
import { classificationLoss, spanLoss, tokenLoss } from '../nn/loss.ts';
import type { Params, Spec } from '../nn/params.ts';
import type { Tensor } from '../tensor/index.ts';
import { type Head, head, type Outputs, type TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { classLabels, type Labels, labelTensor } from './labels.ts';

type Named = { readonly [name: string]: Spec | undefined };

/** Config fields that the heads read. */
export interface EncoderHeadConfig {
  vocab_size: number;
  labels: string[];
}
export const encoderHeadConfig = (read: ConfigReader, vocab_size: number): EncoderHeadConfig => ({
  vocab_size: read.integer('vocab_size', vocab_size),
  labels: read.labels(),
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
    loss: ({ logits }, { labels }) => labels && classificationLoss(logits!, labelTensor(labels, logits!)),
  });

/** A class for each token: `classifier`, logits `[B, T, N]`. */
export const tokenHead = <C extends EncoderHeadConfig, S extends Named>(body: EncoderBody<C, S>): Head<C> =>
  encoderHead(body, {
    parameters: c => ({ classifier: Linear(body.width(c), c.labels.length) }),
    outputs: (p, _, x) => ({ logits: linear(p.classifier, x).named('logits') }),
    loss: tokenLabelsLoss,
  });

/** Where an answer starts and ends: `qa_outputs`, scores `[B, T]` each. */
export const questionHead = <C, S extends Named>(body: EncoderBody<C, S>): Head<C> =>
  encoderHead(body, {
    parameters: c => ({ qa_outputs: Linear(body.width(c), 2) }),
    outputs: (p, _, x) => {
      const [start, end] = linear(p.qa_outputs, x).split(2) as [Tensor, Tensor]; // [B, T, 1]
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
