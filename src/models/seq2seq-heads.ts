/** The heads that encoder-decoders have in common: the answer's next token, and those that read one text on both sides. */
import { ShapeError } from '../errors.ts';
import { Linear, linear } from '../nn/linear.ts';
import { type Params, param, type Spec } from '../nn/params.ts';
import { lastOf } from '../nn/pooling.ts';
import { IGNORE, type Tensor } from '../tensor/index.ts';
import { type Head, head, type Source, type TokenInput } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';
import { type EncoderBody, sequenceHead, tokenLabelsLoss } from './encoder-heads.ts';

type Named = { readonly [name: string]: Spec | undefined };
type Rows = readonly ArrayLike<number>[];
type DecoderIds<C> = NonNullable<Head<C>['decoderIds']>;

/** Config fields that the heads read. */
export interface Seq2SeqHeadConfig {
  vocab_size: number;
  pad_token_id: number;
  /** What the decoder reads first. */
  decoder_start_token_id: number;
}
export function seq2seqHeadConfig(read: ConfigReader, defaults: Seq2SeqHeadConfig): Seq2SeqHeadConfig {
  return {
    vocab_size: read.integer('vocab_size', defaults.vocab_size),
    pad_token_id: read.integer('pad_token_id', defaults.pad_token_id, 0),
    decoder_start_token_id: read.integer('decoder_start_token_id', defaults.decoder_start_token_id, 0),
  };
}

/** What is below every head: `hidden` is the decoder's pass. */
export interface Seq2SeqBody<C, S extends Named> extends EncoderBody<C, S> {
  encode(params: Params<S>, config: C, input: TokenInput): Source;
}

/** Scores of all tokens after each that the decoder read: `logits(params, config, x [B, T, C])` are `[B, T, V]`. */
export const seq2seqLMHead = <C extends Seq2SeqHeadConfig, S extends Named, H extends Named>(
  body: Seq2SeqBody<C, S>,
  own: {
    parameters(config: C): H;
    logits(params: Params<H> & Params<S>, config: C, hidden: Tensor): Tensor;
    /** Default: the labels, shifted right. */
    decoderIds?: DecoderIds<C> | undefined;
  },
): Head<C> =>
  head<C, Named>({
    parameters: c => ({ ...body.parameters(c), ...own.parameters(c) }),
    encode: (p, c, input) => body.encode(p as Params<S>, c, input),
    decoderIds: own.decoderIds ?? ((c, { labels }) => labels && shiftedRight(labels, c)),
    hidden: (p, c, input) => body.hidden(p as Params<S>, c, input),
    outputs: (p, c, x) => ({ logits: own.logits(p as Params<H> & Params<S>, c, x).named('logits') }),
    loss: tokenLabelsLoss,
  });

/** The same with an embedding table `[V, C]` for a matrix, and a constant per token that is zero unless something set it. */
export const tableLMHead = <C extends Seq2SeqHeadConfig, S extends Named>(
  body: Seq2SeqBody<C, S>,
  own: {
    table(params: Params<S>): { readonly weight: Tensor };
    /** Its rows. Default: `vocab_size`. */
    rows?(config: C): number;
    decoderIds?: DecoderIds<C>;
  },
): Head<C> => {
  const { table, rows = c => c.vocab_size, decoderIds } = own;
  return seq2seqLMHead(body, {
    parameters: c => ({ final_logits_bias: param([1, rows(c)], 'zeros', { constant: 'buffer' }) }),
    logits: (p, c, x) => linear({ ...table(p), bias: p.final_logits_bias.reshape(rows(c)) }, x),
    decoderIds,
  });
};

/** An encoder's head over the decoder's states: unless it is given others, the decoder reads the source's ids, shifted right. */
export const overDecoder = <C extends Seq2SeqHeadConfig, S extends Named>(
  { encode }: Seq2SeqBody<C, S>,
  over: Head<C>,
): Head<C> => ({
  ...over,
  encode: encode as NonNullable<Head<C>['encode']>,
  decoderIds: (c, { input_ids }) => input_ids && shiftedRight(input_ids, c),
});

/** A class for the source, from the decoder's state at the source's last end token: `classification_head`, logits `[B, N]`. */
export const sourceClassHead = <
  C extends Seq2SeqHeadConfig & { labels: string[]; eos_token_id: number },
  S extends Named,
>(
  body: Seq2SeqBody<C, S>,
): Head<C> =>
  overDecoder(
    body,
    sequenceHead(body, {
      parameters: c => ({
        classification_head: {
          dense: Linear(body.width(c), body.width(c)),
          out_proj: Linear(body.width(c), c.labels.length),
        },
      }),
      logits: ({ classification_head: p }, c, x, input) =>
        linear(p.out_proj, linear(p.dense, lastOf(x, input.source!.ids!, c.eos_token_id)).tanh()),
    }),
  );

/**
 * What a decoder reads in training: each row one place to the right behind the start token, with padding where labels are left
 * out.
 * @throws ShapeError when labels are not rows
 */
export const shiftedRight = (rows: Rows | ArrayLike<number>, c: Seq2SeqHeadConfig): number[][] =>
  paddedRows(rows, c).map(row => [c.decoder_start_token_id, ...row.slice(0, -1)]);
/** Labels as tokens: padding where they are left out. @throws ShapeError when they are not rows */
export const paddedRows = (rows: Rows | ArrayLike<number>, { pad_token_id }: Seq2SeqHeadConfig): number[][] =>
  Array.from(rows as Rows, row => {
    if (typeof row === 'number') throw new ShapeError('labels of a text are rows', { expected: '[[1, 2, 3]]' });
    return Array.from(row, id => (id === IGNORE ? pad_token_id : id));
  });

/**
 * Parameter name where one table serves encoder, decoder and output: files hold it once or more, under up to four names. Old
 * ones hold a version number for each side too.
 */
export function sharedTableName(key: string): string | undefined {
  const name = key.replace(/^model\./, '');
  if (/^(en|de)coder\.version$/.test(name)) return undefined;
  return /^((en|de)coder\.embed_tokens|lm_head)\.weight$/.test(name) ? 'shared.weight' : name;
}
/** Records an output matrix of its own as a problem of the config. */
export const expectSharedTable = (read: ConfigReader): void =>
  read.check(
    read.boolean('tie_word_embeddings', true),
    'tie_word_embeddings false is not supported: one table serves input and output',
  );
