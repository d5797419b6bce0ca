/**
 * PyTorch files before 1.6: five pickles in a row (a magic number, the version, facts about the machine, the object, the keys of
 * its storages), then for each key its number of elements (64 bits) and its bytes.
 * Source: PyTorch, torch/serialization.py, `_legacy_save`.
 */
import { FormatError, UnsupportedError } from '../errors.ts';
import { readU64 } from '../util/bytes.ts';
import { elementBytes } from './checkpoint.ts';
import { kindOf, PickleCutError, PickleDict, type PickleHost, PickleSequence, readPickle } from './pickle.ts';
import { quoted } from './quoted.ts';
import type { ByteSource } from './source.ts';
import { TORCH_GLOBALS, torchStorage } from './torch-globals.ts';
import type { TorchStorage } from './torch-tensor.ts';
import { MAX_PICKLE_BYTES, type TorchFile } from './torch-zip.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
/** Bytes of the number in front of each storage. */
const COUNT_BYTES = 8;
/** The pickles of most files are shorter than this; for others more is read. */
const FIRST_BYTES = 1 << 20;

/** Whether a file begins with a long of ten bytes, which the magic number is; since protocol 4 in a frame of 13 bytes. */
export function isTorchLegacy(start: Uint8Array): boolean {
  const [proto, version, opcode, length] = start;
  if (proto !== 0x80 || version === undefined) return false;
  return version < 4 ? opcode === 0x8a && length === 0x0a : opcode === 0x95 && length === 0x0d;
}

/**
 * Opens such a file; reads its pickles. Throws FormatError if one is damaged or asks for what is not allowed, or if the storages do
 * not fill the rest of the file; UnsupportedError for other versions and for big-endian numbers.
 */
export async function openTorchLegacy(source: ByteSource): Promise<TorchFile> {
  const { root, storages, keys, end } = await readPickles(source);
  const places = place(source, storages, keys, end);
  const checked = new Set<string>();
  return {
    root,
    async readStorage(storage, offset, length, into) {
      const { key } = storage;
      const begin = places.get(key)!;
      if (!checked.has(key)) {
        // Here, and not in the beginning: elsewhere than on a disk, to look at every storage is to fetch the whole file.
        await checkCount(source, begin, storages.get(key)!);
        checked.add(key);
      }
      return source.read(begin + storage.begin + offset, length, into);
    },
  };
}

interface Pickles {
  readonly root: unknown;
  /** By key, one of those that use the record. */
  readonly storages: ReadonlyMap<string, TorchStorage>;
  readonly keys: readonly string[];
  readonly end: number;
}

/** The length of the pickles is not written anywhere. */
async function readPickles(source: ByteSource): Promise<Pickles> {
  const most = Math.min(source.size, MAX_PICKLE_BYTES);
  for (let length = Math.min(most, FIRST_BYTES); ; length = Math.min(most, 4 * length)) {
    try {
      return parsePickles(await source.read(0, length), source.name);
    } catch (error) {
      if (!(error instanceof PickleCutError) || length === most) throw error;
    }
  }
}

function parsePickles(bytes: Uint8Array, where: string): Pickles {
  const storages = new Map<string, TorchStorage>();
  const plain: PickleHost = {
    globals: new Map(),
    persistent: (_, fail) => fail('storage where none is expected'),
  };
  const host: PickleHost = {
    globals: TORCH_GLOBALS,
    persistent(id, fail) {
      const storage = torchStorage(id, fail);
      const { recordBytes, dtype } = storages.get(storage.key) ?? storage;
      if (storage.recordBytes !== recordBytes || storage.dtype !== dtype) {
        fail('storage is described in two ways', { seen: quoted(storage.key) });
      }
      storages.set(storage.key, storage);
      return storage;
    },
  };
  let at = 0;
  const next = (rules: PickleHost) => {
    const { value, end } = readPickle(bytes, at, rules, where);
    at = end;
    return value;
  };
  const magic = next(plain);
  if (magic !== MAGIC) throw new FormatError('file is no PyTorch checkpoint', { seen: kindOf(magic), where });
  const version = next(plain);
  if (version !== VERSION) {
    throw new UnsupportedError('unknown version of PyTorch files', {
      seen: kindOf(version),
      expected: `${VERSION}`,
      where,
    });
  }
  const system = next(plain);
  if (!(system instanceof PickleDict) || system.get('little_endian') !== true) {
    throw new UnsupportedError('numbers are stored in an unknown order', { expected: 'little_endian', where });
  }
  const root = next(host);
  const keys = next(plain);
  if (!(keys instanceof PickleSequence) || !keys.items.every(key => typeof key === 'string')) {
    throw new FormatError('list of storages is damaged', { seen: kindOf(keys), where });
  }
  return { root, storages, keys: keys.items as string[], end: at };
}

/** Where the bytes of each storage begin. Throws FormatError unless they fill the file from `start` to its end. */
function place(
  { name: where, size }: ByteSource,
  storages: ReadonlyMap<string, TorchStorage>,
  keys: readonly string[],
  start: number,
): Map<string, number> {
  const places = new Map<string, number>();
  let at = start;
  for (const key of keys) {
    const storage = storages.get(key);
    if (!storage || places.has(key)) {
      throw new FormatError(`storage is ${storage ? 'listed twice' : 'listed but never used'}`, {
        seen: quoted(key),
        where,
      });
    }
    places.set(key, at + COUNT_BYTES);
    at += COUNT_BYTES + storage.recordBytes;
  }
  const missing = [...storages.keys()].find(key => !places.has(key));
  if (missing !== undefined) throw new FormatError('storage is not in the file', { seen: quoted(missing), where });
  if (at !== size) {
    throw new FormatError('file has another size than its storages', {
      seen: `${size} bytes`,
      expected: `${at}`,
      fix: at > size ? 'fetch the file again if its download was interrupted' : undefined,
      where,
    });
  }
  return places;
}

async function checkCount(source: ByteSource, begin: number, { key, dtype, recordBytes }: TorchStorage): Promise<void> {
  const count = readU64(await source.read(begin - COUNT_BYTES, COUNT_BYTES), 0);
  const expected = recordBytes / (dtype === undefined ? 1 : elementBytes(dtype));
  if (count !== BigInt(expected)) {
    throw new FormatError('storage has another size than the file says', {
      seen: `${count} elements in ${quoted(key)}`,
      expected: `${expected}`,
      where: source.name,
    });
  }
}
