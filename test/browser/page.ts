/** Runs the browser suites inside a page and sends each outcome to the server that served it. */
import type { Suite } from './check.ts';
import { hubSuite } from './hub-suite.ts';
import { modelSuite } from './model-suite.ts';
import { moduleSuite } from './module-suite.ts';
import { responsiveSuite } from './responsive-suite.ts';
import { suite } from './suite.ts';
import { tasksSuite } from './tasks-suite.ts';
import { trainingSuite } from './training-suite.ts';

/** What the page reports after each test. */
export interface Outcome {
  readonly name: string;
  readonly ms: number;
  readonly error?: string | undefined;
  readonly note?: string | undefined;
}

const report = (path: string, outcome?: Outcome) =>
  fetch(path, { method: 'POST', body: JSON.stringify(outcome ?? {}) });

async function outcomeOf(name: string, test: Suite[string]): Promise<Outcome> {
  const began = performance.now();
  const ms = () => performance.now() - began;
  try {
    const note = (await test()) ?? undefined;
    return { name, note, ms: ms() };
  } catch (error) {
    return { name, ms: ms(), error: error instanceof Error ? `${error}\n${error.stack ?? ''}` : String(error) };
  }
}

const SUITES = [responsiveSuite, moduleSuite, suite, modelSuite, tasksSuite, trainingSuite, hubSuite];
for (const [name, test] of SUITES.flatMap(tests => Object.entries(tests)))
  await report('/outcome', await outcomeOf(name, test));
await report('/end');
