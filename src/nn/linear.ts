/** Linear layers and embedding tables. */
import { gather, linear as product, type Tensor } from '../tensor/index.ts';
import { type ParamSpec, param } from './params.ts';

/** The tensors of a linear layer. */
export interface LinearParams {
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
}
type LinearSpec = { readonly weight: ParamSpec; readonly bias?: ParamSpec };
/** Declares x Wᵀ + b from `nIn` to `nOut` features. `transposed`: the file holds W as `[in, out]` (GPT-2's Conv1D). */
export function Linear(nIn: number, nOut: number, options: { bias?: boolean; transposed?: boolean } = {}): LinearSpec {
  const { bias = true, transposed = false } = options;
  const weight = param([nOut, nIn], 'normal', { matrix: true, ...(transposed && { transposed }) });
  return bias ? { weight, bias: param([nOut], 'zeros') } : { weight };
}
/** `[..., in] -> [..., out]` */
export const linear = (p: LinearParams, x: Tensor): Tensor => product(x, p.weight, p.bias);

/** Declares a table of `n` rows. */
export const Embedding = (n: number, width: number) => ({ weight: param([n, width], 'normal', { matrix: true }) });
/** Rows of the table: ids i32 `[...] -> [..., C]`. */
export const embedding = (p: { readonly weight: Tensor }, ids: Tensor): Tensor => gather(p.weight, ids);
