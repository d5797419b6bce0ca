/**
 * How costs grow: longer prompts, longer contexts, more rows, padding, longer sources. Beside each time stands the least that
 * its arithmetic allows here: operations over the multiply-add peak or bytes over the read bandwidth, whichever is more,
 * both measured in the same turns. What grows faster than its work loses share.
 */
import { createWasmBackend, type WasmBackend } from '../src/backends/wasm/index.ts';
import { KERNELS } from '../src/backends/wasm/kernels/index.ts';
import { ConfigReader } from '../src/models/config-reader.ts';
import { EncodedSource } from '../src/models/encoded-source.ts';
import { headOf, type LoadedModel } from '../src/models/forward.ts';
import { architectureOf } from '../src/models/index.ts';
import { DecoderSession } from '../src/models/session.ts';
import { initializeParameters } from '../src/nn/initialize.ts';
import { countParams, listParams } from '../src/nn/params.ts';
import { sizeOf } from '../src/tensor/index.ts';
import { FLOPS, PEAK_KERNELS } from './peak.ts';
import { filled, repeatStep } from './steps.ts';
import type { Row } from './table.ts';
import { interleave } from './timing.ts';

const THREADS = 2;
const READ_MIB = 256;
const CALLS = 50;

/** A piece of work, with what it cannot do without. */
interface Task {
  readonly what: string;
  readonly tokens: number;
  readonly flops: number;
  readonly bytes: number;
  run(): Promise<void>;
}

export async function growth(): Promise<Row[]> {
  const backend = await createWasmBackend({ threads: THREADS, kernels: [...KERNELS, ...PEAK_KERNELS] });
  const decoder = await randomModel(backend, { model_type: 'gpt2' });
  const both = await randomModel(backend, { model_type: 'bart', ...BART_BASE });
  const tasks = [
    ...[256, 512].map(n => prompt(decoder, 1, n)),
    ...[1, 8].map(rows => prompt(decoder, rows, 64)),
    prompt(decoder, 8, 64, 16),
    ...(await Promise.all([128, 1024 - STEPS].map(context => decode(decoder, 1, context)))),
    await decode(decoder, 8, 128),
    ...(await Promise.all([128, 1000].map(source => decode(both, 1, 16, source)))),
  ];
  const memory = await filled(backend, [READ_MIB, 1 << 18]);
  const nothing = await filled(backend, [1]);
  const times = await interleave(
    {
      peak: repeatStep(backend, 'multiplyAdds', [], nothing, CALLS),
      read: repeatStep(backend, 'read', [memory], nothing, 1),
      ...Object.fromEntries(tasks.map(({ what, run }) => [what, run])),
    } as Record<string, () => Promise<void>>,
    { seconds: 2 },
  );
  backend.close();
  const flopsPerMs = (CALLS * THREADS * FLOPS.multiplyAdds) / times.peak!.min;
  const bytesPerMs = (READ_MIB << 20) / times.read!.min;
  return tasks.map(({ what, tokens, flops, bytes }) => {
    const { min, median } = times[what]!;
    const [compute, memory] = [flops / flopsPerMs, bytes / bytesPerMs];
    return {
      what,
      'ms best': min,
      'ms median': median,
      'tokens/s': (1000 * tokens) / min,
      GFLOP: flops / 1e9,
      MB: bytes / 1e6,
      'least ms': Math.max(compute, memory),
      bound: compute > memory ? 'arithmetic' : 'memory',
      'share of the limit': Math.max(compute, memory) / min,
    };
  });
}

const BART_BASE = {
  ...{ vocab_size: 50265, d_model: 768, encoder_layers: 6, decoder_layers: 6, encoder_ffn_dim: 3072 },
  ...{ decoder_ffn_dim: 3072, encoder_attention_heads: 12, decoder_attention_heads: 12 },
};
/** Decode steps of a run: one is too short to time. */
const STEPS = 8;

type Model = LoadedModel & { readonly weights: number; readonly layers: number; readonly width: number };

async function randomModel(backend: WasmBackend, json: Readonly<Record<string, unknown>>): Promise<Model> {
  const { architecture, json: full } = await architectureOf(json);
  const config = architecture.config(new ConfigReader(full, 'bench'));
  const head = architecture.heads.causalLM ? 'causalLM' : 'seq2seqLM';
  const spec = headOf({ architecture, head }).parameters(config);
  const params = await initializeParameters(spec, backend, 1);
  // Of an encoder-decoder a step reads the decoder only; tables of positions are looked up, not read.
  const skipped = listParams(spec).filter(([name]) => /(^|\.)(encoder\.|wpe\.|embed_positions)/.test(name));
  const weights = countParams(spec) - skipped.reduce((n, [, { shape }]) => n + sizeOf(shape), 0);
  const { layers, heads, headDim } = architecture.cache!(config);
  return { architecture, config, params, backend, head, weights, layers, width: heads * headDim };
}

const idsOf = (rows: number, n: number, from = 0) =>
  Array.from({ length: rows }, (_, r) => Array.from({ length: n }, (_, i) => ((r + i + from) * 7919) % 50000));

/** Reading a prompt; logits of its last position only. @param short tokens of every row but the first; the rest is padding */
function prompt(model: Model, rows: number, n: number, short = n): Task {
  const { weights, layers, width } = model;
  const head = 50257 * width;
  // Only real tokens count as work: what is computed for padding shows as a smaller share.
  const lengths = Array.from({ length: rows }, (_, r) => (r === 0 ? n : short));
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const pairs = lengths.reduce((sum, length) => sum + length * length, 0);
  const flops = 2 * tokens * (weights - head) + 2 * rows * head + 2 * layers * width * pairs;
  const ids = idsOf(rows, n);
  const mask = ids.map((row, r) => row.map((_, i) => (r === 0 || i >= n - short ? 1 : 0)));
  const padding = short < n ? `, padded from ${short}` : '';
  return {
    what: `prompt of ${n}, ${rows} ${rows === 1 ? 'row' : 'rows'}${padding}`,
    tokens,
    flops,
    bytes: 4 * weights,
    async run() {
      const session = new DecoderSession(model, { batch: rows, capacity: n });
      await session.step(ids, padding ? mask : undefined);
      session.dispose();
    },
  };
}

/** Steps behind a context, and in front of a source in an encoder-decoder. */
async function decode(model: Model, rows: number, context: number, source?: number): Promise<Task> {
  const { weights, layers, width } = model;
  const sources = source === undefined ? undefined : await EncodedSource.of(model, { input_ids: idsOf(rows, source) });
  const session = new DecoderSession(model, { batch: rows, capacity: context + STEPS }, sources);
  for (let at = 0; at < context; at += 256) await session.step(idsOf(rows, Math.min(256, context - at), at));
  const seen = rows * (context + STEPS / 2 + (source ?? 0));
  // Keys and values of a source are there already: their two matrices of each layer are not read.
  const read = weights - (source === undefined ? 0 : 2 * layers * width * width);
  return {
    what: `decode behind ${context}, ${rows} ${rows === 1 ? 'row' : 'rows'}${source === undefined ? '' : `, source of ${source}`}`,
    tokens: rows * STEPS,
    flops: STEPS * (2 * rows * read + 4 * layers * width * seen),
    bytes: STEPS * 4 * (read + 2 * layers * width * seen),
    async run() {
      session.trim(context);
      for (let i = 0; i < STEPS; i++) await session.step(idsOf(rows, 1, i));
    },
  };
}
