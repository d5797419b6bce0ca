/** All kernels of the WebAssembly backend. */
import type { WasmKernel } from '../kernel.ts';
import { ACTIVATION_GRADIENT_KERNELS } from './activation-gradient.ts';
import { ATTENTION_KERNELS } from './attention.ts';
import { ATTENTION_GRADIENT_KERNELS } from './attention-gradient.ts';
import { CACHE_KERNELS } from './cache.ts';
import { CROSS_ENTROPY_KERNELS } from './cross-entropy.ts';
import { DROPOUT_KERNELS } from './dropout.ts';
import { ELEMENTWISE_KERNELS } from './elementwise.ts';
import { EXPERT_KERNELS } from './experts.ts';
import { gather, scatterAdd } from './gather.ts';
import { linear } from './linear.ts';
import { matmul } from './matmul.ts';
import { MOVEMENT_KERNELS } from './movement.ts';
import { NORM_KERNELS } from './norm.ts';
import { NORM_GRADIENT_KERNELS } from './norm-gradient.ts';
import { OPTIMIZER_KERNELS } from './optimizer.ts';
import { pack, toRows } from './pack.ts';
import { packBlocks } from './quantized-pack.ts';
import { REDUCE_KERNELS } from './reduce.ts';
import { ROPE_KERNELS } from './rope.ts';
import { SOFTMAX_KERNELS } from './softmax.ts';
import { SOFTMAX_GRADIENT_KERNELS } from './softmax-gradient.ts';

export const KERNELS: readonly WasmKernel[] = [
  ...ELEMENTWISE_KERNELS,
  ...MOVEMENT_KERNELS,
  ...REDUCE_KERNELS,
  ...SOFTMAX_KERNELS,
  ...SOFTMAX_GRADIENT_KERNELS,
  ...NORM_KERNELS,
  ...ROPE_KERNELS,
  ...CACHE_KERNELS,
  ...ATTENTION_KERNELS,
  ...ATTENTION_GRADIENT_KERNELS,
  ...EXPERT_KERNELS,
  ...CROSS_ENTROPY_KERNELS,
  ...DROPOUT_KERNELS,
  ...ACTIVATION_GRADIENT_KERNELS,
  ...NORM_GRADIENT_KERNELS,
  ...OPTIMIZER_KERNELS,
  linear,
  matmul,
  pack,
  packBlocks,
  toRows,
  gather,
  scatterAdd,
];
