/** Whether figures equal those of the reference: to 1e-9 of their size, and near 0 to 1e-13. */

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** The parsed JSON of `data/name.json`. */
export function referenceCases<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`data/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** Fails unless the lists of figures are equally long and near. `what` names the case in the message. */
export function expectNear(seen: readonly number[], expected: readonly number[], what: string): void {
  const far = seen.findIndex((figure, i) => !isNear(figure, expected[i] ?? Number.NaN));
  expect(seen.length, what).toBe(expected.length);
  expect(far, `${what}: figure ${far} is ${seen[far]} and not ${expected[far]}`).toBe(-1);
}

function isNear(seen: number, expected: number): boolean {
  return seen === expected || Math.abs(seen - expected) <= Math.max(1e-9 * Math.abs(expected), 1e-13);
}
