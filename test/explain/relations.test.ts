/** Heads against fixed offsets, on patterns that were written by hand: what is chosen where, and measured where. */
import { describe, expect, it } from 'vitest';
import {
  type AttentionSite,
  type CorpusRow,
  type PatternBatch,
  type RelationPair,
  type RelationReport,
  relationHeads,
} from '../../src/explain/index.ts';
import { halfOf } from '../../src/explain/relations.ts';
import { createRng } from '../../src/util/rng.ts';

const T = 6;
/** Document 2 n + half: the n-th of those of a half. */
const DOCUMENTS = [0, 1].map(half => Array.from({ length: 400 }, (_, i) => i).filter(i => halfOf(i) === half));
const documentOf = (i: number) => DOCUMENTS[i % 2]![Math.floor(i / 2)]!;
const SITE: AttentionSite = { name: 'blocks.0.attn', stack: '', layer: 0 };

/**
 * A row of single-token words of which the first looks for one of the others.
 * @param document even numbers are of the half that is chosen on, odd ones of the other
 */
function row(document: number, target: number, relation: Partial<RelationPair> = {}): CorpusRow {
  const pair = { relation: 'nsubj', direction: 'toDependent', query: 0, targets: [target], ...relation } as const;
  return {
    ids: Array.from({ length: T }, (_, t) => t),
    added: new Array<number>(T).fill(0),
    annotation: { words: Array.from({ length: T }, (_, t) => [t]), pairs: [pair], document: documentOf(document) },
  };
}
/** Head h of row b attends from every token to `looks[b][h]`. */
function batch(rows: CorpusRow[], looks: number[][], causal = false, site = SITE): PatternBatch {
  const H = looks[0]!.length;
  const data = looks.flatMap(heads =>
    heads.flatMap(to => Array.from({ length: T * T }, (_, i) => (i % T === to ? 0.9 : 0.02))),
  );
  return { rows, patterns: [{ site, heads: H, queries: T, keys: T, data, causal }] };
}
function measured(batches: PatternBatch[], options = {}): RelationReport[] {
  const measure = relationHeads({ minPairs: 1, ...options });
  for (const each of batches) measure.add(each);
  return measure.result();
}

