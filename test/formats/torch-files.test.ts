/** Every PyTorch file of `data/pickle`: valid ones are read bit by bit, hostile ones are refused with their fault; and checkpoints of models give what their safetensors files give. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  blobSource,
  bytesSource,
  type FileDType,
  openCheckpoint,
  openTorch,
  toFloat32,
  toInt32,
} from '../../src/formats/index.ts';
import { typedView } from '../../src/util/bytes.ts';

const path = (name: string) => fileURLToPath(new URL(`data/pickle/${name}`, import.meta.url));
const bytesOf = (name: string) => new Uint8Array(readFileSync(path(name)));
const filesIn = (folder: string) => readdirSync(path(folder)).filter(name => name.endsWith('.bin'));

type Value = number | string | boolean;
type Nested = Value | Nested[];
interface Expected {
  readonly tensors: Record<string, { dtype: FileDType; shape: number[]; values: Nested }>;
  readonly plain_values?: Record<string, unknown>;
}
const expected = JSON.parse(readFileSync(path('expected.json'), 'utf8')) as Record<string, Expected>;
const flatten = (values: Nested): Value[] => (Array.isArray(values) ? values.flatMap(flatten) : [values]);

/** All elements, exactly. */
function elements(raw: Uint8Array, dtype: FileDType): (number | bigint)[] {
  if (dtype === 'I64') return [...typedView(BigInt64Array, raw)];
  if (dtype === 'F64') return [...typedView(Float64Array, raw)];
  return [...(/^B?F/.test(dtype) ? toFloat32(raw, dtype) : toInt32(raw, dtype))];
}
const element = (value: Value, dtype: FileDType) =>
  dtype === 'I64' ? BigInt(value) : dtype === 'F64' ? Number(value) : Math.fround(Number(value));

describe('valid files', () => {
  it('are all described', () => {
    expect([...new Set(filesIn('.').map(name => name.split('.')[0]!))].sort()).toEqual(Object.keys(expected).sort());
    expect(filesIn('.').length).toBe(26);
  });

  it.each(filesIn('.'))('%s is read bit by bit', async name => {
    const { tensors, plain_values } = expected[name.split('.')[0]!]!;
    const bytes = bytesOf(name);
    for (const source of [bytesSource(bytes), blobSource(new Blob([bytes as Uint8Array<ArrayBuffer>]))]) {
      const checkpoint = await openTorch(source);
      expect([...checkpoint.tensors.keys()]).toEqual(Object.keys(tensors));
      for (const [key, { dtype, shape, values }] of Object.entries(tensors)) {
        const entry = checkpoint.tensors.get(key)!;
        expect([entry.dtype, entry.shape]).toEqual([dtype, shape]);
        const raw = await checkpoint.read(key, 0, entry.byteLength);
        expect(elements(raw, dtype)).toEqual(flatten(values).map(value => element(value, dtype)));
        for (let offset = 0; offset < entry.byteLength; offset += 3) {
          const part = await checkpoint.read(key, offset, Math.min(7, entry.byteLength - offset));
          expect(part).toEqual(raw.slice(offset, offset + 7));
        }
      }
      const plain = Object.entries(plain_values ?? {}).filter(([, value]) => typeof value !== 'object');
      expect(checkpoint.metadata).toEqual(Object.fromEntries(plain.map(([key, value]) => [key, String(value)])));
    }
  });

  it('are opened as models by the names of their state dicts', async () => {
    const names = async (file: string) => {
      const checkpoint = await openCheckpoint(path(file));
      await checkpoint.close();
      return [...checkpoint.tensors.keys()];
    };
    expect(await names('training_checkpoint.zip.bin')).toEqual(['w']);
    expect(await names('prefixed.legacy.bin')).toEqual(['layer.weight', 'layer.bias']);
    expect(await names('tied.zip_p4.bin')).toEqual(['embed.weight', 'head.weight']);
  });
});

const forbidden = (name: string) => new RegExp(`not on the list of what a checkpoint may hold; seen: "${name}"`);
const outside = /tensor reaches outside its storage/;
const foreign = /no PyTorch checkpoint; seen: a file that begins with/;

