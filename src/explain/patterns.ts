/** The attention patterns of a model over a corpus, batch by batch: whoever measures sees each batch once and keeps numbers. */
import { type CorpusRow, rowBatches } from './corpus.ts';
import { type AttentionSite, attentionSites, type ExplainedModel, valuesOf } from './explained-model.ts';
import { outputMatrices } from './output-matrices.ts';
import { gramMatrices, valueNorms, weightedByNorms } from './value-norms.ts';

/** The pattern of one site, `[B, H, T, S]`. */
export interface SitePattern {
  readonly site: AttentionSite;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly data: ArrayLike<number>;
  /** No query of the batch sees a key behind it. */
  readonly causal: boolean;
}
export interface PatternBatch {
  readonly rows: readonly CorpusRow[];
  readonly patterns: readonly SitePattern[];
}
/** Something that is measured: numbers that grow with no batch, and what they say at the end. */
export interface PatternMeasure<R> {
  add(batch: PatternBatch): void;
  result(): R;
}
export interface PatternOptions {
  /** Default the weights; `norms` are shares of |a f(x)| in each row, see `weightedByNorms`. */
  readonly weighting?: 'attention' | 'norms' | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called behind every batch with the number of rows so far. */
  readonly onProgress?: ((rows: number) => void) | undefined;
}

/** Runs the model over the rows and shows every batch's patterns to all measures. Memory does not grow with the corpus. */
export async function watchPatterns(
  model: ExplainedModel,
  rows: Iterable<CorpusRow>,
  measures: readonly PatternMeasure<unknown>[],
  options: PatternOptions = {},
): Promise<void> {
  let seen = 0;
  for await (const batch of patternBatches(model, rows, options)) {
    for (const measure of measures) measure.add(batch);
    seen += batch.rows.length;
    options.onProgress?.(seen);
  }
}

/** @throws the reason of `signal` */
export async function* patternBatches(
  model: ExplainedModel,
  rows: Iterable<CorpusRow>,
  { weighting = 'attention', signal }: PatternOptions = {},
): AsyncGenerator<PatternBatch, void, undefined> {
  const grams = new Map<string, Float64Array>();
  for (const { rows: batch, inputs } of rowBatches(rows)) {
    signal?.throwIfAborted();
    const sites = attentionSites(model, inputs);
    const withNorms = weighting === 'norms';
    const names = (tensor: string) => sites.map(site => `${site.name}.${tensor}`);
    const read = await valuesOf(model, inputs, [...names('pattern'), ...(withNorms ? names('v') : [])]);
    const patterns: SitePattern[] = [];
    for (const [i, site] of sites.entries()) {
      const pattern = read[i]!;
      const [, heads, queries, keys] = pattern.shape as [number, number, number, number];
      const causal = site.stack !== 'cross' && isCausal(pattern);
      let { data } = pattern;
      if (withNorms) {
        if (!grams.has(site.name)) grams.set(site.name, gramMatrices(await outputMatrices(model, site)));
        const norms = valueNorms(read[sites.length + i]!, heads, grams.get(site.name)!);
        data = weightedByNorms(pattern, norms, { shares: true });
      }
      patterns.push({ site, heads, queries, keys, data, causal });
    }
    yield { rows: batch, patterns };
  }
}

/** Hidden keys have a weight of exactly 0; where all that lie behind their query have, the layer hides them. */
function isCausal({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }): boolean {
  const [B, H, T, S] = shape as [number, number, number, number];
  for (let row = 0; row < B * H * T; row++)
    for (let s = (row % T) + 1; s < S; s++) if (data[row * S + s] !== 0) return false;
  return true;
}
