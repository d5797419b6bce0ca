import { beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { crossEntropy, gradient, logSoftmax, setDefaultBackend, Tensor } from '../tensor/index.ts';
import { binaryCrossEntropy, klDivergence, labelCrossEntropy, softCrossEntropy } from './cross-entropy.ts';
import { classificationLoss } from './loss.ts';

beforeAll(() => setDefaultBackend(createReferenceBackend()));
const [N, V] = [3, 4];
const values = [0.3, -1.2, 2, 0.1, 1.5, 0, -0.4, 0.7, -2, 0.9, 0.2, 1.1];
const logits = () => Tensor.from(Float64Array.from(values), [N, V]);
const labels = (...ids: number[]) => Tensor.from(Int32Array.from(ids), [N]);
/** Rows of one 1. */
const oneHot = (...ids: number[]) =>
  Tensor.from(
    Float64Array.from({ length: N * V }, (_, i) => (i % V === ids[Math.floor(i / V)] ? 1 : 0)),
    [N, V],
  );
const item = (loss: Tensor) => loss.item();

describe('cross-entropy of labels', () => {
  it('is the plain one without options', async () => {
    const y = labels(2, -100, 3);
    expect(await item(labelCrossEntropy(logits(), y))).toBeCloseTo(await item(crossEntropy(logits(), y)), 12);
  });
  it('smoothed is that of smoothed targets', async () => {
    const smooth = oneHot(2, 0, 3)
      .mul(0.7)
      .add(0.3 / V);
    const loss = labelCrossEntropy(logits(), labels(2, 0, 3), { smoothing: 0.3 });
    expect(await item(loss)).toBeCloseTo(await item(softCrossEntropy(logits(), smooth)), 6);
  });
  it('weighted divides by the weights of the labels', async () => {
    const weights = Tensor.from(Float64Array.of(1, 2, 3, 4), [V]);
    const each = await labelCrossEntropy(logits(), labels(2, -100, 3), { reduction: 'none' }).data();
    const loss = labelCrossEntropy(logits(), labels(2, -100, 3), { weights });
    expect(each[1]).toBeCloseTo(0, 12);
    expect(await item(loss)).toBeCloseTo((3 * each[0]! + 4 * each[2]!) / 7, 12);
  });
  it('of nothing is not a number', async () => {
    expect(await item(labelCrossEntropy(logits(), labels(-100, -100, -100)))).toBeNaN();
  });
});

describe('other cross-entropies', () => {
  it('the divergence from itself is 0, also where a target is 0', async () => {
    const p = oneHot(1, 2, 0)
      .mul(0.5)
      .add(oneHot(0, 3, 2).mul(0.5));
    const logp = p.maximum(1e-30).log();
    expect(await item(klDivergence(logp, p))).toBeCloseTo(0, 12);
    const entropy = -Math.log(2);
    const cross = await item(softCrossEntropy(logits(), p));
    expect(await item(klDivergence(logSoftmax(logits()), p))).toBeCloseTo(cross + entropy, 6);
  });
  it('a yes or no that is undecided has slope one half', async () => {
    const zero = Tensor.from(new Float64Array(2), [2]);
    const loss = binaryCrossEntropy(zero, Tensor.from(Float64Array.of(0, 1), [2]));
    const slope = gradient(loss, [zero])[0]!;
    expect(await item(loss)).toBeCloseTo(Math.LN2, 12);
    expect([...(await slope.data())]).toEqual([0.25, -0.25]);
  });
  it('so has that of a classifier with a yes or no per class', async () => {
    const zero = Tensor.from(new Float64Array(4), [2, 2]);
    const loss = classificationLoss(zero, Tensor.from(Float64Array.of(0, 1, 1, 0), [2, 2]));
    expect([...(await gradient(loss, [zero])[0]!.data())]).toEqual([0.125, -0.125, -0.125, 0.125]);
  });
  it('a missed yes can cost more', async () => {
    const x = Tensor.from(Float64Array.of(-800, 800), [2]);
    const missed = (yes: number) => binaryCrossEntropy(x, Tensor.full([2], yes), Tensor.full([], 3));
    expect(await item(missed(1))).toBeCloseTo((3 * 800) / 2, 9);
    expect(await item(missed(0))).toBeCloseTo(800 / 2, 9);
  });
});
