/**
 * PyTorch files since 1.6: a zip archive with one folder, in it `data.pkl` (the object) and `data/KEY` (the bytes of each storage).
 * Source: PyTorch, torch/serialization.py and caffe2/serialize/inline_container.cc.
 */
import { FormatError, UnsupportedError } from '../errors.ts';
import { type PickleHost, readPickle } from './pickle.ts';
import { quoted } from './quoted.ts';
import type { ByteSource } from './source.ts';
import { TORCH_GLOBALS, torchStorage } from './torch-globals.ts';
import type { TorchStorage } from './torch-tensor.ts';
import { openZip, type Zip, type ZipMember } from './zip.ts';

/** What was saved, and the bytes of its storages. */
export interface TorchFile {
  /** As `readPickle` gives it, with a `TorchTensor` for each tensor. */
  readonly root: unknown;
  /** Part of a storage, as `ByteSource.read`; what is asked for lies within it. */
  readStorage(storage: TorchStorage, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
}

/** A pickle of a hundred thousand tensors takes a fifth of this. */
export const MAX_PICKLE_BYTES = 1 << 26;

/**
 * Opens such a file; reads its directory and its pickle. Throws FormatError if either is damaged or asks for what is not allowed,
 * or if a storage is not there in full; UnsupportedError for a program (TorchScript) and for big-endian numbers.
 */
export async function openTorchZip(source: ByteSource): Promise<TorchFile> {
  const zip = await openZip(source);
  const { folder, pickle } = findPickle(zip, source.name);
  await checkByteOrder(zip, folder, source.name);
  const memberOf = (key: string) => zip.members.get(`${folder}data/${key}`);
  const bytes = await zip.readWhole(pickle, MAX_PICKLE_BYTES);
  const host: PickleHost = {
    globals: TORCH_GLOBALS,
    persistent(id, fail) {
      const storage = torchStorage(id, fail);
      const size = memberOf(storage.key)?.size;
      if (size === undefined) fail('storage is not in the file', { seen: quoted(storage.key) });
      if (size !== storage.recordBytes) {
        fail('storage has another size than the file says', {
          seen: `${size} bytes in ${quoted(storage.key)}`,
          expected: `${storage.recordBytes}`,
        });
      }
      return storage;
    },
  };
  const { value, end } = readPickle(bytes, 0, host, `${pickle.name} of ${source.name}`);
  if (end !== bytes.length) {
    throw new FormatError('something follows the pickle', {
      seen: `${bytes.length - end} bytes`,
      where: `${pickle.name} of ${source.name}`,
    });
  }
  return {
    root: value,
    readStorage: (storage, offset, length, into) =>
      zip.read(memberOf(storage.key)!, storage.begin + offset, length, into),
  };
}

function findPickle({ members }: Zip, where: string): { readonly folder: string; readonly pickle: ZipMember } {
  const pickles = [...members.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (!pickle || pickles.length > 1) {
    const names = [...members.keys()].slice(0, 8).map(quoted).join(', ');
    throw new FormatError('zip archive is no PyTorch checkpoint', {
      seen: names || 'an empty archive',
      expected: 'one folder with data.pkl in it',
      where,
    });
  }
  const folder = pickle.name.slice(0, -'data.pkl'.length);
  if (members.has(`${folder}constants.pkl`)) {
    throw new UnsupportedError('file holds a program (TorchScript), not weights', {
      fix: 'save the state dict of the model it was made from',
      where,
    });
  }
  return { folder, pickle };
}

async function checkByteOrder(zip: Zip, folder: string, where: string): Promise<void> {
  const member = zip.members.get(`${folder}byteorder`);
  const order = member && String.fromCharCode(...(await zip.readWhole(member, 16)));
  if (order === undefined || order === 'little') return;
  throw new UnsupportedError('numbers are stored in an unknown order', {
    seen: quoted(order),
    expected: 'little',
    where,
  });
}
