/**
 * A run with everything that has a state: dropout, accumulation, a schedule, validation. As a program it ends itself by SIGKILL:
 * `killed-run.ts FOLDER step N` after a step, `killed-run.ts FOLDER save N` in the middle of writing a checkpoint.
 */
import { writeFile } from 'node:fs/promises';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import type { Backend } from '../../src/tensor/index.ts';
import { type TrainEvent, train } from '../../src/train/index.ts';
import { counting, tinyModel } from './tiny.ts';

export const STEPS = 12;

/** Goes on from the last checkpoint in the folder, or begins. @param onSave is called while a checkpoint is half written */
export async function* killableRun(
  backend: Backend,
  outputDir: string,
  onSave: (folder: string) => Promise<void> = async () => {},
): AsyncGenerator<TrainEvent> {
  const model = await tinyModel(backend);
  const save = async (folder: string) => {
    await model.save(folder);
    await onSave(folder);
  };
  yield* train(
    { parts: model.parts, save },
    {
      batches: counting({ perEpoch: 7, lengths: [8, 6] }),
      validation: counting({ seed: 3, perEpoch: 2, epochs: 1 }),
      evalSteps: 2,
      gradientAccumulationSteps: 2,
      dropout: 0.2,
      learningRate: 1e-2,
      weightDecay: 0.1,
      lrSchedulerType: 'cosine',
      warmupSteps: 2,
      maxSteps: STEPS,
      saveSteps: 3,
      outputDir,
      resume: true,
    },
  );
  model.dispose();
}

if (process.argv[1]?.endsWith('killed-run.ts')) {
  const [, , folder, how, at] = process.argv;
  const kill = () => process.kill(process.pid, 'SIGKILL');
  const backend = await createWasmBackend();
  const run = killableRun(backend, folder!, async stage => {
    if (how !== 'save' || !stage.includes(`checkpoint-${at}.`)) return;
    await writeFile(`${stage}/optimizer.safetensors`, 'half of it');
    kill();
  });
  for await (const event of run) if (how === 'step' && event.type === 'step' && event.step === Number(at)) kill();
  backend.close();
}
