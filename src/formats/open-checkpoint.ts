/** Opens the weights in a folder or a file, in Node: finds the file, tells its format, says what is there if nothing fits. */
import { CheckpointError, ConfigError, FormatError, UnsupportedError } from '../errors.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import type { Checkpoint } from './checkpoint.ts';
import { nodeFiles } from './node-files.ts';
import { quoted } from './quoted.ts';
import { openSafetensors } from './safetensors.ts';
import { INDEX_FILE, openShardedSafetensors } from './sharded.ts';
import { type ByteSource, fileSource } from './source.ts';

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

/**
 * Opens the checkpoint of a folder (`model.safetensors`, else the index of its shards) or a file (safetensors, or an index).
 * Throws ConfigError if there is nothing at the path, CheckpointError if the folder has no checkpoint, UnsupportedError for
 * formats that come later, and what `openSafetensors` and `openShardedSafetensors` throw.
 */
export async function openCheckpoint(folderOrFile: string): Promise<Checkpoint> {
  const { stat, readdir } = await nodeFiles();
  const facts = await stat(folderOrFile).catch((cause: unknown) => {
    throw new ConfigError('there is no checkpoint', { seen: String(cause), where: folderOrFile, cause });
  });
  if (!facts.isDirectory()) return openFile(folderOrFile);
  const names = await readdir(folderOrFile);
  const name = ['model.safetensors', INDEX_FILE].find(wanted => names.includes(wanted));
  if (name === undefined) throw nothingToOpen(folderOrFile, names.sort());
  return openFile(`${folderOrFile}/${name}`);
}

async function openFile(path: string): Promise<Checkpoint> {
  if (path.endsWith('.index.json')) return openIndex(path);
  const source = await fileSource(path);
  const other = await otherFormat(source);
  if (other === undefined) return openSafetensors(source);
  await source.close();
  throw new UnsupportedError(`${other} files come later`, { expected: 'safetensors', where: path });
}

async function otherFormat(source: ByteSource): Promise<string | undefined> {
  const start = String.fromCharCode(...(await source.read(0, Math.min(4, source.size))));
  return OTHER_FORMATS.find(other => other.start === start)?.format;
}

async function openIndex(path: string): Promise<Checkpoint> {
  const folder = path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return openShardedSafetensors(await readJson(path), file => fileSource(folder + file), path);
}

async function readJson(path: string): Promise<unknown> {
  const source = await fileSource(path);
  try {
    if (source.size > MAX_INDEX_BYTES) {
      throw new FormatError('index is too large', {
        seen: `${source.size} bytes`,
        expected: `at most ${MAX_INDEX_BYTES}`,
        where: path,
      });
    }
    const text = decodeUtf8(await source.read(0, source.size), path);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new FormatError('index is not JSON', { seen: String(cause), where: path, cause });
    }
  } finally {
    await source.close();
  }
}

function nothingToOpen(folder: string, names: readonly string[]): Error {
  const shown =
    names.slice(0, 20).map(quoted).join(', ') + (names.length > 20 ? `, and ${names.length - 20} more` : '');
  const facts = { seen: names.length === 0 ? 'an empty folder' : shown, where: folder };
  const expected = `model.safetensors or ${INDEX_FILE}`;
  const later = names.find(name => LATER_FILE.test(name));
  if (later !== undefined) {
    return new UnsupportedError(`files such as ${quoted(later)} come later`, { ...facts, expected });
  }
  const fix = names.some(name => name.endsWith('.safetensors')) ? 'give the path of the file itself' : undefined;
  return new CheckpointError('folder holds no checkpoint', { ...facts, expected, fix });
}
