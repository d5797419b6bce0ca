/** Linear layers and embedding tables. */
import { gather, linear as product, type Tensor } from '../tensor/index.ts';
import { type Adapted, type AdaptedTable, addLookups, addLowRank } from './adapter.ts';
import { type ParamSpec, param } from './params.ts';

/** The tensors of a linear layer. */
export interface LinearParams extends Adapted {
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
/** `[..., in] -> [..., out]`, with the layer's adapters. */
export function linear({ weight, bias, adapters }: LinearParams, x: Tensor): Tensor {
  const y = product(x, weight, bias);
  return adapters ? addLowRank(adapters, x, y, bias) : y;
}

/** Declares a table of `n` rows. */
export const Embedding = (n: number, width: number) => ({
  weight: param([n, width], 'normal', { matrix: true, table: true }),
});
/** Rows of the table: ids i32 `[...] -> [..., C]`, with its adapters. */
export function embedding({ weight, lookups }: { readonly weight: Tensor } & AdaptedTable, ids: Tensor): Tensor {
  const y = gather(weight, ids);
  return lookups ? addLookups(lookups, ids, y) : y;
}
