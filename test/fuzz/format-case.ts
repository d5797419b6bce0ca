/**
 * Cases about weights files and what is beside them. A file, whatever was done to it, is opened and read to its end or refused
 * with an error of the library: without a read outside of it, without memory beyond a small multiple of its size, and without
 * leaving it open.
 */
// First: it counts what the others allocate.
import './allocations.ts';

import { posix, win32 } from 'node:path';
import { HeedError } from '../../src/errors.ts';
import {
  type ByteSource,
  bytesSource,
  type Checkpoint,
  type ModelFiles,
  openCheckpointFrom,
  type TensorEntry,
  tensorBytes,
  toFloat32,
} from '../../src/formats/index.ts';
import { ADAPTER_CONFIG, readAdapterConfig } from '../../src/hub/adapter-config.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { decodeListing, encodeListing, parseListing } from '../../src/hub/hub-listing.ts';
import { neededFiles } from '../../src/hub/needed-files.ts';
import type { Rng } from '../../src/util/rng.ts';
import { zipBytes } from '../formats/torch-builder.ts';
import { allocatedBytes } from './allocations.ts';
import type { Files, FormatMaterials, NamedBytes } from './format-materials.ts';
import { type Case, orRefused } from './fuzz-case.ts';
import { mutatedWeights, randomGguf, withHeader } from './mutated-checkpoint.ts';
import { mutatedBytes, mutatedJson } from './mutated-file.ts';

export { readFormatMaterials } from './format-materials.ts';

const pick = <T>(rng: Rng, list: readonly T[]): T => list[rng.below(list.length)]!;

/** What a case may allocate: so many bytes for each of the file and each that was read, besides the buffers that are always there. */
const MOST_PER_BYTE = 32;
const MOST_BESIDES = 1 << 20;
/** A repeated tensor may be long; read of it and of the others. */
const MOST_READ = 1 << 20;
const PIECE = 1 << 14;

