/** How long a run is, and the learning rate of each of its steps. */
import { ConfigError } from '../errors.ts';
import type { TrainSettings } from './options.ts';
import { type ScheduleName, scheduleAt } from './schedules.ts';

/** Schedules that need not know where the end is. */
const ENDLESS: readonly ScheduleName[] = ['constant', 'constant_with_warmup', 'inverse_sqrt'];

/** Steps of a whole run; undefined when the data does not say. @throws ConfigError when the schedule has to know it */
export function stepsInRun(settings: TrainSettings): number | undefined {
  const { batches, maxSteps, numTrainEpochs, gradientAccumulationSteps, lrSchedulerType, warmupRatio } = settings;
  if (maxSteps !== undefined) return maxSteps;
  if (batches.length !== undefined) return numTrainEpochs * Math.ceil(batches.length / gradientAccumulationSteps);
  if (ENDLESS.includes(lrSchedulerType) && warmupRatio === 0) return undefined;
  throw new ConfigError('no one knows how long the run is, and its schedule has to', {
    seen: warmupRatio > 0 ? `warmupRatio ${warmupRatio}` : `lrSchedulerType ${lrSchedulerType}`,
    fix: `give maxSteps, or choose one of ${ENDLESS.join(', ')} with warmupSteps`,
  });
}

/** The learning rate of a step, from 0 on. */
export function learningRateAt(settings: TrainSettings, step: number, totalSteps = Number.POSITIVE_INFINITY): number {
  const { learningRate, lrSchedulerType, warmupRatio } = settings;
  const share = scheduleAt(lrSchedulerType, step, {
    ...settings,
    totalSteps,
    warmupSteps: settings.warmupSteps || (warmupRatio > 0 ? Math.ceil(totalSteps * warmupRatio) : 0),
    numCycles: settings.numCycles ?? (lrSchedulerType === 'cosine' ? 0.5 : 1),
  });
  return learningRate * share;
}
