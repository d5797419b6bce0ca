/**
 * Instruction tuning: a prompt and what is to follow, of which alone the loss counts. Ouyang et al. 2022. Column and option names:
 * the reference's supervised trainer. Prompt and completion are tokenized as one text, so that the model sees the tokens which
 * the text has; a token that reaches into the completion belongs to it.
 */
import { IGNORE } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import { type Row, textField } from '../data/row.ts';
import { nextTokenBatch } from './causal-lm.ts';
import { type PaddingOptions, padIdOf } from './collate.ts';
import { checkLength, tokenColumn } from './frame.ts';
import type { Objective } from './objective.ts';

export interface CompletionOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Longest row in tokens; longer ones lose their end, and are left out when nothing of the completion remains. */
  readonly maxLength: number;
  /** Whether prompts are left out of the loss. Default true. */
  readonly completionOnlyLoss?: boolean | undefined;
  /** Rows are laid end to end and cut into blocks of `maxLength`. Default false. */
  readonly packing?: boolean | undefined;
  /** Default `prompt` and `completion`. */
  readonly promptColumn?: string | undefined;
  readonly completionColumn?: string | undefined;
}

/** @throws ConfigError for a length that leaves nothing to predict */
export function completion(options: CompletionOptions): Objective<'ids' | 'learned'> {
  const { tokenizer, maxLength, completionOnlyLoss = true, packing = false } = options;
  checkLength(maxLength, 1, 'completion');
  const { encode, texts, columns } = promptAndCompletion(options);
  return {
    name: 'completion',
    columns,
    settings: { columns: columnsOf(options), maxLength: packing ? null : maxLength },
    encode(row) {
      const { ids, learned } = encode(row);
      if (packing) return ids.length > 1 ? [{ ids, learned }] : [];
      const kept = learned.slice(0, maxLength);
      return kept.includes(1) ? [{ ids: ids.slice(0, maxLength), learned: kept }] : [];
    },
    blockLength: packing ? maxLength : undefined,
    batch: examples =>
      nextTokenBatch(
        examples.map(({ ids }) => ids),
        examples.map(({ ids, learned }) =>
          Array.from(ids, (id, i) => (completionOnlyLoss && !learned[i] ? IGNORE : id)),
        ),
        padIdOf(tokenizer),
        options,
      ),
    texts,
    maxLength: packing ? undefined : maxLength,
  };
}

const columnsOf = ({
  promptColumn = 'prompt',
  completionColumn = 'completion',
}: Pick<CompletionOptions, 'promptColumn' | 'completionColumn'>) => [promptColumn, completionColumn] as const;

/** Tokens of a prompt, its completion and the end token, with 1 where the completion is. */
export function promptAndCompletion(
  options: Pick<CompletionOptions, 'tokenizer' | 'promptColumn' | 'completionColumn'>,
): Pick<Objective<'ids' | 'learned'>, 'columns' | 'texts'> & {
  encode(row: Row): { ids: number[]; learned: number[] };
} {
  const { tokenizer } = options;
  const { eos } = tokenizer.specialTokens;
  const texts = (row: Row) => columnsOf(options).map(column => textField(row, [column]));
  return {
    columns: { ids: tokenColumn(tokenizer), learned: 'u8' },
    texts,
    encode(row) {
      const [prompt, answer] = texts(row) as [string, string];
      const { ids, offsets, sequenceIds } = tokenizer.encode(prompt + answer);
      // Tokens that stand around the text: those behind it are learned too.
      let behind = false;
      const learned = ids.map((_, i) => {
        if (sequenceIds[i] !== null) behind = true;
        return Number(sequenceIds[i] === null ? behind : offsets[i]![1] > prompt.length);
      });
      if (eos !== undefined && ids.at(-1) !== eos) {
        ids.push(eos);
        learned.push(1);
      }
      return { ids, learned };
    },
  };
}
