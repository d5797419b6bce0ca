import { describe, expect, it } from 'vitest';
import { tinyModel } from '../../test/families/tiny-model.ts';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { safetensorsBytes } from '../formats/index.ts';
import { memoryFiles } from '../hub/files.ts';
import { load } from '../hub/load.ts';
import type { Model } from '../hub/model.ts';
import { logBucket } from '../nn/relative-buckets.ts';
import { leavesOf } from '../tensor/index.ts';
import type { HeadName } from './architecture.ts';
import { ConfigReader } from './config-reader.ts';
import { deberta } from './deberta.ts';
import { debertaV2 } from './deberta-v2.ts';

const backend = createReferenceBackend();
type Vectors = number[][];
type Weights = ReadonlyMap<string, ArrayLike<number>>;

const [C, H, L, EPS] = [24, 3, 2, 1e-7];
const V1 = { max_relative_positions: 5, embedding_size: C };
const V2 = { position_biased_input: false, conv_kernel_size: 0, position_buckets: 4 };
const ids = [5, 60, 7, 8, 1, 33, 2, 9, 11, 40];

async function weightsOf(model: Model): Promise<Weights> {
  const leaves = leavesOf(model.parts.params);
  return new Map(await Promise.all(leaves.map(async ([name, tensor]) => [name, await tensor.data()] as const)));
}

