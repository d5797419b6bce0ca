/**
 * A whole step of training: nanoGPT's character model of 6 layers, 384 wide, context 256, 12 texts at a time, with loss,
 * gradients, clipping and AdamW. Its share is that of the multiply-adds which the arithmetic needs.
 */
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { ConfigReader } from '../src/models/config-reader.ts';
import { gpt2 } from '../src/models/gpt2.ts';
import { initializeParameters } from '../src/nn/initialize.ts';
import { countParams, type Spec } from '../src/nn/params.ts';
import { tokenBatch } from '../src/nn/tokens.ts';
import {
  adamStep,
  assign,
  blend,
  blendSquare,
  compute,
  crossEntropy,
  leavesOf,
  setDefaultBackend,
  sumOfSquares,
  Tensor,
  valueAndGrad,
} from '../src/tensor/index.ts';
import { FLOPS, PEAK_KERNELS } from './peak.ts';
import { filled, repeatStep } from './steps.ts';
import type { Row } from './table.ts';
import { interleave, type Times } from './timing.ts';

export const SHAPE = { layers: 6, width: 384, heads: 6, context: 256, batch: 12, vocabulary: 65 } as const;
export const TOKENS = SHAPE.batch * SHAPE.context;
const PEAK_CALLS = 200;

export interface Training {
  step(): Promise<void>;
  /** As many multiply-adds as the machine can. */
  peak(): Promise<void>;
  row(step: Times, peak: Times): Row;
  close(): void;
}

export async function training(threads: number): Promise<Training> {
  const { layers, width, heads, context, batch, vocabulary } = SHAPE;
  const limit = await createWasmBackend({ threads, kernels: PEAK_KERNELS });
  const backend = await createWasmBackend({ threads });
  setDefaultBackend(backend);
  const fields = { vocab_size: vocabulary, n_positions: context, n_embd: width, n_layer: layers, n_head: heads };
  const config = gpt2.config(new ConfigReader(fields, 'nanoGPT'));
  const head = gpt2.heads.causalLM!;
  const spec = head.parameters(config) as Spec;
  const params = await initializeParameters(spec, backend, 1, { plain: true });
  const count = countParams(spec);

  const text = Array.from({ length: batch }, (_, b) =>
    Int32Array.from({ length: context }, (_, t) => ((b * context + t) * 7919) % vocabulary),
  );
  const input = tokenBatch(text, { vocabSize: vocabulary, contextLength: context });
  const labels = Tensor.from(Int32Array.from({ length: TOKENS }, (_, i) => ((i + 1) * 7919) % vocabulary));
  const { value, grad } = valueAndGrad((p: typeof params) => {
    const { logits } = head.outputs(p, config, head.hidden(p, config, input), input);
    return crossEntropy(logits!.reshape(TOKENS, vocabulary), labels);
  })(params);
  const updates = await adamW(params, grad);

  const activations = layers * (8 * width + 2 * 4 * width) + 2 * width + vocabulary;
  const needed = 16 * count + 4 * TOKENS * activations;
  // The products of the scores and the values, of which a causal text needs half.
  const flops = 6 * count * TOKENS + 6 * layers * TOKENS * context * width;
  const { revec } = limit.module.features;
  const most = revec ? 'multiplyAddPairs' : 'multiplyAdds';
  return {
    step: async () => {
      await assign(updates, value);
    },
    peak: repeatStep(limit, most, [], await filled(limit, [64, 64]), PEAK_CALLS),
    row: (step, peak) => ({
      threads,
      'step ms': step.min,
      'tokens/s': (1000 * TOKENS) / step.min,
      '(median)': (1000 * TOKENS) / step.median,
      'GFLOP/s': flops / step.min / 1e6,
      limit: (threads * FLOPS[most] * PEAK_CALLS) / peak.min / 1e6,
      share: flops / step.min / ((threads * FLOPS[most] * PEAK_CALLS) / peak.min),
      'memory MiB': backend.memory().used / 2 ** 20,
      'times the least': backend.memory().used / needed,
    }),
    close() {
      backend.close();
      limit.close();
    },
  };
}

/** Clipped to a norm of 1; moments start at 0. */
async function adamW<P>(params: P, grad: P): Promise<[Tensor, Tensor][]> {
  const tensors = (tree: P) => leavesOf(tree).map(([, tensor]) => tensor);
  const gradients = tensors(grad);
  const scalar = (x: number) => Tensor.from(new Float32Array([x]), []);
  const factors = { shrink: scalar(0.9999), rate: scalar(1e-3), root: scalar(1), eps: 1e-8 };
  const norm = gradients
    .map(sumOfSquares)
    .reduce((a, b) => a.add(b))
    .sqrt();
  const clip = norm.add(1e-6).reciprocal().minimum(1);
  const [first, second] = [clip.mul(0.1), clip.mul(clip).mul(0.01)];
  const updates: [Tensor, Tensor][] = [];
  for (const [i, p] of tensors(params).entries()) {
    const [m, v] = [Tensor.full(p.shape, 0), Tensor.full(p.shape, 0)];
    await compute(m, v);
    const newM = blend(m, 0.9, gradients[i]!, first);
    const newV = blendSquare(v, 0.99, gradients[i]!, second);
    updates.push([m, newM], [v, newV], [p, adamStep(p, newM, newV, factors)]);
  }
  return updates;
}

export async function trainStep(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const threads of [1, 2]) {
    const run = await training(threads);
    const times = await interleave({ step: run.step, peak: run.peak }, { seconds: 5 });
    rows.push(run.row(times.step, times.peak));
    run.close();
  }
  return rows;
}
