/**
 * Reads GGUF files, versions 2 and 3, whole or split: the head once, then the bytes of tensors as they are asked for.
 * ggml-org/ggml docs/gguf.md; the keys of split files are those of ggml-org/llama.cpp.
 */
import { CheckpointError, FormatError } from '../errors.ts';
import { mapAtOnce } from './at-once.ts';
import { type Checkpoint, readRange } from './checkpoint.ts';
import {
  type GgufMetadata,
  type GgufValue,
  type ParsedMetadata,
  parseMetadata,
  readGgufHead,
} from './gguf-metadata.ts';
import { type GgufTensor, parseGgufTensors } from './gguf-tensors.ts';
import { splitPath } from './node-files.ts';
import { quoted } from './quoted.ts';
import type { ByteSource } from './source.ts';

export interface GgufCheckpoint extends Checkpoint {
  readonly format: 'GGUF';
  /** The metadata with their values. Of a split file: those of its first part. */
  readonly head: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** Gives the parts of a split file by name, several at a time; undefined when there is no such file. */
export type OpenPart = (file: string, signal?: AbortSignal) => Promise<ByteSource | undefined>;

/** Whether the first bytes of a file are those of a GGUF file. */
export const isGgufStart = (bytes: Uint8Array): boolean => String.fromCharCode(...bytes.subarray(0, 4)) === 'GGUF';

/** Whether an open checkpoint is a GGUF file. */
export const isGguf = (checkpoint: Checkpoint): checkpoint is GgufCheckpoint =>
  checkpoint.format === 'GGUF' && 'head' in checkpoint;

/** More parts than any model has. */
const MOST_PARTS = 10_000;
const fiveDigits = (value: number) => String(value).padStart(5, '0');
const PART_NAME = /-(\d{5})-of-(\d{5})\.gguf$/;

/** The GGUF files among names, of split ones the first part. */
export const ggufNames = (names: readonly string[]): string[] =>
  names.filter(name => name.endsWith('.gguf') && Number(PART_NAME.exec(name)?.[1] ?? 1) === 1).sort();

/**
 * Opens a GGUF file, and if it is a part of a split one all the others. The source then belongs to the checkpoint: closing the
 * checkpoint closes it, and it is closed if opening fails.
 * @param open gives the other parts; by default a split file is refused
 * @throws FormatError with the fault of a corrupt file, UnsupportedError for versions and types that are not read,
 * CheckpointError if parts are missing or do not belong together
 */
export async function openGguf(source: ByteSource, open?: OpenPart): Promise<GgufCheckpoint> {
  const opened = [source];
  const close = async () => {
    for (const part of opened) await part.close();
  };
  try {
    const part = await readPart(source);
    const parts = placeOf(part).of > 1 ? await readParts(part, open, opened) : [part];
    return checkpointOf(parts, close);
  } catch (error) {
    await close();
    throw error;
  }
}

interface Part {
  readonly source: ByteSource;
  readonly head: ParsedMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

function readPart(source: ByteSource): Promise<Part> {
  return readGgufHead(source, cursor => {
    const head = parseMetadata(cursor);
    return { source, head, tensors: parseGgufTensors(cursor, head, source.size, source.name) };
  });
}

/** A whole number of the metadata. */
function count({ head, source }: Pick<Part, 'head' | 'source'>, key: string, absent: number): number {
  const value = head.values.get(key) ?? absent;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new FormatError(`${key} is no count`, { seen: quoted(String(value)), where: source.name });
}

/** Which part it says it is, counted from 0, and of how many. */
const placeOf = (part: Pick<Part, 'head' | 'source'>) => ({
  no: count(part, 'split.no', 0),
  of: count(part, 'split.count', 1),
});

/** All parts in order; each that is opened is put down in `opened`. */
async function readParts(given: Part, open: OpenPart | undefined, opened: ByteSource[]): Promise<Part[]> {
  const { name: where } = given.source;
  const { no, of: total } = placeOf(given);
  const [, file] = splitPath(where);
  const [end, number, of] = PART_NAME.exec(file) ?? [];
  if (end === undefined || Number(of) !== total || Number(number) !== no + 1) {
    throw new CheckpointError('the name of a part of a split file does not say which part it is', {
      seen: quoted(file),
      expected: `a name that ends with -${fiveDigits(no + 1)}-of-${fiveDigits(total)}.gguf`,
      fix: 'give the files the names that they were published under',
      where,
    });
  }
  if (total > MOST_PARTS) throw new FormatError('a file is split into too many parts', { seen: `${total}`, where });
  const numbers = Array.from({ length: total }, (_, i) => i + 1);
  const parts = await mapAtOnce(numbers, async (i, stop) => {
    if (i === no + 1) return given;
    const wanted = file.slice(0, -end.length) + end.replace(/^-\d{5}/, `-${fiveDigits(i)}`);
    const source = await open?.(wanted, stop);
    if (!source) {
      throw new CheckpointError('a part of a split file is missing', {
        seen: `no ${quoted(wanted)}`,
        fix: 'put all parts into one folder',
        where,
      });
    }
    opened.push(source);
    const part = await readPart(source);
    const place = placeOf(part);
    if (place.of !== total || place.no !== i - 1) {
      throw new CheckpointError('the parts of a split file do not belong together', {
        seen: `part ${place.no + 1} of ${place.of}`,
        expected: `part ${i} of ${total}`,
        where: source.name,
      });
    }
    return part;
  });
  const tensors = parts.reduce((n, part) => n + part.tensors.size, 0);
  const expected = count(parts[0]!, 'split.tensors.count', tensors);
  if (tensors !== expected) {
    throw new CheckpointError('the parts of a split file hold another number of tensors than the first one says', {
      seen: `${tensors}`,
      expected: `${expected}`,
      where,
    });
  }
  return parts;
}

function checkpointOf(parts: readonly Part[], close: () => Promise<void>): GgufCheckpoint {
  const [{ head, source: first, tensors: own }] = parts as [Part, ...Part[]];
  const { tensors, home } = parts.length > 1 ? joinParts(parts) : { tensors: own };
  return {
    format: 'GGUF',
    metadata: Object.fromEntries([...head.values.keys()].map(key => [key, textOf(head, key)])),
    head,
    tensors,
    async read(name, offset, length, into) {
      const { begin } = readRange(tensors, name, offset, length, first.name);
      return (home?.get(name) ?? first).read(begin + offset, length, into);
    },
    close,
  };
}

function joinParts(parts: readonly Part[]) {
  const tensors = new Map<string, GgufTensor>();
  const home = new Map<string, ByteSource>();
  for (const { source, tensors: own } of parts) {
    for (const [name, tensor] of own) {
      if (home.has(name)) throw new FormatError('a tensor is in two parts', { seen: quoted(name), where: source.name });
      tensors.set(name, tensor);
      home.set(name, source);
    }
  }
  return { tensors, home };
}

/** How many values of a list are told. */
const FEW = 8;

/** A value of the metadata as text; of a longer list how many it has. */
function textOf({ values, lengths }: ParsedMetadata, key: string): string {
  const length = lengths.get(key) ?? 0;
  return length > FEW ? `${length} values` : shown(values.get(key)!);
}

const shown = (value: GgufValue): string =>
  typeof value === 'object' ? `[${Array.from(value as ArrayLike<GgufValue>, shown).join(', ')}]` : String(value);
