/** What the op table does not show: tensors of more bytes than a signed word counts. */
import { expect, it } from 'vitest';
import { KernelHarness, PLAIN } from '../kernel-harness.ts';
import { OPTIMIZER_KERNELS } from './optimizer.ts';

it('sums up the squares of a tensor above 2 GiB', () => {
  const harness = new KernelHarness(OPTIMIZER_KERNELS, PLAIN, 65536);
  const piece = 2 ** 20;
  const pieces = 2 ** 9 + 1;
  const x = harness.array([pieces * piece - 5]);
  x.data.set([3, 4]);
  x.data.set([1, 2], x.data.length - 2);
  const sums = harness.run('squareSums', { piece }, [x], harness.array([pieces]));
  expect([...sums]).toEqual([25, ...Array<number>(pieces - 2).fill(0), 5]);
});
