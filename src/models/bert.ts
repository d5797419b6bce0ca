/**
 * BERT: bidirectional encoder with learned positions and segments, layer norm after each sub-layer. Devlin et al. 2018,
 * "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding". Parameter names: the published
 * checkpoints'. The pooler reads the first token that is not padding.
 */
import { Linear, linear } from '../nn/linear.ts';
import { classificationLoss } from '../nn/loss.ts';
import { LayerNorm } from '../nn/norm.ts';
import { type Params, param } from '../nn/params.ts';
import { clsPool } from '../nn/pooling.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Architecture, Outputs, TokenInput } from './architecture.ts';
import {
  encoderHead,
  maskedLMHead,
  OutputMatrix,
  outputName,
  poolerHeads,
  tokenHeads,
  tokenLabelsLoss,
  tokenScores,
} from './encoder-heads.ts';
import { classLabels, type Labels } from './labels.ts';
import {
  type EncoderConfig as Config,
  currentNormName,
  Embeddings,
  Encoder,
  embedCounted,
  encode,
  encoderConfig,
} from './post-norm-encoder.ts';

// ---- parameters
export const Bert = (c: Config) => ({ embeddings: Embeddings(c, c.hidden_size), encoder: Encoder(c) });
const Pooler = (c: Config) => ({ dense: Linear(c.hidden_size, c.hidden_size) });
const Predictions = (c: Config) => ({
  transform: { dense: Linear(c.hidden_size, c.hidden_size), LayerNorm: LayerNorm(c.hidden_size) },
  decoder: OutputMatrix(c, c.hidden_size),
  bias: param([c.vocab_size], 'zeros'),
});
const Relationship = (c: Config) => Linear(c.hidden_size, 2);

// ---- computation: B rows, T tokens, C = hidden_size
/** Last hidden states `[B, T, C]`, which the last layer has normed. */
const hidden = (p: Params<typeof Bert>, c: Config, input: TokenInput): Tensor =>
  encode(p.encoder, embedCounted(p.embeddings, c, input), c, input);
/** `[B, T, C] -> [B, C]` */
const pool = (p: Params<typeof Pooler>, x: Tensor, { mask }: TokenInput): Tensor =>
  linear(p.dense, clsPool(x, mask)).tanh().named('pooler_output');
/** Scores of all tokens, `[B, T, V]`. */
function predict(own: Params<typeof Predictions>, p: Params<typeof Bert>, c: Config, x: Tensor): Tensor {
  const { dense, LayerNorm: norm } = own.transform;
  const output = { ...p.embeddings.word_embeddings, ...own.decoder, bias: own.bias };
  return tokenScores({ dense, norm, output }, x, c.hidden_act, c.layer_norm_eps);
}
/** Loss of the two scores for whether the second segment follows the first. */
const relationLoss = (logits: Tensor, labels: ArrayLike<number>): Tensor =>
  classificationLoss(logits, classLabels(labels, [logits.dim(0)], 2));
/** The sum of both losses; where labels of one kind are missing, the other alone: RoBERTa trains without next sentences. */
function pretrainingLoss(outputs: Outputs, { labels, next_sentence_label }: Labels): Tensor | undefined {
  const { prediction_logits: logits, seq_relationship_logits: relation } = outputs as { [name: string]: Tensor };
  const tokens = tokenLabelsLoss({ logits: logits! }, { labels });
  if (!next_sentence_label) return tokens;
  const pairs = relationLoss(relation!, next_sentence_label);
  return tokens ? tokens.add(pairs) : pairs;
}

const body = { parameters: Bert, width: (c: Config) => c.hidden_size, hidden };
export const bert: Architecture<Config> = {
  name: 'bert',
  config: read => encoderConfig(read),
  /** Bare encoders have no prefix; position buffers are not parameters. */
  rename(key, c) {
    const name = currentNormName(key).replace(/^bert\./, '');
    return name.endsWith('position_ids') ? undefined : outputName(name, c);
  },
  heads: {
    maskedLM: maskedLMHead(body, {
      parameters: c => ({ cls: { predictions: Predictions(c) } }),
      logits: (p, c, x) => predict(p.cls.predictions, p, c, x),
    }),
    pretraining: encoderHead(body, {
      parameters: c => ({
        pooler: Pooler(c),
        cls: { predictions: Predictions(c), seq_relationship: Relationship(c) },
      }),
      outputs: (p, c, x, input) => ({
        prediction_logits: predict(p.cls.predictions, p, c, x).named('prediction_logits'),
        seq_relationship_logits: linear(p.cls.seq_relationship, pool(p.pooler, x, input)).named(
          'seq_relationship_logits',
        ),
      }),
      loss: pretrainingLoss,
    }),
    nextSentence: encoderHead(body, {
      parameters: c => ({ pooler: Pooler(c), cls: { seq_relationship: Relationship(c) } }),
      outputs: (p, _, x, input) => ({
        logits: linear(p.cls.seq_relationship, pool(p.pooler, x, input)).named('logits'),
      }),
      loss: ({ logits }, { labels, next_sentence_label = labels as ArrayLike<number> | undefined }) =>
        next_sentence_label && relationLoss(logits!, next_sentence_label),
    }),
    ...poolerHeads(body, Pooler, pool),
    ...tokenHeads(body),
  },
  vocabSize: c => c.vocab_size,
  typeVocabSize: c => c.type_vocab_size,
  contextLength: c => c.max_position_embeddings,
};
