/** The cache: what it holds after a prompt, and that a prompt with steps after it gives what one full pass gives. */
import type { Model } from '../../src/hub/model.ts';
import { headOf } from '../../src/models/forward.ts';
import type { DecoderSession } from '../../src/models/session.ts';
import { KVCache } from '../../src/nn/cache.ts';
import type { RopeScaling } from '../../src/nn/rope.ts';
import { tokenBatch } from '../../src/nn/tokens.ts';
import { compute, dataOfAll, order, type Tensor } from '../../src/tensor/index.ts';
import { type Check, compareFloats, type Expected, maxAbs } from './compare.ts';
import { inputsOf, lastSlots } from './forward.ts';
import type { GoldenCase } from './golden-files.ts';

/** How the tokens of a case are cut into steps: `half` of them at once and the others one by one, and so on. */
function cuts(T: number): Record<string, number[]> {
  const half = T >> 1;
  return {
    'in one step': [T],
    'prompt and single tokens': [half, ...Array<number>(T - half).fill(1)],
    'in pieces': [1, half, T - half - 1],
  };
}

/** Checks of a decoder's session against the logits and the cache of a full pass. */
export async function* sessionChecks(model: Model, caseName: string, expected: GoldenCase): AsyncGenerator<Check> {
  const inputs = inputsOf(expected);
  const ids = inputs.input_ids!.map(row => Array.from(row));
  const mask = inputs.attention_mask?.map(row => Array.from(row));
  const { rope } = model.parts.config as { rope?: { scaling: RopeScaling } };
  // Keys that stay in the cache keep the rotation of the length they were written at: then steps are no full pass.
  const stretches = rope?.scaling.rope_type === 'dynamic';
  const steps = stretches ? { 'in one step': [ids[0]!.length] } : cuts(ids[0]!.length);
  yield* stepChecks(model, caseName, { ids, mask, steps, logits: expected.get('logits')! });
  if (expected.has('cache_key.0')) yield* cacheChecks(model, caseName, ids, expected);
}

/** The same of an encoder-decoder's session, whose tokens are the decoder's and whose source is encoded once. */
export async function* sourceSessionChecks(
  model: Model,
  caseName: string,
  expected: GoldenCase,
): AsyncGenerator<Check> {
  const { labels, ...inputs } = inputsOf(expected);
  const { config } = model.parts;
  const made = headOf(model.parts).decoderIds?.(config, { input_ids: inputs.input_ids, labels });
  const ids = (inputs.decoder_input_ids ?? made)!.map(row => Array.from(row));
  const source = await model.encode(inputs);
  try {
    const steps = cuts(ids[0]!.length);
    yield* stepChecks(source, caseName, { ids, mask: undefined, steps, logits: expected.get('logits')! });
  } finally {
    source.dispose();
  }
}

/** That the steps give the logits of a full pass, however the tokens are cut. */
async function* stepChecks(
  decoder: { open(options: { batch: number; capacity: number }): DecoderSession },
  caseName: string,
  given: { ids: number[][]; mask: number[][] | undefined; steps: Record<string, number[]>; logits: Expected },
): AsyncGenerator<Check> {
  const { ids, mask, steps, logits } = given;
  for (const [how, lengths] of Object.entries(steps)) {
    const session = decoder.open({ batch: ids.length, capacity: ids[0]!.length });
    try {
      let at = 0;
      for (const length of lengths) {
        const part = (rows: number[][]) => rows.map(row => row.slice(at, at + length));
        const last = await session.step(part(ids), mask && part(mask));
        at += length;
        for (const [b, row] of last.entries())
          if (!mask || mask[b]![at - 1] === 1)
            yield {
              name: `${caseName}/session, ${how}`,
              part: `row ${b}, slot ${at - 1}`,
              ...compareFloats(row, rowAt(logits, b, at - 1)),
            };
      }
    } finally {
      session.dispose();
    }
  }
}

/** Logits of one token, on the scale of the whole tensor. */
function rowAt(logits: Expected, b: number, t: number): Expected {
  const [, T, V] = logits.shape as [number, number, number];
  const from = (b * T + t) * V;
  return { shape: [V], data: Array.from({ length: V }, (_, i) => logits.data[from + i]!), scale: maxAbs(logits) };
}

/** The buffers as the token after the prompt finds them. */
async function* cacheChecks(
  model: Model,
  caseName: string,
  ids: number[][],
  expected: GoldenCase,
): AsyncGenerator<Check> {
  const { architecture, config, params, backend } = model.parts;
  const T = ids[0]!.length;
  const cache = new KVCache(backend, architecture.cache!(config), { batch: ids.length, capacity: T + 1 });
  const append = async (rows: readonly number[][]): Promise<Tensor> => {
    const batch = tokenBatch(rows, { vocabSize: model.vocabSize, contextLength: undefined, offsets: cache.positions });
    await cache.extend(rows[0]!.length, batch.mask);
    return architecture.heads.causalLM!.hidden(params, config, { ...batch, cache });
  };
  try {
    const prompt = await append(ids);
    await compute(prompt);
    prompt.dispose();
    const buffers = order([await append(ids.map(() => [0]))]).filter(node => node.op.name === 'cacheAppend');
    const contents = await dataOfAll(...buffers);
    for (const [i, content] of contents.entries()) {
      const kind = i % 2 === 0 ? 'cache_key' : 'cache_value';
      const layer = i >> 1;
      const reference = expected.get(`${kind}.${layer}`)!;
      const [B, G, S, D] = buffers[i]!.shape as [number, number, number, number];
      const filled = content.filter((_, at) => Math.floor(at / D) % S < T);
      yield {
        name: `${caseName}/${kind} in the cache`,
        part: `${layer}`,
        ...compareFloats(lastSlots(filled, kind, reference, [B, G, T, D]), reference),
      };
    }
  } finally {
    cache.dispose();
  }
}
