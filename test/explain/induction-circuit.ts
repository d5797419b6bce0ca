/**
 * A model whose heads are known because its weights were written by hand: two layers of one head each. The first looks at the
 * token before and notes it; the second looks for places whose note is the own token and copies what stands there. Elhage et al.
 * 2021, "A Mathematical Framework for Transformer Circuits".
 */
import { safetensorsBytes } from '../../src/formats/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import type { Backend } from '../../src/tensor/index.ts';

const [VOCAB, PLACES] = [30, 40];
/** Where a token, its place and the token before it are written in the residual stream. */
const [TOKEN, PLACE, BEFORE] = [0, VOCAB, VOCAB + PLACES];
const C = 2 * VOCAB + PLACES;
/** Steep enough that a match takes all of the attention. */
const STEEP = 3;

class Matrix {
  readonly data: Float32Array<ArrayBuffer>;
  readonly columns: number;
  constructor(rows: number, columns: number) {
    this.data = new Float32Array(rows * columns);
    this.columns = columns;
  }
  /** Row `from + i` gets `value` in column `to + i`, for n of them. */
  link(from: number, to: number, n: number, value: number): this {
    for (let i = 0; i < n; i++) this.data[(from + i) * this.columns + to + i] = value;
    return this;
  }
  /** Row `row` gets `value` in n columns from `to` on. */
  fill(row: number, to: number, n: number, value: number): this {
    this.data.fill(value, row * this.columns + to, row * this.columns + to + n);
    return this;
  }
}

export async function inductionCircuit(backend: Backend): Promise<Model> {
  const [Q, K, V] = [0, C, 2 * C];
  const tensors: { name: string; shape: number[]; data: Float32Array<ArrayBuffer> }[] = [];
  const add = (name: string, shape: number[], data = new Float32Array(shape.reduce((n, d) => n * d, 1))) =>
    tensors.push({ name, shape, data });
  add('wte.weight', [VOCAB, C], new Matrix(VOCAB, C).link(0, TOKEN, VOCAB, 1).data);
  add('wpe.weight', [PLACES, C], new Matrix(PLACES, C).link(0, PLACE, PLACES, 1).data);
  const attention = [
    {
      // The query of place i + 1 and the key of place i are the same unit vector.
      qkv: new Matrix(C, 3 * C)
        .link(PLACE + 1, Q, PLACES - 1, STEEP)
        .link(PLACE, K, PLACES, STEEP)
        .link(TOKEN, V, VOCAB, 1),
      out: new Matrix(C, C).link(0, BEFORE, VOCAB, 0.15),
    },
    {
      qkv: new Matrix(C, 3 * C)
        .link(TOKEN, Q, VOCAB, STEEP)
        .link(BEFORE, K, VOCAB, STEEP)
        // The first place can only have noted its own token: nothing may find it.
        .fill(PLACE, K, VOCAB, -2 * STEEP)
        .link(TOKEN, V, VOCAB, 1),
      out: new Matrix(C, C).link(0, TOKEN, VOCAB, 1),
    },
  ];
  attention.forEach(({ qkv, out }, i) => {
    for (const norm of ['ln_1', 'ln_2']) {
      add(`h.${i}.${norm}.weight`, [C], new Float32Array(C).fill(1));
      add(`h.${i}.${norm}.bias`, [C]);
    }
    add(`h.${i}.attn.c_attn.weight`, [C, 3 * C], qkv.data);
    add(`h.${i}.attn.c_attn.bias`, [3 * C]);
    add(`h.${i}.attn.c_proj.weight`, [C, C], out.data);
    add(`h.${i}.attn.c_proj.bias`, [C]);
    add(`h.${i}.mlp.c_fc.weight`, [C, 4 * C]);
    add(`h.${i}.mlp.c_fc.bias`, [4 * C]);
    add(`h.${i}.mlp.c_proj.weight`, [4 * C, C]);
    add(`h.${i}.mlp.c_proj.bias`, [C]);
  });
  add('ln_f.weight', [C], new Float32Array(C).fill(1));
  add('ln_f.bias', [C]);
  const config = { n_embd: C, n_head: 1, n_layer: 2, n_positions: PLACES, vocab_size: VOCAB };
  const files = {
    'config.json': new TextEncoder().encode(
      JSON.stringify({ model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], ...config }),
    ),
    'model.safetensors': await safetensorsBytes(
      tensors.map(({ name, shape, data }) => ({
        ...{ name, shape },
        dtype: 'F32' as const,
        chunks: () => [new Uint8Array(data.buffer)],
      })),
    ),
  };
  return load(memoryFiles(files), { backend });
}
