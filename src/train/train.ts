/**
 * Training: batches in, events out. The model learns where it lies, so it can be used between two events; leaving the loop ends
 * the run. Everything random is drawn from the seed and the number of the step, so a run that goes on from a checkpoint is the
 * uninterrupted one to the bit.
 */
import { ConfigError, TrainingError } from '../errors.ts';
import { headOf } from '../models/forward.ts';
import { countParams } from '../nn/params.ts';
import { leavesOf, type Tensor } from '../tensor/index.ts';
import { type BatchGroup, batchGroups } from './batch-groups.ts';
import { checkpointPath, type RunState, removeOldest, writeCheckpoint } from './checkpoint.ts';
import type { CheckpointEvent, StartEvent, StepEvent, TrainDoneEvent, TrainEvent, ValidationEvent } from './events.ts';
import { learningRateAt, stepsInRun } from './learning-rate.ts';
import { recipeOf, type TrainOptions, type TrainSettings, trainSettings } from './options.ts';
import { checkSameRun, startingPoint } from './resume.ts';
import { type MeasuredStep, type Steps, stepsOf } from './steps.ts';
import { type Learned, learnedOf, type Trainee } from './trainee.ts';
import { validate } from './validate.ts';

/**
 * Trains a model, or the adapter that it has. The model has to be loaded with `trainable: true`; a base below an adapter may be
 * packed or quantised.
 * @throws ConfigError for options that cannot be, data in which nothing is to be learned, and a resumed run with another recipe;
 * TrainingError when the loss is no number: the parameters are then those before that step; CheckpointError when a checkpoint
 * cannot be read or written
 */
export async function* train(model: Trainee, options: TrainOptions): AsyncGenerator<TrainEvent, void, undefined> {
  const settings = trainSettings(options);
  const totalSteps = stepsInRun(settings);
  const learned = learnedOf(model, settings.trainable);
  const recipe = recipeOf(settings);
  const parameters = Object.fromEntries(learned.map(one => [one.name, parameterText(one, settings)]));
  const problems: string[] = [];
  const saved = await startingPoint(settings, problem => problems.push(problem));
  if (saved) checkSameRun(saved, { recipe, parameters });
  for (const message of problems) yield { type: 'warning', step: saved?.step ?? 0, message };

  const steps = stepsOf(model, learned, settings);
  const { signal, maxSteps, evalSteps, saveSteps, outputDir } = settings;
  const { step = 0, epoch = 0, position = null, best = null, sinceBest = 0 } = saved ?? {};
  let state: RunState = { step, epoch, position, best, sinceBest, recipe, parameters };
  let lastPath = saved?.path;
  let savedStep = saved?.step ?? 0;
  const save = async (): Promise<CheckpointEvent> => {
    const path = await writeCheckpoint(outputDir!, { state, optimizer: steps.optimizer, save: f => model.save(f) });
    lastPath = path;
    savedStep = state.step;
    if (settings.saveTotalLimit !== undefined)
      await removeOldest(outputDir!, settings.saveTotalLimit, await bestPath(outputDir, state));
    return { type: 'checkpoint', step: state.step, path };
  };
  /** Why the run ends here. */
  const ending = (): TrainDoneEvent['reason'] | undefined => {
    if (signal?.aborted) return 'aborted';
    if (maxSteps !== undefined && state.step >= maxSteps) return 'steps';
    return state.sinceBest >= (settings.earlyStoppingPatience ?? Number.POSITIVE_INFINITY) ? 'early-stop' : undefined;
  };
  try {
    if (saved) await steps.restore(saved.path);
    yield startEvent(model, learned, steps, state.step, totalSteps);
    let reason = ending();
    let warned = false;
    let counted: number | undefined;
    if (!reason)
      for await (const group of batchGroups(settings.batches, settings.gradientAccumulationSteps, state.position)) {
        if (maxSteps === undefined && group.epoch >= settings.numTrainEpochs) break;
        state = { ...state, epoch: group.epoch };
        counted ??= group.epoch;
        if (group.batches.length === 0) {
          yield { type: 'warning', step: state.step, message: `no token counts from ${JSON.stringify(group.from)} on` };
          if (group.epoch > counted + 1) throw nothingCounts();
          state = { ...state, position: group.next };
          reason = ending();
          if (reason) break;
          continue;
        }
        counted = group.epoch;
        const started = performance.now();
        const learningRate = learningRateAt(settings, state.step, totalSteps);
        const measured = await steps.measure(group, state.step + 1);
        checkNumbers(measured, group, state, lastPath);
        await measured.apply(learningRate);
        state = { ...state, step: state.step + 1, position: group.next };
        yield stepEvent(measured, group, state.step, learningRate, performance.now() - started);
        if (!warned && measured.unreached.length) {
          warned = true;
          yield { type: 'warning', step: state.step, message: unreachedMessage(measured.unreached) };
        }
        if (isDue(evalSteps, state)) {
          const event = await validated(model, settings, state);
          const { step, loss } = event;
          state = event.best
            ? { ...state, best: { step, loss }, sinceBest: 0 }
            : { ...state, sinceBest: state.sinceBest + 1 };
          yield event;
        }
        const isBest = settings.loadBestModelAtEnd && state.best?.step === state.step;
        if (isBest || isDue(saveSteps, state)) yield await save();
        reason = ending();
        if (reason) break;
      }
    if (state.step === 0 && !reason) throw nothingCounts();
    if (outputDir !== undefined && savedStep !== state.step) yield await save();
    const path = await bestPath(outputDir, state);
    if (settings.loadBestModelAtEnd && path !== undefined && state.best!.step !== state.step)
      await steps.restoreWeights(path);
    yield {
      type: 'done',
      reason: reason ?? 'epochs',
      step: state.step,
      best: state.best ? { ...state.best, path } : undefined,
    };
  } finally {
    steps.dispose();
  }
}

