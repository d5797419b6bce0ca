/** Weights files of every format, right ones and wrong ones, from which the cases about files are made. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { GGUF_DTYPES } from '../../src/formats/gguf-tensors.ts';
import {
  BLOCK_CODECS,
  bytesSource,
  encodeValues,
  FILE_DTYPES,
  type GgufMetadataToWrite,
  ggufBytes,
  isBlockDType,
  type TensorDType,
  type TensorToWrite,
  tensorBytes,
} from '../../src/formats/index.ts';
import { openZip } from '../../src/formats/zip.ts';
import { createRng } from '../../src/util/rng.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const FORMATS = path('../formats/data/');
const GOLDEN = path('../golden/data/');
/** Longer ones make cases slow and no other. */
const MOST_BYTES = 60_000;

export type Files = Readonly<Record<string, Uint8Array>>;
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}
/** A PyTorch archive, unpacked: its pickle can be edited without a checksum that tells. */
export interface Archive {
  readonly name: string;
  readonly members: readonly { readonly name: string; readonly data: Uint8Array }[];
}

export interface FormatMaterials {
  readonly safetensors: readonly NamedBytes[];
  readonly gguf: readonly NamedBytes[];
  readonly torch: readonly NamedBytes[];
  readonly archives: readonly Archive[];
  /** Folders of shards with their index. */
  readonly folders: readonly { readonly index: string; readonly files: Files }[];
  readonly splitGguf: Files;
  readonly adapterConfig: string;
}

function readFolder(folder: string, ending: string): NamedBytes[] {
  return readdirSync(folder)
    .filter(name => name.endsWith(ending))
    .map(name => ({ name, bytes: new Uint8Array(readFileSync(`${folder}/${name}`)) }))
    .filter(({ bytes }) => bytes.length <= MOST_BYTES);
}

/** Reads what is committed, and makes what is not: GGUF files of both versions, of every type, whole and in parts. */
export async function readFormatMaterials(): Promise<FormatMaterials> {
  const safetensors = ['safetensors-valid', 'safetensors-corrupt', '.'].flatMap(folder =>
    readFolder(FORMATS + folder, '.safetensors'),
  );
  const torch = ['pickle', 'pickle/hostile'].flatMap(folder => readFolder(FORMATS + folder, '.bin'));
  const archives = await Promise.all(
    readFolder(`${FORMATS}pickle`, '.bin')
      .filter(({ name }) => name.includes('.zip'))
      .map(async ({ name, bytes }) => ({ name, members: await unpacked(bytes) })),
  );
  const v3 = everyType();
  const gguf = [
    { name: 'every-type.v3', bytes: v3 },
    { name: 'every-type.v2', bytes: v3.with(4, 2) },
    ...readFolder(`${FORMATS}gguf`, '.gguf'),
  ];
  const shard = (name: string) => ({ name, bytes: safetensors[0]!.bytes });
  return {
    safetensors,
    gguf,
    torch,
    archives,
    folders: [
      indexed('model.safetensors.index.json', [shard('a.safetensors'), { ...safetensors[1]!, name: 'b.safetensors' }]),
      indexed('pytorch_model.bin.index.json', [{ ...torch[0]!, name: 'a.bin' }, shard('b.bin')]),
    ],
    splitGguf: split(),
    adapterConfig: readFileSync(`${GOLDEN}gpt2-lora/adapter_config.json`, 'utf8'),
  };
}

async function unpacked(bytes: Uint8Array): Promise<Archive['members']> {
  const zip = await openZip(bytesSource(bytes));
  return Promise.all(
    [...zip.members.values()].map(async member => ({
      name: member.name,
      data: await zip.readWhole(member, Number.MAX_SAFE_INTEGER),
    })),
  );
}

/** Files with an index that names a tensor of each. Which tensors they hold, the cases find out. */
function indexed(index: string, shards: readonly NamedBytes[]) {
  const weightMap = Object.fromEntries(shards.map(({ name }, i) => [`tensor.${i}`, name]));
  const json = { metadata: { total_size: 16 }, weight_map: weightMap };
  const files = shards.map(({ name, bytes }) => [name, bytes] as const);
  return { index, files: { [index]: new TextEncoder().encode(JSON.stringify(json)), ...Object.fromEntries(files) } };
}

const METADATA: GgufMetadataToWrite = {
  'general.architecture': 'llama',
  'general.alignment': { type: 'U32', value: 32 },
  'a.flag': true,
  'a.flags': [true, false, true],
  'a.texts': ['a', '', 'Straße'],
  'a.lists': [[['x'], []], [['y']]],
  'a.numbers': [Float32Array.of(1, 2), Uint8Array.of(3)],
  'a.longs': BigInt64Array.of(-1n, 2n ** 40n),
  'a.u8': { type: 'U8', value: 200 },
  'a.i16': { type: 'I16', value: -3 },
  'a.f64': { type: 'F64', value: 0.1 },
  'a.u64': { type: 'U64', value: 2n ** 63n },
};

/** A tensor of noise; no block type has more than 256 values in a block. */
function noise(name: string, dtype: TensorDType, shape: readonly number[], seed: number): TensorToWrite {
  const rng = createRng(seed);
  const bytes = Uint8Array.from({ length: tensorBytes(dtype, shape)! }, () => rng.below(256));
  return { name, dtype, shape, chunks: () => [bytes] };
}

function everyType(): Uint8Array {
  const dtypes = new Set(Object.values(GGUF_DTYPES));
  const tensors = [...dtypes].map((dtype, i) => noise(`tensor.${dtype}`, dtype, [2, rowOf(dtype)], i));
  return ggufBytes([...tensors, noise('scalar', 'F32', [], 99), noise('empty', 'F32', [0, 4], 98)], METADATA);
}
const rowOf = (dtype: TensorDType) => (isBlockDType(dtype) ? BLOCK_CODECS[dtype].elements : 3);

function split(): Files {
  const part = (no: number) =>
    ggufBytes(
      [{ name: `part.${no}`, dtype: 'F16', shape: [4], chunks: () => [encodeValues(new Float32Array(4), 'F16')] }],
      {
        'split.no': { type: 'U16', value: no },
        'split.count': { type: 'U16', value: 3 },
        'split.tensors.count': { type: 'I32', value: 3 },
      },
    );
  return Object.fromEntries([0, 1, 2].map(no => [`m-0000${no + 1}-of-00003.gguf`, part(no)]));
}

/** Dtypes by which the files are held to be complete. */
export const ALL_DTYPES: readonly TensorDType[] = [...new Set([...FILE_DTYPES, ...Object.values(GGUF_DTYPES)])];
