/**
 * GGUF files of random weights in the shapes of published models, from a seed: the same bytes on every machine. The vocabulary is
 * one that readers of such files accept; its tokens mean nothing.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type GgufMetadataToWrite,
  type GgufWeights,
  storedAs,
  type TensorDType,
  type TensorToWrite,
  tensorBytes,
  writeGguf,
} from '../src/formats/index.ts';
import { createRng } from '../src/util/rng.ts';

export interface FileToBench {
  readonly model: string;
  readonly type: GgufWeights;
}
/** What is measured. */
export interface BenchFile extends FileToBench {
  readonly path: string;
  /** Of its tensors. */
  readonly bytes: number;
}
interface ModelShape {
  readonly metadata: GgufMetadataToWrite;
  readonly vocab: number;
  readonly tensors: readonly (readonly [name: string, shape: readonly number[]])[];
}

const u32 = (value: number) => ({ type: 'U32', value }) as const;
const f32 = (value: number) => ({ type: 'F32', value }) as const;
const layers = <T>(count: number, make: (layer: string) => readonly T[]): T[] =>
  Array.from({ length: count }, (_, i) => make(`blk.${i}`)).flat();

/** GPT-2 small, Radford et al. 2019. */
function gpt2(): ModelShape {
  const [width, inner, blocks, vocab, context] = [768, 3072, 12, 50257, 1024];
  const withBias = (name: string, rows: number, columns?: number) =>
    [
      [`${name}.weight`, columns ? [rows, columns] : [rows]],
      [`${name}.bias`, [rows]],
    ] as const;
  return {
    vocab,
    metadata: {
      'general.architecture': 'gpt2',
      'gpt2.context_length': u32(context),
      'gpt2.embedding_length': u32(width),
      'gpt2.feed_forward_length': u32(inner),
      'gpt2.block_count': u32(blocks),
      'gpt2.attention.head_count': u32(12),
      'gpt2.attention.layer_norm_epsilon': f32(1e-5),
    },
    tensors: [
      ['token_embd.weight', [vocab, width]],
      ['position_embd.weight', [context, width]],
      ...withBias('output_norm', width),
      ...layers(blocks, at => [
        ...withBias(`${at}.attn_norm`, width),
        ...withBias(`${at}.attn_qkv`, 3 * width, width),
        ...withBias(`${at}.attn_output`, width, width),
        ...withBias(`${at}.ffn_norm`, width),
        ...withBias(`${at}.ffn_up`, inner, width),
        ...withBias(`${at}.ffn_down`, width, inner),
      ]),
    ],
  };
}

interface LlamaSizes {
  readonly width: number;
  readonly inner: number;
  readonly blocks: number;
  readonly heads: number;
  readonly groups: number;
}

/** A LLaMA with grouped queries. */
function llama({ width, inner, blocks, heads, groups }: LlamaSizes): ModelShape {
  const vocab = 32000;
  const narrow = (width / heads) * groups;
  return {
    vocab,
    metadata: {
      'general.architecture': 'llama',
      'llama.context_length': u32(2048),
      'llama.embedding_length': u32(width),
      'llama.feed_forward_length': u32(inner),
      'llama.block_count': u32(blocks),
      'llama.attention.head_count': u32(heads),
      'llama.attention.head_count_kv': u32(groups),
      'llama.attention.layer_norm_rms_epsilon': f32(1e-5),
      'llama.rope.dimension_count': u32(width / heads),
      'llama.rope.freq_base': f32(10000),
      'llama.vocab_size': u32(vocab),
    },
    tensors: [
      ['token_embd.weight', [vocab, width]],
      ['output_norm.weight', [width]],
      ['output.weight', [vocab, width]],
      ...layers(blocks, at => [
        [`${at}.attn_norm.weight`, [width]] as const,
        [`${at}.attn_q.weight`, [width, width]] as const,
        [`${at}.attn_k.weight`, [narrow, width]] as const,
        [`${at}.attn_v.weight`, [narrow, width]] as const,
        [`${at}.attn_output.weight`, [width, width]] as const,
        [`${at}.ffn_norm.weight`, [width]] as const,
        [`${at}.ffn_gate.weight`, [inner, width]] as const,
        [`${at}.ffn_up.weight`, [inner, width]] as const,
        [`${at}.ffn_down.weight`, [width, inner]] as const,
      ]),
    ],
  };
}

const MODELS: Readonly<Record<string, () => ModelShape>> = {
  'gpt2-124m': gpt2,
  /** The shape of TinyLlama, Zhang et al. 2024. */
  'llama-1.1b': () => llama({ width: 2048, inner: 5632, blocks: 22, heads: 32, groups: 4 }),
  /** Shows in seconds that everything runs. */
  'llama-tiny': () => llama({ width: 256, inner: 512, blocks: 2, heads: 8, groups: 4 }),
};

