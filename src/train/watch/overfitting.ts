/**
 * Whether a model learns, or only learns by heart: from its losses on training and validation data, step by step. What is
 * looked at are the slopes of both curves since the lowest validation loss, and the gap between them (Prechelt 1998, "Early
 * Stopping - But When?", whose generalisation loss is reported too).
 */
import { type Point, slopeOf } from './series.ts';

/** What a run is doing, of which only `learning` is worth its electricity. */
export type LearningState =
  /** Too few validations to say anything. */
  | 'early'
  /** The validation loss falls. */
  | 'learning'
  /** Neither loss falls any more. */
  | 'stalled'
  /** The training loss falls while the validation loss rises. */
  | 'overfitting'
  /** Both losses rise. */
  | 'diverging';

/** What can be done about it. */
export type Advice = 'stop' | 'moreData' | 'dropout' | 'smallerModel' | 'lowerLearningRate' | 'largerModel';

export interface OverfittingOptions {
  /** Validations in a row without a better one that are needed before it is called something else than learning. Default 3. */
  readonly patience?: number | undefined;
  /** Changes below this share of the best validation loss count as none. Default 0.005. */
  readonly tolerance?: number | undefined;
  /** What is known of the run, for better advice. */
  readonly facts?: RunFacts | undefined;
}
export interface RunFacts {
  /** Parameters that are trained. */
  readonly parameters?: number | undefined;
  /** Tokens of one epoch of training data. */
  readonly tokens?: number | undefined;
  /** How often the data was seen. */
  readonly epochs?: number | undefined;
  readonly dropout?: number | undefined;
}
export interface OverfittingReport {
  readonly state: LearningState;
  /** The lowest validation loss; undefined before the first validation. */
  readonly best: Point | undefined;
  /** Validations after it. */
  readonly validationsSince: number;
  /** Validation loss minus training loss now, and at the best. */
  readonly gap: number;
  readonly gapAtBest: number;
  /** Of both losses since the best, for each step. */
  readonly trainingSlope: number;
  readonly validationSlope: number;
  /** How much the validation loss is above its lowest, as a share of that (Prechelt's generalisation loss). */
  readonly generalizationLoss: number;
  /** The most useful first; empty while it learns. */
  readonly advice: readonly Advice[];
}

/** Data repeated up to about four times is nearly as good as new (Muennighoff et al. 2023, "Scaling Data-Constrained Language Models"). */
const USEFUL_EPOCHS = 4;

/**
 * Looks at the training losses (of every step, or means over several) and the validation losses of a run so far.
 * @param training, validation in order of steps
 */
export function detectOverfitting(
  training: readonly Point[],
  validation: readonly Point[],
  { patience = 3, tolerance = 0.005, facts = {} }: OverfittingOptions = {},
): OverfittingReport {
  const compared = besides(training, validation);
  const bestAt = compared.reduce((best, pair, i) => (pair.validation < compared[best]!.validation ? i : best), 0);
  const best = compared[bestAt];
  const last = compared.at(-1);
  if (!best || !last)
    return {
      ...{ state: 'early', best: undefined, validationsSince: 0, gap: 0, gapAtBest: 0, advice: [] },
      ...{ trainingSlope: 0, validationSlope: 0, generalizationLoss: 0 },
    };
  const validationsSince = compared.length - 1 - bestAt;
  // The best was chosen for being low, so a slope that starts there would seem to rise; a long enough one starts behind it.
  const since = compared.slice(validationsSince >= 3 ? bestAt + 1 : Math.max(0, compared.length - 1 - patience));
  const trainingSlope = slopeOf(since.map(({ step, training: value }) => ({ step, value })));
  const validationSlope = slopeOf(since.map(({ step, validation: value }) => ({ step, value })));
  const [gap, gapAtBest] = [last.validation - last.training, best.validation - best.training];
  const steps = last.step - since[0]!.step;
  const small = tolerance * Math.abs(best.validation);
  const rises = (slope: number) => slope * steps > small;
  const state: LearningState =
    compared.length <= Math.min(2, patience)
      ? 'early'
      : validationsSince < patience
        ? 'learning'
        : rises(validationSlope) && rises(trainingSlope)
          ? 'diverging'
          : rises(validationSlope) && gap - gapAtBest > small
            ? 'overfitting'
            : 'stalled';
  return {
    state,
    best: { step: best.step, value: best.validation },
    validationsSince,
    gap,
    gapAtBest,
    trainingSlope,
    validationSlope,
    generalizationLoss: best.validation === 0 ? 0 : last.validation / best.validation - 1,
    advice: adviceFor(state, facts),
  };
}

/** The training loss beside each validation: the mean over the steps since the one before. */
function besides(training: readonly Point[], validation: readonly Point[]) {
  const pairs: { step: number; training: number; validation: number }[] = [];
  let at = 0;
  let mean = Number.NaN;
  for (const { step, value } of validation) {
    let [sum, count] = [0, 0];
    for (; at < training.length && training[at]!.step <= step; at++) {
      sum += training[at]!.value;
      count++;
    }
    if (count > 0) mean = sum / count;
    // A validation before the first step has nothing to be compared with.
    if (!Number.isNaN(mean)) pairs.push({ step, training: mean, validation: value });
  }
  return pairs;
}

function adviceFor(state: LearningState, { parameters, tokens, epochs, dropout }: RunFacts): Advice[] {
  if (state === 'diverging') return ['stop', 'lowerLearningRate'];
  if (state === 'stalled') return ['stop', 'lowerLearningRate', 'largerModel'];
  if (state !== 'overfitting') return [];
  const tooLarge = parameters !== undefined && tokens !== undefined && parameters > tokens;
  const repeated = epochs !== undefined && epochs > USEFUL_EPOCHS;
  const rest: [Advice, boolean][] = [
    ['moreData', repeated || tooLarge],
    ['dropout', !dropout],
    ['smallerModel', tooLarge],
  ];
  // What the facts speak for comes before what is only possible.
  return ['stop', ...[true, false].flatMap(likely => rest.filter(([, is]) => is === likely).map(([advice]) => advice))];
}
