/** Opens the weights of a model: finds the file, tells its format, says what is there if nothing fits. */
import { CheckpointError, ConfigError } from '../errors.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import { anySignal } from './at-once.ts';
import type { Checkpoint } from './checkpoint.ts';
import { ggufNames, isGgufStart, openGguf } from './gguf.ts';
import { nodeFiles, splitPath } from './node-files.ts';
import { quoted } from './quoted.ts';
import { openSafetensors } from './safetensors.ts';
import { INDEX_FILE, openSharded } from './sharded.ts';
import { type ByteSource, fileSource, type ModelFiles, readWhole } from './source.ts';
import { isTorch, openTorch, stateDictOf } from './torch.ts';

/** Where weights are, in the order of preference. */
const USUAL_FILES = ['model.safetensors', INDEX_FILE, 'pytorch_model.bin', 'pytorch_model.bin.index.json'] as const;

/** An index of a million tensors takes this much; a longer file is not one. */
const MAX_INDEX_BYTES = 100_000_000;

/** What the files of PyTorch are called. */
const TORCH_NAME = /\.(bin|pt|pth|ckpt)$/;

/** `{`, with which the header of safetensors begins behind its length. */
const JSON_START = 0x7b;

/** Whether a name is that of a weights file or of the index of such files. */
export function isWeightsFile(name: string): boolean {
  return /\.(gguf|(safetensors|bin)(\.index\.json)?)$/.test(name) || TORCH_NAME.test(name);
}

/**
 * Opens the checkpoint of a folder (`model.safetensors`, the index of its shards, `pytorch_model.bin`, the index of its shards: the
 * first that is there; else its only GGUF file) or a file (safetensors, PyTorch, an index of either, or GGUF, which may be split).
 * Throws ConfigError if there is nothing at the path, and what `openCheckpointFrom` throws.
 */
export async function openCheckpoint(folderOrFile: string): Promise<Checkpoint> {
  const { stat, readdir } = await nodeFiles();
  const facts = await stat(folderOrFile).catch((cause: unknown) => {
    throw new ConfigError('there is no checkpoint', { seen: String(cause), where: folderOrFile, cause });
  });
  const [folder, weights] = facts.isDirectory() ? [`${folderOrFile}/`, undefined] : splitPath(folderOrFile);
  return openCheckpointFrom({
    name: folderOrFile,
    weights,
    open: file => fileSource(folder + file),
    list: () => readdir(folderOrFile),
  });
}

/**
 * Opens the checkpoint among the files of a model: the weights file that they name, else the first of the usual ones, as
 * `openCheckpoint`. Of a PyTorch file it gives the model's own tensors (`stateDictOf`). Aborting the signal stops this and later
 * reads. Throws CheckpointError if there is none, and what `openSafetensors`, `openTorch`, `openSharded` and `openGguf` throw.
 */
export async function openCheckpointFrom(files: ModelFiles, signal?: AbortSignal): Promise<Checkpoint> {
  const open: Open = (file, stop) => files.open(file, stop ? anySignal(signal, stop) : signal);
  const names = files.weights === undefined ? await files.list?.() : undefined;
  const gguf = ggufNames(names ?? []);
  const usual = [...USUAL_FILES, ...(gguf.length === 1 ? gguf : [])];
  const wanted = files.weights === undefined ? usual : [files.weights];
  for (const file of wanted.filter(name => names?.includes(name) ?? true)) {
    const source = await open(file);
    if (source) return file.endsWith('.index.json') ? openIndex(source, open) : openFile(source, open);
  }
  throw nothingToOpen(files, names);
}

type Open = (file: string, stop?: AbortSignal) => Promise<ByteSource | undefined>;

async function openFile(source: ByteSource, open?: Open): Promise<Checkpoint> {
  const start = await source.read(0, Math.min(9, source.size)).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  if (isGgufStart(start) || source.name.endsWith('.gguf')) return openGguf(source, open);
  // The name decides only about files that begin like neither: it says what is expected of them.
  if (isTorch(start) || (TORCH_NAME.test(source.name) && start[8] !== JSON_START)) {
    return stateDictOf(await openTorch(source));
  }
  return openSafetensors(source);
}

async function openIndex(source: ByteSource, open: Open) {
  const text = decodeUtf8(await readWhole(source, MAX_INDEX_BYTES), source.name);
  return openSharded(text, { open, read: part => openFile(part), where: source.name });
}

function nothingToOpen({ name: where, weights }: ModelFiles, names?: readonly string[]): Error {
  const expected = weights ?? USUAL_FILES.join(' or ');
  if (names === undefined || weights !== undefined)
    return new CheckpointError('there are no weights', { expected, where });
  const sorted = [...names].sort();
  const more = names.length > 20 ? `, and ${names.length - 20} more` : '';
  const seen = names.length === 0 ? 'an empty folder' : sorted.slice(0, 20).map(quoted).join(', ') + more;
  const other = names.some(isWeightsFile);
  const fix = other ? 'give the path of the file itself, or name it model.safetensors' : undefined;
  return new CheckpointError('folder holds no checkpoint', { seen, expected, fix, where });
}
