/**
 * A class, several classes or a number for a text or a pair of texts. Devlin et al. 2018, "BERT"; label forms and column names: the
 * reference's. Of a pair that is too long the longer text loses tokens.
 */
import { ConfigError } from '../../errors.ts';
import type { ProblemType } from '../../nn/loss.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import { fieldOf, neededField, type Row, shown, textField } from '../data/row.ts';
import { type PaddingOptions, padIdOf, tokenInputs } from './collate.ts';
import { checkLength, frameOf, tokenColumn } from './frame.ts';
import type { Objective } from './objective.ts';

export interface ClassificationOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Longest text or pair in tokens, those around the texts included. */
  readonly maxLength: number;
  /** The classes by name, in the order of the model's `id2label`. Default: labels are numbers. */
  readonly labels?: readonly string[] | undefined;
  /** Default: one of the classes. */
  readonly problemType?: ProblemType | undefined;
  /** Default: `text` or `sentence`, or for pairs `sentence1` or `premise`. */
  readonly textColumn?: string | undefined;
  /** Default: `sentence2` or `hypothesis`, where the row has one. */
  readonly pairColumn?: string | undefined;
  /** Default `label`. */
  readonly labelColumn?: string | undefined;
}
const FIRST = ['text', 'sentence', 'sentence1', 'premise'];
const SECOND = ['sentence2', 'hypothesis'];

/** @throws ConfigError for a length without room, and several classes without names */
export function classification(options: ClassificationOptions): Objective<'ids' | 'types' | 'label'> {
  const { tokenizer, maxLength, labels, problemType = 'single_label_classification' } = options;
  const { textColumn, pairColumn, labelColumn = 'label' } = options;
  checkLength(maxLength, frameOf(tokenizer, 1).size, 'classification');
  if (problemType === 'multi_label_classification' && !labels)
    throw new ConfigError('a yes or no per class needs the names of the classes', { fix: 'set labels' });
  const texts = (row: Row): string[] => {
    const first = textField(row, textColumn === undefined ? FIRST : [textColumn]);
    const second = fieldOf(row, pairColumn === undefined ? SECOND : [pairColumn]);
    if (second === undefined && pairColumn === undefined) return [first];
    return [first, textField(row, pairColumn === undefined ? SECOND : [pairColumn])];
  };
  const label = (row: Row) => neededField(row, [labelColumn]);
  const numbers = problemType === 'single_label_classification' ? ('i32' as const) : ('f32' as const);
  return {
    name: 'classification',
    columns: { ids: tokenColumn(tokenizer), types: 'u8', label: numbers },
    settings: {
      columns: [textColumn ?? null, pairColumn ?? null, labelColumn],
      ...{ maxLength, labels: labels ?? null, problemType },
    },
    encode(row) {
      const [first, pair] = texts(row) as [string, string?];
      if (first.trim() === '' && !pair?.trim()) return [];
      const { ids, typeIds } = tokenizer.encode(first, { maxLength, ...(pair !== undefined && { pair }) });
      return [{ ids, types: typeIds, label: labelNumbers(label(row), labels, problemType, row) }];
    },
    batch: examples => ({
      inputs: {
        ...tokenInputs(
          examples.map(({ ids }) => ids),
          examples.map(({ types }) => types),
          padIdOf(tokenizer),
          options,
        ),
        labels:
          problemType === 'multi_label_classification'
            ? examples.map(e => Array.from(e.label))
            : examples.map(e => e.label[0]!),
      },
      tokens: examples.length,
      examples: examples.length,
    }),
    texts,
    label: row => (problemType === 'regression' ? undefined : shown(label(row))),
    maxLength,
  };
}

/** A pair of texts: the same with the columns `sentence1` and `sentence2`, which each row must have. */
export const sentencePair = (options: ClassificationOptions): ReturnType<typeof classification> =>
  classification({ textColumn: 'sentence1', pairColumn: 'sentence2', ...options });

function labelNumbers(
  value: unknown,
  names: readonly string[] | undefined,
  problem: ProblemType,
  { where }: Row,
): number[] {
  if (problem === 'regression') return [numberOf(value, where)];
  if (problem === 'single_label_classification') return [classOf(value, names, where)];
  const list = Array.isArray(value) ? value : [value];
  if (list.length === names!.length && list.every(x => x === 0 || x === 1 || typeof x === 'boolean'))
    return list.map(Number);
  const chosen = new Set(list.map(x => classOf(x, names, where)));
  return names!.map((_, i) => Number(chosen.has(i)));
}

function numberOf(value: unknown, where: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw new ConfigError('a label is no number', { seen: shown(value), where });
}

/** The class of a name, or of a number; tables hold numbers as text. */
export function classOf(value: unknown, names: readonly string[] | undefined, where: string): number {
  const named = names?.indexOf(String(value)) ?? -1;
  if (named >= 0) return named;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(number) && (number as number) >= 0 && (number as number) < (names?.length ?? 2 ** 31))
    return number as number;
  throw new ConfigError('a label that is no class', {
    seen: shown(value),
    expected: names ? `${names.slice(0, 20).join(', ')}, or 0 to ${names.length - 1}` : 'a number from 0',
    fix: 'name the classes in labels',
    where,
  });
}
