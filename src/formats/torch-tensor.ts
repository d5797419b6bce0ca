/**
 * Tensors of PyTorch as its files describe them: a view with offset and strides onto a storage, which lies in the file as a
 * run of bytes. Source: PyTorch, torch/_utils.py.
 */
import { elementBytes, type FileDType, tensorBytes } from './checkpoint.ts';
import { type Fail, kindOf, PickleSequence } from './pickle.ts';
import type { StridedView } from './strided-view.ts';

/** Part of a record, the bytes that belong to one key. */
export class TorchStorage {
  readonly key: string;
  /** Undefined for bytes without a type. */
  readonly dtype: FileDType | undefined;
  /** Bytes of the record. */
  readonly recordBytes: number;
  /** Where the storage begins in the record. */
  readonly begin: number;
  readonly byteLength: number;

  constructor(key: string, dtype: FileDType | undefined, recordBytes: number, begin = 0, byteLength = recordBytes) {
    this.key = key;
    this.dtype = dtype;
    this.recordBytes = recordBytes;
    this.begin = begin;
    this.byteLength = byteLength;
  }
}

/** A tensor's elements in its storage; offset and strides count elements. */
export class TorchTensor implements StridedView {
  readonly storage: TorchStorage;
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly byteLength: number;

  /** Takes what `torchTensor` has checked. */
  constructor(storage: TorchStorage, dtype: FileDType, view: Omit<StridedView, 'elementBytes'>, byteLength: number) {
    this.storage = storage;
    this.dtype = dtype;
    this.shape = view.shape;
    this.strides = view.strides;
    this.offset = view.offset;
    this.byteLength = byteLength;
  }
  get elementBytes(): number {
    return elementBytes(this.dtype);
  }
}

/** As in PyTorch. */
const MAX_DIMENSIONS = 64;
/** A stride of 0 makes any size of a few bytes; nothing that repeats itself is larger than this in a checkpoint. */
const MAX_REPEATED_BYTES = 2 ** 30;

/** Whether a value of a pickle is a whole number from 0 to 2^53 - 1. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Checks that a view lies within its storage, whatever its numbers claim, and makes the tensor. */
export function torchTensor(
  [storage, offset, size, stride]: readonly unknown[],
  dtype: FileDType | undefined,
  fail: Fail,
): TorchTensor {
  if (!(storage instanceof TorchStorage)) return fail('tensor has no storage', { seen: kindOf(storage) });
  if (dtype === undefined) return fail('tensor has no dtype', { seen: `storage ${storage.key} without a type` });
  const [shape, strides] = [counts(size, 'shape', fail), counts(stride, 'strides', fail)];
  if (!isCount(offset)) return fail('storage offset of a tensor is no count', { seen: kindOf(offset) });
  if (shape.length !== strides.length) {
    fail('shape and strides of a tensor do not fit', { seen: `[${shape}] and [${strides}]` });
  }
  const seen = `[${shape}] with strides [${strides}] from ${offset} on`;
  const byteLength = tensorBytes(dtype, shape);
  if (byteLength === undefined) return fail('shape of a tensor overflows', { seen });
  const available = Math.floor(storage.byteLength / elementBytes(dtype));
  // Every addend is positive, so a sum beyond 2^53 is rounded but stays too large.
  const end = byteLength === 0 ? offset : shape.reduce((last, n, d) => last + (n - 1) * strides[d]!, offset + 1);
  if (end > available) {
    fail('tensor reaches outside its storage', {
      seen,
      expected: `${available} elements of ${dtype} in storage ${storage.key}`,
    });
  }
  if (byteLength > Math.max(storage.byteLength, MAX_REPEATED_BYTES)) {
    fail('tensor repeats its storage too often', { seen, expected: `at most ${MAX_REPEATED_BYTES} bytes` });
  }
  return new TorchTensor(storage, dtype, { shape, strides, offset }, byteLength);
}

function counts(value: unknown, what: string, fail: Fail): readonly number[] {
  if (!(value instanceof PickleSequence)) return fail(`${what} of a tensor is no tuple`, { seen: kindOf(value) });
  // A list may still grow behind what was checked: it is copied.
  if (value.items.length > MAX_DIMENSIONS) {
    fail('tensor has too many dimensions', { seen: `${value.items.length}`, expected: `at most ${MAX_DIMENSIONS}` });
  }
  const wrong = value.items.findIndex(item => !isCount(item));
  if (wrong >= 0)
    fail(`${what} of a tensor must be counts`, { seen: kindOf(value.items[wrong]), expected: '0 or more' });
  return value.items.slice() as number[];
}
