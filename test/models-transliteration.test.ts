/**
 * A small trained encoder-decoder by another hand, names from Arabic into Latin letters, against results that were computed
 * independently in double precision. M2M-100's computation with a table for each side. The files are not part of the project:
 * without them beside it these tests are skipped.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../src/backends/reference/index.ts';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import {
  bytesSource,
  type Checkpoint,
  openCheckpoint,
  openSafetensors,
  safetensorsBytes,
} from '../src/formats/index.ts';
import type { GeneratedSequence, GenerateOptions } from '../src/generate/index.ts';
import { Model } from '../src/hub/model.ts';
import type { Architecture } from '../src/models/architecture.ts';
import { type EmbeddingsConfig, sinusoidalEmbedding } from '../src/models/seq2seq-embeddings.ts';
import { type Seq2SeqHeadConfig, seq2seqLMHead } from '../src/models/seq2seq-heads.ts';
import {
  DecoderLayers,
  decoderCache,
  EncoderLayers,
  type LayersConfig,
  preNorm,
  textToText,
} from '../src/models/seq2seq-layers.ts';
import { Embedding, Linear, linear } from '../src/nn/linear.ts';
import { loadParameters } from '../src/nn/load-parameters.ts';
import { LayerNorm } from '../src/nn/norm.ts';
import { listParams } from '../src/nn/params.ts';
import type { Backend } from '../src/tensor/index.ts';
import { compareFloats } from './golden/compare.ts';

const ROOT = fileURLToPath(new URL('../../shared/models/aren-transliteration', import.meta.url));
const missing = existsSync(ROOT) ? '' : ' (skipped: the shared model files are not here)';
const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend(),
};

interface Name {
  readonly source: string;
  readonly source_ids: number[];
  readonly greedy: string;
  /** Sum of the log-probabilities, the end token's included. */
  readonly greedy_score: number;
  /** Best first, with the same sum for each. */
  readonly beam4: (readonly [text: string, score: number])[];
  readonly first_logits: number[];
  readonly encoder_first_row: number[];
}
interface FileConfig {
  readonly d_model: number;
  readonly num_heads: number;
  readonly encoder_layers: number;
  readonly decoder_layers: number;
  readonly ffn_dim: number;
  readonly activation: string;
  readonly source_vocab: number;
  readonly target_vocab: number;
  readonly eos_token_id: number;
  readonly decoder_start_token_id: number;
}

interface Config extends LayersConfig, EmbeddingsConfig, Seq2SeqHeadConfig {
  source_vocab_size: number;
}
/** The blank is token 0, and the first position is 1. */
const configOf = (file: FileConfig): Config => ({
  d_model: file.d_model,
  encoder_layers: file.encoder_layers,
  encoder_attention_heads: file.num_heads,
  encoder_ffn_dim: file.ffn_dim,
  decoder_layers: file.decoder_layers,
  decoder_attention_heads: file.num_heads,
  decoder_ffn_dim: file.ffn_dim,
  activation_function: file.activation,
  max_position_embeddings: 1024,
  scale_embedding: true,
  source_vocab_size: file.source_vocab,
  vocab_size: file.target_vocab,
  pad_token_id: 0,
  decoder_start_token_id: file.decoder_start_token_id,
});
const body = textToText(
  (c: Config) => ({
    encoder: {
      embed_tokens: Embedding(c.source_vocab_size, c.d_model),
      layers: EncoderLayers(c),
      layer_norm: LayerNorm(c.d_model),
    },
    decoder: {
      embed_tokens: Embedding(c.vocab_size, c.d_model),
      layers: DecoderLayers(c),
      layer_norm: LayerNorm(c.d_model),
    },
  }),
  {
    embed: (p, side, c, input) =>
      sinusoidalEmbedding(p[side].embed_tokens, c, input, {
        layout: 'halves',
        reachesSlowest: true,
        afterPadding: true,
      }),
    norms: preNorm,
  },
);
const architecture = {
  name: 'transliteration',
  heads: {
    seq2seqLM: seq2seqLMHead(body, {
      parameters: c => ({ lm_head: Linear(c.d_model, c.vocab_size) }),
      logits: (p, _c, x) => linear(p.lm_head, x),
    }),
  },
  vocabSize: (c: Config) => c.vocab_size,
  contextLength: () => undefined,
  sourceVocabSize: (c: Config) => c.source_vocab_size,
  cache: decoderCache,
} as unknown as Architecture;