/** A SentencePiece vocabulary: three special tokens, the bytes, and as many words as are missing. */
function vocabulary(size: number): GgufMetadataToWrite {
  const tokens = Array.from({ length: size }, (_, id) => {
    if (id < 3) return ['<unk>', '<s>', '</s>'][id]!;
    return id < 259 ? `<0x${(id - 3).toString(16).toUpperCase().padStart(2, '0')}>` : `▁${id}`;
  });
  return {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.pre': 'default',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.scores': Float32Array.from(tokens, (_, id) => -id),
    'tokenizer.ggml.token_type': Int32Array.from(tokens, (_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1)),
    'tokenizer.ggml.bos_token_id': u32(1),
    'tokenizer.ggml.eos_token_id': u32(2),
    'tokenizer.ggml.unknown_token_id': u32(0),
  };
}

/** Root mean square of the weights, as initialisation has it. */
const SPREAD = 0.02;
const CHUNK = 1 << 20;

/** Bits of the half nearest to a power of two times 1.0 to 2.0. */
const HALF_SCALE: Readonly<Partial<Record<TensorDType, number>>> = {
  // Steps of a uniform byte spread by 74, of a uniform half byte by 4.6.
  Q8_0: SPREAD / 74,
  Q4_0: SPREAD / 4.6,
};

/** Random values of a dtype: blocks of random steps under one scale, single numbers of the spread. */
function* randomBytes(dtype: TensorDType, total: number, stream: number): Generator<Uint8Array> {
  const rng = createRng(5, stream);
  const scale = HALF_SCALE[dtype];
  const bytes = dtype === 'Q8_0' ? 34 : dtype === 'Q4_0' ? 18 : dtype === 'F16' ? 2 : 4;
  const chunk = Math.floor(CHUNK / bytes) * bytes;
  for (let at = 0; at < total; at += chunk) {
    const length = Math.min(chunk, total - at);
    const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => rng.uint32());
    const out = new Uint8Array(words.buffer, 0, length);
    if (scale !== undefined) {
      const half = halfBits(scale);
      for (let block = 0; block < length; block += bytes) {
        out[block] = half & 255;
        out[block + 1] = half >> 8;
      }
    } else if (dtype === 'F16') {
      // A sign, an exponent that gives the spread, and ten random bits.
      const halves = new Uint16Array(out.buffer, 0, length / 2);
      for (let i = 0; i < halves.length; i++) halves[i] = (halves[i]! & 0x83ff) | (9 << 10);
    } else {
      const floats = new Float32Array(out.buffer, 0, length / 4);
      for (let i = 0; i < floats.length; i++) floats[i] = 1 + SPREAD * (words[i]! / 2 ** 31 - 1);
    }
    yield out;
  }
}

function halfBits(value: number): number {
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) | Math.round(1024 * (value / 2 ** exponent - 1));
}

/** Norms and biases stay single numbers around 1; the other tensors have the type of the file. */
function tensorsOf({ tensors }: ModelShape, type: GgufWeights): TensorToWrite[] {
  return tensors.map(([name, shape], i) => {
    const { dtype } = storedAs(name, shape, type);
    return { name, shape, dtype, chunks: () => randomBytes(dtype, tensorBytes(dtype, shape)!, i) };
  });
}

/**
 * Calls `use` with a file: one of the folder HEED_BENCH_FILES whose name ends as it should, or one that is written for this call
 * and removed after it; in that folder it stays for the next time.
 */
export async function withFile<T>({ model, type }: FileToBench, use: (file: BenchFile) => Promise<T>): Promise<T> {
  const shape = MODELS[model]!();
  const tensors = tensorsOf(shape, type);
  const bytes = tensors.reduce((n, { dtype, shape }) => n + tensorBytes(dtype, shape)!, 0);
  const name = `${model}-${type}.gguf`;
  const kept = process.env.HEED_BENCH_FILES;
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'heed-bench-'));
  try {
    const there = readdirSync(folder).find(file => file === name || file.endsWith(`-${name}`));
    const path = join(folder, there ?? name);
    if (!there) await writeGguf(path, tensors, { ...shape.metadata, ...vocabulary(shape.vocab) });
    if (statSync(path).size < bytes) throw new Error(`${path} is another model: it has fewer than ${bytes} bytes`);
    return await use({ model, type, path, bytes });
  } finally {
    if (!kept) rmSync(folder, { recursive: true });
  }
}
