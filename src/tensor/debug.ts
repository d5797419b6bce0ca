/** HEED_DEBUG=1: every node of a graph is computed on its own, looked at, and reported on standard error. */
import { HeedError } from '../errors.ts';
import type { Tensor } from './tensor.ts';

/**
 * Computes the nodes one after the other, which leaves each as a host leaf.
 * @throws HeedError at the first NaN or infinity, with path, op and shape
 */
export async function inspectEach(nodes: readonly Tensor[]): Promise<void> {
  for (const node of nodes) {
    if (node.storage || node.op.name === 'constant' || node.op.alias !== undefined) continue;
    const { name: op } = node.op;
    const start = performance.now();
    const data = await node.data();
    const ms = (performance.now() - start).toFixed(2).padStart(8);
    const name = node.label ?? node.path;
    console.error(`${ms} ms  ${op.padEnd(12)} [${node.shape}] ${name}`);
    const bad = node.dtype === 'f32' ? data.findIndex(x => !Number.isFinite(x)) : -1;
    if (bad >= 0)
      throw new HeedError(`${op} gave ${data[bad]}`, {
        seen: `element ${bad} of [${node.shape}]`,
        where: name || undefined,
      });
  }
}
