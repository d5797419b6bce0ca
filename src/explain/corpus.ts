/** Rows of tokens that a model reads while its heads are watched, and batches of them. */
import { ConfigError } from '../errors.ts';
import { headOf, type ModelInputs } from '../models/forward.ts';
import type { ExplainedModel } from './explained-model.ts';

/** Words of a row, and what is known about them. */
export interface Annotation {
  /** Places of each word's tokens in `ids`; none where a text was cut. */
  readonly words: readonly (readonly number[])[];
  readonly pairs: readonly RelationPair[];
  /** Rows of one document have the same number: they are never on both sides of a split. */
  readonly document: number;
}
/** A word that should look at another one. */
export interface RelationPair {
  readonly relation: string;
  /** Who looks: the dependent at its head, or the head at its dependents. */
  readonly direction: 'toHead' | 'toDependent';
  readonly query: number;
  /** Any of them is right: a noun may have several adjectives. */
  readonly targets: readonly number[];
}
export interface CorpusRow {
  readonly ids: readonly number[];
  /** 1 for tokens that the tokenizer put around the text. */
  readonly added: readonly number[];
  /** What the decoder of an encoder-decoder reads. */
  readonly decoderIds?: readonly number[] | undefined;
  readonly annotation?: Annotation | undefined;
}

/** Longest row unless the caller says otherwise; attention costs its square. */
export const MAX_TOKENS = 256;

/** Most tokens of a row of this model. */
export function rowLimit(model: ExplainedModel, maxTokens = MAX_TOKENS): number {
  const { architecture, config } = model.parts;
  const limits = [maxTokens, model.contextLength, headOf(model.parts).encode && architecture.sourceLength?.(config)];
  return Math.min(...limits.filter(n => n !== undefined));
}

/**
 * A text as a row, cut to what the model takes. An encoder-decoder's decoder reads `target`, or without one the text itself.
 * @throws ConfigError without a tokenizer
 */
export function textRow(
  model: ExplainedModel,
  text: string,
  { target = text, maxTokens }: { target?: string | undefined; maxTokens?: number | undefined } = {},
): CorpusRow & { readonly offsets: readonly (readonly [number, number])[] } {
  const { tokenizer } = model.parts;
  if (!tokenizer)
    throw new ConfigError('this model has no tokenizer, so it reads no text', { fix: 'give rows of token ids' });
  const maxLength = rowLimit(model, maxTokens);
  const { ids, specialTokensMask: added, offsets } = tokenizer.encode(text, { maxLength });
  const decoderIds =
    headOf(model.parts).encode &&
    decoderIdsOf(model, ids, target === text ? ids : tokenizer.encodeIds(target, { maxLength }));
  return { ids, added, decoderIds, offsets };
}
/** Ids as a row, of a model with or without a tokenizer. */
export const idsRow = (model: ExplainedModel, ids: readonly number[]): CorpusRow => ({
  ids,
  added: ids.map(() => 0),
  decoderIds: headOf(model.parts).encode && decoderIdsOf(model, ids, ids),
});

/** What the decoder reads while it writes `target`: that, shifted behind its start token. */
function decoderIdsOf(model: ExplainedModel, source: readonly number[], target: readonly number[]): number[] {
  const made = headOf(model.parts).decoderIds?.(model.parts.config, { input_ids: [source], labels: [target] })?.[0];
  if (!made) throw new ConfigError('it is not known what the decoder reads', { fix: 'give decoderIds with each row' });
  return made;
}

/** Attention weights of one head that a batch may have, B * T * T, so that memory stays flat whatever the rows' lengths. */
const MOST_WEIGHTS = 1 << 16;
const MOST_ROWS = 32;

/** Neighbouring rows in batches, padded at the end, of at most `mostTokens` tokens if they are not single rows. */
export function* rowBatches<R extends CorpusRow>(
  rows: Iterable<R>,
  mostTokens = Number.POSITIVE_INFINITY,
): Generator<{ readonly rows: readonly R[]; readonly inputs: ModelInputs }> {
  let batch: R[] = [];
  let longest = 0;
  for (const row of rows) {
    if (row.ids.length === 0) continue;
    const length = Math.max(longest, row.ids.length, row.decoderIds?.length ?? 0);
    const tokens = (batch.length + 1) * length;
    const full = batch.length === MOST_ROWS || tokens * length > MOST_WEIGHTS || tokens > mostTokens;
    if (full && batch.length) {
      yield { rows: batch, inputs: batchInputs(batch) };
      batch = [];
      longest = 0;
    }
    batch.push(row);
    longest = Math.max(longest, row.ids.length, row.decoderIds?.length ?? 0);
  }
  if (batch.length) yield { rows: batch, inputs: batchInputs(batch) };
}

/** The rows as inputs of a model. */
export function batchInputs(rows: readonly CorpusRow[]): ModelInputs {
  const source = padded(rows.map(row => row.ids));
  const target = rows[0]?.decoderIds && padded(rows.map(row => row.decoderIds ?? []));
  return {
    input_ids: source.ids,
    attention_mask: source.mask,
    ...(target && { decoder_input_ids: target.ids, decoder_attention_mask: target.mask }),
  };
}
function padded(rows: readonly (readonly number[])[]): { ids: number[][]; mask: number[][] } {
  const length = Math.max(...rows.map(row => row.length));
  const fill = (row: readonly number[], map: (id: number) => number) =>
    Array.from({ length }, (_, t) => (t < row.length ? map(row[t]!) : 0));
  return { ids: rows.map(row => fill(row, id => id)), mask: rows.map(row => fill(row, () => 1)) };
}
