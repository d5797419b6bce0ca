/** Looking after a run: what it will need, how it goes, what came of it. */
export { CARBON_INTENSITIES, type CarbonIntensity, carbonIntensity } from './carbon-intensity.ts';
export { type CurvesPageOptions, type CurvesSvgOptions, curvesPage, curvesSvg } from './curves.ts';
export { type Energy, type EnergyOptions, energyOf, startUsageMeter, type Usage, type UsageMeter } from './energy.ts';
export { type EventLog, type LogEntry, openEventLog, readEventLog } from './event-log.ts';
export { type BatchSize, checkFits, type Forecast, type ForecastInput, forecast, sizeOfBatch } from './forecast.ts';
export { type Memorization, type MemorizationOptions, memorization } from './memorization.ts';
export {
  type Advice,
  detectOverfitting,
  type LearningState,
  type OverfittingOptions,
  type OverfittingReport,
  type RunFacts,
} from './overfitting.ts';
export { createProgressMeter, type Progress, type ProgressMeter } from './progress.ts';
export { addToCurves, createRunCurves, type RunCurves } from './run-curves.ts';
export { createSeries, type Point, type Series, slopeOf, smoothed } from './series.ts';
export { openTensorboard, type TensorboardFile } from './tensorboard.ts';
export { createWording, type WatchLanguage, type Wording } from './wording.ts';
