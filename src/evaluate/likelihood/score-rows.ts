/**
 * Log-probabilities of chosen tokens at chosen positions: the one place where evaluation runs a network. The head computes the
 * positions that are asked for and no others, a bounded number at a time, and of the scores of all tokens only what is wanted
 * leaves the device.
 */
import { ConfigError } from '../../errors.ts';
import type { TokenInput } from '../../models/architecture.ts';
import { encode, headOf, type LoadedModel } from '../../models/forward.ts';
import { tokenBatch } from '../../nn/tokens.ts';
import { dataOfAll, gather, rowCrossEntropy, Tensor, takeAlong } from '../../tensor/index.ts';
import { batchesByLength, roundedUp } from './batches.ts';

/** A text as the network reads it, and what is asked about it. */
export interface ScoreRow {
  /** What a decoder, an encoder, or an encoder-decoder's decoder reads. */
  readonly ids: readonly number[];
  /** What an encoder-decoder's encoder reads. */
  readonly source?: readonly number[] | undefined;
  /** Positions of `ids` that are read as another token, the mask. */
  readonly hidden?: { readonly at: readonly number[]; readonly id: number } | undefined;
  /** Positions of `ids` whose scores are asked for. A decoder's position t foretells token t + 1. */
  readonly at: readonly number[];
  /** The token that is scored at each of them. */
  readonly targets: readonly number[];
}
export interface RowScores {
  /** Natural logarithm of the probability of each target. */
  readonly logProbs: Float32Array;
  /** 1 where no token is more probable than the target, else 0. */
  readonly greedy: Uint8Array;
}
export interface ScoreProgress {
  readonly done: number;
  /** Undefined where the end is not known yet. */
  readonly total: number | undefined;
}
export interface ScoreOptions {
  /** Most rows of one pass of the network; very long ones are fewer. Default 32. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** After every pass. */
  readonly onProgress?: ((progress: ScoreProgress) => void) | undefined;
}

/** Scores of all tokens that are held at once, in numbers: 64 MiB. */
const MOST_SCORES = 1 << 24;

/**
 * The scores of each row, in the rows' order.
 * @throws ConfigError for a target outside the vocabulary, and as the forward pass does; the reason of `signal`
 */
export async function scoreRows(
  model: { readonly parts: LoadedModel },
  rows: readonly ScoreRow[],
  { batchSize, signal, onProgress }: ScoreOptions = {},
): Promise<RowScores[]> {
  checkTargets(model.parts, rows);
  const scores = new Array<RowScores>(rows.length);
  let done = 0;
  for (const batch of batchesByLength(lengthsOf(rows), batchSize)) {
    signal?.throwIfAborted();
    const made = await scoreBatch(
      model.parts,
      batch.map(i => rows[i]!),
    );
    batch.forEach((i, b) => {
      scores[i] = made[b]!;
    });
    onProgress?.({ done: (done += batch.length), total: rows.length });
  }
  signal?.throwIfAborted();
  return scores;
}

/**
 * The logits of all tokens at each place that a row asks about, `[at, V]`, in the order in which rows are computed. No more than
 * a batch of them is in memory. @throws as `scoreRows` does
 */
export async function* rowLogits(
  model: { readonly parts: LoadedModel },
  rows: readonly ScoreRow[],
  { batchSize, signal }: Pick<ScoreOptions, 'batchSize' | 'signal'> = {},
): AsyncGenerator<{ readonly row: number; readonly logits: readonly Float32Array[] }, void, undefined> {
  checkTargets(model.parts, rows);
  for (const batch of batchesByLength(lengthsOf(rows), batchSize)) {
    signal?.throwIfAborted();
    const { input, states, places } = statesOf(
      model.parts,
      batch.map(i => rows[i]!),
    );
    // What is asked for in addition is at place 0, and not read.
    const padded = new Int32Array(roundedUp(places.length));
    padded.set(places);
    const logits = logitsAt(model.parts, states, input, padded);
    const [data, V] = [(await logits.data()) as Float32Array, logits.dim(1)];
    let next = 0;
    for (const row of batch) yield { row, logits: rows[row]!.at.map(() => data.subarray(V * next, V * ++next)) };
  }
}

const lengthsOf = (rows: readonly ScoreRow[]): number[][] =>
  rows.map(({ ids, source }) => (source ? [ids.length, source.length] : [ids.length]));

/** What rows are read as, their states `[B, T, C]`, and the flat places in them that are asked about. */
function statesOf(parts: LoadedModel, rows: readonly ScoreRow[]) {
  const input = inputOf(parts, rows);
  const states = headOf(parts).hidden(parts.params, parts.config, input);
  const T = states.dim(1);
  return { input, states, places: rows.flatMap(({ at }, b) => at.map(t => b * T + t)) };
}

