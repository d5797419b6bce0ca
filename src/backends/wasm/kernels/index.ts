/** All kernels of the WebAssembly backend. */
import type { WasmKernel } from '../kernel.ts';
import { ATTENTION_KERNELS } from './attention.ts';
import { CACHE_KERNELS } from './cache.ts';
import { ELEMENTWISE_KERNELS } from './elementwise.ts';
import { EXPERT_KERNELS } from './experts.ts';
import { gather, scatterAdd } from './gather.ts';
import { linear } from './linear.ts';
import { matmul } from './matmul.ts';
import { MOVEMENT_KERNELS } from './movement.ts';
import { NORM_KERNELS } from './norm.ts';
import { pack, toRows } from './pack.ts';
import { REDUCE_KERNELS } from './reduce.ts';
import { ROPE_KERNELS } from './rope.ts';
import { SOFTMAX_KERNELS } from './softmax.ts';

export const KERNELS: readonly WasmKernel[] = [
  ...ELEMENTWISE_KERNELS,
  ...MOVEMENT_KERNELS,
  ...REDUCE_KERNELS,
  ...SOFTMAX_KERNELS,
  ...NORM_KERNELS,
  ...ROPE_KERNELS,
  ...CACHE_KERNELS,
  ...ATTENTION_KERNELS,
  ...EXPERT_KERNELS,
  linear,
  matmul,
  pack,
  toRows,
  gather,
  scatterAdd,
];
