/**
 * Checkpoints of a run: a folder with what learns as other tools read it, what the optimizer keeps, and where the run stood. It
 * gets its name once everything in it is on the disk, so a run that is killed at any time leaves the last one complete.
 */
import { CheckpointError, HeedError } from '../errors.ts';
import {
  type Checkpoint,
  fileSource,
  nodeFiles,
  openSafetensors,
  toFloat32,
  writeSafetensors,
} from '../formats/index.ts';
import { tensorToWrite } from '../nn/tensor-to-write.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Position } from './batch.ts';
import type { BestStep } from './events.ts';
import type { Learned } from './trainee.ts';

/** Where a run stands between two steps. */
export interface RunState {
  /** Steps that were made. */
  readonly step: number;
  readonly epoch: number;
  /** Where the data goes on. */
  readonly position: Position;
  readonly best: Omit<BestStep, 'path'> | null;
  /** Validations since the best one. */
  readonly sinceBest: number;
  /** See `recipeOf`. Dropout draws from its seed and the step alone, so no other state of random numbers exists. */
  readonly recipe: Readonly<Record<string, number | string | boolean | null>>;
  /** What learns: shapes, and what weight decay is for. */
  readonly parameters: Readonly<Record<string, string>>;
}
/** A checkpoint on the disk. */
export interface SavedRun extends RunState {
  readonly path: string;
}

const STATE = 'state.json';
const OPTIMIZER = 'optimizer.safetensors';
const FORMAT = 1;
const NAME = /^checkpoint-(\d+)$/;
/** What a run that was killed may leave behind, besides complete ones. */
const UNFINISHED = /^checkpoint-\d+(\.[\w.-]+)?\.incomplete$/;
const nameOf = (step: number): string => `checkpoint-${step}`;

export interface CheckpointToWrite {
  readonly state: RunState;
  /** What the optimizer keeps, by name. */
  readonly optimizer: ReadonlyMap<string, Tensor>;
  /** Writes the weights into a folder. */
  readonly save: (folder: string) => Promise<unknown>;
}

/**
 * Writes `checkpoint-STEP` below a folder, in Node.
 * @throws CheckpointError when the disk does not take it; what was there before is as it was
 */
export async function writeCheckpoint(
  outputDir: string,
  { state, optimizer, save }: CheckpointToWrite,
): Promise<string> {
  const { mkdir, rename, rm, writeFile } = await nodeFiles();
  const path = `${outputDir}/${nameOf(state.step)}`;
  const stage = `${path}.incomplete`;
  try {
    await mkdir(outputDir, { recursive: true });
    await rm(stage, { recursive: true, force: true });
    await save(stage);
    const tensors = [...optimizer].map(([name, tensor]) => tensorToWrite(name, tensor));
    await writeSafetensors(`${stage}/${OPTIMIZER}`, tensors);
    const content = { format: FORMAT, ...state, files: await sizesIn(stage) };
    await writeFile(`${stage}/${STATE}`, `${JSON.stringify(content, null, 2)}\n`);
    for (const name of [...Object.keys(content.files), STATE]) await toDisk(`${stage}/${name}`);
    await toDisk(stage);
    // One of that step is there when a run goes on from an older one, as where the newer is broken.
    const before = `${path}.before.incomplete`;
    if ((await checkpointPath(outputDir, state.step)) !== undefined) await rename(path, before);
    await rename(stage, path);
    await toDisk(outputDir);
    await rm(before, { recursive: true, force: true });
    return path;
  } catch (error) {
    await rm(stage, { recursive: true, force: true });
    if (error instanceof HeedError) throw error;
    throw new CheckpointError('the checkpoint cannot be written', {
      seen: error instanceof Error ? error.message : String(error),
      fix: 'make room or choose another outputDir, then go on from the last checkpoint with resume: true',
      where: path,
      cause: error,
    });
  }
}

/** Waits until a file or the names in a folder are on the disk. Folders cannot be opened for that everywhere. */
async function toDisk(path: string): Promise<void> {
  const { open, stat } = await nodeFiles();
  if (process.platform === 'win32' && (await stat(path)).isDirectory()) return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Bytes of the files in a folder and below, by name. */
async function sizesIn(folder: string): Promise<Record<string, number>> {
  const { readdir, stat } = await nodeFiles();
  const names = (await readdir(folder, { recursive: true })).sort();
  const facts = await Promise.all(names.map(async name => [name, await stat(`${folder}/${name}`)] as const));
  return Object.fromEntries(facts.flatMap(([name, fact]) => (fact.isFile() ? [[name, fact.size]] : [])));
}

/** Checkpoints below a folder by their steps, oldest first. */
export async function listCheckpoints(outputDir: string): Promise<{ step: number; path: string }[]> {
  const names = await namesIn(outputDir);
  return names
    .flatMap(name => {
      const step = NAME.exec(name)?.[1];
      return step === undefined ? [] : [{ step: Number(step), path: `${outputDir}/${name}` }];
    })
    .sort((a, b) => a.step - b.step);
}
/** The checkpoint of a step below a folder, if there is one. */
export async function checkpointPath(outputDir: string, step: number): Promise<string | undefined> {
  return (await namesIn(outputDir)).includes(nameOf(step)) ? `${outputDir}/${nameOf(step)}` : undefined;
}
/** Removes what a killed run left half written. */
export async function removeUnfinished(outputDir: string): Promise<void> {
  const { rm } = await nodeFiles();
  for (const name of await namesIn(outputDir))
    if (UNFINISHED.test(name)) await rm(`${outputDir}/${name}`, { recursive: true, force: true });
}
/** Removes the oldest checkpoints beyond a number. @param kept that stays whatever its age */
export async function removeOldest(outputDir: string, limit: number, kept: string | undefined): Promise<void> {
  const { rename, rm } = await nodeFiles();
  const all = await listCheckpoints(outputDir);
  const old = all.filter(({ path }) => path !== kept);
  const room = Math.max(1, limit - (old.length < all.length ? 1 : 0));
  for (const { path } of old.slice(0, -room)) {
    // Half removed it must not look complete.
    await rename(path, `${path}.incomplete`);
    await rm(`${path}.incomplete`, { recursive: true, force: true });
  }
}
async function namesIn(folder: string): Promise<string[]> {
  const { readdir } = await nodeFiles();
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new CheckpointError('the folder of checkpoints cannot be read', {
      seen: error.message,
      fix: 'choose another outputDir',
      where: folder,
      cause: error,
    });
  });
}

