/** Normalisation layers. */
import { layerNorm as layerNormOp, rmsNorm as rmsNormOp, type Tensor } from '../tensor/index.ts';
import { param } from './params.ts';

export const LayerNorm = (width: number) => ({ weight: param([width], 'ones'), bias: param([width], 'zeros') });
/** Ba et al. 2016, over the last axis. */
export const layerNorm = (p: { weight: Tensor; bias?: Tensor | undefined }, x: Tensor, eps: number): Tensor =>
  layerNormOp(x, p.weight, p.bias, eps);

export const RmsNorm = (width: number) => ({ weight: param([width], 'ones') });
/** Zhang & Sennrich 2019, over the last axis. */
export const rmsNorm = (p: { weight: Tensor }, x: Tensor, eps: number): Tensor => rmsNormOp(x, p.weight, eps);

/** The weight is what is added to 1, so that weight decay pulls towards no scaling. */
export const OffsetRmsNorm = (width: number) => ({ weight: param([width], 'zeros') });
/** x / sqrt(mean(x²) + eps) * (1 + weight), over the last axis. */
export const offsetRmsNorm = (p: { weight: Tensor }, x: Tensor, eps: number): Tensor =>
  rmsNormOp(x, p.weight.add(1), eps);
