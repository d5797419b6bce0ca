/**
 * What a head says to the output directly: how the logits change when its vector is taken out of the last residual stream and out
 * of nothing else. Direct logit attribution (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits") without its
 * linearisation: the last norm is computed again and not frozen.
 */
import type { ModelInputs } from '../models/forward.ts';
import { replace, Tensor, trace } from '../tensor/index.ts';
import {
  type AttentionSite,
  computed,
  type ExplainedModel,
  type NamedValues,
  tokenLogits,
  valuesOf,
} from './explained-model.ts';
import { type OutputMatrices, outputMatrices } from './output-matrices.ts';
import { residualStream } from './residual-stream.ts';

export interface DirectEffects {
  /** Logits `[B, T, V]` minus those without the vector of this head. */
  of(head: number): Promise<NamedValues>;
}

/**
 * The direct effects of a site's heads on these inputs. Undefined where a head's vector is not a term of the last stream: with
 * norms in the stream (BERT), behind the attention (Gemma 2) or with factors on what is added (Granite).
 */
export async function directEffects(
  model: ExplainedModel,
  inputs: ModelInputs,
  site: AttentionSite,
): Promise<DirectEffects | undefined> {
  const { layers } = residualStream(model, inputs);
  const graph = model.graph(inputs);
  const logits = tokenLogits(model, graph);
  if (!(await addsToStream(model, inputs, site, layers))) return undefined;
  const last = layers.at(-1)!;
  const [z, stream] = (await valuesOf(model, inputs, [`${site.name}.z`, last])) as [NamedValues, NamedValues];
  const matrices = await outputMatrices(model, site);
  return {
    async of(head) {
      const vector = headVectors(z, matrices, head);
      const without = Float32Array.from(vector, (x, i) => stream.data[i]! - x);
      const full = replace(logits, last, () => Tensor.from(Float32Array.from(stream.data), stream.shape));
      const other = replace(logits, last, () => Tensor.from(without, stream.shape));
      const difference = full.sub(other);
      return { shape: difference.shape, data: await difference.data() };
    },
  };
}

/** z_h W_h of every token, `[B, T, C]`. */
function headVectors(
  { shape, data }: NamedValues,
  { outWidth: C, matrices }: OutputMatrices,
  head: number,
): Float32Array {
  const [B, H, T, E] = shape as [number, number, number, number];
  const out = new Float32Array(B * T * C);
  for (let b = 0; b < B; b++)
    for (let t = 0; t < T; t++)
      for (let e = 0; e < E; e++) {
        const z = data[((b * H + head) * T + t) * E + e]!;
        const [to, from] = [(b * T + t) * C, (head * E + e) * C];
        for (let c = 0; c < C; c++) out[to + c]! += z * matrices[from + c]!;
      }
  return out;
}

/** Relative to the stream: what rounding may leave. */
const ROUNDING = 1e-4;

/** Whether layers from this one on only add to the stream, and this one what its attention puts out. Checked on numbers. */
async function addsToStream(
  model: ExplainedModel,
  inputs: ModelInputs,
  { name, layer }: AttentionSite,
  layers: readonly string[],
): Promise<boolean> {
  const view = trace(...Object.values(model.graph(inputs).outputs));
  const blocks = layers.slice(layer).map(post => post.replace(/resid_post$/, ''));
  const terms = blocks.flatMap(block => ['attn.out', 'cross.out', 'mlp.out'].map(part => block + part));
  const wanted = [`${blocks[0]}resid_pre`, layers.at(-1)!, ...terms.filter(term => view.has(term))];
  if (!wanted.includes(`${name}.out`)) return false;
  const [before, after, ...added] = await computed(wanted.map(term => view.get(term)));
  let [error, size] = [0, 0];
  for (let i = 0; i < after!.data.length; i++) {
    const sum = added.reduce((x, term) => x + term.data[i]!, before!.data[i]!);
    error = Math.max(error, Math.abs(after!.data[i]! - sum));
    size = Math.max(size, Math.abs(after!.data[i]!));
  }
  return error <= ROUNDING * size;
}