function check(holds: boolean, what: string, facts: unknown): void {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(facts).slice(0, 1000)}`);
}

/** Files that say what they were asked for outside of themselves, and which of them are open. */
class WatchedFiles implements ModelFiles {
  readonly name = 'case';
  readonly weights: string;
  readonly #files: Files;
  #open = 0;

  constructor(files: Files, weights: string) {
    this.#files = files;
    this.weights = weights;
  }
  async open(file: string): Promise<ByteSource | undefined> {
    const bytes = Object.hasOwn(this.#files, file) ? this.#files[file] : undefined;
    if (bytes === undefined) return undefined;
    const source = bytesSource(bytes, file);
    this.#open++;
    let closed = false;
    return {
      ...source,
      read: async (offset, length, into) => {
        const inside = offset >= 0 && length >= 0 && offset + length <= bytes.length;
        check(inside && !closed, 'a read outside of the file', { file, offset, length, size: bytes.length, closed });
        return source.read(offset, length, into);
      },
      close: async () => {
        if (!closed) this.#open--;
        closed = true;
      },
    };
  }
  /** How many are open, and the bytes of all. */
  watched() {
    return { open: this.#open, size: Object.values(this.#files).reduce((sum, { length }) => sum + length, 0) };
  }
}

/** Opens weights, reads all tensors. What it took is checked also where it is refused. */
async function readAll(files: WatchedFiles): Promise<void> {
  const before = allocatedBytes();
  const counted = { read: 0 };
  const failure = await readTensors(files, counted).then(
    () => undefined,
    (error: unknown) => error ?? new Error('nothing was thrown'),
  );
  if (failure !== undefined && !(failure instanceof HeedError)) throw failure;
  const { open: left, size } = files.watched();
  check(left === 0, 'a file was left open', `${failure}`);
  const allocated = allocatedBytes() - before;
  const most = MOST_BESIDES + MOST_PER_BYTE * (size + counted.read);
  check(allocated <= most, 'too much memory', { allocated, most, size, ...counted, failure: `${failure}` });
  if (failure !== undefined) throw failure;
}

async function readTensors(files: WatchedFiles, counted: { read: number }): Promise<void> {
  const checkpoint = await openCheckpointFrom(files);
  try {
    for (const [name, entry] of checkpoint.tensors) {
      checkEntry(name, entry);
      const wanted = Math.min(entry.byteLength, Math.max(0, MOST_READ - counted.read));
      counted.read += wanted;
      await readTensor(checkpoint, entry, wanted);
    }
    const { metadata } = checkpoint;
    check(
      Object.values(metadata).every(text => typeof text === 'string'),
      'metadata are no texts',
      metadata,
    );
  } finally {
    await checkpoint.close();
  }
}

function checkEntry(key: string, { name, dtype, shape, byteLength }: TensorEntry): void {
  check(name === key, 'a tensor has two names', { key, name });
  check(byteLength === tensorBytes(dtype, shape), 'a tensor has another size than its shape', {
    dtype,
    shape,
    byteLength,
  });
}

async function readTensor(checkpoint: Checkpoint, { name, dtype, byteLength }: TensorEntry, wanted: number) {
  for (let at = 0; at < wanted; at += PIECE) {
    const length = Math.min(PIECE, wanted - at);
    const bytes = await checkpoint.read(name, at, length);
    check(bytes.length === length, 'a read gives another length', { name, at, length, seen: bytes.length });
  }
  const end = await checkpoint.read(name, byteLength - Math.min(7, byteLength), Math.min(7, byteLength));
  check(end.length === Math.min(7, byteLength), 'a read gives another length', { name, seen: end.length });
  if (byteLength <= PIECE) toFloat32(await checkpoint.read(name, 0, byteLength), dtype);
  for (const [offset, length] of [
    [0, byteLength + 1],
    [byteLength, 1],
    [-1, 1],
    [Number.NaN, 1],
  ] as const) {
    const error: unknown = await checkpoint.read(name, offset, length).catch((e: unknown) => e);
    check(error instanceof HeedError, 'a read outside of a tensor', { name, offset, length, byteLength });
  }
}

function weightsCase(what: string, files: Files, weights: string): Case {
  return { what, run: () => orRefused(() => readAll(new WatchedFiles(files, weights))) };
}

type Maker = (rng: Rng, materials: FormatMaterials) => Case;

/** One file that is wrong. */
function oneFile(
  list: (materials: FormatMaterials) => readonly NamedBytes[],
  ending: string,
  change: typeof mutatedWeights,
): Maker {
  return (rng, materials) => {
    const { name, bytes } = pick(rng, list(materials));
    const file = `model.${ending}`;
    return weightsCase(name, { [file]: change(rng, bytes, pick(rng, list(materials)).bytes) }, file);
  };
}

/** Wrong files in the place of one of several, or a wrong index. */
function several(rng: Rng, files: Files, first: string, change: (rng: Rng, bytes: Uint8Array) => Uint8Array): Case {
  const name = pick(rng, Object.keys(files));
  return weightsCase(`${first}, ${name} edited`, { ...files, [name]: change(rng, files[name]!) }, first);
}

/** An index of the tensors that the shards really hold, or of others, edited. */
const indexCase: Maker = (rng, { folders }) => {
  const { index, files } = pick(rng, folders);
  if (rng.below(3) === 0) return several(rng, files, index, mutatedBytes);
  const text = new TextDecoder().decode(files[index]);
  const json = mutatedJson(rng, text, ['weight_map', 'metadata']);
  const edited = new TextEncoder().encode(JSON.stringify(json));
  return weightsCase(`${index}, fields edited`, { ...files, [index]: edited }, index);
};

const pickleCase: Maker = (rng, { archives }) => {
  const { name, members } = pick(rng, archives);
  const pickled = members.map(member =>
    member.name.endsWith('.pkl') ? { ...member, data: mutatedBytes(rng, member.data) } : member,
  );
  return weightsCase(`${name}, pickle edited`, { 'model.bin': zipBytes(pickled) }, 'model.bin');
};

const MODULES = ['h.0.attn.c_attn', 'transformer.h.11.mlp.c_fc', 'x', '', 'a.b.c.d.e.f'];

const adapterCase: Maker = (rng, { adapterConfig }) => {
  const keys = Object.keys(JSON.parse(adapterConfig) as object);
  const json = mutatedJson(rng, adapterConfig, keys) as Record<string, unknown>;
  if (rng.below(2) === 0)
    json[pick(rng, ['rank_pattern', 'alpha_pattern'])] = { [pick(rng, PATTERNS)]: (rng.below(18) - 1) / 2 };
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  const files = memoryFiles({ [ADAPTER_CONFIG]: rng.below(4) === 0 ? mutatedBytes(rng, bytes) : bytes });
  return {
    what: `${ADAPTER_CONFIG} ${JSON.stringify(json).slice(0, 300)}`,
    run: () =>
      orRefused(async () => {
        const config = await readAdapterConfig(files);
        for (const module of MODULES) {
          const { rank, scale } = config!.facts(module);
          check(Number.isSafeInteger(rank) && rank > 0 && Number.isFinite(scale), 'a rank or scale', { rank, scale });
        }
      }),
  };
};
const PATTERNS = ['c_attn', '^h.0', '(a+)+$', '.*', '(', '\\d+.attn', '[', 'x'.repeat(3000), '__proto__'];

const SHA = '0123456789abcdef0123456789abcdef01234567';
const LISTING = {
  sha: SHA,
  siblings: [
    { rfilename: 'config.json', size: 3, blobId: SHA },
    { rfilename: 'model.safetensors', size: 9, blobId: SHA, lfs: { sha256: SHA + SHA.slice(0, 24), size: 9 } },
    { rfilename: '1_Pooling/config.json', size: 3, blobId: SHA },
  ],
};
const NAMES = [
  '../x',
  '/etc/x',
  'a/../../b',
  'C:x',
  'a\\b',
  'a/',
  '.',
  '',
  'a//b',
  'con',
  'a\0b',
  '..',
  '__proto__',
  'x/y.json',
];

const listingCase: Maker = rng => {
  const json = mutatedJson(rng, JSON.stringify(LISTING), ['siblings', 'siblings', 'sha']) as typeof LISTING;
  if (rng.below(2) === 0 && Array.isArray(json.siblings) && json.siblings[0] instanceof Object)
    Object.assign(json.siblings[0], { rfilename: pick(rng, NAMES) });
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  const given = rng.below(4) === 0 ? mutatedBytes(rng, bytes) : bytes;
  return {
    what: `a hub's listing ${new TextDecoder().decode(given).slice(0, 500)}`,
    run: () =>
      orRefused(() => {
        const listing = parseListing(given, 'case');
        checkInside([...listing.files.keys()]);
        const kept = decodeListing(new TextDecoder().decode(encodeListing(listing)), listing.commit);
        if (listing.files.size > 0)
          check([...kept!.files.keys()].join() === [...listing.files.keys()].join(), 'kept', kept);
        neededFiles([...listing.files.keys()], 'case');
      }),
  };
};

