/**
 * Scores by distance become scores by key. A query's score for a distance is a product with one vector per distance, the same
 * for all queries, so T queries have T x 2T of them; the one for key j stands as many columns farther to the left as the query
 * stands later. Read with rows one element shorter, the elements wanted lie below each other: the shift costs nothing but
 * strides. Dai et al. 2019, "Transformer-XL", appendix B.
 */
import { ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor/index.ts';

/** Distance of each of the 2T columns that `relativeShift` reads, query minus key: T - 1, T - 2 ... -T. */
export const columnDistances = (T: number): number[] => Array.from({ length: 2 * T }, (_, column) => T - 1 - column);

/**
 * x `[..., T, 2T]`, column m for the distance T - 1 - m, becomes `[..., T, T]` with element (i, j) for the distance i - j.
 * @throws ShapeError when there are not two columns for each row
 */
export function relativeShift(x: Tensor): Tensor {
  const lead = x.shape.slice(0, -2);
  const [T, columns] = [x.dim(-2), x.dim(-1)];
  if (columns !== 2 * T)
    throw new ShapeError('a relative shift takes two columns for each row', { seen: `[${x.shape}]` });
  const width = 2 * T - 1;
  const flat = x.reshape(...lead, 2 * T * T).slice(-1, T - 1, T - 1 + T * width);
  return flat.reshape(...lead, T, width).slice(-1, 0, T);
}
