/** Checks that ops share: a mistake throws on the line that builds the node, with what was seen and what was expected. */
import { DTypeError, ShapeError } from '../errors.ts';
import type { DType } from './dtype.ts';
import { where } from './scope.ts';
import type { Shape } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** @throws DTypeError when an input has none of the dtypes */
export function expectDType(op: string, inputs: readonly Tensor[], ...allowed: readonly DType[]): void {
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]!;
    if (!allowed.includes(x.dtype))
      throw new DTypeError(`${op}: dtype not possible`, {
        seen: inputs.length > 1 ? `${x.dtype} as input ${i}` : x.dtype,
        expected: allowed.join(' or '),
        fix: 'cast it',
        where: where(),
      });
  }
}

/** @throws ShapeError when the condition does not hold; `seen` shows the shapes of the inputs by name */
export function expectShapes(
  op: string,
  holds: boolean,
  inputs: Readonly<Record<string, Tensor | undefined>>,
  expected: string,
): void {
  if (holds) return;
  const seen = Object.entries(inputs).flatMap(([name, x]) => (x ? [`${name} [${x.shape}]`] : []));
  throw new ShapeError(`${op}: sizes differ`, { seen: seen.join(', '), expected, where: where() });
}

/** @throws ShapeError when a length is not a whole number from 0 on */
export function expectShape(op: string, shape: Shape): void {
  if (shape.every(n => Number.isSafeInteger(n) && n >= 0)) return;
  throw new ShapeError(`${op}: not a shape`, {
    seen: `[${shape}]`,
    expected: 'whole numbers from 0 on',
    where: where(),
  });
}
