/**
 * One text from another: translation, summaries, corrections. Sutskever et al. 2014; option names: the reference's. Source and target
 * are tokenized as the model's tokenizer has it, each cut at its own length.
 */
import type { Tokenizer } from '../../tokenizers/index.ts';
import { type Row, textField } from '../data/row.ts';
import { type PaddingOptions, padIdOf, sourceTargetBatch } from './collate.ts';
import { checkLength, frameOf, tokenColumn } from './frame.ts';
import type { Objective } from './objective.ts';
import { endOf } from './span-corruption.ts';

export interface SequenceToSequenceOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Tokens. Default 1024. */
  readonly maxSourceLength?: number | undefined;
  /** Tokens. Default 128. */
  readonly maxTargetLength?: number | undefined;
  /** In front of each source, such as `summarize: `. Default: nothing. */
  readonly sourcePrefix?: string | undefined;
  /** Default `source`, `input`, `article`, `document` or `text`. */
  readonly sourceColumn?: string | undefined;
  /** Default `target`, `output`, `highlights` or `summary`. */
  readonly targetColumn?: string | undefined;
}
const SOURCES = ['source', 'input', 'article', 'document', 'text'];
const TARGETS = ['target', 'output', 'highlights', 'summary'];

/** @throws ConfigError for lengths without room for text, and a tokenizer that cannot end a target */
export function sequenceToSequence(options: SequenceToSequenceOptions): Objective<'ids' | 'labels'> {
  const { tokenizer, maxSourceLength = 1024, maxTargetLength = 128, sourcePrefix = '' } = options;
  const { sourceColumn, targetColumn } = options;
  const { size, added } = frameOf(tokenizer, 1);
  // A tokenizer that puts no end behind a text would leave the decoder without a place to stop.
  const end = added[1]!.ids.length > 0 ? [] : endOf(tokenizer, 'sequence-to-sequence');
  checkLength(maxSourceLength, size, 'sequence-to-sequence');
  checkLength(maxTargetLength, size + end.length, 'sequence-to-sequence');
  const column = tokenColumn(tokenizer);
  const texts = (row: Row): [string, string] => [
    textField(row, sourceColumn === undefined ? SOURCES : [sourceColumn]),
    textField(row, targetColumn === undefined ? TARGETS : [targetColumn]),
  ];
  return {
    name: 'sequence-to-sequence',
    columns: { ids: column, labels: column },
    settings: {
      columns: [sourceColumn ?? null, targetColumn ?? null],
      ...{ maxSourceLength, maxTargetLength, sourcePrefix },
    },
    encode(row) {
      const [source, target] = texts(row);
      if (source.trim() === '' || target.trim() === '') return [];
      const ids = tokenizer.encodeIds(sourcePrefix + source, { maxLength: maxSourceLength });
      const labels = tokenizer.encodeIds(target, { maxLength: maxTargetLength - end.length });
      return [{ ids, labels: [...labels, ...end] }];
    },
    batch: examples =>
      sourceTargetBatch(
        examples.map(({ ids }) => ids),
        examples.map(({ labels }) => labels),
        padIdOf(tokenizer),
        { maxLength: maxSourceLength, maxTargetLength, ...options },
      ),
    texts,
    maxLength: maxSourceLength,
  };
}