/** Logits `[places, V]`. */
function logitsAt(parts: LoadedModel, states: Tensor, input: TokenInput, places: Int32Array): Tensor {
  const [B, T, C] = states.shape as [number, number, number];
  const chosen = gather(states.reshape(B * T, C), Tensor.from(places, [places.length]));
  const outputs = headOf(parts).outputs(parts.params, parts.config, chosen.reshape(1, places.length, C), input);
  return outputs.logits!.reshape(places.length, -1);
}

async function scoreBatch(parts: LoadedModel, rows: readonly ScoreRow[]): Promise<RowScores[]> {
  const { input, states, places } = statesOf(parts, rows);
  const targets = rows.flatMap(row => row.targets);
  const scores = await scoresAt(parts, states, input, places, targets);
  let from = 0;
  return rows.map(({ at }) => {
    const range = [from, (from += at.length)] as const;
    return { logProbs: scores.logProbs.slice(...range), greedy: scores.greedy.slice(...range) };
  });
}

/** The same for flat places in hidden states `[B, T, C]`, which are computed with it if they are not yet. */
export async function scoresAt(
  parts: LoadedModel,
  states: Tensor,
  input: TokenInput,
  places: readonly number[],
  targets: readonly number[],
): Promise<RowScores> {
  const V = parts.architecture.vocabSize(parts.config);
  const most = Math.max(1, Math.floor(MOST_SCORES / V));
  const wanted: Tensor[] = [];
  for (let from = 0; from < places.length; from += most) {
    const count = Math.min(most, places.length - from);
    // What is asked for in addition is at place 0, and not read.
    const padded = Math.min(most, roundedUp(count));
    const chunk = (values: readonly number[]) => {
      const all = new Int32Array(padded);
      all.set(values.slice(from, from + count));
      return all;
    };
    const logits = logitsAt(parts, states, input, chunk(places));
    const ids = Tensor.from(chunk(targets), [padded]);
    const best = takeAlong(logits, ids.reshape(padded, 1)).less(logits.max()).not();
    wanted.push(rowCrossEntropy(logits, ids), best.reshape(padded));
  }
  const data = await dataOfAll(...wanted);
  const logProbs = new Float32Array(places.length);
  const greedy = new Uint8Array(places.length);
  for (let chunk = 0; chunk * most < places.length; chunk++)
    for (let i = chunk * most; i < Math.min(places.length, (chunk + 1) * most); i++) {
      logProbs[i] = -data[2 * chunk]![i - chunk * most]!;
      greedy[i] = data[2 * chunk + 1]![i - chunk * most]!;
    }
  return { logProbs, greedy };
}

function inputOf(parts: LoadedModel, rows: readonly ScoreRow[]): TokenInput {
  const { architecture, config } = parts;
  const { ids, mask } = padded(
    rows.map(({ ids, hidden }) => {
      if (!hidden) return ids;
      const shown = [...ids];
      for (const t of hidden.at) shown[t] = hidden.id;
      return shown;
    }),
  );
  const batch = tokenBatch(ids, {
    vocabSize: architecture.vocabSize(config),
    contextLength: architecture.contextLength(config),
    mask,
    typeVocabSize: architecture.typeVocabSize?.(config) ?? 1,
  });
  if (!headOf(parts).encode) return batch;
  const sources = padded(rows.map(({ source }) => source ?? []));
  return { ...batch, source: encode(parts, { input_ids: sources.ids, attention_mask: sources.mask }) };
}

/** Rows of one length, filled up on the right, where it changes nothing for a decoder. */
function padded(rows: readonly (readonly number[])[]): { ids: Int32Array[]; mask: Uint8Array[] } {
  const width = roundedUp(rows.reduce((most, row) => Math.max(most, row.length), 1));
  return {
    ids: rows.map(row => {
      const ids = new Int32Array(width);
      ids.set(row);
      return ids;
    }),
    mask: rows.map(row => new Uint8Array(width).fill(1, 0, row.length)),
  };
}

function checkTargets({ architecture, config }: LoadedModel, rows: readonly ScoreRow[]): void {
  const V = architecture.vocabSize(config);
  rows.forEach(({ targets }, i) => {
    const bad = targets.find(id => !(Number.isInteger(id) && id >= 0 && id < V));
    if (bad !== undefined)
      throw new ConfigError('a token that is to be scored is outside the vocabulary', {
        seen: `${bad} (row ${i})`,
        expected: `0 to ${V - 1}`,
        fix: 'tokenize with the tokenizer of this checkpoint',
      });
  });
}
