/** Rows with answers that a model should give at certain places: what an ablation is measured on. */
import { ConfigError } from '../errors.ts';
import { GENERATES } from '../models/architecture.ts';
import type { CorpusRow } from './corpus.ts';
import { type ExplainedModel, hasEncoder } from './explained-model.ts';

/** A token that should be predicted at a place of what the model (its decoder, if there is one) reads. */
export interface Answer {
  readonly position: number;
  readonly id: number;
}
export interface ProbeItem {
  readonly row: CorpusRow;
  readonly answers: readonly Answer[];
}
export interface ProbeOptions {
  /** Only places where the row's words of these numbers look: the query of a relation. Default all of the text. */
  readonly wordsOf?: ((row: CorpusRow) => readonly number[]) | undefined;
  /** Of a masked language model: words masked per row, each in a copy of its own; default 4. */
  readonly masksPerRow?: number | undefined;
}

/**
 * Items from rows of text. A decoder predicts the next token at each place, an encoder-decoder's decoder too; a masked language
 * model predicts a word whose tokens were masked.
 * @throws ConfigError for a masked language model whose tokenizer has no mask
 */
export function* probeItems(
  model: ExplainedModel,
  rows: Iterable<CorpusRow>,
  options: ProbeOptions = {},
): Generator<ProbeItem, void, undefined> {
  const continues = GENERATES.has(model.parts.head);
  for (const row of rows) {
    if (continues) {
      const answers = nextTokens(model, row, options);
      if (answers.length) yield { row, answers };
    } else yield* maskedWords(model, row, options);
  }
}

function nextTokens(model: ExplainedModel, row: CorpusRow, { wordsOf }: ProbeOptions): Answer[] {
  const decoder = hasEncoder(model);
  const ids = decoder ? row.decoderIds! : row.ids;
  const shift = decoder ? 1 : 0;
  const places = wordsOf
    ? wordsOf(row).flatMap(word => (row.annotation?.words[word] ?? []).slice(-1).map(place => place + shift))
    : ids.map((_, place) => place);
  return places.flatMap(position => {
    const id = ids[position + 1];
    return id === undefined || (!decoder && row.added[position + 1] === 1) ? [] : [{ position, id }];
  });
}

function* maskedWords(
  model: ExplainedModel,
  row: CorpusRow,
  { wordsOf, masksPerRow = 4 }: ProbeOptions,
): Generator<ProbeItem, void, undefined> {
  const { tokenizer, config } = model.parts;
  const { mask_token_id } = config as { mask_token_id?: number | undefined };
  const mask = tokenizer?.specialTokens.mask ?? mask_token_id;
  if (mask === undefined)
    throw new ConfigError('nothing to mask words with', { fix: 'use a tokenizer with a mask token' });
  const words = row.annotation?.words ?? row.ids.flatMap((_, i) => (row.added[i] === 1 ? [] : [[i]]));
  const numbers = (wordsOf?.(row) ?? words.map((_, i) => i)).filter(word => words[word]?.length);
  // Spread over the text, always the same ones.
  const step = Math.max(1, numbers.length / masksPerRow);
  for (let i = 0; i < Math.min(masksPerRow, numbers.length); i++) {
    const places = words[numbers[Math.floor(i * step)]!]!;
    yield {
      row: { ...row, ids: row.ids.map((id, place) => (places.includes(place) ? mask : id)) },
      answers: places.map(position => ({ position, id: row.ids[position]! })),
    };
  }
}
