/**
 * A class for each word. Devlin et al. 2018, "BERT", section 5.3: the first piece of a word carries its label, the others are left
 * out of the loss; or all pieces carry it. Column names: the reference's.
 */
import { ConfigError } from '../../errors.ts';
import { IGNORE } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import { neededField, type Row, shown } from '../data/row.ts';
import { classOf } from './classification.ts';
import { labelledBatch, type PaddingOptions, padIdOf } from './collate.ts';
import { checkLength, frameOf, tokenColumn } from './frame.ts';
import type { Objective } from './objective.ts';

export interface TokenClassificationOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Longest row in tokens, those around the text included. */
  readonly maxLength: number;
  /** The classes by name, in the order of the model's `id2label`. Default: labels are numbers. */
  readonly labels?: readonly string[] | undefined;
  /** Whether all pieces of a word carry its label. Default false: the first. */
  readonly labelAllTokens?: boolean | undefined;
  /** A list of words. Default `tokens` or `words`. */
  readonly textColumn?: string | undefined;
  /** A list of as many labels. Default `ner_tags`, `pos_tags`, `chunk_tags`, `tags` or `labels`. */
  readonly labelColumn?: string | undefined;
}
const WORDS = ['tokens', 'words'];
const TAGS = ['ner_tags', 'pos_tags', 'chunk_tags', 'tags', 'labels'];

/** @throws ConfigError for a length without room for text */
export function tokenClassification(options: TokenClassificationOptions): Objective<'ids' | 'labels'> {
  const { tokenizer, maxLength, labels: names, labelAllTokens = false, textColumn, labelColumn } = options;
  checkLength(maxLength, frameOf(tokenizer, 1).size, 'token-classification');
  const words = (row: Row) => listField(row, textColumn === undefined ? WORDS : [textColumn]).map(String);
  return {
    name: 'token-classification',
    columns: { ids: tokenColumn(tokenizer), labels: 'i32' },
    settings: {
      columns: [textColumn ?? null, labelColumn ?? null],
      ...{ maxLength, labels: names ?? null, labelAllTokens },
    },
    encode(row) {
      const texts = words(row);
      const tags = listField(row, labelColumn === undefined ? TAGS : [labelColumn]);
      if (texts.length !== tags.length)
        throw new ConfigError('a row has not as many labels as words', {
          seen: `${texts.length} words, ${tags.length} labels`,
          where: row.where,
        });
      if (texts.length === 0) return [];
      const classes = tags.map(tag => (tag === IGNORE ? IGNORE : classOf(tag, names, row.where)));
      const { ids, offsets, sequenceIds } = tokenizer.encode(texts.join(' '), { maxLength });
      const ends: number[] = [];
      for (const text of texts) ends.push((ends.at(-1) ?? -1) + 1 + text.length);
      let [word, seen] = [0, -1];
      const labels = ids.map((_, i) => {
        if (sequenceIds[i] === null) return IGNORE;
        // A piece is of the word that its last character is in.
        while (word < ends.length - 1 && offsets[i]![1] > ends[word]!) word++;
        const first = word !== seen;
        seen = word;
        return first || labelAllTokens ? classes[word]! : IGNORE;
      });
      return [{ ids, labels }];
    },
    batch: examples =>
      labelledBatch(
        examples.map(({ ids }) => ids),
        examples.map(({ labels }) => labels),
        padIdOf(tokenizer),
        options,
      ),
    texts: row => [words(row).join(' ')],
    maxLength,
  };
}

function listField(row: Row, names: readonly string[]): unknown[] {
  const value = neededField(row, names);
  if (Array.isArray(value)) return value;
  throw new ConfigError('a column holds no list', {
    seen: shown(value),
    expected: `a list in ${names.join(' or ')}, one entry per word`,
    where: row.where,
  });
}
