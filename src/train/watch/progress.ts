/** What one line about a run says while it goes on: where it is, the loss without its noise, how fast, how long still. */
import { type Point, smoothed } from './series.ts';

export interface StepFacts {
  readonly step: number;
  readonly loss: number;
  /** Tokens that the step read. */
  readonly tokens: number;
  readonly milliseconds: number;
}
export interface Progress {
  readonly step: number;
  readonly steps: number;
  /** A weighted mean over the last steps. */
  readonly loss: number;
  readonly tokensPerSecond: number;
  /** Until the last step; undefined before there is a speed to go by. */
  readonly millisecondsLeft: number | undefined;
}
export interface ProgressMeter {
  step(facts: StepFacts): Progress;
}

/** The weight of a step falls to a third in about twenty. */
const DECAY = 0.95;
/** The speed is that of the last steps: what the first one took to start is no part of it. */
const WINDOW = 20;

/** @param steps how many the run has in all */
export function createProgressMeter(steps: number): ProgressMeter {
  let losses: Point[] = [];
  let timed: StepFacts[] = [];
  let planned = false;
  return {
    step(facts) {
      losses = [...losses, { step: facts.step, value: facts.loss }].slice(-5 * WINDOW);
      // The first step also makes the plan, which later ones have.
      if (planned) timed = [...timed, facts].slice(-WINDOW);
      const spent = timed.length > 0 ? timed : [facts];
      const sum = (field: 'tokens' | 'milliseconds') => spent.reduce((total, each) => total + each[field], 0);
      const milliseconds = Math.max(1e-6, sum('milliseconds'));
      const left = Math.max(0, steps - facts.step);
      const progress = {
        step: facts.step,
        steps,
        loss: smoothed(losses, DECAY).at(-1)!.value,
        tokensPerSecond: (1000 * sum('tokens')) / milliseconds,
        millisecondsLeft: planned ? (left * milliseconds) / spent.length : undefined,
      };
      planned = true;
      return progress;
    },
  };
}
