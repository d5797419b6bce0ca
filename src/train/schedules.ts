/**
 * Learning rates over a run: pure functions of the step that say which share of the full rate it has. Steps are counted from 0,
 * so a warm-up begins with no learning at all, as in the reference (transformers, `optimization.py`), whose names these are.
 */

export interface ScheduleSettings {
  /** Steps in which the rate rises from 0, in a straight line. */
  readonly warmupSteps: number;
  /** Steps of the whole run; Infinity where no one knows. */
  readonly totalSteps: number;
  /** Share of the full rate that is left at the end: `cosine`, `warmup_stable_decay`. */
  readonly minLrRatio: number;
  /** Waves of a cosine: 0.5 goes down once; of `cosine_with_restarts`: how often it starts anew. */
  readonly numCycles: number;
  /** Exponent of `polynomial`; 1 is a straight line. */
  readonly power: number;
  /** What `polynomial` ends at, as a share of the full rate. */
  readonly lrEndRatio: number;
  /** Steps of the fall at the end of `warmup_stable_decay`. */
  readonly decaySteps: number;
}
type Schedule = (step: number, settings: ScheduleSettings) => number;

/** How far the part behind the warm-up has come, from 0 on. */
const progress = (step: number, { warmupSteps, totalSteps }: ScheduleSettings): number =>
  (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);

const afterWarmup =
  (rest: Schedule): Schedule =>
  (step, settings) =>
    step < settings.warmupSteps ? step / Math.max(1, settings.warmupSteps) : rest(step, settings);

const wave = (angle: number): number => Math.max(0, 0.5 * (1 + Math.cos(angle)));

export const SCHEDULES = {
  constant: () => 1,
  constant_with_warmup: afterWarmup(() => 1),
  linear: afterWarmup((step, s) => Math.max(0, 1 - progress(step, s))),
  /** Loshchilov and Hutter 2017. Behind its end the reference's rises again; with a floor it stays there. */
  cosine: afterWarmup((step, s) => {
    const at = s.minLrRatio > 0 ? Math.min(1, progress(step, s)) : progress(step, s);
    return s.minLrRatio + (1 - s.minLrRatio) * wave(2 * Math.PI * s.numCycles * at);
  }),
  cosine_with_restarts: afterWarmup((step, s) => {
    const at = progress(step, s);
    return at >= 1 ? 0 : wave(Math.PI * ((s.numCycles * at) % 1));
  }),
  polynomial: afterWarmup((step, s) =>
    step >= s.totalSteps ? s.lrEndRatio : s.lrEndRatio + (1 - s.lrEndRatio) * (1 - progress(step, s)) ** s.power,
  ),
  /** Vaswani et al. 2017: the rate falls with the root of the steps, of the warm-up's length or else in 10,000s. */
  inverse_sqrt: afterWarmup((step, { warmupSteps }) => {
    const scale = warmupSteps || 10_000;
    return 1 / Math.sqrt((step + scale - warmupSteps) / scale);
  }),
  /** Hu et al. 2024, "MiniCPM": full rate, then a fall at the end, here along a cosine as in the reference. */
  warmup_stable_decay: afterWarmup((step, { totalSteps, decaySteps, minLrRatio }) => {
    const at = (step - (totalSteps - decaySteps)) / Math.max(1, decaySteps);
    return at <= 0 ? 1 : at >= 1 ? minLrRatio : minLrRatio + (1 - minLrRatio) * wave(Math.PI * at);
  }),
} as const satisfies Record<string, Schedule>;
export type ScheduleName = keyof typeof SCHEDULES;

/** The share of the full learning rate at a step from 0 on. */
export const scheduleAt = (name: ScheduleName, step: number, settings: ScheduleSettings): number =>
  (SCHEDULES[name] as Schedule)(step, settings);
