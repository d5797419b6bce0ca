/**
 * What a model loses without some of its attention heads: the answers that it gives with and without them. Every answer is
 * compared with itself, and the loss with that of other heads, taken out in the same way. Michel et al. 2019, "Are Sixteen Heads
 * Really Better than One?"; mean ablation: Wang et al. 2022, "Interpretability in the Wild".
 */
import { ConfigError } from '../errors.ts';
import { replace, Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';
import {
  type BootstrapOptions,
  bootstrap,
  type Cluster,
  clusterMean,
  type Interval,
  wilson,
} from '../util/statistics/index.ts';
import { batchInputs, type CorpusRow, rowBatches } from './corpus.ts';
import {
  type AttentionHead,
  type AttentionSite,
  attentionSites,
  type ExplainedModel,
  headLabel,
  tokenLogits,
  valuesOf,
} from './explained-model.ts';
import type { ProbeItem } from './probe-items.ts';
import { type AnswerScore, scoreOf } from './token-scores.ts';

/** A head with nothing: its weights are 0. With its mean: what it gives on average over the items. Uniform: it sees all alike. */
export type AblationKind = 'zero' | 'mean' | 'uniform';
export interface AblationOptions extends BootstrapOptions {
  /** Default `mean`. */
  readonly kind?: AblationKind | undefined;
  /** Other heads of the same layers that are taken out instead, one set after the other, drawn by `seed`; default 3. */
  readonly controls?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called before every batch: passes done and in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** An answer with the heads and without them. */
export interface AnswerEffect {
  readonly item: number;
  readonly position: number;
  readonly before: AnswerScore;
  readonly after: AnswerScore;
}
/** What taking a set of heads out does. Intervals of changes are over items. */
export interface AblationEffect {
  readonly heads: readonly AttentionHead[];
  readonly labels: readonly string[];
  /** Wilson's, as if the answers of an item were independent. */
  readonly accuracyAfter: Interval;
  /** Means over the answers, after minus before: below 0 the answers became less likely. */
  readonly logProbability: Interval;
  readonly probability: Interval;
  readonly accuracy: Interval;
  readonly medianRankAfter: number;
}
export interface AblationReport {
  readonly kind: AblationKind;
  readonly items: number;
  readonly answers: readonly AnswerEffect[];
  /** As `accuracyAfter`. */
  readonly accuracyBefore: Interval;
  readonly medianRankBefore: number;
  readonly effect: AblationEffect;
  readonly controls: readonly AblationEffect[];
  /** Log-probability: the effect minus the mean of those of the controls. Undefined without controls. */
  readonly beyondControls: Interval | undefined;
}

/**
 * Takes heads out and measures what happens to the answers of the items.
 * @throws ConfigError for heads that there are not, without answers, and for a model that predicts no tokens; the reason of
 * `signal`
 */
export async function ablateHeads(
  model: ExplainedModel,
  heads: readonly AttentionHead[],
  items: readonly ProbeItem[],
  options: AblationOptions = {},
): Promise<AblationReport> {
  const { kind = 'mean', controls = 3, seed = 0, signal, onProgress } = options;
  if (!items.some(item => item.answers.length))
    throw new ConfigError('no answers to measure an ablation on', { seen: `${items.length} items` });
  const rows = items.map((item, number): ProbeRow => ({ ...item.row, number, answers: item.answers }));
  const vocabSize = model.parts.architecture.vocabSize(model.parts.config);
  const batches = [...rowBatches(rows, MOST_LOGITS / vocabSize)].map(({ rows }) => rows);
  const sites = attentionSites(model, batchInputs(batches[0]!));
  const sizes = await headCounts(model, batches[0]!, sites);
  checkHeads(heads, sites, sizes);
  const sets = [heads, ...otherSets(heads, sizes, controls, seed)];
  let done = 0;
  const total = batches.length * (sets.length + 1 + (kind === 'mean' ? 1 : 0));
  const step = () => {
    signal?.throwIfAborted();
    onProgress?.(done++, total);
  };
  const means = kind === 'mean' ? await meanResults(model, batches, namesIn(sets), step) : new Map();
  const score = async (without: readonly AttentionHead[]) => {
    const scores: Scored[] = [];
    for (const batch of batches) {
      step();
      scores.push(...(await scoresOf(model, batch, without, { kind, means, sizes })));
    }
    return scores;
  };
  const before = await score([]);
  const after: Scored[][] = [];
  for (const set of sets) after.push(await score(set));
  const effects = after.map((scores, i) => effectOf(sets[i]!, before, scores, sites, options));
  const others = after.slice(1);
  const beyond = before.map((_, i) => {
    const ofControls = others.reduce((sum, scores) => sum + scores[i]!.logProbability, 0) / others.length;
    return after[0]![i]!.logProbability - ofControls;
  });
  return {
    kind,
    items: items.length,
    answers: before.map(({ item, position, ...score }, i) => {
      const { item: _, position: __, ...without } = after[0]![i]!;
      return { item, position, before: score, after: without };
    }),
    accuracyBefore: accuracyOf(before, options.level),
    medianRankBefore: medianRank(before),
    effect: effects[0]!,
    controls: effects.slice(1),
    beyondControls: others.length ? bootstrap(clusters(before, beyond), clusterMean, options) : undefined,
  };
}

/** Logits of a batch that are in memory at once. */
const MOST_LOGITS = 1 << 24;

interface ProbeRow extends CorpusRow {
  /** Of its item. */
  readonly number: number;
  readonly answers: ProbeItem['answers'];
}
type Scored = AnswerScore & { readonly item: number; readonly position: number };
/** Number of heads by the name of their site. */
type HeadCounts = ReadonlyMap<string, number>;

async function headCounts(
  model: ExplainedModel,
  rows: readonly CorpusRow[],
  sites: readonly AttentionSite[],
): Promise<HeadCounts> {
  const patterns = await valuesOf(
    model,
    batchInputs(rows.slice(0, 1)),
    sites.map(({ name }) => `${name}.z`),
  );
  return new Map(sites.map(({ name }, i) => [name, patterns[i]!.shape[1]!]));
}

function checkHeads(heads: readonly AttentionHead[], sites: readonly AttentionSite[], sizes: HeadCounts): void {
  const wrong = heads.find(({ site, head }) => !(Number.isInteger(head) && head >= 0 && head < (sizes.get(site) ?? 0)));
  if (wrong || heads.length === 0)
    throw new ConfigError('no such attention head', {
      seen: wrong ? `head ${wrong.head} of ${wrong.site}` : 'none',
      expected: sites.map(site => `${site.name} with ${sizes.get(site.name)} heads`).join(', '),
    });
}

/** Sets of as many heads of the same sites, of which none is among `heads`; fewer where there are not enough. */
function otherSets(heads: readonly AttentionHead[], sizes: HeadCounts, count: number, seed: number): AttentionHead[][] {
  const rng = createRng(seed);
  const pools = new Map<string, number[]>();
  for (const { site } of heads) {
    const taken = new Set(heads.filter(other => other.site === site).map(({ head }) => head));
    const free = Array.from({ length: sizes.get(site)! }, (_, head) => head).filter(head => !taken.has(head));
    for (let i = free.length - 1; i > 0; i--) {
      const j = rng.below(i + 1);
      [free[i], free[j]] = [free[j]!, free[i]!];
    }
    pools.set(site, free);
  }
  const sets: AttentionHead[][] = [];
  while (sets.length < count) {
    const set = heads.map(({ site }) => ({ site, head: pools.get(site)!.pop() }));
    if (set.some(({ head }) => head === undefined)) break;
    sets.push(set as AttentionHead[]);
  }
  return sets;
}
const namesIn = (sets: readonly (readonly AttentionHead[])[]) => [...new Set(sets.flat().map(({ site }) => site))];

/** Mean of z over the real tokens of all rows, `[H, E]`, by site. */
async function meanResults(
  model: ExplainedModel,
  batches: readonly (readonly CorpusRow[])[],
  sites: readonly string[],
  step: () => void,
): Promise<Map<string, Float64Array>> {
  const sums = new Map<string, Float64Array>();
  const counts = new Map<string, number>();
  for (const batch of batches) {
    step();
    const results = await valuesOf(
      model,
      batchInputs(batch),
      sites.map(site => `${site}.z`),
    );
    results.forEach(({ shape, data }, i) => {
      const [B, H, T, E] = shape as [number, number, number, number];
      const site = sites[i]!;
      const sum = sums.get(site) ?? new Float64Array(H * E);
      sums.set(site, sum);
      const decoder = site.startsWith('decoder.');
      for (let b = 0; b < B; b++) {
        const length = decoder ? batch[b]!.decoderIds!.length : batch[b]!.ids.length;
        counts.set(site, (counts.get(site) ?? 0) + length);
        for (let h = 0; h < H; h++)
          for (let t = 0; t < length; t++)
            for (let e = 0; e < E; e++) sum[h * E + e]! += data[((b * H + h) * T + t) * E + e]!;
      }
    });
  }
  for (const [site, sum] of sums) for (let i = 0; i < sum.length; i++) sum[i]! /= counts.get(site)!;
  return sums;
}

/** The answers of a batch without some heads. */
async function scoresOf(
  model: ExplainedModel,
  batch: readonly ProbeRow[],
  without: readonly AttentionHead[],
  how: { kind: AblationKind; means: ReadonlyMap<string, Float64Array>; sizes: HeadCounts },
): Promise<Scored[]> {
  let logits = tokenLogits(model, model.graph(batchInputs(batch)));
  for (const site of namesIn([without])) {
    const gone = new Set(without.filter(name => name.site === site).map(({ head }) => head));
    logits = withoutHeads(logits, site, gone, how);
  }
  const [, T, V] = logits.shape as [number, number, number];
  const data = await logits.data();
  return batch.flatMap(({ number, answers }, b) =>
    answers.map(({ position, id }) => ({ item: number, position, ...scoreOf(data, (b * T + position) * V, V, id) })),
  );
}

/** The graph with some heads of a site taken out. */
function withoutHeads(
  root: Tensor,
  site: string,
  gone: ReadonlySet<number>,
  { kind, means, sizes }: { kind: AblationKind; means: ReadonlyMap<string, Float64Array>; sizes: HeadCounts },
): Tensor {
  const H = sizes.get(site)!;
  const kept = Array.from({ length: H }, (_, h) => (gone.has(h) ? 0 : 1));
  const keep = Tensor.from(kept, [1, H, 1, 1]);
  if (kind === 'zero') return replace(root, `${site}.pattern`, pattern => pattern.mul(keep));
  if (kind === 'uniform')
    // Hidden scores are hugely negative and stay so; all that is seen gets the same one.
    return replace(root, `${site}.scores`, scores => scores.less(-1e29).where(scores, scores.mul(keep)));
  const mean = means.get(site)!;
  const E = mean.length / H;
  const instead = Tensor.from(
    Float32Array.from(mean, (x, i) => (kept[Math.floor(i / E)] ? 0 : x)),
    [1, H, 1, E],
  );
  return replace(root, `${site}.z`, z => z.mul(keep).add(instead));
}

// ---- numbers
function effectOf(
  heads: readonly AttentionHead[],
  before: readonly Scored[],
  after: readonly Scored[],
  sites: readonly AttentionSite[],
  options: AblationOptions,
): AblationEffect {
  const change = (of: (score: Scored) => number) =>
    bootstrap(
      clusters(
        before,
        before.map((score, i) => of(after[i]!) - of(score)),
      ),
      clusterMean,
      options,
    );
  return {
    heads,
    labels: heads.map(({ site, head }) => headLabel(sites.find(({ name }) => name === site)!, head)),
    accuracyAfter: accuracyOf(after, options.level),
    logProbability: change(score => score.logProbability),
    probability: change(score => score.probability),
    accuracy: change(score => (score.rank === 1 ? 1 : 0)),
    medianRankAfter: medianRank(after),
  };
}

/** Numbers of the answers by their items. */
function clusters(answers: readonly Scored[], values: readonly number[]): Cluster[] {
  const items = new Map<number, { sum: number; count: number }>();
  answers.forEach(({ item }, i) => {
    const cluster = items.get(item) ?? { sum: 0, count: 0 };
    cluster.sum += values[i]!;
    cluster.count++;
    items.set(item, cluster);
  });
  return [...items.values()];
}
const accuracyOf = (answers: readonly Scored[], level: number | undefined) =>
  wilson(answers.filter(({ rank }) => rank === 1).length, answers.length, level);
function medianRank(answers: readonly Scored[]): number {
  const ranks = answers.map(({ rank }) => rank).sort((a, b) => a - b);
  return ranks[Math.floor((ranks.length - 1) / 2)]!;
}
