/** Training: the loop, what it reads and what it says. */
export type { Batches, LossOf, PlacedBatch, Position, TrainBatch } from './batch.ts';
export * from './data/index.ts';
export type {
  BestStep,
  CheckpointEvent,
  StartEvent,
  StepEvent,
  TrainDoneEvent,
  TrainEvent,
  ValidationEvent,
  WarningEvent,
} from './events.ts';
export { learningRateAt, stepsInRun } from './learning-rate.ts';
export { lossOfBatch } from './loss.ts';
export * from './objectives/index.ts';
export { OPTIMIZERS, type OptimizerName } from './optimizers/index.ts';
export { OPTION_NAMES, type Recipe, type TrainOptions, type TrainSettings, trainSettings } from './options.ts';
export { decaysByDefault, decaysWithoutTables, type ParameterChoice } from './parameter-groups.ts';
export { SCHEDULES, type ScheduleName, type ScheduleSettings, scheduleAt } from './schedules.ts';
export { train } from './train.ts';
export type { TrainedAdapter, Trainee } from './trainee.ts';
export { type Validation, validate } from './validate.ts';
export * from './watch/index.ts';
