/** A run of `heed train` or `heed finetune`: the loop, its files, and what is said about it. */
import { basename, join } from 'node:path';
import type { Model } from '../hub/model.ts';
import type { TrainDoneEvent } from '../train/events.ts';
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
  forecast,
  type RunCurves,
  sizeOfBatch,
  startUsageMeter,
} from '../train/watch/index.ts';
import type { Values } from './command.ts';
import { createMessages, type Language, type Say } from './messages.ts';
import { createNumbers, type Numbers } from './numbers.ts';
import type { OpenBackend } from './open-model.ts';
import type { Settings } from './settings-file.ts';
import type { Terminal } from './terminal.ts';
import type { TrainingData } from './training-data.ts';
import { openTrainingFiles, RUN_FILES, writeWhole } from './training-files.ts';
import type { RUN_OUTPUT_OPTIONS } from './training-options.ts';
import {
  energyText,
  jsonTrainingView,
  peopleTrainingView,
  quietTrainingView,
  type TrainingSummary,
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

/**
 * Trains, and writes the model into the run's folder at the end.
 * @throws `signal.reason` when the user stopped it, after a checkpoint; what `train` throws
 */
export async function runTraining(run: TrainingRun): Promise<void> {
  const { model, data, objective, options, out, values, signal, language } = run;
  const [say, numbers] = [createMessages(language), createNumbers(language)];
  const view = viewOf(run, say, numbers);
  const { steps, perEpoch } = lengthOf(run);
  const part = Math.max(1, Math.floor(steps / PARTS));
  await writeWhole(out, RUN_FILES.settings, `${JSON.stringify(run.settings, null, 2)}\n`);
  const electricity = { wattsPerCore: values['watts-per-core'], pue: values.pue, region: regionOf(values.region) };
  const usage = await startUsageMeter();
  // What would be refused at the end is refused now.
  energyOf(await usage.read(), electricity);
  const size = await sizeOfFirst(run);
  const files = openTrainingFiles(out, values);
  let [tokens, milliseconds] = [0, 0];
  let done: TrainDoneEvent | undefined;
  try {
    const events = train(
      { parts: model.parts, save: run.save },
      {
        ...{
          saveSteps: part,
          saveTotalLimit: CHECKPOINTS_KEPT,
          ...(data.validation && { evalSteps: part }),
          ...options,
        },
        ...{ batches: data.batches, validation: data.validation, lossOf: objective.lossOf, signal },
        ...{ outputDir: join(out, RUN_FILES.checkpoints), resume: run.resume },
      },
    );
    for await (const event of events) {
      if (event.type === 'start') {
        const needs = forecast({
          ...{ memory: event.memory, batch: size, steps, limitBytes: run.open.wasm?.link.limit },
          batchesPerStep: options.gradientAccumulationSteps,
        });
        checkFits(needs);
        const facts = {
          ...{ modelType: model.parts.type, objective: objective.name, out, steps, step: event.step },
          ...{ parameters: event.parameters, trainable: event.trainable, epochs: steps / perEpoch },
          ...{ data: { examples: data.examples, tokens: data.tokens, validationTokens: data.validationTokens } },
          tokensPerStep: run.tokensPerBatch * (options.gradientAccumulationSteps ?? 1),
        };
        view.start(facts, needs);
      }
      if (event.type === 'step') {
        tokens += event.tokens;
        milliseconds += event.ms;
      }
      await files.take(event);
      view.event(event);
      if (event.type === 'done') done = event;
    }
    if (done === undefined) return;
    if (done.reason !== 'aborted') await run.save(out);
    const energy = energyOf(await usage.read(), electricity);
    const summary = summaryOf(run, files.curves, done, { tokens, milliseconds, energy });
    const page = { ...pageOf(run, summary, say, numbers), language };
    await writeWhole(out, RUN_FILES.curves, curvesPage(files.curves, page));
    view.done(summary);
  } finally {
    view.clear();
    await files.close();
  }
  signal.throwIfAborted();
}

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

function summaryOf(
  run: TrainingRun,
  curves: RunCurves,
  { step, reason, best }: TrainDoneEvent,
  spent: Pick<TrainingSummary, 'tokens' | 'milliseconds' | 'energy'>,
): TrainingSummary {
  const { out, options, data, command, model } = run;
  const [training, validation] = [curves.training.points(), curves.validation.points()];
  const aborted = reason === 'aborted';
  const weights = model.parts.adapters?.length ? 'adapter_model.safetensors' : 'model.safetensors';
  const parameters = learnedIn(run).reduce((n, { size }) => n + size, 0);
  const facts = {
    parameters,
    tokens: data.tokens,
    epochs: step / lengthOf(run).perEpoch,
    dropout: options.dropout ?? 0,
  };
  return {
    ...spent,
    ...{ steps: step, reason, best, out },
    loss: training.at(-1)?.value,
    keptBest: !aborted && options.loadBestModelAtEnd === true && best !== undefined,
    report: validation.length > 0 ? detectOverfitting(training, validation, { facts }) : undefined,
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
  const { loss, best, tokens, milliseconds, energy, report } = summary;
  const facts: [string, string][] = [
    [say('runSteps'), numbers.count(summary.steps)],
    [say('loss'), loss === undefined ? '-' : numbers.fixed(loss, 3)],
    ...(best ? [[say('validation'), numbers.fixed(best.loss, 3)] as [string, string]] : []),
    [say('tokens'), numbers.short(tokens)],
    [say('perSecond'), numbers.digits((1000 * tokens) / Math.max(1, milliseconds))],
    [say('time'), numbers.duration(milliseconds)],
    [say('energy'), `${numbers.digits(1000 * energy.kilowattHours)} Wh`],
    ['CO₂', `${numbers.digits(energy.grams)} g`],
  ];
  return {
    title: basename(out),
    subtitle: `${model.parts.type} · ${objective.name}`,
    ...{ facts, report },
    notes: [`${say('energy')}: ${energyText(energy, say, numbers)}`],
  };
}
