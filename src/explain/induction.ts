/**
 * Induction heads on text that cannot be known: random tokens, and the same ones again. A head that looks from a token to what
 * followed its earlier copy finds the next token there; if it also raises that token's logit it completes the pattern. Olsson et
 * al. 2022, "In-context Learning and Induction Heads".
 */
import { ConfigError } from '../errors.ts';
import { createRng } from '../util/rng.ts';
import { batchInputs, type CorpusRow, idsRow, rowLimit } from './corpus.ts';
import { directEffects } from './direct-effect.ts';
import type { AttentionSite, ExplainedModel } from './explained-model.ts';
import { type PatternOptions, patternBatches } from './patterns.ts';

export interface InductionReport {
  readonly site: AttentionSite;
  readonly head: number;
  /** Mean attention from a repeated token to what followed its first copy. */
  readonly prefixMatching: number;
  /** How often that is the most attended token. */
  readonly argmax: number;
  /** Mean attention to the first copy itself, and to the token before. */
  readonly duplicate: number;
  readonly previous: number;
  /**
   * Mean share of the vocabulary whose logits the head raises less than that of the next token: 0.5 by chance, 1 if it always
   * raises that one most. Undefined for heads with little prefix matching, and where vectors of heads are no terms of the
   * output (`directEffects`).
   */
  readonly copying: number | undefined;
}
export interface InductionOptions extends PatternOptions {
  /** Tokens that are repeated; default 25, less where the context is short. */
  readonly length?: number | undefined;
  /** Default 8. */
  readonly rows?: number | undefined;
  readonly seed?: number | undefined;
  /** Copying is measured for heads with this much prefix matching; default 0.2. */
  readonly copyingFrom?: number | undefined;
}

/** Rows `[start, x1 ... xP, x1 ... xP]` of different random tokens. */
export interface RepeatedRows {
  readonly rows: readonly CorpusRow[];
  /** P */
  readonly length: number;
  /** Place of x1 in what the self-attention under test reads. */
  readonly first: number;
}

/**
 * Repeated random rows for a model. No token stands twice in x; special ones are left out.
 * @throws ConfigError when context or vocabulary are too small to repeat anything, and for no rows
 */
export function repeatedRows(
  model: ExplainedModel,
  { length: wanted = 25, rows: count = 8, seed = 0 }: InductionOptions = {},
): RepeatedRows {
  if (!(Number.isInteger(count) && count >= 1))
    throw new ConfigError('rows is a whole number from 1 on', { seen: `${count}` });
  const { architecture, config, tokenizer } = model.parts;
  const around = tokenizer?.encode('a');
  const text = around?.specialTokensMask.indexOf(0) ?? 0;
  const start = around?.ids.slice(0, Math.max(0, text)) ?? [];
  const end = around?.ids.slice(around.specialTokensMask.lastIndexOf(0) + 1) ?? [];
  const size = Math.min(architecture.vocabSize(config), tokenizer?.vocabSize ?? Number.POSITIVE_INFINITY);
  const ids = Array.from({ length: size }, (_, id) => id).filter(id => !tokenizer?.allSpecialIds.has(id));
  // One place is for the start token that a decoder behind an encoder has in front.
  const room = Math.floor((rowLimit(model) - start.length - end.length - 1) / 2);
  const length = Math.min(wanted, room, ids.length);
  if (length < 2)
    throw new ConfigError('nothing can be repeated', {
      seen: `room for ${room} tokens, ${ids.length} different ones`,
      expected: 'at least 2 of each',
    });
  const made = Array.from({ length: count }, (_, row) => {
    const rng = createRng(seed, row);
    const pool = [...ids];
    const drawn = Array.from({ length }, (_, i) => {
      const j = i + rng.below(pool.length - i);
      [pool[i], pool[j]] = [pool[j]!, pool[i]!];
      return pool[i]!;
    });
    const all = [...start, ...drawn, ...drawn, ...end];
    const added = all.map((_, i) => (i < start.length || i >= all.length - end.length ? 1 : 0));
    return { ...idsRow(model, all), added };
  });
  const read = made[0]!.decoderIds ?? made[0]!.ids;
  return { rows: made, length, first: read.lastIndexOf(made[0]!.ids[start.length]!) - length };
}

/** Prefix matching and copying of all heads that look back at their own text. */
export async function inductionHeads(
  model: ExplainedModel,
  options: InductionOptions = {},
): Promise<InductionReport[]> {
  const { copyingFrom = 0.2, signal } = options;
  const { rows, length: P, first } = repeatedRows(model, options);
  const sums = new Map<string, { site: AttentionSite; of: Float64Array }>();
  let queries = 0;
  for await (const batch of patternBatches(model, rows, options)) {
    // The last token of the second round has nothing behind it, in either round.
    queries += batch.rows.length * (P - 1);
    for (const { site, heads: H, queries: T, keys: S, data, causal } of batch.patterns) {
      if (!causal) continue;
      const known = sums.get(site.name) ?? { site, of: new Float64Array(4 * H) };
      sums.set(site.name, known);
      for (let b = 0; b < batch.rows.length; b++)
        for (let h = 0; h < H; h++)
          for (let t = first + P; t < first + 2 * P - 1; t++) {
            const at = ((b * H + h) * T + t) * S;
            const row = Array.from({ length: t + 1 }, (_, s) => data[at + s]!);
            const target = t - P + 1;
            known.of[4 * h]! += row[target]!;
            known.of[4 * h + 1]! += row.indexOf(Math.max(...row)) === target ? 1 : 0;
            known.of[4 * h + 2]! += row[t - P]!;
            known.of[4 * h + 3]! += row[t - 1]!;
          }
    }
  }
  const reports: InductionReport[] = [];
  for (const { site, of } of sums.values()) {
    const means = Array.from(of, sum => sum / queries);
    const heads = Array.from({ length: of.length / 4 }, (_, h) => h);
    const matching = heads.filter(h => means[4 * h]! >= copyingFrom);
    signal?.throwIfAborted();
    const copying = matching.length ? await copyingOf(model, site, matching, rows[0]!, { P, first }) : undefined;
    for (const head of heads) {
      const [prefixMatching, argmax, duplicate, previous] = means.slice(4 * head) as [number, number, number, number];
      reports.push({ site, head, prefixMatching, argmax, duplicate, previous, copying: copying?.get(head) });
    }
  }
  return reports;
}

/** On one row: it has P - 1 places to measure at. */
async function copyingOf(
  model: ExplainedModel,
  site: AttentionSite,
  heads: readonly number[],
  row: CorpusRow,
  { P, first }: { P: number; first: number },
): Promise<Map<number, number> | undefined> {
  const effects = await directEffects(model, batchInputs([row]), site);
  if (!effects) return undefined;
  const ids = row.decoderIds ?? row.ids;
  const copying = new Map<number, number>();
  for (const head of heads) {
    const { shape, data } = await effects.of(head);
    const V = shape[2]!;
    let sum = 0;
    for (let t = first + P; t < first + 2 * P - 1; t++) {
      const raised = data[t * V + ids[t + 1]!]!;
      let lower = 0;
      for (let v = 0; v < V; v++) if (data[t * V + v]! < raised) lower++;
      sum += lower / (V - 1);
    }
    copying.set(head, sum / (P - 1));
  }
  return copying;
}
