/** Gated feed-forward layer. Shazeer 2020, "GLU Variants Improve Transformer". */
import type { Tensor } from '../tensor/index.ts';
import { activation } from './activation.ts';
import { Linear, type LinearParams, linear } from './linear.ts';

export const GatedMlp = (width: number, inner: number, bias = false) => ({
  gate_proj: Linear(width, inner, { bias }),
  up_proj: Linear(width, inner, { bias }),
  down_proj: Linear(inner, width, { bias }),
});
/** down(act(gate(x)) * up(x)): `[B, T, C] -> [B, T, C]`. Names `pre`, `act` and `out`. */
export function gatedMlp(
  p: { readonly gate_proj: LinearParams; readonly up_proj: LinearParams; readonly down_proj: LinearParams },
  x: Tensor,
  act: string,
): Tensor {
  const gate = activation(act)(linear(p.gate_proj, x).named('pre'));
  return linear(p.down_proj, gate.mul(linear(p.up_proj, x)).named('act')).named('out');
}
