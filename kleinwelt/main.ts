/**
 * `npm run kleinwelt -- COMMAND`: what Kleinwelt can be asked for.
 *
 *   data --out DIR [--split test] [--rows 1000] [--seed 1]   texts, rows for each task, analysed sentences
 *   train [NAME ...] [--models DIR] [--seed 1] [--threads N] [--steps N]   the bundled models, or some of them;
 *         [--again]                                          from the parameters that are there, not from random ones
 *   tokenizers [--models DIR]                                byte-level BPE of several vocabulary sizes, to compare
 *   score [NAME ...] [--models DIR]                          what they are worth on held-out data, with intervals and goals
 *   cards [--models DIR]                                     the README of each model again
 *   distance [--models DIR]                                  how far back decoder and LSTM remember: a plot
 *   transfer [--models DIR]                                  pretrained or from scratch, by the number of examples: a plot
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
import { transfer } from './scores/transfer.ts';
import { writeCard } from './training/card.ts';
import { recipeName } from './training/recipe.ts';
import { tokenizerTexts } from './training/tokenizer-texts.ts';
import { sizedTokenizer, VOCABULARY_SIZES, writeFiles } from './training/tokenizers.ts';
import { TOKENIZER_FOLDER, trainAll } from './training/train-all.ts';
import { writeData } from './write-data.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    split: { type: 'string', default: 'train' },
    rows: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    models: { type: 'string', default: fileURLToPath(new URL('../models', import.meta.url)) },
    threads: { type: 'string' },
    steps: { type: 'string' },
    again: { type: 'boolean', default: false },
  },
});
const [command, ...names] = positionals;
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('stopped')));

const COMMANDS: Readonly<Record<string, () => Promise<void>>> = {
  ...{ data, train, tokenizers, score, cards, distance },
  transfer: transferred,
};

async function data(): Promise<void> {
  if (values.out === undefined)
    throw new ConfigError('where the files are to go is missing', { expected: '--out DIR' });
  const { split } = values;
  if (split !== 'train' && split !== 'test' && split !== 'combination')
    throw new ConfigError('no such split', { seen: split, expected: 'train, test or combination' });
  const [rows, seed] = [Number(values.rows), Number(values.seed)];
  await writeData({ out: values.out, split, rows, seed, signal: stop.signal, onFile: path => console.log(path) });
}

async function train(): Promise<void> {
  await trainAll({
    ...{ names, models: values.models, seed: Number(values.seed), signal: stop.signal },
    steps: values.steps === undefined ? undefined : Number(values.steps),
    again: values.again,
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
    const folder = join(values.models, TOKENIZER_FOLDER, `bpe-${size}`);
    await writeFiles(folder, await sizedTokenizer(tokenizerTexts('writer'), size));
    console.log(folder);
  }
}

async function score(): Promise<void> {
  const strange = names.find(name => !(MEASURED as readonly string[]).includes(name));
  if (strange !== undefined) throw new ConfigError('no such model', { seen: strange, expected: MEASURED.join(', ') });
  for (const name of names.length ? (names as BundledName[]) : MEASURED) {
    console.log(`\n${name}`);
    for (const one of await scoresOf(name, values.models)) {
      const mark = { true: 'reached', false: 'MISSED', undefined: '' }[`${reached(one)}`];
      const interval = `[${shown(one, one.low)}, ${shown(one, one.high)}]`;
      console.log(`  ${shown(one, one.value).padStart(8)}  ${interval.padEnd(20)}  ${one.what}  ${mark}`);
    }
    await writeCard(name, values.models);
  }
}

async function cards(): Promise<void> {
  for (const name of MEASURED) await writeCard(name, values.models);
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

async function distance(): Promise<void> {
  const items = recallItems();
  const lines = [];
  for (const name of ['kleinwelt-gpt', 'kleinwelt-lstm'] as const) {
    const model = await load(join(values.models, bundledPath(name)));
    lines.push({ name: name.slice('kleinwelt-'.length), points: await recallByDistance(model, items) });
    model.dispose();
  }
  const title = 'A word of the first sentence, repeated in the last: right among ten';
  await plot('distance', { title, xName: 'words between the two', lines });
}

async function transferred(): Promise<void> {
  const { pretrained, scratch } = await transfer(values.models, text => console.log(text));
  const lines = [
    { name: 'pretrained', points: pretrained },
    { name: 'from scratch', points: scratch },
  ];
  const title = 'Sentiment of held-out sentences, right';
  await plot('transfer', { title, xName: 'sentences to learn from', lines, even: true });
}

try {
  const run = COMMANDS[command ?? ''];
  if (!run)
    throw new ConfigError('no such command', { seen: command ?? 'none', expected: Object.keys(COMMANDS).join(', ') });
  setDefaultBackend(await createWasmBackend(values.threads === undefined ? {} : { threads: Number(values.threads) }));
  await run();
  process.exit();
} catch (error) {
  if (!(error instanceof HeedError) && !stop.signal.aborted) throw error;
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
