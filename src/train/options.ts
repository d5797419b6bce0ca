/**
 * The settings of a run: their meaning, their defaults, their checks. Names and defaults are those of the reference's trainer
 * (transformers, `TrainingArguments`) in camelCase. Differences in meaning, on purpose:
 * - `weightDecay` leaves out whatever has one dimension; `decays` chooses otherwise;
 * - nothing is written without `outputDir`, and no validation is made without `validation` data.
 * How batches are made (batch size, shuffling, padding) is the data's to say.
 */
import { ConfigError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import type { Batches, LossOf } from './batch.ts';
import { OPTIMIZERS, type OptimizerName, type OptimizerSettings } from './optimizers/index.ts';
import { decaysByDefault, type ParameterChoice } from './parameter-groups.ts';
import { SCHEDULES, type ScheduleName } from './schedules.ts';

/** What decides the numbers of a run. A run that goes on from a checkpoint has to have the same. */
export interface Recipe extends OptimizerSettings {
  readonly optim: OptimizerName;
  readonly learningRate: number;
  /** Share of a parameter that a step with learning rate 1 takes away. */
  readonly weightDecay: number;
  readonly lrSchedulerType: ScheduleName;
  readonly warmupSteps: number;
  /** Share of all steps, where `warmupSteps` is 0. */
  readonly warmupRatio: number;
  /** See `ScheduleSettings`. */
  readonly minLrRatio: number;
  /** Default: half a wave of `cosine`, one of `cosine_with_restarts`. */
  readonly numCycles: number | undefined;
  readonly power: number;
  readonly lrEndRatio: number;
  readonly decaySteps: number;
  /** Undefined: as many as `numTrainEpochs` have. */
  readonly maxSteps: number | undefined;
  readonly numTrainEpochs: number;
  /** Batches whose gradients one step takes together: their mean over all tokens, as if they were one batch. */
  readonly gradientAccumulationSteps: number;
  /** Longest gradient, of all parameters together; 0 = no limit. */
  readonly maxGradNorm: number;
  /** Share of each target that is spread over all classes. */
  readonly labelSmoothing: number;
  /** Share of the embeddings and of what layers add that is left out at random. */
  readonly dropout: number;
  /** The same of the attention pattern. It makes the attention keep its whole pattern, T x S numbers a head. */
  readonly attentionDropout: number;
  readonly seed: number;
  /** Steps between validations. Undefined: no validation. */
  readonly evalSteps: number | undefined;
  /** Validations in a row without a better loss after which the run ends. */
  readonly earlyStoppingPatience: number | undefined;
  /** How much better a loss has to be. */
  readonly earlyStoppingThreshold: number;
}

/** All settings, filled in. */
export interface TrainSettings extends Recipe {
  readonly batches: Batches;
  readonly validation: Batches | undefined;
  /** How a batch becomes a loss. Default: as the batches say, else the head's own. */
  readonly lossOf: LossOf | undefined;
  /** Which parameters learn. Default: all that are no buffers; with an adapter, the adapter's. */
  readonly trainable: ParameterChoice;
  /** Which of them weight decay is for. Default: those of two dimensions and more. */
  readonly decays: ParameterChoice;
  /** Keep the inputs of layers only and compute the rest again for the gradient: less memory, a third more time. */
  readonly gradientCheckpointing: boolean;
  /** Folder of the checkpoints. */
  readonly outputDir: string | undefined;
  /** Steps between checkpoints. Undefined: one at the end only. */
  readonly saveSteps: number | undefined;
  /** Most checkpoints to keep, the best one among them. Default: all. */
  readonly saveTotalLimit: number | undefined;
  /** Write a checkpoint when a validation was the best, and end with its weights. */
  readonly loadBestModelAtEnd: boolean;
  /** Go on from the last checkpoint in `outputDir` (from the beginning where there is none), or from the one in this folder. */
  readonly resume: boolean | string;
  /** Ends the run after the step in flight, with a checkpoint. */
  readonly signal: AbortSignal | undefined;
}

type Required = Pick<TrainSettings, 'batches'>;
export type TrainOptions = Required & {
  readonly [K in keyof Omit<TrainSettings, 'batches'>]?: TrainSettings[K] | undefined;
};

/** Defaults, what a value has to be, and whether it may differ when a run goes on. */
interface Option<V> {
  readonly default: V;
  readonly expected: string;
  accepts(value: never): boolean;
  /** It decides no numbers. */
  readonly free?: boolean;
}
const number = (value: number, expected: string, accepts: (n: number) => boolean) => ({
  default: value,
  expected,
  accepts: (n: unknown) => typeof n === 'number' && Number.isFinite(n) && accepts(n),
});
const atLeastZero = (value: number) => number(value, 'a number from 0 on', n => n >= 0);
const share = (value: number) => number(value, 'a number from 0 to below 1', n => n >= 0 && n < 1);
const ratio = (value: number) => number(value, 'a number from 0 to 1', n => n >= 0 && n <= 1);
const count = (value: number, min: number) =>
  number(value, `a whole number from ${min} on`, n => Number.isSafeInteger(n) && n >= min);
const maybe = <V>(option: Omit<Option<V>, 'default'>): Option<V | undefined> => ({ ...option, default: undefined });
const flag = (value: boolean) => ({
  default: value,
  expected: 'true or false',
  accepts: (v: unknown) => typeof v === 'boolean',
});
const oneOf = <K extends string>(value: K, names: Readonly<Record<K, unknown>>) => ({
  default: value,
  expected: Object.keys(names).join(', '),
  accepts: (v: unknown) => typeof v === 'string' && Object.hasOwn(names, v),
});
const batches = {
  expected: 'batches, an object with from()',
  accepts: (v: unknown) => typeof (v as Batches | null)?.from === 'function',
};
const call = { expected: 'a function', accepts: (v: unknown) => typeof v === 'function' };
const text = { expected: 'the path of a folder', accepts: (v: unknown) => typeof v === 'string' && v !== '' };
const free = <O>(option: O): O & { readonly free: true } => ({ ...option, free: true });

const OPTIONS: { readonly [K in keyof TrainSettings]: Option<TrainSettings[K] | undefined> } = {
  optim: oneOf('adamw', OPTIMIZERS),
  learningRate: atLeastZero(5e-5),
  weightDecay: atLeastZero(0),
  adamBeta1: share(0.9),
  adamBeta2: share(0.999),
  adamEpsilon: atLeastZero(1e-8),
  amsgrad: flag(false),
  momentum: share(0),
  nesterov: flag(false),
  scaleParameter: flag(false),
  relativeStep: flag(false),
  warmupInit: flag(false),
  lrSchedulerType: oneOf('linear', SCHEDULES),
  warmupSteps: count(0, 0),
  warmupRatio: ratio(0),
  minLrRatio: ratio(0),
  numCycles: maybe(atLeastZero(0)),
  power: atLeastZero(1),
  lrEndRatio: ratio(0),
  decaySteps: count(0, 0),
  maxSteps: maybe(count(0, 1)),
  numTrainEpochs: count(3, 1),
  gradientAccumulationSteps: count(1, 1),
  maxGradNorm: atLeastZero(1),
  labelSmoothing: share(0),
  dropout: share(0),
  attentionDropout: share(0),
  seed: number(42, 'a safe integer', Number.isSafeInteger),
  evalSteps: maybe(count(0, 1)),
  earlyStoppingPatience: maybe(count(0, 1)),
  earlyStoppingThreshold: atLeastZero(0),
  batches: free({ default: undefined, ...batches }),
  validation: free(maybe(batches)),
  lossOf: free(maybe(call)),
  trainable: free({ default: () => true, ...call }),
  decays: free({ default: decaysByDefault, ...call }),
  gradientCheckpointing: free(flag(false)),
  outputDir: free(maybe(text)),
  saveSteps: free(maybe(count(0, 1))),
  saveTotalLimit: free(maybe(count(0, 1))),
  loadBestModelAtEnd: free(flag(false)),
  resume: free({
    default: false,
    expected: 'true, false or the path of a checkpoint',
    accepts: (v: unknown) => typeof v === 'boolean' || text.accepts(v),
  }),
  signal: free(
    maybe({
      expected: 'an AbortSignal',
      accepts: (v: unknown) => typeof v === 'object' && v !== null && 'aborted' in v,
    }),
  ),
};
export const OPTION_NAMES = Object.keys(OPTIONS) as readonly (keyof TrainSettings)[];

/** Checks options and fills in defaults. @throws one ConfigError that lists everything that is wrong */
export function trainSettings(options: TrainOptions): TrainSettings {
  const problems = Object.entries(options).flatMap(([name, value]) => {
    if (!Object.hasOwn(OPTIONS, name)) {
      const near = nearest(name, OPTION_NAMES);
      return [`${name} is no option of training${near ? ` (is it ${near}?)` : ''}`];
    }
    const { accepts, expected } = OPTIONS[name as keyof TrainSettings];
    return value === undefined || accepts(value as never) ? [] : [`${name} = ${shown(value)} is not ${expected}`];
  });
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const defaults = Object.fromEntries(OPTION_NAMES.map(name => [name, OPTIONS[name].default]));
  const settings = { ...defaults, lossOf: options.batches?.lossOf, ...given } as unknown as TrainSettings;
  problems.push(...contradictions(settings));
  if (problems.length) throw new ConfigError(`training options: ${problems.join('; ')}`, { where: 'train' });
  return settings;
}
const shown = (value: unknown): string =>
  // JSON has no word for NaN and infinity.
  typeof value === 'function'
    ? 'a function'
    : typeof value === 'number'
      ? String(value)
      : (JSON.stringify(value)?.slice(0, 80) ?? String(value));

/** What does not go together. */
function contradictions(s: TrainSettings): string[] {
  const needs = (on: boolean, what: string, missing: unknown, name: string) =>
    on && missing === undefined ? [`${what} needs ${name}`] : [];
  return [
    ...needs(true, 'training', s.batches, 'batches'),
    ...needs(s.evalSteps !== undefined, 'evalSteps', s.validation, 'validation data'),
    ...needs(s.validation !== undefined, 'validation', s.evalSteps, 'evalSteps'),
    ...needs(s.earlyStoppingPatience !== undefined, 'earlyStoppingPatience', s.evalSteps, 'evalSteps'),
    ...needs(s.loadBestModelAtEnd, 'loadBestModelAtEnd', s.evalSteps, 'evalSteps'),
    ...needs(s.loadBestModelAtEnd, 'loadBestModelAtEnd', s.outputDir, 'outputDir'),
    ...needs(s.saveSteps !== undefined, 'saveSteps', s.outputDir, 'outputDir'),
    ...needs(s.resume === true, 'resume: true', s.outputDir, 'outputDir'),
    ...(s.lrSchedulerType === 'warmup_stable_decay' && s.decaySteps === 0
      ? ['warmup_stable_decay needs decaySteps']
      : []),
    ...(s.nesterov && s.momentum === 0 ? ['nesterov needs momentum'] : []),
    ...(s.warmupInit && !s.relativeStep ? ['warmupInit needs relativeStep'] : []),
    ...(s.labelSmoothing > 0 && s.lossOf ? ["labelSmoothing is for the head's own loss, not for lossOf"] : []),
  ];
}

/** What decides the numbers of a run, as a checkpoint keeps it. */
export function recipeOf(settings: TrainSettings): Readonly<Record<string, number | string | boolean | null>> {
  const names = OPTION_NAMES.filter(name => !OPTIONS[name].free);
  return Object.fromEntries(names.map(name => [name, (settings[name] ?? null) as number | string | boolean | null]));
}
