/** What is read off a model's own graph, against small explicit computations: projections, norms, rollout, lens, ablation. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { ablateHeads } from '../../src/explain/ablate-heads.ts';
import { batchInputs, idsRow } from '../../src/explain/corpus.ts';
import { directEffects } from '../../src/explain/direct-effect.ts';
import { attentionSites, type NamedValues, valuesOf } from '../../src/explain/explained-model.ts';
import { logitLens } from '../../src/explain/logit-lens.ts';
import { outputMatrices } from '../../src/explain/output-matrices.ts';
import { patternBatches } from '../../src/explain/patterns.ts';
import { type ProbeItem, probeItems } from '../../src/explain/probe-items.ts';
import { attentionRollout, rolloutOf } from '../../src/explain/rollout.ts';
import { likeliest, scoreOf } from '../../src/explain/token-scores.ts';
import { gramMatrices, valueNorms, weightedByNorms } from '../../src/explain/value-norms.ts';
import type { Model } from '../../src/hub/model.ts';
import { layerNorm, linear, replace, Tensor, trace } from '../../src/tensor/index.ts';
import { TINY, tinyModel } from '../families/tiny-model.ts';

const backend = createReferenceBackend();
let gpt2: Model;
beforeAll(async () => {
  gpt2 = await tinyModel('gpt2', backend);
});
afterAll(() => {
  gpt2.dispose();
  backend.close();
});
const IDS = [5, 6, 7, 8, 5, 9];
const NONE: ReadonlySet<string> = new Set(['lstm-lm', 'rwkv']);
const TYPES = Object.keys(TINY).filter(type => !NONE.has(type) && type !== 'vit' && type !== 'whisper');
const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
/** The largest difference as a share of the largest number. */
const apart = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  largest(Array.from(a, (x, i) => x - b[i]!)) / Math.max(1e-9, largest(b));
const rowOf = (data: ArrayLike<number>, from: number, n: number) =>
  Array.from({ length: n }, (_, i) => data[from + i]!);

describe.each(TYPES)('%s', type => {
  let model: Model;
  beforeAll(async () => {
    model = await tinyModel(type, backend);
  });
  afterAll(() => model.dispose());

  it('has an output that is the sum of what each head gives', async () => {
    const inputs = batchInputs([idsRow(model, IDS)]);
    const sites = attentionSites(model, inputs);
    for (const site of sites.slice(-2)) {
      const [z, out] = (await valuesOf(model, inputs, [`${site.name}.z`, `${site.name}.out`])) as [
        NamedValues,
        NamedValues,
      ];
      const { heads: H, width: E, outWidth: C, matrices, bias } = await outputMatrices(model, site);
      const T = z.shape[2]!;
      const sum = Array.from({ length: T * C }, (_, i) => {
        const [t, c] = [Math.floor(i / C), i % C];
        let total = bias[c]!;
        for (let h = 0; h < H; h++)
          for (let e = 0; e < E; e++) total += z.data[(h * T + t) * E + e]! * matrices[(h * E + e) * C + c]!;
        return total;
      });
      expect(apart(sum, out.data)).toBeLessThan(1e-6);
    }
  });

  it('predicts after its last layer what it predicts', async () => {
    const inputs = batchInputs([idsRow(model, IDS)]);
    const { logits } = await model.run(inputs);
    if (logits.rank !== 3) {
      await expect(logitLens(model, inputs)).rejects.toThrow('this head does not predict tokens');
      return;
    }
    const V = logits.dim(2);
    const data = await logits.data();
    const lens = await logitLens(model, inputs, { top: 3 });
    const last = lens.at(-1)!.places;
    expect(last.length).toBe(logits.dim(1));
    last.forEach(({ position, top }) => {
      expect(position).toBe(last.findIndex(place => place.position === position));
      const own = likeliest(data, position * V, V, 3);
      expect(top.map(({ id }) => id)).toEqual(own.map(({ id }) => id));
      top.forEach(({ probability }, i) => {
        expect(probability).toBeCloseTo(own[i]!.probability, 5);
      });
    });
  });
});