/** What the message about each hostile file must say. */
const FAULTS: Record<string, RegExp> = {
  'os_system.zip.bin': forbidden('posix\\.system'),
  'os_system_top.zip.bin': forbidden('posix\\.system'),
  'os_system.legacy.bin': forbidden('posix\\.system'),
  'os_system_top.legacy.bin': forbidden('posix\\.system'),
  'popen_p4.bin': forbidden('subprocess\\.Popen'),
  'eval.bin': forbidden('__builtin__\\.eval'),
  'exec.bin': forbidden('__builtin__\\.exec'),
  'getattr_import.bin': forbidden('__builtin__\\.getattr'),
  'whole_module.bin': forbidden('torch\\.nn\\.modules\\.linear\\.Linear'),
  'namespace.bin': forbidden('argparse\\.Namespace'),
  'dotted_name.zip.bin': forbidden('torch\\.os\\.path\\.os\\.name'),
  'raw_pickle_os_system.bin': foreign,
  'inst_opcode.bin': foreign,
  'not_a_checkpoint.bin': /begins with "<!DOCTYP".*to do: fetch the file itself: this is a web page/,
  'git_lfs_pointer.bin': /to do: fetch the file itself: this is a Git LFS pointer/,
  'inst_opcode.zip.bin': /opcode is not allowed in a checkpoint; seen: 0x53 \("S"\)/,
  'ext_opcode.zip.bin': /opcode is not allowed in a checkpoint; seen: 0x82/,
  'unknown_opcode.zip.bin': /opcode is not allowed in a checkpoint; seen: 0xf0/,
  'size_beyond_storage.zip.bin': outside,
  'offset_beyond_storage.zip.bin': outside,
  'stride_beyond_storage.zip.bin': outside,
  'negative_stride.zip.bin': /strides of a tensor must be counts; seen: -1/,
  'negative_size.zip.bin': /shape of a tensor must be counts; seen: -4/,
  'huge_expand.zip.bin': /tensor repeats its storage too often; seen: \[1048576,1048576\] with strides \[0,0\]/,
  'storage_too_short.zip.bin': /another size than the file says; seen: 16 bytes in "0"; expected: 4000/,
  'zip_bomb.zip.bin': /another size than the file says; seen: 67108864 bytes in "0"; expected: 16/,
  'missing_storage.zip.bin': /storage is not in the file; seen: "7"/,
  'path_storage_key.zip.bin': /storage is not in the file; seen: "\.\.\/\.\.\/outside"/,
  'truncated.zip.bin': /zip archive has no directory at its end.*fetch the file again/,
  'truncated.legacy.bin': /another size than its storages; seen: 1530 bytes; expected: 1550.*fetch the file again/,
  'stack_underflow.zip.bin': /needs more values than there are; seen: 0; expected: 2/,
  'no_stop.zip.bin': /pickle ends in the middle; seen: 0 bytes left/,
  'long_string.zip.bin': /pickle ends in the middle; seen: 4 bytes left; expected: 4294967280 more/,
  'memo_missing.zip.bin': /never stored in the memo; seen: index 5/,
  'self_reference.zip.bin': /holds no state dict; seen: a list of 1/,
  'billion_laughs.zip.bin': /values left over; seen: 41 values/,
  'deep_nesting.zip.bin': /values left over; seen: 0 values and 100000 marks/,
};

describe('hostile files', () => {
  it('are all described', () => expect(filesIn('hostile').sort()).toEqual(Object.keys(FAULTS).sort()));

  it.each(Object.entries(FAULTS))('%s is refused by file name and fault', async (name, message) => {
    await expect(openCheckpoint(path(`hostile/${name}`))).rejects.toThrow(message);
    await expect(openCheckpoint(path(`hostile/${name}`))).rejects.toThrow(
      expect.objectContaining({ name: 'FormatError' }),
    );
    await expect(openCheckpoint(path(`hostile/${name}`))).rejects.toThrow(name);
  });

  it('run nothing', () => expect(existsSync('PICKLE_CODE_RAN.txt')).toBe(false));
});

const golden = fileURLToPath(new URL('../../../shared/golden/', import.meta.url));

describe.skipIf(!existsSync(golden))('golden checkpoints (skipped where ../shared/golden is absent)', () => {
  it.each([
    ['gpt2-bin', 'gpt2'],
    ['gpt2-bin-legacy', 'gpt2'],
    ['gpt2-bin-sharded', 'gpt2'],
    ['deberta-v3-bin', 'deberta-v3-seqcls'],
    ['deberta-v3-bin-legacy', 'deberta-v3-seqcls'],
  ])('%s holds the tensors of %s', async (folder, reference) => {
    const [torch, safetensors] = [await openCheckpoint(golden + folder), await openCheckpoint(golden + reference)];
    expect(torch.format).toBe('pytorch');
    // Buffers and tied matrices are in PyTorch files besides.
    expect([...torch.tensors.keys()]).toEqual(expect.arrayContaining([...safetensors.tensors.keys()]));
    for (const { name, shape, byteLength } of safetensors.tensors.values()) {
      expect(torch.tensors.get(name)?.shape).toEqual(shape);
      expect(await torch.read(name, 0, byteLength)).toEqual(await safetensors.read(name, 0, byteLength));
    }
    await torch.close();
    await safetensors.close();
  });

  it('has the files that are kept here', () => {
    const kept = [...filesIn('.'), ...filesIn('hostile').map(name => `hostile/${name}`), 'expected.json'];
    for (const name of kept) {
      expect(new Uint8Array(readFileSync(`${golden}formats/pickle/${name}`))).toEqual(bytesOf(name));
    }
    const there = readdirSync(`${golden}formats/pickle`).filter(name => name.endsWith('.bin'));
    expect(there.sort()).toEqual(filesIn('.').sort());
  });
});
