/** A run of `heed train` or `heed finetune`: the loop, its files, and what is said about it. */
import { basename, join } from 'node:path';
import { TrainingError } from '../errors.ts';
import type { Model } from '../hub/model.ts';
import type { StartEvent, TrainDoneEvent } from '../train/events.ts';
import { lossOfBatch, type TrainOptions, train } from '../train/index.ts';
import type { Objective } from '../train/objectives/index.ts';
import { learnedOf } from '../train/trainee.ts';
import {
  type BatchSize,
  checkFits,
  createWording,
  curvesPage,
  detectOverfitting,
  energyOf,
  type ForecastInput,
  forecast,
  type LearningState,
  type Memorization,
  type OverfittingReport,
  type RunCurves,
  sizeOfBatch,
  smoothed,
  startUsageMeter,
} from '../train/watch/index.ts';
import type { Values } from './command.ts';
import { createMessages, type Language, type Say } from './messages.ts';
import { createNumbers, type Numbers } from './numbers.ts';
import type { OpenBackend } from './open-model.ts';
import type { Settings } from './settings-file.ts';
import type { Terminal } from './terminal.ts';
import type { TrainingData } from './training-data.ts';
import { openTrainingFiles, RUN_FILES, type TrainingFiles, writeWhole } from './training-files.ts';
import { memorizationOf } from './training-memorization.ts';
import type { RUN_OUTPUT_OPTIONS } from './training-options.ts';
import {
  energyText,
  jsonTrainingView,
  memorizationText,
  peopleTrainingView,
  quietTrainingView,
  type TrainingFacts,
  type TrainingSummary,
  type TrainingUnit,
  type TrainingView,
} from './training-view.ts';

type OutputValues = Values<typeof RUN_OUTPUT_OPTIONS>;