describe('value-weighted norms', () => {
  it.each(['gpt2', 'llama', 'bert', 't5'])('are the lengths of what a token is passed on as: %s', async type => {
    const model = await tinyModel(type, backend);
    const row = idsRow(model, IDS);
    const inputs = batchInputs([row]);
    const site = attentionSites(model, inputs)[1]!;
    const names = ['pattern', 'v', 'z'].map(name => `${site.name}.${name}`);
    const [pattern, v, z] = (await valuesOf(model, inputs, names)) as [NamedValues, NamedValues, NamedValues];
    const [, H, T, S] = pattern.shape as [number, number, number, number];
    const matrices = await outputMatrices(model, site);
    const norms = valueNorms(v, H, gramMatrices(matrices));
    const weighted = weightedByNorms(pattern, norms);
    // Explicitly: put the values of one key and head in the place of that head's result.
    const graph = model.graph(inputs);
    const output = trace(...Object.values(graph.outputs)).get(`${site.name}.out`);
    const [h, s, t] = [H - 1, 2, 4];
    const [G, E] = [v.shape[1]!, v.shape[3]!];
    const alone = new Float32Array(H * T * E);
    for (let e = 0; e < E; e++)
      alone[(h * T + t) * E + e] =
        v.data[(Math.floor((h * G) / H) * S + s) * E + e]! * pattern.data[(h * T + t) * S + s]!;
    const put = (data: Float32Array) => replace(output, `${site.name}.z`, () => Tensor.from(data, z.shape));
    const [one, zero] = [await put(alone).data(), await put(new Float32Array(H * T * E)).data()];
    const C = matrices.outWidth;
    const length = Math.hypot(...rowOf(one, t * C, C).map((x, c) => x - zero[t * C + c]!));
    expect(length).toBeGreaterThan(0);
    expect(weighted[(h * T + t) * S + s]! / length).toBeCloseTo(1, 4);
    const shares = weightedByNorms(pattern, norms, { shares: true });
    for (let r = 0; r < H * T; r++) expect(rowOf(shares, r * S, S).reduce((a, b) => a + b)).toBeCloseTo(1, 10);
    for await (const batch of patternBatches(model, [row], { weighting: 'norms' }))
      expect(batch.patterns.find(each => each.site.name === site.name)!.data).toEqual(shares);
    model.dispose();
  });
});

describe('attention rollout', () => {
  it('is the product of what the layers mix', () => {
    const first = { shape: [1, 2, 2, 2], data: [1, 0, 0.5, 0.5, 1, 0, 0.1, 0.9] };
    const second = { shape: [1, 1, 2, 2], data: [1, 0, 0.8, 0.2] };
    // Heads on average [[1, 0], [0.3, 0.7]], with half of the stream [[1, 0], [0.15, 0.85]]; then [[1, 0], [0.4, 0.6]].
    const flow = attentionRollout([first, second]);
    [1, 0, 0.4 + 0.6 * 0.15, 0.6 * 0.85].forEach((x, i) => {
      expect(flow[i]).toBeCloseTo(x, 12);
    });
    const bare = attentionRollout([first, second], { residual: 0 });
    [1, 0, 0.8 + 0.2 * 0.3, 0.2 * 0.7].forEach((x, i) => {
      expect(bare[i]).toBeCloseTo(x, 12);
    });
    expect(() => attentionRollout([first, { shape: [1, 1, 2, 3], data: [] }])).toThrow('rollout multiplies');
  });
  it('has rows that sum to 1 in every stack of a model', async () => {
    const bart = await tinyModel('bart', backend);
    const flows = await rolloutOf(bart, idsRow(bart, IDS));
    expect(flows.map(({ stack }) => stack)).toEqual(['encoder', 'decoder']);
    for (const { flow } of flows) {
      const T = Math.sqrt(flow.length);
      for (let t = 0; t < T; t++) expect(rowOf(flow, t * T, T).reduce((a, b) => a + b)).toBeCloseTo(1, 10);
    }
    // A decoder's tokens come from those before them.
    expect(Math.max(...rowOf(flows[1]!.flow, 1, 5))).toBe(0);
    bart.dispose();
  });
});

