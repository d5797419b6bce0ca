/**
 * Which tokens were replaced. Clark et al. 2020, "ELECTRA", trains a small masked language model beside the network to make up the
 * replacements; here they are drawn from the vocabulary, which is an easier task and needs no second network. 15 % of the tokens
 * are drawn anew; one that happens to be as before counts as not replaced, as in the paper. Every token is learned from.
 */
import { IGNORE } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import { textField } from '../data/row.ts';
import { labelledBatch, type PaddingOptions, padIdOf } from './collate.ts';
import { checkLength, checkShares, framed, framedValues, frameOf, tokenColumn } from './frame.ts';
import type { Objective } from './objective.ts';
import { chosen } from './random-draws.ts';

export interface ReplacedTokenOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Tokens of a row, those around the text included. */
  readonly length: number;
  /** Share of the tokens that are drawn anew. Default 0.15. */
  readonly probability?: number | undefined;
  /** Default `text`. */
  readonly column?: string | undefined;
}

/** @throws ConfigError for a length without room for text */
export function replacedToken(options: ReplacedTokenOptions): Objective<'ids'> {
  const { tokenizer, length, probability = 0.15, column = 'text' } = options;
  const frame = frameOf(tokenizer, 1);
  checkLength(length, frame.size, 'replaced-token');
  checkShares({ probability }, 'replaced-token');
  return {
    name: 'replaced-token',
    columns: { ids: tokenColumn(tokenizer) },
    settings: { column },
    encode(row) {
      const ids = tokenizer.encodeIds(textField(row, [column]), { addSpecialTokens: false });
      return ids.length > 0 ? [{ ids }] : [];
    },
    blockLength: length - frame.size,
    batch(examples, rngs) {
      const replaced = examples.map(({ ids }, i) => {
        const rng = rngs[i]!;
        const drawn = Array.from(ids);
        for (const place of chosen(ids.length, Math.max(1, Math.round(ids.length * probability)), rng))
          drawn[place] = rng.below(tokenizer.vocabSize);
        return { ids: drawn, labels: drawn.map((id, place) => Number(id !== ids[place])) };
      });
      const rows = replaced.map(({ ids }) => framed(frame, [ids]));
      return labelledBatch(
        rows.map(({ ids }) => ids),
        replaced.map(({ labels }) => framedValues(frame, [labels], IGNORE)),
        padIdOf(tokenizer),
        { maxLength: length, ...options },
        rows.map(({ types }) => types),
      );
    },
    texts: row => [textField(row, [column])],
  };
}
