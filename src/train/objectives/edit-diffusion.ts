/**
 * Edit diffusion: which tokens to edit, and what to write. Reid, Hellendoorn, Neubig 2023, "DiffusER": a text is damaged in up to
 * twelve steps of edits, and two networks learn to undo the last one, the tagger from the damaged text, the generator from the damaged
 * text and the true tags. As the paper leaves it open, the number of steps is drawn evenly, and KEEP counts half in the
 * tagger's loss, as it is most of the tags. A source, such as the text to translate, may stand behind the damaged text. Where there
 * are drafts, as for corrections, these are what is damaged, and the fewest edits lead to the text.
 */
import { ConfigError } from '../../errors.ts';
import { generatorInput, TAGS, taggerInput, writtenFillings } from '../../models/edits.ts';
import { labelCrossEntropy } from '../../nn/cross-entropy.ts';
import { IGNORE, Tensor } from '../../tensor/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import type { Rng } from '../../util/rng.ts';
import type { Example } from '../data/dataset.ts';
import { type Row, textField } from '../data/row.ts';
import { labelledBatch, type PaddingOptions, padIdOf, sourceTargetBatch } from './collate.ts';
import { alignEdits } from './edit-alignment.ts';
import { cutEdits, damage, EDIT_NOISE, type EditNoise, tokenEdits, type Word } from './edit-corruption.ts';
import { checkLength, neededToken, tokenColumn } from './frame.ts';
import { markedTokens, rangesFrom, WORD } from './marks.ts';
import { sentinelsOf } from './noise-spans.ts';
import type { Objective } from './objective.ts';

export interface EditDiffusionOptions extends PaddingOptions {
  readonly tokenizer: Tokenizer;
  /** Most tokens that a network reads: the start, the damaged text, the source. What is longer loses its end. */
  readonly maxLength: number;
  /** Most steps of damage. Default 12. */
  readonly steps?: number | undefined;
  /** Kinds and lengths of edits. Default: the paper's for translation. */
  readonly noise?: Partial<EditNoise> | undefined;
  /** The token in front of a text. Default: the tokenizer's first, class or end token. */
  readonly startId?: number | undefined;
  /** Default `text` or `target`. */
  readonly textColumn?: string | undefined;
  /** What the text is a revision of. Default: nothing, the text is damaged at random. */
  readonly draftColumn?: string | undefined;
  /** What the text is made from. Default: nothing. */
  readonly sourceColumn?: string | undefined;
}
export interface EditTaggingOptions extends EditDiffusionOptions {
  /** How much each tag counts, in the order of `TAGS`. Default 0.5, 1, 1, 1. */
  readonly tagWeights?: readonly number[] | undefined;
}
export interface EditFillingOptions extends EditDiffusionOptions {
  /** Most tokens that the generator writes. */
  readonly maxTargetLength: number;
  /** Most edits of a text that need text: so many sentinels the tokenizer has to have. Default 32. */
  readonly maxFillings?: number | undefined;
}
type Columns = 'ids' | 'marks' | 'source' | 'draft' | 'draftMarks';

/** What the tagger learns. Labels are places in `TAGS`. @throws ConfigError for options that cannot be */
export function editTagging(options: EditTaggingOptions): Objective<Columns> {
  const { tagWeights = [0.5, 1, 1, 1], tokenizer } = options;
  if (tagWeights.length !== TAGS.length || !tagWeights.every(weight => weight > 0))
    throw new ConfigError('every tag has a weight above 0', { seen: `${tagWeights}`, expected: `${TAGS.length}` });
  const form = editForm(options, 'edit-tagging');
  return {
    ...form.data,
    batch(examples, rngs, partners) {
      const rows = examples.map((example, i) => {
        const { ids, tags } = form.draw(example, partners?.[i], Number.POSITIVE_INFINITY, rngs[i]!);
        const input = taggerInput(form.start, ids, Array.from(example.source));
        return { ...input, labels: [...tags, ...Array.from(example.source, () => IGNORE)] };
      });
      return labelledBatch(
        rows.map(({ ids }) => ids),
        rows.map(({ labels }) => labels),
        padIdOf(tokenizer),
        options,
        rows.map(({ types }) => types),
      );
    },
    lossOf: ({ logits }, { inputs }) => {
      const labels = Array.from(inputs.labels as readonly ArrayLike<number>[]).flatMap(row => Array.from(row));
      const weights = Tensor.from(Float32Array.from(tagWeights), [TAGS.length]);
      const classes = Tensor.from(Int32Array.from(labels), [labels.length]);
      return labelCrossEntropy(logits.reshape(-1, TAGS.length), classes, { weights });
    },
  };
}

