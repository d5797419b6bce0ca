/**
 * Vectors of texts: a text and its partner are to be closer than the text and the partners of all others in the batch. Henderson et
 * al. 2017, "Efficient Natural Language Response Suggestion" (multiple negatives); in both directions, as Radford et al. 2021,
 * "CLIP". Names and defaults: Sentence Transformers' `MultipleNegativesRankingLoss`.
 */
import { ConfigError } from '../../errors.ts';
import { normalize, type Pooling, pool } from '../../nn/pooling.ts';
import { crossEntropy, Tensor } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { LossOf } from '../batch.ts';
import { type Row, textField } from '../data/row.ts';
import { type PaddingOptions, padIdOf, tokenInputs } from './collate.ts';
import { checkLength, frameOf, tokenColumn } from './frame.ts';
import type { Objective } from './objective.ts';

export interface ContrastiveOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Longest text in tokens, those around it included. */
  readonly maxLength: number;
  /** What cosines are multiplied with: the inverse of the temperature. Default 20. */
  readonly scale?: number | undefined;
  /** Default mean. */
  readonly pooling?: Pooling | undefined;
  /** Default `sentence1`, `anchor`, `query`, `source` or `text`. */
  readonly textColumn?: string | undefined;
  /** Default `sentence2`, `positive`, `answer` or `target`. */
  readonly pairColumn?: string | undefined;
}
const FIRST = ['sentence1', 'anchor', 'query', 'source', 'text'];
const SECOND = ['sentence2', 'positive', 'answer', 'target'];

/**
 * Rows are pairs; a batch has to hold at least two. It needs a model without a head, whose states are pooled.
 * @throws ConfigError for a length without room and a scale that is none
 */
export function contrastive(options: ContrastiveOptions): Objective<'ids' | 'partner'> {
  const { tokenizer, maxLength, scale = 20, pooling = 'mean', textColumn, pairColumn } = options;
  checkLength(maxLength, frameOf(tokenizer, 1).size, 'contrastive');
  if (!(scale > 0 && Number.isFinite(scale)))
    throw new ConfigError('cosines are scaled by a number above 0', { seen: `${scale}`, where: 'contrastive' });
  const texts = (row: Row): [string, string] => [
    textField(row, textColumn === undefined ? FIRST : [textColumn]),
    textField(row, pairColumn === undefined ? SECOND : [pairColumn]),
  ];
  const column = tokenColumn(tokenizer);
  return {
    name: 'contrastive',
    columns: { ids: column, partner: column },
    settings: { columns: [textColumn ?? null, pairColumn ?? null], maxLength },
    encode(row) {
      const [text, partner] = texts(row);
      if (text.trim() === '' || partner.trim() === '') return [];
      const [ids, other] = [text, partner].map(t => tokenizer.encodeIds(t, { maxLength }));
      return [{ ids: ids!, partner: other! }];
    },
    batch: examples => ({
      inputs: tokenInputs(
        [...examples.map(({ ids }) => ids), ...examples.map(({ partner }) => partner)],
        undefined,
        padIdOf(tokenizer),
        options,
      ),
      tokens: examples.length,
      examples: examples.length,
    }),
    lossOf: pairLoss(scale, pooling),
    texts,
    maxLength,
  };
}

/** Of a batch whose first half are texts, and whose second half their partners in the same order. */
const pairLoss =
  (scale: number, pooling: Pooling): LossOf =>
  ({ hidden }, { inputs, examples: B }) => {
    const [rows, T] = hidden.shape as [number, number, number];
    if (B < 2 || rows !== 2 * B)
      throw new ConfigError('a text has to be told from others', {
        seen: `${B} pairs in ${rows} rows`,
        expected: 'a batch of at least two pairs',
      });
    const mask = inputs.attention_mask?.flatMap(row => Array.from(row));
    const vectors = normalize(pool(hidden, mask && Tensor.from(Uint8Array.from(mask), [rows, T], 'bool'), [pooling]));
    const scores = vectors
      .slice(0, 0, B)
      .matmul(vectors.slice(0, B, 2 * B).transpose(0, 1))
      .mul(scale);
    const own = Tensor.from(Int32Array.from({ length: B }, (_, i) => i));
    return crossEntropy(scores, own)
      .add(crossEntropy(scores.transpose(0, 1), own))
      .mul(0.5);
  };
