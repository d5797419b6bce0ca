/** How a training run is shown: what it will need, where it is, what came of it; for people at a terminal, in a log, or as JSON. */
import { basename, join } from 'node:path';
import type { BestStep, StepEvent, TrainEvent, ValidationEvent } from '../train/events.ts';
import {
  createProgressMeter,
  type Energy,
  type Forecast,
  type Memorization,
  type OverfittingReport,
  type Progress,
  type Wording,
} from '../train/watch/index.ts';
import { cut, padEnd, padStart, table, wrap } from './layout.ts';
import type { Message, Say } from './messages.ts';
import type { Numbers } from './numbers.ts';
import { bar } from './probability-table.ts';
import type { Terminal } from './terminal.ts';

/** Classifiers of texts, and answers, have one loss for each text. */
export type TrainingUnit = 'tokens' | 'texts';
const SPEEDS = { tokens: 'perSecond', texts: 'textsPerSecond' } as const satisfies Record<TrainingUnit, Message>;

/** What is known before the first step. */
export interface TrainingFacts {
  readonly modelType: string;
  readonly objective: string;
  readonly parameters: number;
  readonly trainable: number;
  readonly data: { readonly examples: number; readonly tokens: number; readonly validationTokens: number | undefined };
  /** Tokens that a step reads at most. */
  readonly tokensPerStep: number;
  /** What counts in the loss. */
  readonly unit: TrainingUnit;
  readonly steps: number;
  readonly epochs: number;
  /** Steps that were made before. */
  readonly step: number;
  readonly out: string;
}
/** What came of it. */
export interface TrainingSummary {
  readonly steps: number;
  readonly milliseconds: number;
  /** That counted. */
  readonly tokens: number;
  readonly unit: TrainingUnit;
  readonly loss: number | undefined;
  readonly best: BestStep | undefined;
  readonly keptBest: boolean;
  readonly reason: 'steps' | 'epochs' | 'early-stop' | 'aborted';
  readonly report: OverfittingReport | undefined;
  /** How much of what the model writes it has read; undefined where that was not looked at. */
  readonly memorization: Memorization | undefined;
  readonly energy: Energy;
  /** Files below `out`. */
  readonly files: readonly string[];
  readonly out: string;
  /** The command that goes on with a run that was stopped, or tries the model. */
  readonly next: string | undefined;
}
export interface TrainingView {
  start(facts: TrainingFacts, forecast: Forecast): void;
  /** Once it is known how fast a step goes. */
  timed(forecast: Forecast): void;
  event(event: TrainEvent): void;
  /** Once, when the run begins to do harm. */
  verdict(report: OverfittingReport): void;
  /** Takes away the line that is written over. */
  clear(): void;
  done(summary: TrainingSummary): void;
}
export interface TrainingViewContext {
  readonly terminal: Terminal;
  readonly say: Say;
  readonly numbers: Numbers;
  readonly wording: Wording;
}

/** Each event as a line of JSON. */
export function jsonTrainingView({ terminal }: Pick<TrainingViewContext, 'terminal'>): TrainingView {
  const line = (value: object) => terminal.write(`${JSON.stringify(value)}\n`);
  return {
    start: (facts, forecast) => line({ type: 'forecast', ...facts, forecast }),
    timed: forecast => line({ type: 'forecast', forecast }),
    event: line,
    verdict: report => line({ type: 'verdict', ...report }),
    clear() {},
    done: summary => line({ type: 'summary', ...summary }),
  };
}
/** Warnings alone. */
export function quietTrainingView({ terminal, say }: Pick<TrainingViewContext, 'terminal' | 'say'>): TrainingView {
  return {
    start() {},
    timed() {},
    event(event) {
      if (event.type === 'warning') terminal.note(`heed: ${say('warning')}: ${event.message}\n`);
    },
    verdict() {},
    clear() {},
    done() {},
  };
}

/** Without a terminal there is a row at least this often. */
const BETWEEN_ROWS_MS = 10_000;
const BETWEEN_LINES_MS = 100;
/** A run that is over sooner needs no forecast. */
const WORTH_SAYING_MS = 60_000;
const BAR = 12;

