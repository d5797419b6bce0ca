/**
 * Reads PyTorch checkpoints (`.bin`, `.pt`, `.pth`, `.ckpt`), zip archives and the older form: the pickle once, through a machine that
 * executes nothing, then the bytes of tensors as they are asked for.
 */
import { FormatError } from '../errors.ts';
import { type Checkpoint, readRange, type TensorEntry } from './checkpoint.ts';
import { foreignFile } from './foreign-file.ts';
import type { PickleDict } from './pickle.ts';
import { type ByteSource, readTarget } from './source.ts';
import { isContiguous, readStrided } from './strided-view.ts';
import { isTorchLegacy, openTorchLegacy } from './torch-legacy.ts';
import { namedTensors, plainFacts, stateDictPrefix } from './torch-names.ts';
import type { TorchTensor } from './torch-tensor.ts';
import { openTorchZip, type TorchFile } from './torch-zip.ts';

/** Everything that a file holds. */
export interface TorchCheckpoint extends Checkpoint {
  /** What the names of the model's own tensors begin with; see `stateDictOf`. */
  readonly prefix: string;
}

/**
 * Opens a PyTorch file: all its tensors, each under its keys joined by dots (`state_dict.embed.weight`). The source then belongs to
 * the checkpoint: closing the checkpoint closes it, and it is closed if opening fails. Throws FormatError for a file that is
 * damaged, or asks for anything but tensors and plain values; UnsupportedError for programs and big-endian numbers.
 */
export async function openTorch(source: ByteSource): Promise<TorchCheckpoint> {
  try {
    const file = await openFile(source);
    const views = namedTensors(file.root, source.name);
    const tensors = new Map<string, TensorEntry>();
    for (const [name, { dtype, shape, byteLength }] of views) tensors.set(name, { name, dtype, shape, byteLength });
    const root = file.root as PickleDict;
    return {
      format: 'pytorch',
      metadata: plainFacts(root),
      tensors,
      prefix: stateDictPrefix(root, tensors.keys()),
      async read(name, offset, length, into) {
        readRange(tensors, name, offset, length, source.name);
        return readView(file, views.get(name)!, offset, length, into);
      },
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Whether a file with these first bytes, at least four, is of either form. Safetensors never begin so. */
export function isTorch(start: Uint8Array): boolean {
  return isZip(start) || isTorchLegacy(start);
}

const isZip = (start: Uint8Array) => String.fromCharCode(...start.subarray(0, 4)) === 'PK\x03\x04';

async function openFile(source: ByteSource): Promise<TorchFile> {
  const start = await source.read(0, Math.min(8, source.size));
  if (isZip(start)) return openTorchZip(source);
  if (isTorchLegacy(start)) return openTorchLegacy(source);
  throw new FormatError('file is no PyTorch checkpoint', {
    expected: 'a zip archive, or the magic number of older files',
    ...foreignFile(start),
    where: source.name,
  });
}

async function readView(file: TorchFile, view: TorchTensor, offset: number, length: number, into?: Uint8Array) {
  if (isContiguous(view)) {
    // A tensor without elements may claim any offset within its storage, of which nothing is read.
    return file.readStorage(view.storage, view.offset * view.elementBytes + offset, length, into);
  }
  const out = readTarget({ name: 'tensor', size: view.byteLength }, offset, length, into);
  await readStrided(view, offset, out, (at, bytes) => file.readStorage(view.storage, at, bytes));
  return out;
}

/** The model's own tensors among all of a file, by the names that the model gives them; see `stateDictPrefix`. */
export function stateDictOf(checkpoint: TorchCheckpoint): Checkpoint {
  const { prefix, format, metadata } = checkpoint;
  const tensors = new Map<string, TensorEntry>();
  for (const entry of checkpoint.tensors.values()) {
    if (!entry.name.startsWith(prefix)) continue;
    const name = entry.name.slice(prefix.length);
    tensors.set(name, { ...entry, name });
  }
  return {
    format,
    metadata,
    tensors,
    async read(name, offset, length, into) {
      return checkpoint.read(prefix + name, offset, length, into);
    },
    close: () => checkpoint.close(),
  };
}