// ---- the two papers' formulas, token by token, over plain numbers
function plainModel(w: Weights, generation: 1 | 2) {
  const rows = (name: string, width = C): Vectors => {
    const data = w.get(name)!;
    return Array.from({ length: data.length / width }, (_, r) =>
      Array.from({ length: width }, (_, i) => data[r * width + i]!),
    );
  };
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const linear = (x: Vectors, name: string): Vectors => {
    const matrix = rows(`${name}.weight`, x[0]!.length);
    const bias = w.get(`${name}.bias`);
    return x.map(row => matrix.map((m, o) => dot(row, m) + (bias?.[o] ?? 0)));
  };
  const norm = (x: Vectors, name: string): Vectors =>
    x.map(row => {
      const mean = row.reduce((a, b) => a + b) / row.length;
      const root = Math.sqrt(row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length + EPS);
      return row.map((v, i) => ((v - mean) / root) * w.get(`${name}.weight`)![i]! + w.get(`${name}.bias`)![i]!);
    });
  const gelu = (x: Vectors) => x.map(row => row.map(v => 0.5 * v * (1 + erf(v / Math.SQRT2))));
  const add = (a: Vectors, b: Vectors) => a.map((row, t) => row.map((v, i) => v + b[t]![i]!));
  const part = (x: Vectors, from: number, n: number) => x.map(row => row.slice(from, from + n));

  /** Heads of queries, keys, values and of both projections of the table of positions. */
  function heads(self: string, queries: Vectors, context: Vectors, head: number) {
    const D = C / H;
    if (generation === 2) {
      const table = norm(rows('deberta.encoder.rel_embeddings.weight'), 'deberta.encoder.LayerNorm');
      const of = (x: Vectors, name: string) => part(linear(x, `${self}.${name}`), head * D, D);
      return [
        ...[of(queries, 'query_proj'), of(context, 'key_proj'), of(context, 'value_proj')],
        ...[of(table, 'key_proj'), of(table, 'query_proj')],
      ] as [Vectors, Vectors, Vectors, Vectors, Vectors];
    }
    const table = rows('deberta.encoder.rel_embeddings.weight');
    const of = (x: Vectors, which: number) => part(linear(x, `${self}.in_proj`), (3 * head + which) * D, D);
    const plus = (x: Vectors, bias: string) =>
      x.map(row => row.map((v, i) => v + w.get(`${self}.${bias}`)![head * D + i]!));
    return [
      ...[plus(of(queries, 0), 'q_bias'), of(context, 1), plus(of(context, 2), 'v_bias')],
      ...[part(linear(table, `${self}.pos_proj`), head * D, D), part(linear(table, `${self}.pos_q_proj`), head * D, D)],
    ] as [Vectors, Vectors, Vectors, Vectors, Vectors];
  }
  const bucket = (d: number) => (generation === 2 ? logBucket(d, 4, 24) : d);
  const reach = generation === 2 ? 4 : 5;
  function layer(i: number, queries: Vectors, context: Vectors): Vectors {
    const at = `deberta.encoder.layer.${i}`;
    const found = queries.map(() => new Array<number>(C).fill(0));
    for (let h = 0; h < H; h++) {
      const [q, k, v, positionKeys, positionQueries] = heads(`${at}.attention.self`, queries, context, h);
      q.forEach((query, i) => {
        const scores = k.map((key, j) => {
          const row = Math.min(2 * reach - 1, Math.max(0, bucket(i - j) + reach));
          const sum = dot(query, key) + dot(query, positionKeys[row]!) + dot(key, positionQueries[row]!);
          return Math.exp(sum / Math.sqrt((3 * C) / H));
        });
        const total = scores.reduce((a, b) => a + b);
        scores.forEach((s, j) => {
          v[j]!.forEach((x, d) => {
            found[i]![(h * C) / H + d]! += (s / total) * x;
          });
        });
      });
    }
    const mid = norm(add(linear(found, `${at}.attention.output.dense`), queries), `${at}.attention.output.LayerNorm`);
    const inner = linear(gelu(linear(mid, `${at}.intermediate.dense`)), `${at}.output.dense`);
    return norm(add(inner, mid), `${at}.output.LayerNorm`);
  }
  const words = rows('deberta.embeddings.word_embeddings.weight');
  const types = w.get('deberta.embeddings.token_type_embeddings.weight');
  const embedded = ids.map(id => words[id]!.map((v, i) => v + (types?.[i] ?? 0)));
  const states = [norm(embedded, 'deberta.embeddings.LayerNorm')];
  for (let i = 0; i < L; i++) states.push(layer(i, states[i]!, states[i]!));
  return {
    last: states[L]!,
    /** The enhanced mask decoder. */
    decoded() {
      const context = states[L - 1]!;
      const positions = rows('deberta.embeddings.position_embeddings.weight').slice(0, ids.length);
      return layer(L - 1, layer(L - 1, add(context, positions), context), context);
    },
    scores(x: Vectors) {
      const head = 'lm_predictions.lm_head';
      const y = norm(gelu(linear(x, `${head}.dense`)), `${head}.LayerNorm`);
      return y.map(row => words.map((word, token) => dot(row, word) + w.get(`${head}.bias`)![token]!));
    },
    replaced(x: Vectors) {
      const both = norm(
        add(
          x,
          x.map(() => x[0]!),
        ),
        'mask_predictions.LayerNorm',
      );
      return linear(gelu(linear(both, 'mask_predictions.dense')), 'mask_predictions.classifier').flat();
    },
  };
}
/** Its Taylor series, which is exact enough for the sizes that occur here. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [sum, term] = [x, x];
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const expectClose = (actual: ArrayLike<number>, expected: readonly number[]) => {
  const scale = Math.max(...expected.map(Math.abs));
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i]! - expected[i]!) / scale).toBeLessThan(2e-6);
};

describe.each([
  ['deberta', 1, V1],
  ['deberta-v2', 2, V2],
] as const)('%s', (type, generation, config) => {
  const run = async (head: HeadName) => {
    const model = await tinyModel(type, backend, { head, config });
    const { logits } = await model.run({ input_ids: [ids] });
    return { logits: await logits.data(), plain: plainModel(await weightsOf(model), generation) };
  };

  it('scores tokens from the last hidden states', async () => {
    const { logits, plain } = await run('maskedLM');
    expectClose(logits, plain.scores(plain.last).flat());
  });
  it('scores tokens by the enhanced mask decoder: the last layer twice, from absolute positions', async () => {
    const { logits, plain } = await run('enhancedMaskedLM');
    expectClose(logits, plain.scores(plain.decoded()).flat());
  });
  it('tells replaced tokens, each beside the first', async () => {
    const { logits, plain } = await run('replacedToken');
    expectClose(logits, plain.replaced(plain.last));
  });
  it('knows no positions beyond the table of the mask decoder', async () => {
    const model = await tinyModel(type, backend, { head: 'enhancedMaskedLM', config });
    const long = { input_ids: [Array.from({ length: 25 }, () => 3)] };
    await expect(model.run(long)).rejects.toThrow(/no positions so far out; seen: 25 tokens; expected: at most 24/);
    const plain = await tinyModel(type, backend, { head: 'maskedLM', config });
    expect((await plain.run(long)).logits.shape).toEqual([1, 25, 61]);
  });
});

describe('published files', () => {
  /** A file that holds the parameters of several heads of one model, under names changed by `rename`. */
  async function files(heads: HeadName[], json: object, rename = (name: string) => name) {
    const config = { ...V2, ...json };
    const models = await Promise.all(heads.map(head => tinyModel('deberta-v2', backend, { head, config })));
    const all = new Map((await Promise.all(models.map(async m => [...(await weightsOf(m))]))).flat());
    const shapes = new Map(models.flatMap(m => leavesOf(m.parts.params)).map(([name, t]) => [name, t.shape]));
    const tensors = [...all].map(([name, data]) => ({
      ...{ name: rename(name), dtype: 'F32' as const, shape: shapes.get(name)! },
      chunks: () => [new Uint8Array(Float32Array.from(data).buffer)],
    }));
    const { parts } = models[0]!;
    const fields = { ...(parts.config as object), model_type: 'deberta-v2', norm_rel_ebd: 'layer_norm', ...json };
    return memoryFiles({
      'config.json': new TextEncoder().encode(JSON.stringify(fields)),
      'model.safetensors': safetensorsBytes(tensors),
    });
  }
  const headOf = async (source: Awaited<ReturnType<typeof files>>, head?: HeadName) =>
    (await load(source, { backend, head })).parts.head;

  it('of the first two generations run as they were trained, or as the reference runs them', async () => {
    const source = await files(['enhancedMaskedLM'], {});
    expect(await headOf(source)).toBe('enhancedMaskedLM');
    expect(await headOf(source, 'maskedLM')).toBe('maskedLM');
    expect(await headOf(await files(['enhancedMaskedLM'], { architectures: ['DebertaV2ForMaskedLM'] }))).toBe(
      'maskedLM',
    );
  });
  it('of the third generation tell replaced tokens', async () => {
    expect(await headOf(await files(['replacedToken', 'maskedLM'], {}))).toBe('replacedToken');
    const refused =
      /no maskedLM head; seen: no lm_predictions.lm_head.dense.weight.*expected: one of replacedToken, base/;
    await expect(load(await files(['replacedToken'], {}), { backend, head: 'maskedLM' })).rejects.toThrow(refused);
  });
  it('hold the head of the language model under either name', async () => {
    const older = (name: string) =>
      name
        .replace('lm_predictions.lm_head.bias', 'cls.predictions.bias')
        .replace('lm_predictions.lm_head.', 'cls.predictions.transform.');
    const logits = async (source: Awaited<ReturnType<typeof files>>) => {
      const model = await load(source, { backend });
      return (await model.run({ input_ids: [ids] })).logits.data();
    };
    expect(await logits(await files(['maskedLM'], {}, older))).toEqual(await logits(await files(['maskedLM'], {})));
  });
});

