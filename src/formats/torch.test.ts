import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  call,
  dict,
  floats,
  global,
  int,
  joined,
  pickle,
  tensor,
  text,
  torchLegacy,
  torchZip,
  tuple,
  u64,
} from '../../test/formats/torch-builder.ts';
import { toFloat32 } from './checkpoint.ts';
import { bytesSource } from './source.ts';
import { openTorch, stateDictOf } from './torch.ts';

const open = (bytes: Uint8Array) => openTorch(bytesSource(bytes, 'x.bin'));
const six = floats(0, 1, 2, 3, 4, 5);

async function values(bytes: Uint8Array, name = 'w'): Promise<number[]> {
  const checkpoint = await open(bytes);
  const { byteLength, dtype } = checkpoint.tensors.get(name)!;
  return [...toFloat32(await checkpoint.read(name, 0, byteLength), dtype)];
}

const FORMS = { zip: torchZip, legacy: torchLegacy };

describe.each(Object.entries(FORMS))('openTorch, %s', (_, form) => {
  it('reads tensors in part, into memory, and says what is wrong with a request', async () => {
    const checkpoint = await open(form(dict({ w: tensor({ shape: [2, 3] }), epoch: int(3) }), { 0: six }));
    expect(checkpoint.format).toBe('pytorch');
    expect(checkpoint.metadata).toEqual({ epoch: '3' });
    expect([...checkpoint.tensors.values()]).toEqual([{ name: 'w', dtype: 'F32', shape: [2, 3], byteLength: 24 }]);
    const into = new Uint8Array(new SharedArrayBuffer(12));
    await checkpoint.read('w', 8, 8, into);
    expect([...toFloat32(into.slice(), 'F32')]).toEqual([2, 3, 0]);
    await expect(checkpoint.read('v', 0, 1)).rejects.toThrow(/no such tensor; seen: "v" \(in x\.bin/);
    await expect(checkpoint.read('w', 20, 5)).rejects.toThrow(/outside the tensor.*tensor "w" of x\.bin/);
    await expect(checkpoint.read('w', 0, 8, new Uint8Array(4))).rejects.toThrow(/memory to read into is too small/);
  });

  it('reads views: offsets, transposed, repeated, several on one storage', async () => {
    const views = dict({
      tail: tensor({ shape: [2], offset: 4, count: 6 }),
      transposed: tensor({ shape: [3, 2], strides: [1, 3], count: 6 }),
      repeated: tensor({ shape: [2, 2], strides: [0, 5], count: 6 }),
      scalar: tensor({ shape: [], offset: 5, count: 6 }),
      empty: tensor({ shape: [0, 7], count: 6 }),
    });
    const bytes = form(views, { 0: six });
    expect(await values(bytes, 'tail')).toEqual([4, 5]);
    expect(await values(bytes, 'transposed')).toEqual([0, 3, 1, 4, 2, 5]);
    expect(await values(bytes, 'repeated')).toEqual([0, 5, 0, 5]);
    expect(await values(bytes, 'scalar')).toEqual([5]);
    expect(await values(bytes, 'empty')).toEqual([]);
    const checkpoint = await open(bytes);
    await expect(checkpoint.read('transposed', 0, 8, new Uint8Array(4))).rejects.toThrow(/too small/);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['more than its storage', tensor({ shape: [7], count: 6 }), /reaches outside its storage; seen: \[7\].*6 elements/],
    ['an offset too far', tensor({ shape: [1], offset: 6, count: 6 }), /outside its storage/],
    ['a stride too wide', tensor({ shape: [2], strides: [6], count: 6 }), /outside its storage/],
    ['an offset without elements', tensor({ shape: [0], offset: 7, count: 6 }), /outside its storage/],
    ['a negative size', tensor({ shape: [-1], count: 6 }), /shape of a tensor must be counts; seen: -1/],
    [
      'a negative offset',
      tensor({ shape: [1], offset: -1, count: 6 }),
      /storage offset of a tensor is no count; seen: -1/,
    ],
    ['too few strides', tensor({ shape: [1, 2], strides: [1], count: 6 }), /do not fit; seen: \[1,2\] and \[1\]/],
    [
      'endless repetition',
      tensor({ shape: [2 ** 30, 2 ** 20], strides: [0, 0], count: 6 }),
      /repeats its storage too often/,
    ],
    ['an overflow', tensor({ shape: [2 ** 30, 2 ** 30], strides: [0, 0], count: 6 }), /shape of a tensor overflows/],
    ['65 dimensions', tensor({ shape: Array(65).fill(1), count: 6 }), /too many dimensions; seen: 65/],
    ['no storage', call('torch._utils._rebuild_tensor', text('0'), int(0), tuple(), tuple()), /no storage; seen: "0"/],
    ['no shape', call('torch._utils._rebuild_tensor'), /tensor has no storage; seen: nothing/],
    ['a parameter of text', call('torch._utils._rebuild_parameter', text('0')), /parameter is made of no tensor/],
    ['bytes to load', call('torch.storage._load_from_bytes', bytesOf('C', 1, 'x')), /not on the list/],
    ['a negative count', tensor({ shape: [1], count: -1 }), /storage has no size; seen: -1/],
    ['another count', tensor({ shape: [1], count: 5 }), /another size than/],
    [
      'another key',
      tensor({ shape: [1], key: '1' }),
      /storage is not in the file; seen: "1"|listed but never used; seen: "0"/,
    ],
    ['a key that is a path', tensor({ shape: [1], key: '../0' }), /storage is not in the file|listed but never used/],
    ['an id of another kind', joined([tuple(text('module')), bytesOf('Q')]), /persistent id is no storage/],
    [
      'a class that is none',
      joined([tuple(text('storage'), global('torch.Size')), bytesOf('Q')]),
      /no known class; seen: torch\.Size/,
    ],
  ])('refuses a tensor with %s', async (_, value, message) => {
    const bytes = form(dict({ w: value }), { 0: six });
    await expect(open(bytes)).rejects.toThrow(message);
    await expect(open(bytes)).rejects.toThrow(expect.objectContaining({ name: 'FormatError' }));
  });

  it('closes its source when opening fails, and when it is closed', async () => {
    let closed = 0;
    const source = (bytes: Uint8Array) => ({ ...bytesSource(bytes, 'x'), close: async () => void closed++ });
    await expect(openTorch(source(form(bytesOf('N'), {})))).rejects.toThrow(/no state dict; seen: None/);
    expect(closed).toBe(1);
    await (await openTorch(source(form(bytesOf('}'), {})))).close();
    expect(closed).toBe(2);
  });

  it('gives the state dict of a training checkpoint by the names of the model', async () => {
    const root = dict({ step: tensor({ shape: [], count: 6 }), model: dict({ 'module.w': tensor({ shape: [6] }) }) });
    const all = await open(form(root, { 0: six }));
    expect([...all.tensors.keys()]).toEqual(['step', 'model.module.w']);
    expect(all.prefix).toBe('model.module.');
    const own = stateDictOf(all);
    expect([...own.tensors]).toEqual([['w', { name: 'w', dtype: 'F32', shape: [6], byteLength: 24 }]]);
    expect(await own.read('w', 20, 4)).toEqual(floats(5));
    await expect(own.read('step', 0, 4)).rejects.toThrow(/no such tensor/);
  });
});

describe('openTorch', () => {
  it('reads newer dtypes, whose storages are bytes', async () => {
    const storage = joined([
      tuple(text('storage'), global('torch.storage.UntypedStorage'), text('0'), text('cpu'), int(24)),
      bytesOf('Q'),
    ]);
    const rebuild = (dtype: Uint8Array) =>
      call(
        'torch._utils._rebuild_tensor_v3',
        storage,
        int(1),
        tuple(int(2)),
        tuple(int(1)),
        bytesOf('N'),
        bytesOf('N'),
        dtype,
      );
    const checkpoint = await open(torchZip(dict({ w: rebuild(global('torch.uint16')) }), { 0: six }));
    expect(checkpoint.tensors.get('w')).toEqual({ name: 'w', dtype: 'U16', shape: [2], byteLength: 4 });
    expect(await checkpoint.read('w', 0, 4)).toEqual(six.slice(2, 6));
    await expect(open(torchZip(dict({ w: rebuild(text('uint16')) }), { 0: six }))).rejects.toThrow(
      /tensor has no dtype/,
    );
  });

  it('reads plain values: sizes, devices, dtypes, sets, bytes, the dicts of Python 2', async () => {
    const root = dict({
      size: call('torch.Size', tuple(int(1))),
      device: call('torch.device', text('cpu')),
      dtype: global('torch.bfloat16'),
      set: call('__builtin__.set', joined([bytesOf(']('), int(1), bytesOf('e')])),
      bytes: call('_codecs.encode', text('ab'), text('latin1')),
      ordered: call(
        'collections.OrderedDict',
        joined([bytesOf(']('), tuple(text('w'), tensor({ shape: [6] })), bytesOf('e')]),
      ),
    });
    const checkpoint = await open(torchZip(root, { 0: six }));
    expect([...checkpoint.tensors.keys()]).toEqual(['ordered.w']);
    expect(checkpoint.metadata).toEqual({ device: 'cpu' });
  });

  it('does not let a pickle copy a long list many times', async () => {
    const pairs = bytesOf('](', tuple(text('k'), int(1)), 'eq', 0);
    const twice = joined([
      call('collections.OrderedDict', pairs),
      bytesOf('0'),
      call('collections.OrderedDict', bytesOf('h', 0)),
    ]);
    const checkpoint = await open(torchZip(dict({ w: tensor({ shape: [6] }), twice }), { 0: six }));
    expect([...checkpoint.tensors.keys()]).toEqual(['w']);
  });

  it.each<[string, Uint8Array, RegExp, string]>([
    ['no file', bytesOf(), /no PyTorch checkpoint; seen: an empty file/, 'FormatError'],
    ['a web page', bytesOf('<!DOCTYPE html>'), /this is a web page/, 'FormatError'],
    ['a Git LFS pointer', bytesOf('version https://'), /this is a Git LFS pointer/, 'FormatError'],
    ['a plain pickle', pickle(bytesOf('}')), /no PyTorch checkpoint; seen: a file that begins with/, 'FormatError'],
    [
      'another magic number',
      bytesOf(0x80, 2, 0x8a, 10, 'abcdefghij.'),
      /no PyTorch checkpoint; seen: an integer/,
      'FormatError',
    ],
    [
      'a program',
      torchZip(bytesOf('}'), {}, [{ name: 'archive/constants.pkl', data: bytesOf() }]),
      /TorchScript/,
      'UnsupportedError',
    ],
    [
      'two pickles',
      torchZip(bytesOf('}'), {}, [{ name: 'b/data.pkl', data: bytesOf() }]),
      /zip archive is no PyTorch/,
      'FormatError',
    ],
    [
      'no end of the pickle',
      torchZip(bytesOf('}.}'), {}),
      /something follows the pickle; seen: 2 bytes/,
      'FormatError',
    ],
    [
      'bytes behind the storages',
      bytesOf(torchLegacy(bytesOf('}'), {}), 0),
      /another size than its storages/,
      'FormatError',
    ],
  ])('refuses %s', async (_, bytes, message, name) => {
    await expect(open(bytes)).rejects.toThrow(message);
    await expect(open(bytes)).rejects.toThrow(expect.objectContaining({ name }));
  });

  it('refuses big-endian numbers', async () => {
    const zip = torchZip(bytesOf('}'), {});
    const at = zip.findIndex((_, i) => String.fromCharCode(...zip.subarray(i, i + 6)) === 'little');
    zip.set(bytesOf('biggie'), at);
    await expect(open(zip)).rejects.toThrow(/checksum of a member/);
    const legacy = torchLegacy(bytesOf('}'), {});
    legacy[legacy.indexOf(0x88)] = 0x89;
    await expect(open(legacy)).rejects.toThrow(/numbers are stored in an unknown order; expected: little_endian/);
  });

  it('reads parts of storages of old files, and refuses those that reach outside', async () => {
    const part = (offset: number, elements: number) => {
      const view = tuple(text('v'), int(offset), int(elements));
      const id = tuple(text('storage'), global('torch.FloatStorage'), text('0'), text('cpu'), int(6), view);
      return call('torch._utils._rebuild_tensor_v2', joined([id, bytesOf('Q')]), int(1), tuple(int(2)), tuple(int(1)));
    };
    expect(await values(torchLegacy(dict({ w: part(2, 3) }), { 0: six }))).toEqual([3, 4]);
    await expect(open(torchLegacy(dict({ w: part(2, 2) }), { 0: six }))).rejects.toThrow(/outside its storage/);
    await expect(open(torchLegacy(dict({ w: part(4, 3) }), { 0: six }))).rejects.toThrow(
      /part of a storage reaches outside/,
    );
  });

  it('compares the count in front of a storage of an old file when it reads from it', async () => {
    const bytes = torchLegacy(dict({ w: tensor({ shape: [6] }) }), { 0: six });
    bytes[bytes.length - 24 - 8] = 7;
    const checkpoint = await open(bytes);
    await expect(checkpoint.read('w', 0, 4)).rejects.toThrow(
      /another size than the file says; seen: 7 elements in "0"/,
    );
  });

  it('reads old files whose pickles are in frames', async () => {
    const bytes = torchLegacy(dict({ w: tensor({ shape: [6] }) }), { 0: six });
    const magic = bytes.slice(2, 15);
    expect(await values(bytesOf(0x80, 4, 0x95, u64(13), magic, bytes.subarray(15)))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('reads long pickles of old files, whose length is not written anywhere', async () => {
    const bytes = torchLegacy(dict({ note: text('n'.repeat(3 << 20)), w: tensor({ shape: [6] }) }), { 0: six });
    expect(await values(bytes)).toEqual([0, 1, 2, 3, 4, 5]);
    await expect(open(bytes.subarray(0, 2 << 20))).rejects.toThrow(/pickle ends in the middle/);
  });

  it('reads of a large file only what is asked for', async () => {
    const bytes = torchZip(dict({ w: tensor({ shape: [1 << 18] }) }), { 0: new Uint8Array(1 << 20) });
    let read = 0;
    const source = bytesSource(bytes);
    const counted = {
      ...source,
      read(offset: number, length: number, into?: Uint8Array) {
        read += length;
        return source.read(offset, length, into);
      },
    };
    const checkpoint = await openTorch(counted);
    await checkpoint.read('w', 4096, 4096);
    expect(read).toBeLessThan((1 << 17) + 8192);
  });
});