describe('the logit lens', () => {
  it('is the norm and the head of the model on the stream of a layer', async () => {
    const inputs = batchInputs([idsRow(gpt2, IDS)]);
    const p = gpt2.parts.params as { wte: { weight: Tensor }; ln_f: { weight: Tensor; bias: Tensor } };
    const stream = trace(...Object.values(gpt2.graph(inputs).outputs)).get('blocks.0.resid_post');
    const logits = linear(layerNorm(stream, p.ln_f.weight, p.ln_f.bias, 1e-5), p.wte.weight);
    const data = await logits.data();
    const places = [
      { position: 2, answer: 11 },
      { position: 5, answer: 60 },
    ];
    const lens = await logitLens(gpt2, inputs, { places, top: 61 });
    lens[1]!.places.forEach(({ top, answer }, i) => {
      const expected = scoreOf(data, places[i]!.position * 61, 61, places[i]!.answer);
      expect(answer!.rank).toBe(expected.rank);
      expect(answer!.logProbability).toBeCloseTo(expected.logProbability, 5);
      expect(top.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 10);
      expect(top[answer!.rank - 1]!.id).toBe(answer!.id);
    });
    const ranks = lens.map(layer => layer.places[0]!.answer!.rank);
    expect(new Set(ranks).size).toBeGreaterThan(1);
  });
  it('refuses places and answers that there are not', async () => {
    const inputs = batchInputs([idsRow(gpt2, IDS)]);
    await expect(logitLens(gpt2, inputs, { places: [{ position: 6 }] })).rejects.toThrow('no such place or token');
    await expect(logitLens(gpt2, inputs, { places: [{ position: 0, answer: 61 }] })).rejects.toThrow('token 61 at 0');
    await expect(logitLens(gpt2, { input_ids: [IDS, IDS] })).rejects.toThrow('the lens reads one row; seen: 2');
  });
  it('ranks a tie behind its equals', () => {
    expect(scoreOf([9, 1, 2, 2, 0], 1, 4, 1)).toMatchObject({ id: 1, rank: 2 });
    expect(likeliest([9, 1, 2, 2, 0], 1, 4, 3).map(({ id }) => id)).toEqual([1, 2, 0]);
  });
});

describe('direct effects', () => {
  it('are the change of the logits when a head leaves the last stream only', async () => {
    const inputs = batchInputs([idsRow(gpt2, IDS)]);
    const [first, last] = attentionSites(gpt2, inputs);
    // Of the last layer without its feed-forward layer that is all that the head does: compare there.
    const effects = (await directEffects(gpt2, inputs, last!))!;
    const { shape, data } = await effects.of(1);
    expect(shape).toEqual([1, IDS.length, 61]);
    const view = trace(...Object.values(gpt2.graph(inputs).outputs));
    const mlp = await view.get('blocks.1.mlp.out').data();
    const frozen = Tensor.from(Float32Array.from(mlp), [1, IDS.length, 24]);
    const keep = Tensor.from([1, 0, 1], [1, 3, 1, 1]);
    const full = replace(gpt2.graph(inputs).logits, 'blocks.1.mlp.out', () => frozen);
    const without = replace(full, 'blocks.1.attn.pattern', pattern => pattern.mul(keep));
    const expected = await full.sub(without).data();
    expect(largest(data)).toBeGreaterThan(0.01);
    expect(apart(data, expected)).toBeLessThan(1e-4);
    expect(await directEffects(gpt2, inputs, first!)).toBeDefined();
  });
  it.each(['bert', 'gemma2', 'granite'])('are not defined where norms or factors stand between: %s', async type => {
    const model = await tinyModel(type, backend);
    const inputs = batchInputs([idsRow(model, IDS)]);
    expect(await directEffects(model, inputs, attentionSites(model, inputs)[0]!)).toBeUndefined();
    model.dispose();
  });
});

