/** The gradient of the loss for every parameter. */
import type { Model } from '../../src/hub/model.ts';
import { dataOfAll, leavesOf, valueAndGrad } from '../../src/tensor/index.ts';
import { broken, type Check, compareGradient, compareNumber, type Expected } from './compare.ts';
import { inputsOf } from './forward.ts';
import type { GoldenCase } from './golden-files.ts';

/**
 * Checks all gradients of the loss of a case.
 * @param model loaded with `trainable`
 * @param reference by the checkpoint's names, in the checkpoint's orientation
 */
export async function* gradientChecks(
  model: Model,
  expected: GoldenCase,
  reference: ReadonlyMap<string, Expected>,
): AsyncGenerator<Check> {
  const { architecture, config, params, specs } = model.parts;
  const inputs = inputsOf(expected);
  const { value, grad } = valueAndGrad((p: unknown) => model.graph(inputs, p).loss!)(params);
  const names = leavesOf(grad).map(([name]) => name);
  const [loss, ...gradients] = await dataOfAll(value, ...leavesOf(grad).map(([, tensor]) => tensor));
  yield { name: 'loss of the trainable model', ...compareNumber(loss![0]!, expected.get('loss')!.data[0]!) };

  const open = new Set(names);
  for (const [key, tensor] of reference) {
    const name = architecture.rename(key, config);
    if (name === undefined || !open.delete(name)) {
      yield broken('gradients', `no parameter for the reference's ${key}`);
      continue;
    }
    const turned = specs.get(name)!.transposed ? transpose(tensor) : tensor;
    yield { name: 'gradients', part: name, ...compareGradient(gradients[names.indexOf(name)]!, turned) };
  }
  for (const name of open) {
    if (specs.get(name)!.constant) continue;
    // The reference's loss does not depend on it, so ours may not either.
    const ours = gradients[names.indexOf(name)]!;
    const none = { shape: [ours.length], data: new Float32Array(ours.length) };
    yield { name: 'gradients', part: `${name}, none in the reference`, ...compareGradient(ours, none) };
  }
}

export function transpose({ shape, data }: Expected): Expected {
  const [rows, columns] = shape as [number, number];
  const turned = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) turned[c * rows + r] = data[r * columns + c]!;
  return { shape: [columns, rows], data: turned };
}
