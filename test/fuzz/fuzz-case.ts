/**
 * One case of the fuzz run. What it does depends only on its part, its seed and its number, so that a case that fails can be had
 * again.
 */
import { HeedError } from '../../src/errors.ts';

export type Outcome = 'held' | 'refused';

/** What a case is about, for the report, and the case itself; it throws what is wrong. */
export interface Case {
  readonly what: string;
  run(): Outcome | Promise<Outcome>;
}

/** What is wrong must be refused with an error of the library, or turn out not to matter. */
export function orRefused(run: () => void): Outcome;
export function orRefused(run: () => Promise<void>): Promise<Outcome>;
export function orRefused(run: () => void | Promise<void>): Outcome | Promise<Outcome> {
  const refused = (error: unknown): Outcome => {
    if (error instanceof HeedError) return 'refused';
    throw error;
  };
  try {
    const running = run();
    return running ? running.then((): Outcome => 'held', refused) : 'held';
  } catch (error) {
    return refused(error);
  }
}