/** Parameter names of a tensor of the file; of several, its rows are theirs in turn. */
function parameterNames(key: string): string[] {
  const parts = key.split('/');
  const [side, layer, sublayer] = parts;
  const kind = { gamma: 'weight', beta: 'bias' }[parts.at(-1)!] ?? parts.at(-1)!;
  if (layer === 'projection') return [`lm_head.${kind}`];
  if (layer === 'embeddings') return [`${side}.embed_tokens.weight`];
  if (layer === 'layer_norm') return [`${side}.layer_norm.${kind}`];
  const at = `${side}.layers.${layer!.replace('layer_', '')}`;
  const [attention, norm] = {
    self_attention: ['self_attn', 'self_attn_layer_norm'],
    attention: ['encoder_attn', 'encoder_attn_layer_norm'],
    ffn: ['', 'final_layer_norm'],
  }[sublayer!] as [string, string];
  const part = parts[3]!;
  if (part === 'layer_norm') return [`${at}.${norm}.${kind}`];
  const index = Number(part.replace('linear_', ''));
  if (sublayer === 'ffn') return [`${at}.fc${index + 1}.${kind}`];
  const fused = sublayer === 'self_attention' ? [['q', 'k', 'v'], ['out']] : [['q'], ['k', 'v'], ['out']];
  return fused[index]!.map(name => `${at}.${attention}.${name}_proj.${kind}`);
}
async function renamed(path: string): Promise<Checkpoint> {
  const file = await openCheckpoint(path);
  const tensors = [];
  for (const { name, dtype, shape, byteLength } of file.tensors.values()) {
    const bytes = await file.read(name, 0, byteLength);
    const names = parameterNames(name);
    const each = byteLength / names.length;
    for (const [i, own] of names.entries())
      tensors.push({
        name: own,
        dtype,
        shape: [shape[0]! / names.length, ...shape.slice(1)],
        chunks: () => [bytes.slice(i * each, (i + 1) * each)],
      });
  }
  await file.close();
  return openSafetensors(bytesSource(safetensorsBytes(tensors)));
}

