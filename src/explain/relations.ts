/**
 * Which heads find a grammatical relation: how often the word that a head attends to most is the related one. Against the best
 * rule "always the word k places on", because many relations are neighbours. Head and rule are chosen on one half of the
 * documents and measured on the other, so that the best of many heads is not praised for its luck. Clark et al. 2019, "What Does
 * BERT Look At?", section 4.2; there head and offset are chosen on what they are measured on.
 */
import { createRng } from '../util/rng.ts';
import { type BootstrapOptions, bootstrap, clusterMean, type Interval, wilson } from '../util/statistics/index.ts';
import type { Annotation, RelationPair } from './corpus.ts';
import type { AttentionHead, AttentionSite } from './explained-model.ts';
import type { PatternBatch, PatternMeasure, SitePattern } from './patterns.ts';

/** One relation in one direction, in one stack of layers. */
export interface RelationReport {
  readonly relation: string;
  readonly direction: RelationPair['direction'];
  readonly stack: AttentionSite['stack'];
  /** A word sees those before it only: pairs whose target is behind are left out. */
  readonly causal: boolean;
  /** Pairs on which the head and the offset were chosen, and on which they are measured. */
  readonly chosenOn: number;
  readonly measuredOn: number;
  readonly head: AttentionHead & { readonly layer: number; readonly accuracy: Interval };
  readonly offset: { readonly offset: number; readonly accuracy: Interval };
  /** Of the head minus that of the offset, with an interval over rows. */
  readonly difference: Interval;
  /** What a word drawn from those that are seen would reach. */
  readonly chance: number;
  /** The whole interval of the difference is above 0. */
  readonly beatsOffset: boolean;
  /** Of all heads, on the half that is measured: for a picture, not for choosing. */
  readonly all: readonly (AttentionHead & { readonly layer: number; readonly accuracy: number })[];
}
export interface RelationOptions extends BootstrapOptions {
  /** Offsets from -reach to reach; default 10. */
  readonly reach?: number | undefined;
  /** Pairs that both halves have to have for a relation to be reported; default 10. */
  readonly minPairs?: number | undefined;
}

/** What is kept of the pairs of a relation, direction and stack: a bit for each pair and head. */
interface Tally {
  readonly relation: string;
  readonly direction: RelationPair['direction'];
  readonly stack: AttentionSite['stack'];
  readonly causal: boolean;
  readonly heads: readonly (AttentionHead & { layer: number })[];
  readonly pairs: Pair[];
}
interface Pair {
  readonly row: number;
  readonly half: 0 | 1;
  /** Offsets that are right. */
  readonly offsets: readonly number[];
  /** 1 over the number of words that could be chosen, times the right ones. */
  readonly chance: number;
  /** By head: 1 where it is right. */
  readonly hits: Uint8Array;
}

/** Measures the relations of rows that have annotations. It keeps a bit for each pair and head. */
export function relationHeads(options: RelationOptions = {}): PatternMeasure<RelationReport[]> {
  const tallies = new Map<string, Tally>();
  const { seed = 0 } = options;
  let rows = 0;
  return {
    add({ rows: batch, patterns }: PatternBatch) {
      for (const stack of ['', 'encoder', 'decoder'] as const) {
        const sites = patterns.filter(pattern => pattern.site.stack === stack);
        if (sites.length === 0) continue;
        const causal = sites.every(site => site.causal);
        batch.forEach((row, b) => {
          // A decoder behind an encoder reads a start token first.
          const shift = stack === 'decoder' ? decoderShift(row.ids, row.decoderIds!) : 0;
          if (row.annotation && shift !== undefined)
            addRow(tallies, sites, { annotation: row.annotation, b, shift, causal, row: rows + b, seed });
        });
      }
      rows += batch.length;
    },
    result: () => [...tallies.values()].flatMap(tally => reportOf(tally, options)),
  };
}

/** The half of a document: 0 is chosen on, 1 is measured. Drawn, because corpora may go back and forth between languages. */
export const halfOf = (document: number, seed = 0): 0 | 1 => (createRng(seed, document).uniform() < 0.5 ? 0 : 1);

/** By how many places the decoder's tokens are those of the encoder's text; undefined when it reads another text. */
function decoderShift(ids: readonly number[], decoderIds: readonly number[]): number | undefined {
  return decoderIds.slice(1).every((id, i) => id === ids[i]) ? 1 : undefined;
}

