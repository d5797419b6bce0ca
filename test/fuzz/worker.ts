/** Runs cases in a process of its own, so that one that hangs or takes the process down is seen from outside. */
import { PARTS, type Part } from './fuzz-parts.ts';

/** What the worker says after each case. */
export interface Report {
  readonly number: number;
  readonly outcome: 'held' | 'refused' | 'failed';
  readonly what?: string;
  readonly error?: string;
}

const [part, ...numbers] = process.argv.slice(2) as [Part, ...string[]];
const [seed, from, until] = numbers.map(Number) as [number, number, number];
const caseOf = await PARTS[part]();
// Without anybody who listens there is nothing to do.
process.on('disconnect', () => process.exit());
const say = (report: Report) => new Promise<void>(done => process.send!(report, () => done()));

for (let number = from; number < until; number++) {
  const { what, run } = caseOf(seed, number);
  try {
    await say({ number, outcome: await run() });
  } catch (error) {
    await say({ number, outcome: 'failed', what, error: error instanceof Error ? `${error.stack}` : String(error) });
  }
}
process.exit();
