import { describe, expect, it } from 'vitest';
import { tinyModel } from '../../test/families/tiny-model.ts';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { leavesOf } from '../tensor/index.ts';
import { ConfigReader } from './config-reader.ts';
import { xlnet } from './xlnet.ts';

const backend = createReferenceBackend();
const ids = [5, 60, 7, 8, 1, 33, 2, 9];

describe('xlnet', () => {
  it('scores by content, by the distance from key to query and by segment, as the paper writes it', async () => {
    const [C, H, D] = [24, 3, 8];
    const model = await tinyModel('xlnet', backend, { config: { clamp_len: -1 } });
    const types = [0, 0, 0, 0, 1, 1, 1, 2];
    const name = 'blocks.0.attn.scores';
    const run = await model.run({ input_ids: [ids], token_type_ids: [types] }, { trace: [name] });
    const leaves = leavesOf(model.parts.params);
    const w = new Map(await Promise.all(leaves.map(async ([name, t]) => [name, await t.data()] as const)));
    const of = (part: string) => w.get(`transformer.layer.0.rel_attn.${part}`)!;
    /** x times a matrix `[C, H, D]`, of one head. */
    const project = (x: readonly number[], part: string, h: number) =>
      Array.from({ length: D }, (_, d) => x.reduce((sum, v, c) => sum + v * of(part)[(c * H + h) * D + d]!, 0));
    const bias = (part: string, row: number) => Array.from(of(part).slice(row * D, (row + 1) * D));
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, d) => sum + v * b[d]!, 0);
    const add = (a: readonly number[], b: readonly number[]) => a.map((v, d) => v + b[d]!);
    const word = (id: number) =>
      Array.from(w.get('transformer.word_embedding.weight')!.slice(id * C, (id + 1) * C)) as number[];
    const wave = (distance: number) => {
      const angles = Array.from({ length: C / 2 }, (_, i) => distance / 10000 ** ((2 * i) / C));
      return [...angles.map(Math.sin), ...angles.map(Math.cos)];
    };
    const scores = await run.trace[name]!.data();
    for (let h = 0; h < H; h++)
      ids.forEach((query, i) => {
        const q = project(word(query), 'q', h);
        ids.forEach((key, j) => {
          const content = dot(add(q, bias('r_w_bias', h)), project(word(key), 'k', h));
          const distance = dot(add(q, bias('r_r_bias', h)), project(wave(i - j), 'r', h));
          const same = types[i] === types[j] ? 0 : 1;
          const segment = dot(add(q, bias('r_s_bias', h)), bias('seg_embed', same * H + h));
          const expected = (content + distance + segment) / Math.sqrt(D);
          expect(scores[(h * 8 + i) * 8 + j]).toBeCloseTo(expected, 5);
        });
      });
  });

  it('sees whether two tokens are of one segment, and nothing else of it', async () => {
    const model = await tinyModel('xlnet', backend);
    const logits = async (...types: number[]) =>
      (await model.run({ input_ids: [ids], token_type_ids: [types] })).logits.data();
    const apart = await logits(0, 0, 0, 0, 1, 1, 1, 2);
    expect(await logits(3, 3, 3, 3, 4, 4, 4, 0)).toEqual(apart);
    expect(await logits(0, 0, 0, 1, 1, 1, 1, 2)).not.toEqual(apart);
    const [one, none] = [
      await logits(...ids.map(() => 1)),
      await (await model.run({ input_ids: [ids] })).logits.data(),
    ];
    expect(one).toEqual(none);
  });

  it('knows no absolute positions: distances beyond clamp_len are alike', async () => {
    const trace = ['blocks.0.attn.pattern'];
    const pattern = async (clamp_len: number) => {
      const model = await tinyModel('xlnet', backend, { config: { clamp_len } });
      const same = { input_ids: [Array.from({ length: 9 }, () => 4)] };
      return (await model.run(same, { trace })).trace[trace[0]!]!.data();
    };
    // Equal tokens: the last one's looks at keys 1 to 6 differ by distance, or not at all.
    const of = (all: ArrayLike<number>, key: number) => all[8 * 9 + key]!;
    const [clamped, whole] = await Promise.all([pattern(2), pattern(-1)]);
    for (let key = 1; key < 7; key++) expect(of(clamped, key)).toBeCloseTo(of(clamped, 0), 12);
    expect(of(clamped, 7)).not.toBeCloseTo(of(clamped, 0), 6);
    expect(of(whole, 1)).not.toBeCloseTo(of(whole, 0), 6);
  });

  it('reads to the left only when its type says so', async () => {
    const model = await tinyModel('xlnet', backend, { config: { attn_type: 'uni' } });
    const pattern = 'blocks.1.attn.pattern';
    const { trace } = await model.run({ input_ids: [ids] }, { trace: [pattern] });
    const seen = await trace[pattern]!.data();
    for (let i = 0; i < 8; i++) for (let j = 0; j < 8; j++) expect(seen[i * 8 + j]! > 0).toBe(j <= i);
  });

  it.each([
    [{ d_model: 10, n_head: 4 }, 'd_model 10 is not a multiple of n_head 4'],
    [{ d_head: 32 }, 'd_head 32 is not d_model / n_head'],
    [{ attn_type: 'both' }, 'attn_type both is neither bi nor uni'],
    [{ bi_data: true }, 'bi_data is not supported'],
    [{ attn_type: 'uni', same_length: true }, 'same_length is not supported'],
    [{ summary_type: 'attn' }, 'summary_type is not one of last, cls_index, first, mean'],
  ])('refuses a config that does not fit: %o', (json, problem) => {
    const reader = new ConfigReader(json, 'config.json');
    xlnet.config(reader);
    expect(() => reader.finish()).toThrow(problem);
  });
  it('takes a config without an activation of the summary', () => {
    const of = (json: object) => xlnet.config(new ConfigReader(json, 'config.json')).summary_activation;
    expect(of({})).toBe('tanh');
    expect(of({ summary_activation: null })).toBeUndefined();
    expect(of({ summary_activation: 'gelu' })).toBe('gelu');
  });
});
