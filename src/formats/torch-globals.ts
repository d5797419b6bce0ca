/**
 * The names that a PyTorch checkpoint may ask for, and what each stands for here. This list is the whole world of a pickle: a
 * name that is not in it is refused, and no function in it does more than check and combine its arguments.
 * Source: PyTorch, torch/_weights_only_unpickler.py and torch/_utils.py.
 */
import { elementBytes, type FileDType } from './checkpoint.ts';
import { type Fail, kindOf, PickleBytes, PickleDict, type PickleGlobal, PickleSequence } from './pickle.ts';
import { isCount, TorchStorage, TorchTensor, torchTensor } from './torch-tensor.ts';

/** A class of storages or a dtype. */
interface TypedGlobal extends PickleGlobal {
  readonly storage: boolean;
  readonly dtype: FileDType | undefined;
}

const STORAGES: Readonly<Record<string, FileDType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

const DTYPES: Readonly<Record<string, FileDType>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
};

type Call = NonNullable<PickleGlobal['call']>;

/** The arguments behind a tensor's view are those of its gradient, and metadata that no stored value depends on. */
const rebuildTensor: Call = (args, fail) => {
  const [storage] = args;
  return torchTensor(args, storage instanceof TorchStorage ? storage.dtype : undefined, fail);
};

const CALLS: Readonly<Record<string, Call>> = {
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_tensor_v3': (args, fail) => torchTensor(args, typeOf(args[6], false)?.dtype, fail),
  'torch._utils._rebuild_parameter': ([data], fail) =>
    data instanceof TorchTensor ? data : fail('parameter is made of no tensor', { seen: kindOf(data) }),
  'torch.Size': ([size], fail) =>
    size instanceof PickleSequence ? size : fail('torch.Size is made of no tuple', { seen: kindOf(size) }),
  'torch.device': ([name], fail) =>
    typeof name === 'string' ? name : fail('torch.device has no name', { seen: kindOf(name) }),
  'collections.OrderedDict': orderedDict,
  '__builtin__.set': newSet,
  'builtins.set': newSet,
  // How protocol 2 writes bytes.
  '_codecs.encode': ([text], fail) =>
    typeof text === 'string' ? new PickleBytes(text.length) : fail('bytes are made of no text', { seen: kindOf(text) }),
};

/** By `module.name`. */
export const TORCH_GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map<string, PickleGlobal>(
  [
    ...Object.entries(STORAGES).map(([name, dtype]) => typed(`torch.${name}`, true, dtype)),
    typed('torch.UntypedStorage', true, undefined),
    typed('torch.storage.UntypedStorage', true, undefined),
    ...Object.entries(DTYPES).map(([name, dtype]) => typed(`torch.${name}`, false, dtype)),
    ...Object.entries(CALLS).map(([path, call]) => ({ path, call })),
  ].map(global => [global.path, global]),
);

function typed(path: string, storage: boolean, dtype: FileDType | undefined): TypedGlobal {
  return { path, storage, dtype };
}

function typeOf(value: unknown, storage: boolean): TypedGlobal | undefined {
  const known = typeof value === 'object' && value !== null && 'storage' in value && value.storage === storage;
  return known ? (value as TypedGlobal) : undefined;
}

/** Python 2 gives the entries as a list of pairs. It is used up, so that no pickle can copy one list many times. */
function orderedDict([pairs]: readonly unknown[], fail: Fail): PickleDict {
  const dict = new PickleDict();
  if (pairs === undefined) return dict;
  if (!(pairs instanceof PickleSequence)) return fail('OrderedDict is made of no list', { seen: kindOf(pairs) });
  for (const pair of pairs.items.splice(0)) {
    if (!(pair instanceof PickleSequence) || pair.items.length !== 2) {
      return fail('OrderedDict is made of no pairs', { seen: kindOf(pair) });
    }
    dict.items.push(...pair.items);
  }
  return dict;
}

function newSet([items]: readonly unknown[], fail: Fail): PickleSequence {
  if (items === undefined) return new PickleSequence('set', []);
  if (!(items instanceof PickleSequence)) return fail('set is made of no list', { seen: kindOf(items) });
  // A list is used up, as the reference's own files use it once: else one list could be walked again for each set.
  return new PickleSequence('set', items.kind === 'list' ? items.items.splice(0) : items.items.slice());
}

/**
 * The storage that a persistent id stands for: `('storage', class, key, location, elements)` and in old files the part of it
 * that is meant, `(key, offset, elements)` or None. Where the storage was computed says nothing here.
 */
export function torchStorage(id: unknown, fail: Fail): TorchStorage {
  if (!(id instanceof PickleSequence) || id.items[0] !== 'storage') {
    return fail('persistent id is no storage', {
      seen: kindOf(id),
      expected: "('storage', class, key, location, count)",
    });
  }
  const [, kind, key, , count, view] = id.items;
  const type = typeOf(kind, true);
  if (!type) return fail('storage has no known class', { seen: kindOf(kind) });
  if (typeof key !== 'string') return fail('storage key is no text', { seen: kindOf(key) });
  const size = type.dtype === undefined ? 1 : elementBytes(type.dtype);
  const bytesOf = (elements: unknown) =>
    isCount(elements) && isCount(elements * size)
      ? elements * size
      : fail('storage has no size', { seen: kindOf(elements), expected: 'a count of elements' });
  const recordBytes = bytesOf(count);
  if (view === undefined || view === null) return new TorchStorage(key, type.dtype, recordBytes);
  const [, offset, elements] = view instanceof PickleSequence ? view.items : [];
  const [begin, byteLength] = [bytesOf(offset), bytesOf(elements)];
  if (begin + byteLength > recordBytes) {
    fail('part of a storage reaches outside it', {
      seen: `${byteLength} bytes from ${begin} on`,
      expected: `${recordBytes}`,
    });
  }
  return new TorchStorage(key, type.dtype, recordBytes, begin, byteLength);
}
