/** What heads are measured to do, on weights that were written by hand, on patterns that were, and on a trained model. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import {
  ablateHeads,
  batchInputs,
  type CorpusRow,
  headLabel,
  headRoles,
  idsRow,
  inductionHeads,
  logitLens,
  type PatternBatch,
  patternBatches,
  ROLES,
  repeatedRows,
  textRow,
  watchPatterns,
} from '../../src/explain/index.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import { tinyModel } from '../families/tiny-model.ts';
import { inductionCircuit } from './induction-circuit.ts';

const backend = createReferenceBackend();
let circuit: Model;
beforeAll(async () => {
  circuit = await inductionCircuit(backend);
});
afterAll(() => {
  circuit.dispose();
  backend.close();
});

describe('a model with a known previous-token head and induction head', () => {
  it('has them found on repeated random tokens', async () => {
    const [before, induction, ...others] = await inductionHeads(circuit);
    expect(others).toEqual([]);
    expect(before).toMatchObject({ site: { name: 'blocks.0.attn', layer: 0, stack: '' }, head: 0, argmax: 0 });
    expect(before!.previous).toBeGreaterThan(0.99);
    expect(before!.prefixMatching).toBeLessThan(0.01);
    expect(before!.copying).toBeUndefined();
    expect(induction).toMatchObject({ argmax: 1, copying: 1 });
    expect(induction!.prefixMatching).toBeGreaterThan(0.99);
  });

  it('has them named by what they do on a corpus', async () => {
    const roles = headRoles(circuit);
    const seen: number[] = [];
    await watchPatterns(circuit, repeatedRows(circuit).rows, [roles], { onProgress: rows => seen.push(rows) });
    expect(seen.at(-1)).toBe(8);
    const [before, induction] = roles.result();
    expect(before).toMatchObject({ role: 'previous', roles: { previous: { argmax: 1 } } });
    expect(before!.roles.previous.share).toBeGreaterThan(0.99);
    expect(induction).toMatchObject({ role: 'induction', roles: { induction: { argmax: 1 } } });
  });

  it('need rows to be found on', () => {
    expect(() => repeatedRows(circuit, { rows: 0 })).toThrow(/rows is a whole number.*0/);
  });
  it('does not repeat without the induction head', async () => {
    const { rows, length, first } = repeatedRows(circuit);
    const items = rows.map(row => ({
      row,
      answers: Array.from({ length: length - 1 }, (_, i) => {
        const position = first + length + i;
        return { position, id: row.ids[position + 1]! };
      }),
    }));
    const steps: [number, number][] = [];
    const report = await ablateHeads(circuit, [{ site: 'blocks.1.attn', head: 0 }], items, {
      kind: 'zero',
      onProgress: (done, total) => steps.push([done, total]),
    });
    expect(report).toMatchObject({ items: 8, accuracyBefore: { value: 1 }, medianRankBefore: 1 });
    expect(report.effect.accuracyAfter.value).toBe(0);
    expect(report.effect.logProbability.high).toBeLessThan(-1);
    expect(report.effect.labels).toEqual(['1.0']);
    // There is no other head in its layer.
    expect(report.controls).toEqual([]);
    expect(report.beyondControls).toBeUndefined();
    expect(steps.map(([done]) => done)).toEqual(steps.map((_, i) => i));
    expect(steps.at(-1)![0]).toBe(steps.at(-1)![1] - 1);
  });

  it('predicts the next token only after the last layer', async () => {
    const { rows, length, first } = repeatedRows(circuit);
    const position = first + length + 3;
    const answer = rows[0]!.ids[position + 1]!;
    const lens = await logitLens(circuit, batchInputs([rows[0]!]), { places: [{ position, answer }], top: 1 });
    expect(lens.map(({ name }) => name)).toEqual(['blocks.0.resid_pre', 'blocks.0.resid_post', 'blocks.1.resid_post']);
    const [embedding, , last] = lens.map(layer => layer.places[0]!);
    expect(embedding!.top[0]!.id).toBe(rows[0]!.ids[position]);
    expect(last).toMatchObject({ top: [{ id: answer }], answer: { rank: 1 } });
  });
});

/** A batch of one row and one site of one head, with these weights `[T, T]`. */
function patternOf(ids: number[], data: number[], added = ids.map(() => 0)): PatternBatch {
  const row: CorpusRow = { ids, added };
  const site = { name: 'blocks.0.attn', stack: '', layer: 0 } as const;
  return { rows: [row], patterns: [{ site, heads: 1, queries: ids.length, keys: ids.length, data, causal: false }] };
}

