/** From nothing to the first token of a tiny model, in a fresh process. */
import { inChild } from './child.ts';
import type { Row } from './table.ts';
import { summarize } from './timing.ts';

export async function startUp(): Promise<Row[]> {
  const runs: Record<string, number>[] = [];
  for (let i = 0; i < 5; i++) runs.push(await inChild<Record<string, number>>('./start-up-run.mjs'));
  return Object.keys(runs[0]!).map(phase => {
    const times = summarize(runs.map(r => r[phase]!));
    return { phase, 'ms (min)': times.min, '(median)': times.median };
  });
}