/** Rows of losses, below them at a terminal a line about the step in flight; a summary at the end. */
export function peopleTrainingView(
  context: TrainingViewContext,
  now: () => number = () => performance.now(),
): TrainingView {
  const { terminal, say, numbers } = context;
  const { paint, columns } = terminal;
  let meter = createProgressMeter(0);
  let progress: Progress | undefined;
  let speed: Message = 'perSecond';
  let [drawn, rowAt] = [Number.NEGATIVE_INFINITY, now()];
  /** Since the last row. */
  let [sum, count] = [0, 0];
  const clear = () => {
    if (Number.isFinite(drawn)) terminal.note('\r\x1b[K');
    drawn = Number.NEGATIVE_INFINITY;
  };
  const remark = (text: string) => {
    clear();
    terminal.note(`${wrap(text, columns, '  ')}\n`);
  };
  const row = (cells: readonly string[]) => {
    clear();
    terminal.note(
      `${cut(
        cells
          .map((cell, i) => padStart(cell, ROW[i]!))
          .join('  ')
          .trimEnd(),
        columns,
      )}\n`,
    );
    rowAt = now();
  };
  const losses = (validation: ValidationEvent | undefined) => {
    row([
      numbers.count(progress!.step),
      numbers.fixed(count > 0 ? sum / count : progress!.loss, 4),
      validation ? numbers.fixed(validation.loss, 4) : '',
      numbers.digits(progress!.tokensPerSecond),
      validation?.best ? say('best') : '',
    ]);
    [sum, count] = [0, 0];
  };
  const step = (event: StepEvent) => {
    progress = meter.step({ ...event, milliseconds: event.ms });
    sum += event.loss;
    count++;
    if (terminal.interactiveErrors && now() - drawn >= BETWEEN_LINES_MS) {
      terminal.note(`\r${progressLine(progress, speed, context)}\x1b[K`);
      drawn = now();
    }
    if (!terminal.interactiveErrors && now() - rowAt >= BETWEEN_ROWS_MS) losses(undefined);
  };
  return {
    start(facts, forecast) {
      meter = createProgressMeter(facts.steps);
      speed = SPEEDS[facts.unit];
      terminal.note(`${startPage(facts, forecast, context).join('\n')}\n\n`);
      const names = [say('runStep'), say('loss'), say('validation'), say(speed), ''];
      terminal.note(
        `${paint.dim(
          names
            .map((name, i) => padStart(name, ROW[i]!))
            .join('  ')
            .trimEnd(),
        )}\n`,
      );
    },
    timed({ milliseconds, flops }) {
      if (milliseconds === undefined || milliseconds < WORTH_SAYING_MS) return;
      clear();
      const speed = `${numbers.digits(flops / milliseconds / 1e6)} GFLOP/s`;
      terminal.note(`${paint.dim(`  ${say('takesAbout').replace('{}', numbers.duration(milliseconds))}, ${speed}`)}\n`);
    },
    event(event) {
      if (event.type === 'step') step(event);
      if (event.type === 'validation') losses(event);
      if (event.type === 'warning') remark(`${say('warning')}: ${event.message}`);
    },
    verdict: report => remark(verdictText(report, context.wording)),
    clear,
    done(summary) {
      clear();
      terminal.note('\n');
      terminal.write(`${summaryPage(summary, context).join('\n')}\n`);
    },
  };
}
/** Widths of step, loss, validation, speed, remark. */
const ROW = [7, 8, 11, 8, 6] as const;

function progressLine(
  { step, steps, loss, tokensPerSecond, millisecondsLeft }: Progress,
  speed: Message,
  context: TrainingViewContext,
): string {
  const { say, numbers, terminal } = context;
  const left =
    millisecondsLeft === undefined ? [] : [say('timeLeft').replace('{}', numbers.duration(millisecondsLeft))];
  const parts = [
    `${say('runStep')} ${numbers.count(step)} / ${numbers.count(steps)}`,
    padEnd(bar(step / Math.max(1, steps), BAR), BAR),
    `${say('loss')} ${numbers.fixed(loss, 3)}`,
    `${numbers.digits(tokensPerSecond)} ${say(speed)}`,
    ...left,
  ];
  // A line that breaks cannot be written over.
  return cut(parts.join('  '), terminal.columns - 1);
}

function startPage(facts: TrainingFacts, { bytes, limitBytes }: Forecast, context: TrainingViewContext): string[] {
  const { say, numbers, terminal } = context;
  const { data, step } = facts;
  const held = data.validationTokens;
  const limit = limitBytes === undefined ? '' : ` ${say('ofBytes').replace('{}', numbers.bytes(limitBytes))}`;
  const parts = (['weights', 'gradients', 'optimizer', 'activations'] as const).map(
    name => `${say(name)} ${numbers.bytes(bytes[name === 'weights' ? 'parameters' : name])}`,
  );
  const part = facts.trainable < facts.parameters ? `, ${numbers.count(facts.trainable)} ${say('trainable')}` : '';
  const rows: [string, string][] = [
    [
      say('data'),
      `${numbers.count(data.tokens)} ${say('tokens')}, ${held === undefined ? say('noValidation') : `${numbers.count(held)} ${say('forValidation')}`}`,
    ],
    [
      say('runSteps'),
      `${numbers.count(facts.steps)} ${say('batchOf').replace('{}', numbers.count(facts.tokensPerStep))}, ${numbers.digits(facts.epochs, 2)} ${say('epochs')}`,
    ],
    [say('needs'), `${numbers.bytes(bytes.total)}${limit}: ${parts.join(', ')}`],
    [say('goesTo'), facts.out],
    ...(step > 0 ? [['', say('goesOn').replace('{}', numbers.count(step))] as [string, string]] : []),
  ];
  const head = `${facts.modelType} · ${numbers.short(facts.parameters)} ${say('ofParameters')}${part} · ${facts.objective}`;
  const [first = '', ...others] = wrap(head, terminal.columns, '  ').split('\n');
  return [first.replace(facts.modelType, terminal.paint.bold), ...others, ...wrapped(rows, terminal)];
}