describe('roles', () => {
  const measured = (batch: PatternBatch) => {
    const roles = headRoles(circuit);
    roles.add(batch);
    return roles.result()[0]!;
  };
  it('are shares, hits and chances over the queries that see such a key', () => {
    const report = measured(patternOf([7, 8, 7], [0.5, 0.25, 0.25, 0.7, 0.2, 0.1, 0.6, 0.1, 0.3]));
    const third = 1 / 3;
    const close = (x: number) => expect.closeTo(x, 12);
    expect(report.roles.previous).toEqual({ share: close(0.4), argmax: 0.5, chance: close(third), queries: 2 });
    expect(report.roles.next).toEqual({ share: close(0.175), argmax: 0, chance: close(third), queries: 2 });
    expect(report.roles.same).toEqual({ share: close(third), argmax: close(third), chance: close(third), queries: 3 });
    expect(report.roles.first).toEqual({ share: close(0.65), argmax: 1, chance: close(third), queries: 2 });
    // The two 7 are copies of each other; behind the first one stands 8, which the last token sees.
    expect(report.roles.duplicate).toEqual({ share: close(0.425), argmax: 0.5, chance: close(third), queries: 2 });
    expect(report.roles.induction).toEqual({ share: close(0.1), argmax: 0, chance: close(third), queries: 1 });
    expect(report.roles.punctuation.queries).toBe(0);
    expect(report.distance).toBeCloseTo((0.25 + 2 * 0.25 + 0.7 + 0.1 + 2 * 0.6 + 0.1) / 3, 12);
    expect(report.role).toBe('first');
  });
  it('tell a head that looks at all alike from one that nothing describes', () => {
    const ids = [3, 4, 5, 6, 7, 8];
    const even = measured(patternOf(ids, new Array(36).fill(1 / 6)));
    expect(even).toMatchObject({ role: 'spread', spread: expect.closeTo(1, 12), entropy: expect.closeTo(Math.log(6)) });
    for (const role of ['previous', 'same', 'first'] as const)
      expect(even.roles[role].share).toBeCloseTo(even.roles[role].chance, 12);
    const mixed = ids.flatMap((_, t) => ids.map((_, s) => ([1, 2, 4].includes(s) && s !== t ? 0.4 : 0.04)));
    expect(measured(patternOf(ids, mixed)).role).toBe('mixed');
  });
  it('take added tokens as separators, which look at nothing themselves', () => {
    const data = [1, 0, 0, 0.1, 0.1, 0.8, 1, 0, 0];
    const report = measured(patternOf([1, 9, 2], data, [1, 0, 1]));
    expect(report.roles.separators).toMatchObject({ share: expect.closeTo(0.9, 12), argmax: 1, queries: 1 });
    expect(report.roles.same.queries).toBe(1);
  });
});

