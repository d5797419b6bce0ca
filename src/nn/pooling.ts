/** One vector per sequence out of one per token. */
import { ConfigError } from '../errors.ts';
import { gather, Tensor } from '../tensor/index.ts';

/**
 * State of the last token that is not padding: x `[B, T, C]`, ids i32 `[B, T]` on the host, result `[B, C]`. Without a
 * padding id the last token. As the reference does, padding is told by the id, not by the mask.
 */
export function lastToken(x: Tensor, ids: Tensor, padId: number | undefined): Tensor {
  if (ids.storage?.kind !== 'host') throw new ConfigError('ids must be a leaf on the host');
  const [B, T, C] = x.shape as [number, number, number];
  const { data } = ids.storage;
  const rows = Int32Array.from({ length: B }, (_, b) => {
    let t = T - 1;
    while (padId !== undefined && t > 0 && data[b * T + t] === padId) t--;
    return b * T + t;
  });
  return gather(x.reshape(B * T, C), Tensor.from(rows, [B]));
}