const keptListingCase: Maker = rng => {
  const files = parseListing(new TextEncoder().encode(JSON.stringify(LISTING)), 'case');
  const text = new TextDecoder().decode(encodeListing(files));
  const bytes = new TextEncoder().encode(JSON.stringify(mutatedJson(rng, text, ['files'])));
  const given = new TextDecoder().decode(rng.below(3) === 0 ? mutatedBytes(rng, bytes) : bytes);
  return {
    what: `a kept listing ${given.slice(0, 500)}`,
    run: () =>
      orRefused(() => {
        const listing = decodeListing(given, SHA);
        if (!listing) throw new HeedError('none');
        checkInside([...listing.files.keys()]);
        for (const file of listing.files.values())
          check(!file || (/^[\w-]+$/.test(file.etag) && Number.isSafeInteger(file.size)), 'a fact', file);
      }),
  };
};

/** No path may lead out of a folder, on any system. */
function checkInside(paths: readonly string[]): void {
  for (const path of paths) {
    check(posix.join('/root/model', path).startsWith('/root/model/'), 'a path leads out', path);
    check(win32.join('C:\\root\\model', path).startsWith('C:\\root\\model\\'), 'a path leads out', path);
  }
}

const KINDS: readonly Maker[] = [
  oneFile(m => m.safetensors, 'safetensors', mutatedWeights),
  oneFile(m => m.safetensors, 'safetensors', withHeader),
  oneFile(m => m.gguf, 'gguf', mutatedWeights),
  oneFile(m => m.gguf, 'gguf', mutatedWeights),
  rng => weightsCase('random metadata', { 'model.gguf': randomGguf(rng) }, 'model.gguf'),
  (rng, { splitGguf }) =>
    several(rng, splitGguf, pick(rng, Object.keys(splitGguf)), (r, bytes) => mutatedWeights(r, bytes, bytes)),
  oneFile(m => m.torch, 'bin', mutatedWeights),
  pickleCase,
  indexCase,
  adapterCase,
  listingCase,
  keptListingCase,
];

/** The case that a generator's state stands for. */
export const formatCase = (rng: Rng, materials: FormatMaterials): Case => pick(rng, KINDS)(rng, materials);