describe('configs', () => {
  const read = (architecture: typeof deberta | typeof debertaV2, json: object) => {
    const reader = new ConfigReader(json, 'config.json');
    const config = architecture.config(reader);
    reader.finish();
    return config;
  };
  it('name the terms in a list or a string', () => {
    const terms = (pos_att_type: unknown) => read(deberta, { pos_att_type }).pos_att_type;
    expect(terms('p2c|c2p')).toEqual(['p2c', 'c2p']);
    expect(terms(' C2P ')).toEqual(['c2p']);
    expect(terms(['c2p'])).toEqual(['c2p']);
    expect(terms(null)).toEqual([]);
    for (const wrong of ['p2p|c2p', ['c2p', 'c2p'], 7, { c2p: true }])
      expect(() => terms(wrong)).toThrow(/pos_att_type .* is not a choice of c2p, p2c/);
  });
  it.each([
    [deberta, { talking_head: true }, 'talking_head is not supported'],
    [deberta, { hidden_size: 10, num_attention_heads: 3 }, 'hidden_size 10 is not 3 heads of 3'],
    [debertaV2, { attention_head_size: 32 }, 'hidden_size 1536 is not 24 heads of 32'],
    [debertaV2, { conv_kernel_size: 4 }, 'conv_kernel_size 4 is not odd'],
    [debertaV2, { conv_groups: 5 }, 'does not divide by 5 groups'],
    [debertaV2, { position_buckets: 1 }, 'position_buckets 1 do not fit max_relative_positions 512'],
    [debertaV2, { position_buckets: 8, max_relative_positions: 5 }, 'position_buckets 8 do not fit'],
    [debertaV2, { pooler_hidden_size: 8 }, 'pooler_hidden_size 8 is not hidden_size 1536'],
    [debertaV2, { num_hidden_layers: 0 }, 'num_hidden_layers is 0'],
  ])('that do not fit are refused: %#', (architecture, json, problem) => {
    expect(() => read(architecture, json)).toThrow(problem);
  });
});