describe('patterns', () => {
  it.each(['gpt2', 'bert', 'bart', 't5', 'mistral'])('of a padded batch are those of single rows: %s', async type => {
    const model = await tinyModel(type, backend);
    const rows = [
      [5, 6, 7, 8, 9, 5, 6],
      [11, 12, 13],
    ].map(ids => idsRow(model, ids));
    const batches: PatternBatch[] = [];
    for await (const batch of patternBatches(model, rows)) batches.push(batch);
    expect(batches.map(batch => batch.rows.length)).toEqual([2]);
    for (const [b, row] of rows.entries())
      for await (const alone of patternBatches(model, [row]))
        for (const [i, single] of alone.patterns.entries()) {
          const { site, heads, queries, keys, data, causal } = batches[0]!.patterns[i]!;
          expect(site).toEqual(single.site);
          expect(causal).toBe(single.causal);
          expect(causal).toBe(site.stack === 'decoder' || (site.stack === '' && type !== 'bert'));
          for (let h = 0; h < heads; h++)
            for (let t = 0; t < single.queries; t++)
              for (let s = 0; s < keys; s++) {
                const whole = data[((b * heads + h) * queries + t) * keys + s]!;
                const own = s < single.keys ? single.data[(h * single.queries + t) * single.keys + s]! : 0;
                expect(Math.abs(whole - own)).toBeLessThan(1e-12);
              }
        }
    model.dispose();
  });

  it('measure the same in batches as row by row', async () => {
    const model = await tinyModel('bart', backend);
    const rows = [
      [5, 6, 7, 8, 9, 5, 6],
      [11, 12, 13],
      [4, 4, 20, 21, 22],
    ].map(ids => idsRow(model, ids));
    const [together, alone] = [headRoles(model), headRoles(model)];
    await watchPatterns(model, rows, [together]);
    for (const row of rows) await watchPatterns(model, [row], [alone]);
    const [a, b] = [together.result(), alone.result()];
    expect(a.length).toBe(2 * 3 + 2 * 4 + 2 * 4);
    a.forEach((report, i) => {
      expect(report.distance).toBeCloseTo(b[i]!.distance, 10);
      for (const role of ROLES) {
        expect(report.roles[role].queries).toBe(b[i]!.roles[role].queries);
        if (report.roles[role].queries) expect(report.roles[role].share).toBeCloseTo(b[i]!.roles[role].share, 10);
      }
    });
    // Places of a source and of what is written do not correspond.
    expect(a.filter(({ site }) => site.stack === 'cross').map(({ roles }) => roles.previous.queries)).toEqual(
      new Array(8).fill(0),
    );
    model.dispose();
  });

  it('stop when they are told to', async () => {
    const rows = repeatedRows(circuit).rows;
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    const many = Array.from({ length: 5 }, () => rows).flat();
    await expect(watchPatterns(circuit, many, [], { signal: stop.signal, onProgress })).rejects.toThrow('enough');
  });
  it('are refused where there are none', async () => {
    const lstm = await tinyModel('lstm-lm', backend);
    await expect(watchPatterns(lstm, [idsRow(lstm, [3, 4])], [])).rejects.toThrow('this model has no attention');
    lstm.dispose();
  });
});

const STORIES = fileURLToPath(new URL('../../../shared/models/stories260K', import.meta.url));
const missing = existsSync(STORIES) ? '' : ' (skipped: the shared model files are not here)';
describe.skipIf(missing)(`a trained model${missing}`, () => {
  it('has previous-token heads, on random tokens and on a story, and none of the other kind', async () => {
    const wasm = await createWasmBackend({ threads: 0 });
    const model = await load(STORIES, { backend: wasm });
    const reports = await inductionHeads(model);
    const previous = reports.filter(report => report.previous > 0.8).map(({ site, head }) => headLabel(site, head));
    expect(previous).toEqual(['1.3', '3.6']);
    // It was trained on stories, which do not repeat: no head finds a random token again.
    expect(Math.max(...reports.map(({ prefixMatching }) => prefixMatching))).toBeLessThan(0.2);
    const roles = headRoles(model);
    const story = 'Once upon a time there was a little girl named Lily. She loved to play in the park with her dog.';
    await watchPatterns(model, [textRow(model, story)], [roles]);
    const named = roles.result().filter(({ role }) => role === 'previous');
    expect(named.map(({ site, head }) => headLabel(site, head))).toEqual(expect.arrayContaining(previous));
    model.dispose();
    wasm.close();
  });
});
