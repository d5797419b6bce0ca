/** The curves of a run, collected from its events in bounded memory. */
import type { TrainEvent } from '../events.ts';
import { createSeries, type Series } from './series.ts';

export interface RunCurves {
  readonly training: Series;
  readonly validation: Series;
  readonly learningRate: Series;
  readonly gradientNorm: Series;
}

export function createRunCurves(): RunCurves {
  return {
    training: createSeries(),
    validation: createSeries(),
    learningRate: createSeries(),
    gradientNorm: createSeries(),
  };
}

/** Takes what an event says; most say nothing about curves. */
export function addToCurves(curves: RunCurves, event: TrainEvent): void {
  if (event.type === 'step') {
    curves.training.add(event.step, event.loss);
    curves.learningRate.add(event.step, event.learningRate);
    curves.gradientNorm.add(event.step, event.gradientNorm);
  }
  if (event.type === 'validation') curves.validation.add(event.step, event.loss);
}
