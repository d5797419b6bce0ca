/** What a run leaves in its folder besides the model: its log, its curves, event files for TensorBoard. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainEvent } from '../train/events.ts';
import {
  addToCurves,
  createRunCurves,
  type EventLog,
  openEventLog,
  openTensorboard,
  type RunCurves,
  readEventLog,
  type TensorboardFile,
} from '../train/watch/index.ts';

export const RUN_FILES = {
  settings: 'settings.json',
  log: 'log.jsonl',
  curves: 'curves.html',
  checkpoints: 'checkpoints',
  tokens: 'tokens',
  tensorboard: 'tensorboard',
} as const;

export interface TrainingFiles {
  /** Of the whole run, also of what was before it went on. */
  readonly curves: RunCurves;
  /** What its steps took together, and the electricity of its sessions that came to an end. */
  readonly spent: { readonly tokens: number; readonly milliseconds: number; readonly kilowattHours: number };
  /** To be called for each event in order, the first of which says where the run begins. */
  take(event: TrainEvent): Promise<void>;
  /** To be called at the end of a session. */
  takeEnergy(kilowattHours: number, step: number): Promise<void>;
  close(): Promise<void>;
}

interface EnergyEntry {
  readonly type: 'energy';
  readonly step: number;
  readonly kilowattHours: number;
}

/** @param tensorboard whether event files are written too */
export function openTrainingFiles(out: string, { tensorboard }: { readonly tensorboard: boolean }): TrainingFiles {
  const path = join(out, RUN_FILES.log);
  const curves = createRunCurves();
  const spent = { tokens: 0, milliseconds: 0, kilowattHours: 0 };
  const add = (entry: TrainEvent | EnergyEntry) => {
    if (entry.type === 'energy') spent.kilowattHours += entry.kilowattHours;
    else addToCurves(curves, entry);
    if (entry.type !== 'step') return;
    spent.tokens += entry.tokens;
    spent.milliseconds += entry.ms;
  };
  let log: EventLog | undefined;
  let board: TensorboardFile | undefined;
  const open = async (after: number) => {
    const opened = await openEventLog(path, { after });
    // The log holds events as they were.
    for (const entry of await readEventLog(path)) add(entry as unknown as TrainEvent | EnergyEntry);
    if (tensorboard) board = await openTensorboard(join(out, RUN_FILES.tensorboard));
    return opened;
  };
  return {
    ...{ curves, spent },
    async take(event) {
      log ??= await open(event.step);
      add(event);
      await log.write({ ...event });
      if (event.type === 'step')
        await board?.write(event.step, {
          'train/loss': event.loss,
          'train/learning_rate': event.learningRate,
          'train/grad_norm': event.gradientNorm,
          'train/tokens_per_second': event.tokensPerSecond,
        });
      if (event.type === 'validation')
        await board?.write(event.step, { 'eval/loss': event.loss, 'eval/perplexity': event.perplexity });
      if (event.type === 'checkpoint') await log.sync();
    },
    async takeEnergy(kilowattHours, step) {
      const entry: EnergyEntry = { type: 'energy', step, kilowattHours };
      add(entry);
      await log?.write({ ...entry });
    },
    async close() {
      await log?.close();
      await board?.close();
    },
  };
}

/** Writes a text file that is there whole or not at all. */
export async function writeWhole(folder: string, name: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const beside = join(folder, `${name}.${process.pid}.part`);
  await writeFile(beside, text);
  await rename(beside, join(folder, name));
}
