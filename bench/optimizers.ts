/**
 * Muon against AdamW from the same random parameters: the bundled decoder's shape on Kleinwelt's texts, 300 steps each, step by step in
 * turn. What counts is the held-out loss after as many steps, and what a step costs more.
 */
import { fileURLToPath } from 'node:url';
import { decoder } from '../kleinwelt/recipes/decoder.ts';
import { streamBatches } from '../kleinwelt/training/stream.ts';
import { create, type Model } from '../src/index.ts';
import { type TrainEvent, train } from '../src/train/index.ts';
import type { Row } from './table.ts';

const [STEPS, SEED, HELD_OUT_SEED, HELD_OUT] = [300, 1, 77, 16];
/** The decoder's, as a folder. */
const TOKENIZER = fileURLToPath(new URL('../models/kleinwelt-lstm', import.meta.url));
/** Each at several rates: the better one counts. */
const RUNS = [
  { optim: 'adamw', learningRate: 3e-3 },
  { optim: 'adamw', learningRate: 6e-3 },
  { optim: 'muon', learningRate: 6e-3 },
  { optim: 'muon', learningRate: 1.2e-2 },
] as const;

export async function optimizers(): Promise<Row[]> {
  const runs = await Promise.all(RUNS.map(begun));
  for (let going = runs.length; going > 0; ) {
    going = 0;
    for (const run of runs) if (await stepped(run)) going++;
  }
  return runs.map(({ model, optim, learningRate, times, loss }) => {
    model.dispose();
    const sorted = [...times].sort((a, b) => a - b);
    return {
      ...{ optimizer: optim, rate: learningRate, steps: STEPS, 'held-out loss': loss },
      ...{ 'step ms': sorted[0]!, '(median)': sorted[sorted.length >> 1]! },
    };
  });
}

interface Run {
  readonly optim: string;
  readonly learningRate: number;
  readonly model: Model;
  readonly events: AsyncIterator<TrainEvent>;
  readonly times: number[];
  loss: number;
}

async function begun(run: (typeof RUNS)[number]): Promise<Run> {
  if (!('config' in decoder.from)) throw new TypeError('the decoder begins with a config');
  const model = await create(decoder.from.config, {
    ...{ head: 'causalLM', seed: SEED, tokenizer: TOKENIZER },
  });
  const objective = decoder.objective(model.tokenizer);
  const { batchSize } = decoder;
  const events = train(model, {
    ...{ ...decoder.train, ...run, warmupSteps: 30, maxSteps: STEPS, evalSteps: STEPS, seed: SEED },
    batches: streamBatches({ objective, batchSize, rows: decoder.rows, seed: SEED }),
    validation: streamBatches({ objective, batchSize, rows: decoder.heldOut, seed: HELD_OUT_SEED, batches: HELD_OUT }),
  });
  return { ...run, model, events: events[Symbol.asyncIterator](), times: [], loss: Number.NaN };
}

/** Up to the end of the next step. */
async function stepped(run: Run): Promise<boolean> {
  const from = performance.now();
  for (;;) {
    const { value: event, done } = await run.events.next();
    if (done) return false;
    if (event.type === 'validation') run.loss = event.loss;
    if (event.type !== 'step') continue;
    run.times.push(performance.now() - from);
    return true;
  }
}
