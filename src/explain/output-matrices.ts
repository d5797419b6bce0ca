/**
 * What the output projection of an attention layer makes of each head, read off the model's own graph: unit vectors are put in
 * the place of the heads' results, so every family, adapter and weights format is covered by its own definition.
 */
import type { ModelInputs } from '../models/forward.ts';
import { replace, Tensor, trace } from '../tensor/index.ts';
import { rowLimit } from './corpus.ts';
import { type AttentionSite, type ExplainedModel, hasEncoder } from './explained-model.ts';

/** out = sum over heads of z_h W_h + bias, with z_h `[E]` and W_h `[E, C]`. */
export interface OutputMatrices {
  readonly heads: number;
  /** E */
  readonly width: number;
  /** C */
  readonly outWidth: number;
  /** `[H, E, C]` */
  readonly matrices: Float32Array;
  /** `[C]` */
  readonly bias: Float32Array;
}

/** Unit vectors are spread over rows of at most so many tokens. */
const ROW = 64;

/** The output projection of a site, head by head. */
export async function outputMatrices(model: ExplainedModel, { name }: AttentionSite): Promise<OutputMatrices> {
  const output = (inputs: ModelInputs) => trace(...Object.values(model.graph(inputs).outputs)).get(`${name}.out`);
  const shapeOf = (inputs: ModelInputs) =>
    trace(...Object.values(model.graph(inputs).outputs)).get(`${name}.z`).shape as [number, number, number, number];
  const [, H, , E] = shapeOf(blankInputs(model, 1, 1));
  const T = Math.min(ROW, rowLimit(model), H * E + 1);
  const B = Math.ceil((H * E + 1) / T);
  // Unit vector n = h * E + e stands at token n % T of row n / T; what comes behind the last one is zero and gives the bias.
  const units = new Float32Array(B * H * T * E);
  for (let n = 0; n < H * E; n++) {
    const [b, t, h, e] = [Math.floor(n / T), n % T, Math.floor(n / E), n % E];
    units[((b * H + h) * T + t) * E + e] = 1;
  }
  const out = replace(output(blankInputs(model, B, T)), `${name}.z`, () => Tensor.from(units, [B, H, T, E]));
  const C = out.dim(-1);
  const data = await out.data();
  const bias = Float32Array.from(data.slice(H * E * C, (H * E + 1) * C));
  const matrices = Float32Array.from(data.slice(0, H * E * C));
  for (let i = 0; i < matrices.length; i++) matrices[i]! -= bias[i % C]!;
  return { heads: H, width: E, outWidth: C, matrices, bias };
}

function blankInputs(model: ExplainedModel, B: number, T: number): ModelInputs {
  const rows = Array.from({ length: B }, () => new Array<number>(T).fill(0));
  return { input_ids: rows, ...(hasEncoder(model) && { decoder_input_ids: rows }) };
}
