/** All kernels of the WebAssembly backend. */
import type { WasmKernel } from '../kernel.ts';
import { ELEMENTWISE_KERNELS } from './elementwise.ts';
import { linear } from './linear.ts';
import { matmul } from './matmul.ts';
import { MOVEMENT_KERNELS } from './movement.ts';

export const KERNELS: readonly WasmKernel[] = [...ELEMENTWISE_KERNELS, ...MOVEMENT_KERNELS, linear, matmul];