describe.skipIf(missing).each(Object.keys(BACKENDS))(`transliteration on %s${missing}`, name => {
  const json = async <T>(file: string): Promise<T> => JSON.parse(await readFile(`${ROOT}/${file}`, 'utf8'));
  let backend: Backend;
  let model: Model;
  let expected: Name[];
  let letters: string[];
  let start: number;
  let end: number;
  beforeAll(async () => {
    backend = await BACKENDS[name]!();
    expected = await json('expected.json');
    letters = (await readFile(`${ROOT}/target_vocabulary.txt`, 'utf8')).split('\n');
    const file = await json<FileConfig>('config.json');
    start = file.decoder_start_token_id;
    end = file.eos_token_id;
    const config = configOf(file);
    const spec = architecture.heads.seq2seqLM!.parameters(config);
    const checkpoint = await renamed(`${ROOT}/model.safetensors`);
    const { params, unexpected } = await loadParameters(checkpoint, spec, backend, { rename: key => key });
    expect(unexpected).toEqual([]);
    model = new Model({
      ...{ architecture, config, params, backend, head: 'seq2seqLM', type: 'transliteration' },
      ...{ specs: new Map(listParams(spec)), tokenizer: undefined, defaults: {}, unexpected },
    });
  });
  afterAll(() => {
    model.dispose();
    backend.close();
  });
  const close = (actual: ArrayLike<number>, of: readonly number[], what: string) => {
    const { error, bound } = compareFloats(actual, { shape: [of.length], data: of });
    expect(error, what).toBeLessThanOrEqual(bound);
  };
  const generate = async (prompts: number[][], options: GenerateOptions): Promise<readonly GeneratedSequence[]> => {
    const all = { eosTokenId: end, maxNewTokens: 32, ...options };
    for await (const event of model.generateIds(prompts, all)) if (event.type === 'done') return event.sequences;
    throw new Error('generation ended without a result');
  };
  const textOf = (ids: readonly number[]) => ids.map(id => (id === end ? '' : letters[id])).join('');

  it('gives the encoder states and the first logits of every name', async () => {
    for (const { source, source_ids, first_logits, encoder_first_row } of expected) {
      const inputs = { input_ids: [source_ids], decoder_input_ids: [[start]] };
      const { logits, trace } = await model.run(inputs, { trace: ['encoder.ln_final'] });
      close(await logits.data(), first_logits, source);
      const states = await trace['encoder.ln_final']!.data();
      close(states.slice(0, encoder_first_row.length), encoder_first_row, source);
    }
  });

  it('writes all names in one batch of padded sources, with their log-probabilities', async () => {
    const sequences = await generate(
      expected.map(({ source_ids }) => source_ids),
      { logprobs: true },
    );
    expect(sequences.map(({ ids }) => textOf(ids))).toEqual(expected.map(({ greedy }) => greedy));
    const sums = sequences.map(({ logprobs }) => logprobs!.reduce((sum, x) => sum + x, 0));
    close(
      sums,
      expected.map(({ greedy_score }) => greedy_score),
      'sums',
    );
  });

  /**
   * The search behind the expected lists: down the continuations of all beams, best first, until four go on; those that end on
   * the way are results, and four results end it.
   */
  const searched = async (source: number[]) => {
    const encoded = await model.encode({ input_ids: [source] });
    const session = encoded.open({ batch: 1, capacity: 32 });
    let beams = [{ ids: [start], score: 0, row: 0 }];
    const ended: typeof beams = [];
    while (ended.length < 4) {
      const logits = await session.step(beams.map(({ ids }) => ids.slice(-1)));
      const continued = beams.flatMap(({ ids, score }, row) => {
        const total = Math.log(logits[row]!.reduce((sum, x) => sum + Math.exp(x), 0));
        return Array.from(logits[row]!, (logit, id) => ({ ids: [...ids, id], score: score + logit - total, row }));
      });
      beams = [];
      for (const beam of continued.sort((a, b) => b.score - a.score)) {
        if (beams.length === 4) break;
        (beam.ids.at(-1) === end ? ended : beams).push(beam);
      }
      await session.reorder(beams.map(({ row }) => row));
    }
    session.dispose();
    encoded.dispose();
    return ended.sort((a, b) => b.score - a.score).slice(0, 4);
  };

  it('has the expected four best of every name', async () => {
    for (const { source, source_ids, beam4 } of expected) {
      const found = await searched(source_ids);
      const texts = found.map(({ ids }) => textOf(ids.slice(1)));
      expect(texts, source).toEqual(beam4.map(([text]) => text));
      const scores = found.map(({ score }) => score);
      close(
        scores,
        beam4.map(([, score]) => score),
        source,
      );
    }
  });

  it('finds them in its own search, or better ones that are longer', async () => {
    const sequences = await generate(
      expected.map(({ source_ids }) => source_ids),
      { numBeams: 4, numReturnSequences: 4, lengthPenalty: 0 },
    );
    let same = 0;
    for (const [i, { source, beam4 }] of expected.entries()) {
      const found = sequences.filter(({ prompt }) => prompt === i);
      for (const [rank, [text, score]] of beam4.entries()) {
        const { ids, score: own } = found[rank]!;
        if (textOf(ids) === text) {
          close([own!], [score], source);
          same++;
        } else expect(own, source).toBeGreaterThan(score);
      }
    }
    expect(same).toBe(4 * expected.length - 2);
  });
});