export interface TrainingRun {
  readonly command: 'train' | 'finetune';
  readonly model: Model;
  /** Writes what was trained into a folder, in the place of what is there. */
  readonly save: (folder: string) => Promise<unknown>;
  readonly open: OpenBackend;
  readonly objective: Objective;
  readonly data: TrainingData;
  /** What `train` is called with, besides what this file adds. */
  readonly options: Omit<TrainOptions, 'batches' | 'validation' | 'lossOf' | 'outputDir' | 'resume' | 'signal'>;
  readonly tokensPerBatch: number;
  readonly out: string;
  /** Everything that was asked for, to be asked for again. */
  readonly settings: Settings;
  readonly resume: boolean;
  readonly values: OutputValues;
  readonly language: Language;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Validations and checkpoints of a run where no one says how many. */
const PARTS = 10;
const CHECKPOINTS_KEPT = 2;
/** The forecast of the time goes by these. */
const TIMED_STEPS = 5;

/**
 * Trains, and writes the model into the run's folder at the end.
 * @throws `signal.reason` when the user stopped it, after a checkpoint; what `train` throws
 */
export async function runTraining(run: TrainingRun): Promise<void> {
  const { out, values, signal, language } = run;
  const [say, numbers] = [createMessages(language), createNumbers(language)];
  const electricity = { wattsPerCore: values['watts-per-core'], pue: values.pue, region: regionOf(values.region) };
  const usage = await startUsageMeter();
  // What would be refused at the end is refused now.
  energyOf(await usage.read(), electricity);
  const view = viewOf(run, say, numbers);
  const files = openTrainingFiles(out, values);
  try {
    const done = await follow(run, files, view);
    if (done.reason !== 'aborted') await run.save(out);
    const session = energyOf(await usage.read(), electricity);
    await files.takeEnergy(session.kilowattHours, done.step);
    const { kilowattHours, ...spent } = files.spent;
    const energy = { ...session, kilowattHours, grams: kilowattHours * session.carbon.gramsPerKwh };
    const memorization = await memorizedIn(run, done);
    const summary = summaryOf(run, files.curves, done, { ...spent, energy, memorization });
    const page = { ...pageOf(run, summary, say, numbers), language };
    await writeWhole(out, RUN_FILES.curves, curvesPage(files.curves, page));
    view.done(summary);
  } finally {
    view.clear();
    await files.close();
  }
  signal.throwIfAborted();
}

/** Goes through the events of the run, to the last one. */
async function follow(run: TrainingRun, files: TrainingFiles, view: TrainingView): Promise<TrainDoneEvent> {
  const { model, data, objective, options, out, signal } = run;
  const { steps } = lengthOf(run);
  const part = Math.max(1, Math.floor(steps / PARTS));
  const inputs = {
    batch: await sizeOfFirst(run),
    batchesPerStep: options.gradientAccumulationSteps,
    limitBytes: run.open.wasm?.link.limit,
  };
  const usual = { saveSteps: part, saveTotalLimit: CHECKPOINTS_KEPT, ...(data.validation && { evalSteps: part }) };
  const events = train(
    { parts: model.parts, save: run.save },
    {
      ...{ ...usual, ...options, batches: data.batches, validation: data.validation, lossOf: objective.lossOf },
      ...{ outputDir: join(out, RUN_FILES.checkpoints), resume: run.resume, signal },
    },
  );
  let expected: ForecastInput | undefined;
  let [made, milliseconds, told] = [0, 0, false];
  for await (const event of events) {
    if (event.type === 'start') {
      expected = { ...inputs, memory: event.memory, steps: steps - event.step };
      checkFits(forecast(expected));
      await writeWhole(out, RUN_FILES.settings, `${JSON.stringify(run.settings, null, 2)}\n`);
      view.start(factsOf(run, event), forecast(expected));
    }
    await files.take(event);
    view.event(event);
    if (event.type === 'step') {
      // The first one also makes the plan.
      if (made++ > 0) milliseconds += event.ms;
      if (made === TIMED_STEPS && expected) view.timed(forecast({ ...expected, stepMs: milliseconds / (made - 1) }));
    }
    if (event.type === 'validation' && !told) {
      const report = reportOf(run, files.curves, event.step);
      told = report !== undefined && HARM.has(report.state);
      if (told) view.verdict(report!);
    }
    if (event.type === 'done') return event;
  }
  throw new TrainingError('the run stopped without an end', { where: out });
}
/** States that cost more than they bring. */
const HARM: ReadonlySet<LearningState> = new Set(['overfitting', 'diverging']);

function viewOf({ values, terminal, language }: TrainingRun, say: Say, numbers: Numbers): TrainingView {
  if (values.json) return jsonTrainingView({ terminal });
  if (values.quiet) return quietTrainingView({ terminal, say });
  return peopleTrainingView({ terminal, say, numbers, wording: createWording(language) });
}

/** The steps of the run and of an epoch. */
function lengthOf({ data, options }: TrainingRun): { steps: number; perEpoch: number } {
  const { maxSteps, numTrainEpochs = 3, gradientAccumulationSteps = 1 } = options;
  const perEpoch = Math.max(1, Math.ceil((data.batches.length ?? 0) / gradientAccumulationSteps));
  return { steps: maxSteps ?? numTrainEpochs * perEpoch, perEpoch };
}

const learnedIn = ({ model, options }: TrainingRun) =>
  learnedOf(model, options.trainable ?? (() => true)).map(({ tensor }) => tensor);

const unitOf = ({ model }: TrainingRun): TrainingUnit =>
  ['sequenceClassification', 'questionAnswering'].includes(model.parts.head) ? 'texts' : 'tokens';

function factsOf(run: TrainingRun, { parameters, trainable, step }: StartEvent): TrainingFacts {
  const { model, objective, data, options, out, tokensPerBatch } = run;
  const { steps, perEpoch } = lengthOf(run);
  return {
    ...{ modelType: model.parts.type, objective: objective.name, parameters, trainable, out, step, steps },
    unit: unitOf(run),
    data: { examples: data.examples, tokens: data.tokens, validationTokens: data.validationTokens },
    tokensPerStep: tokensPerBatch * (options.gradientAccumulationSteps ?? 1),
    epochs: steps / perEpoch,
  };
}

/** What a batch like the first one takes. */
async function sizeOfFirst(run: TrainingRun): Promise<BatchSize> {
  const { model, data, objective } = run;
  for await (const { batch } of data.batches.from())
    return sizeOfBatch(model.parts.backend, lossOfBatch(model.parts, batch, objective.lossOf), learnedIn(run));
  return { flops: 0, activationBytes: 0 };
}

/** A number is grams of CO2 for a kilowatt-hour. */
const regionOf = (text: string | undefined): string | number | undefined =>
  text !== undefined && /^[\d.]+$/.test(text) ? Number(text) : text;

/** Text that was read once is hardly known by heart, and a run that was stopped will see more of it. */
async function memorizedIn(run: TrainingRun, { step, reason }: TrainDoneEvent): Promise<Memorization | undefined> {
  const { model, data, options, signal } = run;
  const seenOften = step > lengthOf(run).perEpoch;
  if (model.parts.head !== 'causalLM' || reason === 'aborted' || !seenOften) return undefined;
  return memorizationOf(model, data, { seed: options.seed ?? 42, signal });
}

/** What the detector says after a step; undefined where nothing was validated. */
function reportOf(run: TrainingRun, curves: RunCurves, step: number): OverfittingReport | undefined {
  const validation = curves.validation.points();
  if (validation.length === 0) return undefined;
  const facts = {
    parameters: learnedIn(run).reduce((n, { size }) => n + size, 0),
    tokens: run.data.tokens,
    epochs: step / lengthOf(run).perEpoch,
    dropout: run.options.dropout ?? 0,
  };
  return detectOverfitting(curves.training.points(), validation, { facts });
}

function summaryOf(
  run: TrainingRun,
  curves: RunCurves,
  { step, reason, best }: TrainDoneEvent,
  spent: Pick<TrainingSummary, 'tokens' | 'milliseconds' | 'energy' | 'memorization'>,
): TrainingSummary {
  const { out, options, command, model } = run;
  const aborted = reason === 'aborted';
  const weights = model.parts.adapters?.length ? 'adapter_model.safetensors' : 'model.safetensors';
  return {
    ...spent,
    ...{ steps: step, reason, best, out, unit: unitOf(run) },
    loss: smoothed(curves.training.points()).at(-1)?.value,
    keptBest: !aborted && options.loadBestModelAtEnd === true && best !== undefined,
    report: reportOf(run, curves, step),
    files: [aborted ? RUN_FILES.checkpoints : weights, RUN_FILES.curves, RUN_FILES.log],
    next: aborted ? `heed ${command} --resume ${quoted(out)}` : tryLine(run),
  };
}

/** A command to try the model with, where it writes texts. */
function tryLine({ model, out }: TrainingRun): string | undefined {
  const { head, tokenizer } = model.parts;
  if (!tokenizer) return undefined;
  if (head === 'causalLM') return `heed run ${quoted(out)} "..." --temperature 0.8`;
  if (head === 'seq2seqLM') return `heed run ${quoted(out)} "..."`;
  return `heed inspect ${quoted(out)}`;
}

/** A path as a shell takes it. */
const quoted = (path: string): string => (/^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);

/** What the page of curves says beside them. */
function pageOf({ model, objective, out }: TrainingRun, summary: TrainingSummary, say: Say, numbers: Numbers) {
  const { loss, best, tokens, milliseconds, energy, report, memorization } = summary;
  const facts: [string, string][] = [
    [say('runSteps'), numbers.count(summary.steps)],
    [say('loss'), loss === undefined ? '-' : numbers.fixed(loss, 3)],
    ...(best ? [[say('validation'), numbers.fixed(best.loss, 3)] as [string, string]] : []),
    [say(summary.unit), numbers.short(tokens)],
    [
      say(summary.unit === 'texts' ? 'textsPerSecond' : 'perSecond'),
      numbers.digits((1000 * tokens) / Math.max(1, milliseconds)),
    ],
    [say('time'), numbers.duration(milliseconds)],
    [say('energy'), `${numbers.digits(1000 * energy.kilowattHours)} Wh`],
    ['CO₂', `${numbers.digits(energy.grams)} g`],
  ];
  return {
    title: basename(out),
    subtitle: `${model.parts.type} · ${objective.name}`,
    ...{ facts, report },
    notes: [
      ...(memorization ? [`${say('memorized')}: ${memorizationText(memorization, say, numbers)}`] : []),
      `${say('energy')}: ${energyText(energy, say, numbers)}`,
    ],
  };
}
