/** Several streams as one: each row is of one of them, by weight. */
import { createRng } from '../../src/util/rng.ts';
import type { Fields } from './stream.ts';

export function* mixed(
  seed: number,
  streams: readonly (readonly [rows: Iterable<object>, weight: number])[],
): Generator<Fields> {
  const rng = createRng(seed, 5);
  const total = streams.reduce((sum, [, weight]) => sum + weight, 0);
  const open = streams.map(([rows, weight]) => [rows[Symbol.iterator](), weight] as const);
  for (;;) {
    let rest = rng.uniform() * total;
    const [rows] = open.find(([, weight]) => (rest -= weight) < 0) ?? open.at(-1)!;
    const { value, done } = rows.next();
    if (done) return;
    yield value as Fields;
  }
}
