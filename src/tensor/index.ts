/** The lazy tensor graph. */
export { type Backend, CannotKeepError, type DeviceBuffer, type Kernel, type WeightDType } from './backend.ts';
export { assign, compute, dataOfAll, defaultBackend, setDefaultBackend } from './compute.ts';
export { type Cost, cost, describe, type NodeDescription } from './cost.ts';
export { bytesOf, type DType, type TypedArray } from './dtype.ts';
export { type GradientOptions, gradient, valueAndGrad } from './gradient.ts';
export { expand, order, rewrite } from './graph.ts';
export type { Op } from './op.ts';
export {
  elu,
  gelu,
  geluTanh,
  leakyRelu,
  logSigmoid,
  mish,
  quickGelu,
  relu,
  sigmoid,
  silu,
  softplus,
} from './ops/activation.ts';
export { type AttentionOptions, attention } from './ops/attention.ts';
export { crossEntropy, IGNORE, rowCrossEntropy } from './ops/cross-entropy.ts';
export { dropout } from './ops/dropout.ts';
export { expertLinear, groupOrder } from './ops/experts.ts';
export { gather, scatterAdd, takeAlong } from './ops/gather.ts';
export { linear, matmul } from './ops/matmul.ts';
export { concat } from './ops/movement.ts';
export { groupNorm, layerNorm, rmsNorm } from './ops/norm.ts';
export { adamStep, blend, blendSquare, lionStep, type Scalar, sumOfSquares } from './ops/optimizer.ts';
export { topK } from './ops/order.ts';
export { cumsum } from './ops/reduce.ts';
export { rope } from './ops/rope.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export { stopGradient } from './ops/stop-gradient.ts';
export { type Segments, scopeSegments } from './recompute.ts';
export { scope } from './scope.ts';
export { type Shape, sizeOf } from './shape.ts';
export { Tensor } from './tensor.ts';
export { replace, type Trace, trace } from './trace.ts';
export { leavesOf, mapTree } from './tree.ts';
