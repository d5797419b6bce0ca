/**
 * What encoders that come from fairseq have in common besides their layers: a table of positions that begins with rows for
 * padding, and heads called `lm_head` and `classifier`. Ott et al. 2019. Parameter names: the published checkpoints'.
 */
import { embedding, Linear, linear } from '../nn/linear.ts';
import { LayerNorm } from '../nn/norm.ts';
import { type Params, param, type Spec } from '../nn/params.ts';
import { clsPool } from '../nn/pooling.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import {
  type EncoderBody,
  maskedLMHead,
  OutputMatrix,
  pooledHead,
  sequenceHead,
  tokenHeads,
  tokenScores,
} from './encoder-heads.ts';
import { type Embeddings, type EncoderConfig, embedTokens, frozenAtPadding } from './post-norm-encoder.ts';

export interface FairseqConfig extends EncoderConfig {
  pad_token_id: number;
}
/** Row of the first position in its table: those up to the padding id's belong to no token. */
const firstRow = (c: FairseqConfig): number => c.pad_token_id + 1;
/** Real tokens that the table of positions has rows for. */
export const positionsOf = (c: FairseqConfig): number => c.max_position_embeddings - firstRow(c);
/** Records where the table has no row for any token. */
export function checkPositions(read: ConfigReader, c: FairseqConfig): void {
  const { max_position_embeddings: rows, pad_token_id: pad } = c;
  read.check(positionsOf(c) > 0, `max_position_embeddings ${rows} leaves no position after pad_token_id ${pad}`);
}

// ---- parameters
const Dense = (c: FairseqConfig) => ({ dense: Linear(c.hidden_size, c.hidden_size) });
const LMHead = (c: FairseqConfig) => ({
  ...Dense(c),
  layer_norm: LayerNorm(c.hidden_size),
  decoder: OutputMatrix(c, c.hidden_size),
  bias: param([c.vocab_size], 'zeros'),
});
const Classifier = (c: FairseqConfig) => ({ ...Dense(c), out_proj: Linear(c.hidden_size, c.labels.length) });

// ---- computation: B rows, T tokens, C = hidden_size
/** Tokens at their positions, and segments where there are any: `[B, T, C]`. Padding has the row of its id. */
export function embedAfterPadding(p: Params<typeof Embeddings>, c: FairseqConfig, input: TokenInput): Tensor {
  const { positions, mask } = input;
  const counted = positions.add(firstRow(c));
  const rows = mask ? mask.where(counted, c.pad_token_id) : counted;
  return embedTokens(p, c, input, frozenAtPadding(embedding(p.position_embeddings, rows), mask));
}
/** tanh(dense(first token)): `[B, T, C] -> [B, C]` */
const pool = ({ dense }: Params<typeof Dense>, x: Tensor, { mask }: TokenInput): Tensor =>
  linear(dense, clsPool(x, mask)).tanh();
/** Scores of all tokens, `[B, T, V]`. */
function predict(own: Params<typeof LMHead>, table: { readonly weight: Tensor }, c: FairseqConfig, x: Tensor): Tensor {
  const output = { ...table, ...own.decoder, bias: own.bias };
  return tokenScores({ dense: own.dense, norm: own.layer_norm, output }, x, 'gelu', c.layer_norm_eps);
}

/** Heads over a body; `table` gives its embeddings of tokens. */
export const fairseqHeads = <C extends FairseqConfig, S extends { readonly [name: string]: Spec | undefined }>(
  body: EncoderBody<C, S>,
  table: (params: Params<S>) => { readonly weight: Tensor },
): Architecture<C>['heads'] => ({
  maskedLM: maskedLMHead(body, {
    parameters: c => ({ lm_head: LMHead(c) }),
    logits: (p, c, x) => predict(p.lm_head, table(p), c, x),
  }),
  sequenceClassification: sequenceHead(body, {
    parameters: c => ({ classifier: Classifier(c) }),
    logits: (p, _, x, input) => linear(p.classifier.out_proj, pool(p.classifier, x, input)),
  }),
  pooled: pooledHead(body, {
    parameters: c => ({ pooler: Dense(c) }),
    pool: (p, _, x, input) => pool(p.pooler, x, input),
  }),
  ...tokenHeads(body),
});