/** What a run that goes on has to agree about. */
const parameterText = ({ name, spec }: Learned, { decays, weightDecay }: TrainSettings): string =>
  `[${spec.shape}]${weightDecay > 0 && decays(name, spec) ? ', decays' : ''}`;

/** Whether something that is done every so many steps is to be done now. */
const isDue = (every: number | undefined, { step }: RunState): boolean => every !== undefined && step % every === 0;

function startEvent(
  { parts }: Trainee,
  learned: readonly Learned[],
  { optimizer }: Steps,
  step: number,
  totalSteps: number | undefined,
): StartEvent {
  const trainable = sizes(learned.map(({ tensor }) => tensor));
  return {
    type: 'start',
    parameters: countParams(headOf(parts).parameters(parts.config)),
    trainable,
    step,
    totalSteps,
    memory: {
      parameters: leavesOf(parts.params).reduce((n, [, tensor]) => n + bytes(tensor), 0),
      gradients: 4 * trainable,
      optimizer: 4 * sizes([...optimizer.values()]),
    },
  };
}
const sizes = (tensors: readonly Tensor[]): number => tensors.reduce((n, { size }) => n + size, 0);
const bytes = ({ storage, size }: Tensor): number =>
  storage?.kind === 'device' ? storage.buffer.byteLength : 4 * size;

const stepEvent = (
  { loss, gradientNorm }: MeasuredStep,
  { epoch, tokens }: BatchGroup,
  step: number,
  learningRate: number,
  ms: number,
): StepEvent => ({
  type: 'step',
  step,
  epoch,
  loss,
  gradientNorm,
  learningRate,
  tokens,
  tokensPerSecond: (tokens / ms) * 1000,
  ms,
});

async function validated(model: Trainee, settings: TrainSettings, { step, best }: RunState): Promise<ValidationEvent> {
  const { loss, tokens } = await validate(model.parts, settings.validation!, { lossOf: settings.lossOf });
  const isBest = best === null || loss < best.loss - settings.earlyStoppingThreshold;
  return { type: 'validation', step, loss, perplexity: Math.exp(loss), tokens, best: isBest };
}

/** The checkpoint of the best validation, if there is one. */
async function bestPath(outputDir: string | undefined, { best }: RunState): Promise<string | undefined> {
  return outputDir === undefined || !best ? undefined : checkpointPath(outputDir, best.step);
}

/** @throws TrainingError before anything is changed */
function checkNumbers(
  { loss, gradientNorm }: MeasuredStep,
  group: BatchGroup,
  { step }: RunState,
  last?: string,
): void {
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return;
  const [what, value] = Number.isFinite(loss) ? ['gradient', gradientNorm] : ['loss', loss];
  throw new TrainingError(`the ${what} is no number, so the step was not made`, {
    seen: `${value} in step ${step + 1}, epoch ${group.epoch}, batch at ${JSON.stringify(group.from)}`,
    fix: `lower learningRate or maxGradNorm, warm up longer, or look at that batch; ${
      last === undefined ? 'no checkpoint was written' : `the last good checkpoint is ${last}`
    }`,
  });
}

const nothingCounts = (): ConfigError =>
  new ConfigError('no token of the training data counts in a loss', { fix: 'look at the batches and their labels' });

const unreachedMessage = (names: readonly string[]): string =>
  `${names.length} parameters have no part in the loss and stay as they are: ${names.slice(0, 6).join(', ')}${
    names.length > 6 ? ' ...' : ''
  }`;
