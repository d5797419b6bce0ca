/** A value that is taken as given: nothing below it learns from it. */
import type { Tensor } from '../tensor.ts';
import { composite } from './composite.ts';

const STOP_GRADIENT = composite({
  name: 'stopGradient',
  define: ([x]) => x!,
  gradient: () => [null],
  flops: () => 0,
});
/** x itself, `[...] -> [...]`, but with no gradient. */
export const stopGradient = (x: Tensor): Tensor => STOP_GRADIENT([x], undefined);