describe('relations', () => {
  it('find the head that looks at the related word, and the offset that is most often right', () => {
    const rng = createRng(1);
    const targets = Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 1 + rng.below(T - 1) : 1));
    const rows = targets.map((target, i) => row(i, target));
    // Head 0 is always right, head 1 looks at the neighbour, head 2 at the last word.
    const [report, ...others] = measured([
      batch(
        rows,
        targets.map(target => [target, 1, T - 1]),
      ),
    ]);
    expect(others).toEqual([]);
    const neighbours = targets.filter((target, i) => i % 2 === 1 && target === 1).length;
    expect(report).toMatchObject({
      ...{ relation: 'nsubj', direction: 'toDependent', stack: '', causal: false, chosenOn: 20, measuredOn: 20 },
      head: { site: SITE.name, layer: 0, head: 0, accuracy: { value: 1, high: 1 } },
      offset: { offset: 1, accuracy: { value: neighbours / 20 } },
      difference: { value: 1 - neighbours / 20 },
      chance: expect.closeTo(1 / (T - 1), 12),
    });
    expect(report!.head.accuracy.low).toBeCloseTo(0.8389, 4); // Wilson, 20 of 20
    expect(report!.all.map(({ accuracy }) => accuracy)[1]).toBe(neighbours / 20);
  });
  it('measure on documents that nothing was chosen on', () => {
    // On even documents head 0 and offset 1 are right, on odd ones head 1 and offset 2.
    const rows = Array.from({ length: 20 }, (_, i) => row(i, i % 2 === 0 ? 1 : 2));
    const [report] = measured([
      batch(
        rows,
        rows.map(() => [1, 2]),
      ),
    ]);
    expect(report).toMatchObject({
      head: { head: 0, accuracy: { value: 0 } },
      offset: { offset: 1, accuracy: { value: 0 } },
      difference: { value: 0, low: 0, high: 0 },
      beatsOffset: false,
    });
    expect(report!.all.map(({ accuracy }) => accuracy)).toEqual([0, 1]);
  });
  it('say that a head beats the offset only where the whole interval does', () => {
    const targets = Array.from({ length: 60 }, (_, i) => 1 + (i % 5));
    const rows = targets.map((target, i) => row(Math.floor(i / 5), target));
    const right = batch(
      rows,
      targets.map(target => [target]),
    );
    expect(measured([right])[0]).toMatchObject({ beatsOffset: true, offset: { accuracy: { value: 0.2 } } });
    const few = batch(
      rows.slice(0, 10),
      targets.slice(0, 10).map((target, i) => [i % 5 < 2 ? target : 5]),
    );
    expect(measured([few])[0]!.beatsOffset).toBe(false);
  });
  it('count what can be seen: words before in a causal model, and never the word itself', () => {
    const query = { query: 3, targets: [1, 5] };
    const rows = [0, 1, 2, 3].map(document => row(document, 0, query));
    const after = [0, 1, 2, 3].map(document => row(document, 5, { query: 3 }));
    // Head 0 looks at the query itself and else at no word more than at another, head 1 at word 1.
    const looks = rows.map(() => [3, 1]);
    const [report] = measured([batch(rows, looks, true), batch(after, looks, true)]);
    expect(report).toMatchObject({ causal: true, chosenOn: 2, measuredOn: 2, offset: { offset: -2 } });
    expect(report!.head).toMatchObject({ head: 1, accuracy: { value: 1 } });
    expect(report!.chance).toBeCloseTo(1 / 3, 12);
    const [both] = measured([batch(rows, looks)]);
    expect(both).toMatchObject({ causal: false, chance: expect.closeTo(2 / 5, 12) });
  });
  it('sum over the tokens of a word that is looked at, and average over those of the one that looks', () => {
    const words = [[0, 1], [2, 3], [4], [5]];
    const of = (document: number): CorpusRow => ({
      ...row(document, 0),
      annotation: { ...row(document, 1).annotation!, words },
    });
    const flat = [0.1, 0.1, 0.2, 0.2, 0.3, 0.1];
    const other = [0.1, 0.1, 0.25, 0.25, 0.3, 0];
    const data = [...flat, ...other, ...new Array<number>(4 * T).fill(0)];
    const rows = [of(0), of(1)];
    const patterns = [{ site: SITE, heads: 1, queries: T, keys: T, data: [...data, ...data], causal: false }];
    const [report] = measured([{ rows, patterns }]);
    // Word 1 has 0.4 and 0.5, the single most attended token is word 2.
    expect(report!.head.accuracy.value).toBe(1);
  });
  it('are counted in a decoder one place later, and not where it reads another text', () => {
    const site = { name: 'decoder.blocks.0.attn', stack: 'decoder', layer: 0 } as const;
    const query = { query: 3, targets: [1] };
    const same = [0, 1].map(document => ({ ...row(document, 0, query), decoderIds: [9, 0, 1, 2, 3, 4] }));
    // The token of word 1 is at place 2 of what the decoder reads.
    expect(measured([batch(same, [[2], [2]], true, site)])[0]!.head.accuracy.value).toBe(1);
    const other = [0, 1].map(document => ({ ...row(document, 0, query), decoderIds: [9, 4, 4, 4, 4, 4] }));
    expect(measured([batch(other, [[2], [2]], true, site)])).toEqual([]);
  });
  it('are left out where there are too few', () => {
    const rows = Array.from({ length: 18 }, (_, i) => row(i, 1));
    const looks = rows.map(() => [1]);
    expect(relationHeadsResult(rows, looks, undefined)).toEqual([]);
    expect(relationHeadsResult(rows, looks, 9)).toHaveLength(1);
  });
});
const relationHeadsResult = (rows: CorpusRow[], looks: number[][], minPairs: number | undefined) =>
  measured([batch(rows, looks)], { minPairs });

describe('halves', () => {
  it('are about equal, and so are those of every other document', () => {
    const share = (of: number[]) => of.filter(i => halfOf(i) === 0).length / of.length;
    const all = Array.from({ length: 2000 }, (_, i) => i);
    for (const of of [all, all.filter(i => i % 2 === 0), all.filter(i => i % 2 === 1)]) {
      expect(share(of)).toBeGreaterThan(0.45);
      expect(share(of)).toBeLessThan(0.55);
    }
  });
});