function addRow(
  tallies: Map<string, Tally>,
  sites: readonly SitePattern[],
  where: { annotation: Annotation; b: number; shift: number; causal: boolean; row: number; seed: number },
): void {
  const { annotation, causal, row } = where;
  const { pairs, document } = annotation;
  const words = annotation.words.map(places => places.map(place => place + where.shift));
  const chosen = new Map<number, number[]>();
  for (const { relation, direction, query, targets } of pairs) {
    const seen = causal ? targets.filter(target => target < query) : targets;
    const candidates = candidateWords(words, query, causal);
    if (seen.length === 0 || candidates.length === 0) continue;
    let best = chosen.get(query);
    if (!best) {
      best = mostAttended(sites, where.b, words, query, candidates);
      chosen.set(query, best);
    }
    const stack = sites[0]!.site.stack;
    const key = `${stack} ${relation} ${direction}`;
    const tally = tallies.get(key) ?? { relation, direction, stack, causal, heads: headsOf(sites), pairs: [] };
    tallies.set(key, tally);
    tally.pairs.push({
      row,
      half: halfOf(document, where.seed),
      offsets: seen.map(target => target - query),
      chance: seen.length / candidates.length,
      hits: Uint8Array.from(best, word => (seen.includes(word) ? 1 : 0)),
    });
  }
}

/** The words that a head may choose: not the query itself, to which no word is related, and none that has no tokens. */
const candidateWords = (words: readonly (readonly number[])[], query: number, causal: boolean): number[] =>
  words.flatMap((places, word) => (word !== query && places.length && !(causal && word > query) ? [word] : []));

const headsOf = (sites: readonly SitePattern[]) =>
  sites.flatMap(({ site, heads }) =>
    Array.from({ length: heads }, (_, head) => ({ site: site.name, layer: site.layer, head })),
  );

/** The word that each head attends to most: of a word's tokens the sum over keys and the mean over queries counts. */
function mostAttended(
  sites: readonly SitePattern[],
  b: number,
  words: readonly (readonly number[])[],
  query: number,
  candidates: readonly number[],
): number[] {
  return sites.flatMap(({ heads: H, queries: T, keys: S, data }) =>
    Array.from({ length: H }, (_, h) => {
      let [best, most] = [-1, -1];
      for (const word of candidates) {
        let weight = 0;
        for (const t of words[query]!) for (const s of words[word]!) weight += data[((b * H + h) * T + t) * S + s]!;
        if (weight > most) [best, most] = [word, weight];
      }
      return best;
    }),
  );
}

function reportOf(tally: Tally, { reach = 10, minPairs = 10, ...sampling }: RelationOptions): RelationReport[] {
  const { heads, pairs, causal } = tally;
  const [choosing, measuring] = [pairs.filter(pair => pair.half === 0), pairs.filter(pair => pair.half === 1)];
  if (Math.min(choosing.length, measuring.length) < Math.max(1, minPairs)) return [];
  const hits = (of: readonly Pair[], right: (pair: Pair) => boolean) => of.filter(right).length;
  const offsets = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach).filter(k => (causal ? k < 0 : k !== 0));
  const head = argmax(heads.map((_, h) => hits(choosing, pair => pair.hits[h] === 1)));
  const offset = offsets[argmax(offsets.map(k => hits(choosing, pair => pair.offsets.includes(k))))]!;
  const accuracy = (right: (pair: Pair) => boolean) => wilson(hits(measuring, right), measuring.length, sampling.level);
  const rows = new Map<number, { sum: number; count: number }>();
  for (const pair of measuring) {
    const cluster = rows.get(pair.row) ?? { sum: 0, count: 0 };
    cluster.sum += pair.hits[head]! - Number(pair.offsets.includes(offset));
    cluster.count++;
    rows.set(pair.row, cluster);
  }
  const difference = bootstrap([...rows.values()], clusterMean, sampling);
  const { relation, direction, stack } = tally;
  return [
    {
      ...{ relation, direction, stack, causal },
      chosenOn: choosing.length,
      measuredOn: measuring.length,
      head: { ...heads[head]!, accuracy: accuracy(pair => pair.hits[head] === 1) },
      offset: { offset, accuracy: accuracy(pair => pair.offsets.includes(offset)) },
      difference,
      chance: measuring.reduce((sum, pair) => sum + pair.chance, 0) / measuring.length,
      beatsOffset: difference.low > 0,
      all: heads.map((name, h) => ({
        ...name,
        accuracy: hits(measuring, pair => pair.hits[h] === 1) / measuring.length,
      })),
    },
  ];
}
const argmax = (values: readonly number[]): number => values.indexOf(Math.max(...values));