/**
 * The newest complete checkpoint below a folder; undefined when there is none.
 * @param onBroken is told why a newer one is not it
 */
export async function lastCheckpoint(
  outputDir: string,
  onBroken: (problem: CheckpointError) => void,
): Promise<SavedRun | undefined> {
  for (const { path } of (await listCheckpoints(outputDir)).reverse()) {
    try {
      return await readState(path);
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      onBroken(error);
    }
  }
  return undefined;
}

/** Where the run of a checkpoint stood. @throws CheckpointError when a file is missing, cut off or another run's */
export async function readState(path: string): Promise<SavedRun> {
  const { readFile } = await nodeFiles();
  const text = await readFile(`${path}/${STATE}`, 'utf8').catch((cause: Error) => {
    throw broken(path, 'no state of a run', cause.message, cause);
  });
  const { files, ...state } = parsed(path, text);
  const there = await sizesIn(path);
  const wrong = Object.entries(files).find(([name, bytes]) => there[name] !== bytes);
  if (wrong) {
    const [name, bytes] = wrong;
    throw broken(path, `${name} is not whole`, `${there[name] ?? 'no'} bytes, ${bytes} were written`);
  }
  return { ...state, path };
}

function parsed(path: string, text: string): RunState & { files: Record<string, number> } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw broken(path, `${STATE} is not whole`, `${text.length} characters that are no JSON`, cause);
  }
  const state = json as RunState & { readonly format: number; readonly files: Record<string, number> };
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  if (!isObject(json) || state.format !== FORMAT)
    throw broken(path, `${STATE} is of another form`, `format ${isObject(json) ? state.format : typeof json}`);
  const { best } = state;
  const counts = [state.step, state.epoch, state.sinceBest, ...(best ? [best.step] : [])];
  const whole = counts.every(n => Number.isSafeInteger(n) && n >= 0) && (best === null || Number.isFinite(best?.loss));
  if (!whole || ![state.recipe, state.parameters, state.files].every(isObject))
    throw broken(path, `${STATE} lacks fields`, Object.keys(state).join(', '));
  return state;
}
const broken = (path: string, what: string, seen: string, cause?: unknown): CheckpointError =>
  new CheckpointError(`the checkpoint cannot be used: ${what}`, {
    seen,
    fix: 'go on from an older one: resume with its folder',
    where: path,
    cause,
  });

/**
 * Reads what learns back into its tensors, and what the optimizer keeps.
 * @param optimizer undefined: the weights only
 * @throws CheckpointError for tensors that are missing or of another shape
 */
export async function restore(
  path: string,
  learned: readonly Learned[],
  optimizer: ReadonlyMap<string, Tensor> | undefined,
): Promise<void> {
  const names = Object.keys(await sizesIn(path)).filter(name => name.endsWith('.safetensors') && name !== OPTIMIZER);
  const weights = await Promise.all(names.map(name => openFile(`${path}/${name}`)));
  try {
    for (const { fileName, tensor, spec } of learned)
      await readInto(tensor, fileName, spec.transposed ?? false, weights, path);
  } finally {
    for (const file of weights) await file.close();
  }
  if (!optimizer?.size) return;
  const file = await openFile(`${path}/${OPTIMIZER}`);
  try {
    for (const [name, tensor] of optimizer) await readInto(tensor, name, false, [file], path);
  } finally {
    await file.close();
  }
}
const openFile = async (path: string): Promise<Checkpoint> => openSafetensors(await fileSource(path));

async function readInto(
  tensor: Tensor,
  name: string,
  transposed: boolean,
  files: readonly Checkpoint[],
  path: string,
): Promise<void> {
  const file = files.find(({ tensors }) => tensors.has(name));
  const entry = file?.tensors.get(name);
  const shape = transposed ? [...tensor.shape].reverse() : tensor.shape;
  if (!file || !entry || entry.dtype !== 'F32' || `${entry.shape}` !== `${shape}`)
    throw broken(path, `no ${name}`, entry ? `${entry.dtype} [${entry.shape}], not [${shape}]` : 'no such tensor');
  const { storage } = tensor;
  if (storage?.kind !== 'device') throw broken(path, `${name} has no place on the device`, `${tensor}`);
  const values = toFloat32(await file.read(name, 0, entry.byteLength), 'F32');
  storage.buffer.backend.write(storage.buffer, transposed ? turned(values, shape[0]!, shape[1]!) : values);
}
/** `[rows, columns]` as `[columns, rows]`. */
function turned(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
  return out;
}