function summaryPage(summary: TrainingSummary, context: TrainingViewContext): string[] {
  const { say, numbers, terminal, wording } = context;
  const { best, report, out, reason, next, files, loss } = summary;
  const speed = numbers.digits((1000 * summary.tokens) / Math.max(1, summary.milliseconds));
  const rows: [string, string][] = [
    ...(loss === undefined ? [] : [[say('loss'), numbers.fixed(loss, 4)] as [string, string]]),
    ...(best
      ? [
          [
            say('validation'),
            `${say('bestOf').replace('{}', numbers.fixed(best.loss, 4)).replace('{}', numbers.count(best.step))}${whereBest(summary, say)}`,
          ] as [string, string],
        ]
      : []),
    ...(report && report.state !== 'early' ? [[say('verdict'), verdictText(report, wording)] as [string, string]] : []),
    ...(summary.memorization
      ? [[say('memorized'), memorizationText(summary.memorization, say, numbers)] as [string, string]]
      : []),
    [say('energy'), energyText(summary.energy, say, numbers)],
    [say('files'), files.map(file => (file.includes('/') ? file : join(basename(out), file))).join('  ')],
    ...(next && reason !== 'aborted' ? [[say('tryIt'), next] as [string, string]] : []),
  ];
  const end =
    reason === 'aborted'
      ? ['', wrap(say('interrupted').replace('{}', numbers.count(summary.steps)), terminal.columns), `  ${next}`]
      : reason === 'early-stop'
        ? ['', wrap(say('stoppedEarly'), terminal.columns)]
        : [];
  return [
    `${terminal.paint.bold(`${numbers.count(summary.steps)} ${say('runSteps')}`)}  ${numbers.duration(summary.milliseconds)}  ${speed} ${say(SPEEDS[summary.unit])}`,
    ...wrapped(rows, terminal),
    ...end,
  ];
}

/** Where the weights of the best validation are, if they are not those of the end. */
function whereBest({ best, keptBest, steps }: TrainingSummary, say: Say): string {
  if (keptBest) return `, ${say('keptBest')}`;
  return best?.path === undefined || best.step === steps ? '' : `: ${best.path}`;
}

const verdictText = ({ state, advice }: OverfittingReport, wording: Wording): string =>
  [wording.state(state), ...advice.map(each => wording.advice(each))].join(' ');

/** `2.4 % of its 8-grams ...` */
export function memorizationText(
  { n, generated = 0, heldOut, longestCopy }: Memorization,
  say: Say,
  numbers: Numbers,
): string {
  const own = say('inTraining').replace('{}', numbers.percent(generated)).replace('{}', String(n));
  const usual = heldOut === undefined ? [] : [say('inUnseen').replace('{}', numbers.percent(heldOut))];
  const copy = longestCopy > 0 ? [say('longestCopy').replace('{}', numbers.count(longestCopy))] : [];
  return [own, ...usual, ...copy].join(', ');
}

/** `0.43 Wh, 0.16 g CO₂ (estimated: 12 W a core, DE, Ember ...)` */
export function energyText(
  { kilowattHours, grams, method, wattsPerCore, carbon }: Energy,
  say: Say,
  numbers: Numbers,
): string {
  const how =
    method === 'measured' ? say('measured') : say('estimated').replace('{}', numbers.digits(wattsPerCore ?? 0));
  const whose =
    carbon.region === 'user'
      ? say('givenIntensity')
      : `${carbon.region === 'world' ? say('worldMean') : carbon.region} ${carbon.year}, ${carbon.source}`;
  const amount =
    kilowattHours < 1 ? `${numbers.digits(1000 * kilowattHours)} Wh` : `${numbers.digits(kilowattHours)} kWh`;
  const mass = grams < 1000 ? `${numbers.digits(grams)} g` : `${numbers.digits(grams / 1000)} kg`;
  return `${amount}, ${mass} CO₂ (${how}; ${numbers.digits(carbon.gramsPerKwh)} g/kWh: ${whose})`;
}

/** Names and what belongs to them, which goes on below itself where the line ends. */
function wrapped(rows: readonly (readonly [string, string])[], { columns }: Terminal): string[] {
  const names = table(rows.map(([name]) => [`  ${name}`]));
  const width = Math.max(...names.map(name => name.length)) + 2;
  return rows.map(([, text], i) => `${padEnd(names[i]!, width)}${wrap(text, columns, ' '.repeat(width))}`);
}
