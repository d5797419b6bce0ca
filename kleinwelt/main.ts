/**
 * `npm run kleinwelt -- COMMAND`: what Kleinwelt can be asked for.
 *
 *   data --out DIR [--split test] [--rows 1000] [--seed 1]   texts, rows for each task, analysed sentences
 *   train [NAME ...] [--models DIR] [--seed 1] [--steps N]   the bundled models, or some of them;
 *         [--again]                                          from the parameters that are there, not from random ones
 *   tokenizers [--models DIR]                                byte-level BPE of several vocabulary sizes, to compare
 *   score [NAME ...] [--models DIR]                          what they are worth on held-out data, with intervals and goals
 *   cards [--models DIR]                                     the README of each model again
 *   distance [--models DIR]                                  how far back decoder and LSTM remember: a plot
 *   transfer [--models DIR]                                  pretrained or from scratch, by the number of examples: plots
 *
 * `--threads N` is of all of them.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import { ConfigError, HeedError } from '../src/errors.ts';
import { type BundledName, bundledPath } from '../src/hub/bundled.ts';
import { load, setDefaultBackend } from '../src/index.ts';
import { type ComparisonChart, comparisonChart } from './scores/comparison-chart.ts';
import { recallByDistance, recallItems } from './scores/distance.ts';
import { MEASURED, scoresOf } from './scores/index.ts';
import { reached, shown } from './scores/score.ts';
import { TRANSFER, transfer } from './scores/transfer.ts';
import { writeCard } from './training/card.ts';
import { recipeName } from './training/recipe.ts';
import { tokenizerTexts } from './training/tokenizer-texts.ts';
import { sizedTokenizer, VOCABULARY_SIZES, writeFiles } from './training/tokenizers.ts';
import { TOKENIZER_FOLDER, trainAll } from './training/train-all.ts';
import { writeData } from './write-data.ts';

const { positionals, values } = readArguments();
const [command = 'none', ...names] = positionals;
const models = values.models ?? fileURLToPath(new URL('../models', import.meta.url));
const stop = new AbortController();

interface Command {
  readonly run: () => Promise<void>;
  /** Beside `--threads`. */
  readonly options: readonly (keyof typeof values)[];
  /** Whether names of models may follow. */
  readonly named?: boolean;
}
const COMMANDS: Readonly<Record<string, Command>> = {
  data: { run: data, options: ['out', 'split', 'rows', 'seed'] },
  train: { run: train, options: ['models', 'seed', 'steps', 'again'], named: true },
  tokenizers: { run: tokenizers, options: ['models'] },
  score: { run: score, options: ['models'], named: true },
  cards: { run: cards, options: ['models'] },
  distance: { run: plotDistance, options: ['models'] },
  transfer: { run: plotTransfer, options: ['models'] },
};

function readArguments() {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        ...{ out: text, split: text, rows: text, seed: text, models: text, threads: text, steps: text },
        again: { type: 'boolean' },
      },
    });
  } catch (error) {
    return fail(error);
  }
}

/** Says what was wrong, without a stack, and ends. */
function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

function commandOf(name: string): Command {
  const known = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!known) throw new ConfigError('no such command', { seen: name, expected: Object.keys(COMMANDS).join(', ') });
  const strange = Object.keys(values).find(key => key !== 'threads' && !known.options.some(own => own === key));
  if (strange !== undefined)
    throw new ConfigError(`${name} has no such option`, {
      seen: `--${strange}`,
      expected: [...known.options, 'threads'].map(key => `--${key}`).join(', '),
    });
  if (names.length > 0 && !known.named) throw new ConfigError(`${name} takes options only`, { seen: names.join(' ') });
  return known;
}

/** The number that an option gives; undefined where it is not given. */
function wholeNumber(name: 'rows' | 'seed' | 'steps' | 'threads', least = 0): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(Number.isSafeInteger(value) && value >= least))
    throw new ConfigError(`--${name} is a whole number`, { seen: text, expected: `at least ${least}` });
  return value;
}

/** Aborts at the first Ctrl-C. Commands that do not ask for it end at once. */
function stopSignal(): AbortSignal {
  process.once('SIGINT', () => stop.abort(new Error('stopped')));
  return stop.signal;
}