describe('ablation', () => {
  const items = () => [...probeItems(gpt2, [idsRow(gpt2, IDS), idsRow(gpt2, [11, 12, 13, 14])])];
  const everyHead = [0, 1].flatMap(layer => [0, 1, 2].map(head => ({ site: `blocks.${layer}.attn`, head })));
  const logProbabilities = async (logits: Tensor, ids: readonly number[]) => {
    const data = await logits.data();
    return ids.slice(1).map((id, t) => scoreOf(data, t * 61, 61, id).logProbability);
  };

  it('of all heads leaves nothing of the attention but its bias', async () => {
    const { answers, effect, controls } = await ablateHeads(gpt2, everyHead, items(), { kind: 'zero' });
    expect(answers.map(({ item, position }) => [item, position])).toEqual([
      ...[0, 1, 2, 3, 4].map(position => [0, position]),
      ...[0, 1, 2].map(position => [1, position]),
    ]);
    const { h } = gpt2.parts.params as { h: { attn: { c_proj: { bias: Tensor } } }[] };
    const { logits } = gpt2.graph({ input_ids: [IDS] });
    const bare = [0, 1].reduce(
      (root, i) => replace(root, `blocks.${i}.attn.out`, out => out.mul(0).add(h[i]!.attn.c_proj.bias)),
      logits,
    );
    const [expected, whole] = [await logProbabilities(bare, IDS), await logProbabilities(logits, IDS)];
    expected.forEach((x, i) => {
      expect(answers[i]!.after.logProbability).toBeCloseTo(x, 10);
      expect(answers[i]!.before.logProbability).toBeCloseTo(whole[i]!, 10);
    });
    const changes = answers.map(({ before, after }) => after.logProbability - before.logProbability);
    expect(effect.logProbability.value).toBeCloseTo(changes.reduce((a, b) => a + b) / changes.length, 12);
    expect(effect.logProbability.low).toBeLessThan(effect.logProbability.high);
    expect(controls).toEqual([]);
  });
  it('by uniform attention lets a head see all that is visible alike', async () => {
    const { answers } = await ablateHeads(gpt2, [{ site: 'blocks.1.attn', head: 2 }], items().slice(0, 1), {
      kind: 'uniform',
    });
    const T = IDS.length;
    const even = Tensor.from(
      Array.from({ length: T * T }, (_, i) => (i % T <= Math.floor(i / T) ? 1 / (1 + Math.floor(i / T)) : 0)),
      [1, 1, T, T],
    );
    const third = Tensor.from([0, 0, 1], [1, 3, 1, 1]);
    const expected = replace(gpt2.graph({ input_ids: [IDS] }).logits, 'blocks.1.attn.pattern', pattern =>
      pattern.mul(third.mul(-1).add(1)).add(even.mul(third)),
    );
    (await logProbabilities(expected, IDS)).forEach((x, i) => {
      expect(answers[i]!.after.logProbability).toBeCloseTo(x, 6);
    });
  });
  it('by the mean changes nothing where a head always gives the same, and else the other items count', async () => {
    const same = [...probeItems(gpt2, [idsRow(gpt2, [5, 6])])].map(item => ({ ...item, row: idsRow(gpt2, [5]) }));
    const one = { site: 'blocks.1.attn', head: 0 };
    const alone = await ablateHeads(gpt2, [one], same, { kind: 'mean' });
    expect(alone.effect.logProbability.value).toBeCloseTo(0, 6);
    const zero = await ablateHeads(gpt2, [one], same, { kind: 'zero' });
    expect(Math.abs(zero.effect.logProbability.value)).toBeGreaterThan(1e-4);
    const both = await ablateHeads(gpt2, [one], items(), { kind: 'mean' });
    expect(both.effect.logProbability.value).not.toBeCloseTo(0, 4);
  });
  it('is compared with that of other heads of the same layer', async () => {
    const report = await ablateHeads(gpt2, [{ site: 'blocks.0.attn', head: 1 }], items(), { kind: 'zero' });
    expect(report.controls.flatMap(({ labels }) => labels).sort()).toEqual(['0.0', '0.2']);
    const others = report.controls.map(({ logProbability }) => logProbability.value);
    const beyond = report.effect.logProbability.value - (others[0]! + others[1]!) / 2;
    expect(report.beyondControls!.value).toBeCloseTo(beyond, 12);
    const [control] = report.controls;
    const itself = await ablateHeads(gpt2, control!.heads, items(), { kind: 'zero', controls: 0 });
    expect(itself.effect.logProbability).toEqual(control!.logProbability);
  });
  it('of an encoder-decoder reaches its cross-attention', async () => {
    const bart = await tinyModel('bart', backend);
    const probes = [...probeItems(bart, [idsRow(bart, IDS)])];
    expect(probes[0]!.answers[0]).toEqual({ position: 0, id: IDS[0] });
    const cross = [0, 1].flatMap(layer => [0, 1, 2, 3].map(head => ({ site: `decoder.blocks.${layer}.cross`, head })));
    const { answers } = await ablateHeads(bart, cross, probes, { kind: 'zero' });
    // Blind to the source, it says the same whatever that is.
    const blind = await ablateHeads(
      bart,
      cross,
      probes.map(({ row, answers }) => ({ row: { ...row, ids: [30, 31, 32] }, answers })),
      { kind: 'zero' },
    );
    answers.forEach(({ before, after }, i) => {
      expect(after.logProbability).toBeCloseTo(blind.answers[i]!.after.logProbability, 10);
      expect(before.logProbability).not.toBeCloseTo(blind.answers[i]!.before.logProbability, 4);
    });
    bart.dispose();
  });
  it('masks words of a masked language model, each in a copy of its own', async () => {
    const llada = await tinyModel('llada', backend, { config: { mask_token_id: 60 } });
    const annotation = { words: [[1], [2, 3], [4], []], pairs: [], document: 0 };
    const row = { ids: [1, 10, 11, 12, 13, 2], added: [1, 0, 0, 0, 0, 1] };
    const masked = (items: Iterable<ProbeItem>) => [...items].map(({ row, answers }) => [row.ids, answers]);
    expect(masked(probeItems(llada, [{ ...row, annotation }]))).toEqual([
      [[1, 60, 11, 12, 13, 2], [{ position: 1, id: 10 }]],
      [
        [1, 10, 60, 60, 13, 2],
        [
          { position: 2, id: 11 },
          { position: 3, id: 12 },
        ],
      ],
      [[1, 10, 11, 12, 60, 2], [{ position: 4, id: 13 }]],
    ]);
    expect(masked(probeItems(llada, [row], { masksPerRow: 2 })).map(([ids]) => ids)).toEqual([
      [1, 60, 11, 12, 13, 2],
      [1, 10, 11, 60, 13, 2],
    ]);
    const [only, ...others] = probeItems(llada, [{ ...row, annotation }], { wordsOf: () => [1] });
    expect(only!.answers.length).toBe(2);
    expect(others).toEqual([]);
    llada.dispose();
    const bert = await tinyModel('bert', backend);
    expect(() => [...probeItems(bert, [row])]).toThrow('nothing to mask words with');
    bert.dispose();
  });
  it('refuses heads that there are not, and items without answers', async () => {
    const wrong = ablateHeads(gpt2, [{ site: 'blocks.1.attn', head: 3 }], items());
    await expect(wrong).rejects.toThrow(
      'no such attention head; seen: head 3 of blocks.1.attn; expected: blocks.0.attn with 3 heads',
    );
    await expect(ablateHeads(gpt2, [], items())).rejects.toThrow('no such attention head');
    await expect(ablateHeads(gpt2, everyHead, [])).rejects.toThrow('no answers to measure an ablation on');
  });
});