/** What the generator learns. @throws ConfigError for options that cannot be, too few sentinels and a tokenizer without an end token */
export function editFilling(options: EditFillingOptions): Objective<Columns> {
  const { tokenizer, maxTargetLength, maxFillings = 32 } = options;
  const form = editForm(options, 'edit-filling');
  const markers = sentinelsOf(tokenizer, maxFillings, 'edit-filling');
  const end = neededToken(tokenizer, 'eos', 'edit-filling');
  checkLength(maxTargetLength, 1, 'edit-filling');
  return {
    ...form.data,
    batch(examples, rngs, partners) {
      const rows = examples.map((example, i) => {
        const { ids, tags, fillings } = form.draw(example, partners?.[i], maxFillings, rngs[i]!);
        const target = writtenFillings(fillings, markers, end).slice(0, maxTargetLength);
        return { ...generatorInput(form.start, ids, tags, Array.from(example.source)), target };
      });
      return sourceTargetBatch(
        rows.map(({ ids }) => ids),
        rows.map(({ target }) => target),
        padIdOf(tokenizer),
        options,
        rows.map(({ types }) => types),
      );
    },
  };
}

/** What both have in common: their data, and the edits that are drawn for an example. */
function editForm(options: EditDiffusionOptions, name: string) {
  const { tokenizer, maxLength, steps = 12, textColumn, sourceColumn, draftColumn } = options;
  const { bos, cls, eos } = tokenizer.specialTokens;
  const start = options.startId ?? bos ?? cls ?? eos;
  if (start === undefined) throw new ConfigError('no token to start a text with', { fix: 'set startId', where: name });
  const noise = checkedNoise({ ...EDIT_NOISE, ...options.noise }, name);
  if (!(Number.isSafeInteger(steps) && steps >= 1))
    throw new ConfigError('steps is a whole number from 1', { seen: `${steps}`, where: name });
  checkLength(maxLength, 1, name);
  const textOf = (row: Row) => textField(row, textColumn === undefined ? ['text', 'target'] : [textColumn]);
  const given = (row: Row, column: string | undefined) => (column === undefined ? [] : [textField(row, [column])]);
  const data: Omit<Objective<Columns>, 'batch'> = {
    name,
    columns: {
      ...{ ids: tokenColumn(tokenizer), marks: 'u8', source: tokenColumn(tokenizer) },
      ...{ draft: tokenColumn(tokenizer), draftMarks: 'u8' },
    },
    settings: { columns: [textColumn ?? null, sourceColumn ?? null, draftColumn ?? null], maxLength },
    encode(row) {
      const { ids, marks } = markedTokens(tokenizer, textOf(row));
      if (ids.length === 0) return [];
      const [source] = given(row, sourceColumn);
      const [draft] = given(row, draftColumn).map(text => markedTokens(tokenizer, text));
      // A source may take half of the room.
      const before = source === undefined ? [] : tokenizer.encodeIds(source).slice(0, maxLength >> 1);
      const room = maxLength - 1 - before.length;
      return [
        {
          ...{ ids: ids.slice(0, room), marks: marks.slice(0, room), source: before },
          ...{ draft: draft?.ids.slice(0, room) ?? [], draftMarks: draft?.marks.slice(0, room) ?? [] },
        },
      ];
    },
    drawsPartners: draftColumn === undefined,
    texts: row => [textOf(row), ...given(row, draftColumn), ...given(row, sourceColumn)],
    maxLength,
  };
  const draw = (example: Example<Columns>, partner: Example<Columns> | undefined, most: number, rng: Rng) => {
    const words = wordsOf(example.ids, example.marks);
    const room = maxLength - 1 - example.source.length;
    if (!partner)
      return cutEdits(tokenEdits(alignEdits(wordsOf(example.draft, example.draftMarks), words)), room, most);
    const count = 1 + rng.below(steps);
    const pool = wordsOf(partner.ids, partner.marks);
    return cutEdits(tokenEdits(damage(words, pool, { noise, steps: count, most }, rng)), room, most);
  };
  return { data, start, draw };
}

const wordsOf = (ids: ArrayLike<number>, marks: ArrayLike<number>): Word[] =>
  rangesFrom(marks, WORD).map(([from, to]) => Array.from(ids).slice(from, to));

function checkedNoise(noise: EditNoise, where: string): EditNoise {
  const { replace, insert, delete: remove, poissonLambda } = noise;
  const shares = [replace, insert, remove];
  if (shares.every(share => share >= 0) && replace + insert + remove <= 1 && poissonLambda > 0 && poissonLambda < 700)
    return noise;
  throw new ConfigError('no such noise', {
    seen: JSON.stringify(noise),
    expected: 'shares of together at most 1',
    where,
  });
}
