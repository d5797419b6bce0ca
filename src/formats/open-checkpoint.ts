/** Opens the weights of a model: finds the file, tells its format, says what is there if nothing fits. */
import { CheckpointError, ConfigError, FormatError, UnsupportedError } from '../errors.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import type { Checkpoint } from './checkpoint.ts';
import { nodeFiles, splitPath } from './node-files.ts';
import { quoted } from './quoted.ts';
import { openSafetensors } from './safetensors.ts';
import { INDEX_FILE, openShardedSafetensors } from './sharded.ts';
import { type ByteSource, fileSource, type ModelFiles, readWhole } from './source.ts';

/** Where weights are, in the order of preference. */
const USUAL_FILES = ['model.safetensors', INDEX_FILE] as const;

/** An index of a million tensors takes this much; a longer file is not one. */
const MAX_INDEX_BYTES = 100_000_000;

/** What the first four bytes of other weights files are. Read as safetensors they would claim a header beyond its limit. */
const OTHER_FORMATS: readonly { readonly start: string; readonly format: string }[] = [
  { start: 'GGUF', format: 'GGUF' },
  { start: 'PK\x03\x04', format: 'PyTorch (zip)' },
  { start: '\x80\x02\x8a\x0a', format: 'PyTorch (pickle)' },
];

/** Weights that a folder may hold instead. */
const LATER_FILE = /^pytorch_model.*\.bin$|\.(gguf|pth)$/;

/** Whether a name is that of safetensors weights or of the index of their shards. */
export function isWeightsFile(name: string): boolean {
  return /\.safetensors(\.index\.json)?$/.test(name);
}

/**
 * Opens the checkpoint of a folder (`model.safetensors`, else the index of its shards) or a file (safetensors, or an index).
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
 * Opens the checkpoint among the files of a model: the weights file that they name, else `model.safetensors`, else the index
 * of its shards. Aborting the signal stops this and later reads. Throws CheckpointError if there is none, UnsupportedError for
 * formats that come later, and what `openSafetensors` and `openShardedSafetensors` throw.
 */
export async function openCheckpointFrom(files: ModelFiles, signal?: AbortSignal): Promise<Checkpoint> {
  const open = (file: string) => files.open(file, signal);
  const names = files.weights === undefined ? await files.list?.() : undefined;
  const wanted = files.weights === undefined ? USUAL_FILES : [files.weights];
  for (const file of wanted.filter(name => names?.includes(name) ?? true)) {
    const source = await open(file);
    if (source) return file.endsWith('.index.json') ? openIndex(source, open) : openFile(source);
  }
  throw nothingToOpen(files, names);
}

async function openFile(source: ByteSource): Promise<Checkpoint> {
  const other = await otherFormat(source);
  if (other === undefined) return openSafetensors(source);
  await source.close();
  throw new UnsupportedError(`${other} files come later`, { expected: 'safetensors', where: source.name });
}

async function otherFormat(source: ByteSource): Promise<string | undefined> {
  const start = String.fromCharCode(...(await source.read(0, Math.min(4, source.size))));
  return OTHER_FORMATS.find(other => other.start === start)?.format;
}

async function openIndex(source: ByteSource, open: (file: string) => Promise<ByteSource | undefined>) {
  const text = decodeUtf8(await readWhole(source, MAX_INDEX_BYTES), source.name);
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('index is not JSON', { seen: String(cause), where: source.name, cause });
  }
  return openShardedSafetensors(index, open, source.name);
}

function nothingToOpen({ name: where, weights }: ModelFiles, names?: readonly string[]): Error {
  const expected = weights ?? USUAL_FILES.join(' or ');
  if (names === undefined || weights !== undefined)
    return new CheckpointError('there are no weights', { expected, where });
  const sorted = [...names].sort();
  const more = names.length > 20 ? `, and ${names.length - 20} more` : '';
  const seen = names.length === 0 ? 'an empty folder' : sorted.slice(0, 20).map(quoted).join(', ') + more;
  const later = sorted.find(name => LATER_FILE.test(name));
  if (later !== undefined) {
    return new UnsupportedError(`files such as ${quoted(later)} come later`, { seen, expected, where });
  }
  const other = names.some(name => name.endsWith('.safetensors'));
  const fix = other ? 'give the path of the file itself, or name it model.safetensors' : undefined;
  return new CheckpointError('folder holds no checkpoint', { seen, expected, fix, where });
}
