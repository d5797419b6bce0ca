/**
 * The reference's own layers, ops, losses and tables, in the folder `torch`: its parts are checked like checkpoint folders,
 * under the names `torch/ops`, `torch/losses` and so on.
 */

import { type Backend, setDefaultBackend } from '../../src/tensor/index.ts';
import { type ProcessorFile, processed, softmax } from '../generate/processor-cases.ts';
import type { Check } from './compare.ts';
import { type GoldenFiles, readJson } from './golden-files.ts';
import { recurrentChecks } from './recurrent.ts';
import { lossChecks } from './torch-losses.ts';
import { opChecks } from './torch-ops.ts';
import { optimizerChecks } from './torch-optim.ts';
import { tableChecks } from './torch-tables.ts';

const FOLDER = 'torch';
type Checks = (files: GoldenFiles, folder: string, backend: Backend) => AsyncIterable<Check>;

/** The checks of each part. */
const PARTS: Readonly<Record<string, Checks>> = {
  ops: opChecks,
  losses: lossChecks,
  tables: tableChecks,
  logits_processors: processorChecks,
  recurrent: recurrentChecks,
  optim: optimizerChecks,
};

/** The parts that are there, as folders. */
export async function torchFolders(files: GoldenFiles): Promise<string[]> {
  const there = await Promise.all(Object.keys(PARTS).map(part => files.read(`${FOLDER}/${part}.json`)));
  return Object.keys(PARTS)
    .filter((_, i) => there[i])
    .map(part => `${FOLDER}/${part}`);
}

/** All checks of a part, `torch/ops`. */
export async function* torchChecks(files: GoldenFiles, folder: string, backend: Backend): AsyncGenerator<Check> {
  setDefaultBackend(backend);
  yield* PARTS[folder.slice(FOLDER.length + 1)]!(files, FOLDER, backend);
}

/** Scores within 2e-6 and probabilities within 1e-6, both absolute. */
async function* processorChecks(files: GoldenFiles, folder: string): AsyncGenerator<Check> {
  const file = (await readJson<ProcessorFile>(files, `${folder}/logits_processors.json`))!;
  for (const test of file.cases) {
    const rows = processed(test, file);
    const scores = test.out.flatMap(row => row.map(v => (v === '-inf' ? Number.NEGATIVE_INFINITY : v)));
    yield {
      name: 'scores',
      part: test.name,
      error: farthest(
        rows.flatMap(r => [...r]),
        scores,
      ),
      bound: 2e-6,
    };
    if (test.probs)
      yield {
        name: 'probabilities',
        part: test.name,
        error: farthest(rows.flatMap(softmax), test.probs.flat()),
        bound: 1e-6,
      };
  }
}
const farthest = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length ? Math.max(...a.map((x, i) => (x === b[i] ? 0 : Math.abs(x - b[i]!)))) : Number.NaN;