async function data(): Promise<void> {
  const { out, split = 'train' } = values;
  if (out === undefined) throw new ConfigError('where the files are to go is missing', { expected: '--out DIR' });
  if (split !== 'train' && split !== 'test' && split !== 'combination')
    throw new ConfigError('no such split', { seen: split, expected: 'train, test or combination' });
  const [rows, seed = 1] = [wholeNumber('rows', 1), wholeNumber('seed')];
  await writeData({ out, split, rows, seed, signal: stopSignal(), onFile: path => console.log(path) });
}

async function train(): Promise<void> {
  const [seed = 1, steps] = [wholeNumber('seed'), wholeNumber('steps', 1)];
  await trainAll({
    ...{ names, models, seed, steps, again: values.again, signal: stopSignal() },
    onStep(recipe, event, steps) {
      const every = Math.max(1, Math.floor(steps / 40));
      if (event.type === 'validation') console.log(`${recipeName(recipe)}  validation ${event.loss.toFixed(4)}`);
      else if (event.step % every === 0)
        console.log(
          `${recipeName(recipe)}  step ${event.step} of ${steps}  loss ${event.loss.toFixed(4)}  ${Math.round(event.tokensPerSecond)} tokens/s`,
        );
    },
    onDone: (recipe, { seconds, validationLoss, wattHours }) =>
      console.log(`${recipeName(recipe)}  done in ${seconds} s, validation ${validationLoss}, ${wattHours} Wh`),
  });
}

async function tokenizers(): Promise<void> {
  for (const size of VOCABULARY_SIZES) {
    const folder = join(models, TOKENIZER_FOLDER, `bpe-${size}`);
    await writeFiles(folder, await sizedTokenizer(tokenizerTexts('writer'), size));
    console.log(folder);
  }
}

async function score(): Promise<void> {
  const strange = names.find(name => !(MEASURED as readonly string[]).includes(name));
  if (strange !== undefined) throw new ConfigError('no such model', { seen: strange, expected: MEASURED.join(', ') });
  for (const name of names.length ? (names as BundledName[]) : MEASURED) {
    console.log(`\n${name}`);
    for (const one of await scoresOf(name, models)) {
      const mark = { true: 'reached', false: 'MISSED', undefined: '' }[`${reached(one)}`];
      const interval = `[${shown(one, one.low)}, ${shown(one, one.high)}]`;
      console.log(`  ${shown(one, one.value).padStart(8)}  ${interval.padEnd(20)}  ${one.what}  ${mark}`);
    }
    await writeCard(name, models);
  }
}

async function cards(): Promise<void> {
  for (const name of MEASURED) await writeCard(name, models);
}

const PLOTS = fileURLToPath(new URL('results', import.meta.url));
async function plot(name: string, chart: ComparisonChart): Promise<void> {
  await mkdir(PLOTS, { recursive: true });
  await writeFile(join(PLOTS, `${name}.svg`), comparisonChart(chart));
  await writeFile(join(PLOTS, `${name}.json`), `${JSON.stringify(chart.lines, null, 2)}\n`);
  const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
  for (const { name: line, points } of chart.lines)
    for (const { x, value, low, high } of points)
      console.log(
        `${line.padEnd(14)} ${String(x).padStart(5)}  ${percent(value)}  [${percent(low)}, ${percent(high)}]`,
      );
}

async function plotDistance(): Promise<void> {
  const items = recallItems();
  const lines = [];
  for (const name of ['kleinwelt-llama', 'kleinwelt-lstm'] as const) {
    const model = await load(join(models, bundledPath(name)));
    lines.push({ name: name.slice('kleinwelt-'.length), points: await recallByDistance(model, items) });
    model.dispose();
  }
  const title = 'A word of the first sentence, repeated in the last: right among ten';
  await plot('distance', { title, xName: 'words between the two', lines });
}

async function plotTransfer(): Promise<void> {
  for (const [name, title] of [
    ['entities', 'Held-out sentences whose names are all found'],
    ['sentiment', 'Held-out sentences whose sentiment is right'],
  ] as const) {
    const { pretrained, scratch } = await transfer(models, TRANSFER[name], text => console.log(`${name}: ${text}`));
    const lines = [
      { name: 'pretrained', points: pretrained },
      { name: 'from scratch', points: scratch },
    ];
    await plot(`transfer-${name}`, { title, xName: 'sentences to learn from', lines, even: true });
  }
}

try {
  const { run } = commandOf(command);
  const threads = wholeNumber('threads');
  setDefaultBackend(await createWasmBackend(threads === undefined ? {} : { threads }));
  await run();
  process.exit();
} catch (error) {
  if (!(error instanceof HeedError) && !stop.signal.aborted) throw error;
  fail(error);
}
